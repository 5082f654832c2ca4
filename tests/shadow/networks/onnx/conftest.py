from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from shadow.networks.onnx.network import OnnxNetwork
from tests.oracles.graphs import write_model
from tests.oracles.networks import open_folder


@pytest.fixture
def open_model(tmp_path: Path) -> Iterator[Callable[..., OnnxNetwork]]:
    """Opens a model with a manifest; see `write_model`."""
    with ExitStack() as stack:

        def open_it(model: Any = None, **changes: Any) -> OnnxNetwork:
            network = open_folder(write_model(tmp_path / "model", model, **changes))
            assert isinstance(network, OnnxNetwork)
            return stack.enter_context(closing(network))

        yield open_it
