import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import yaml

from shadow.networks.hydranet.config import HydraNetCamera, HydraNetConfig, possible_predictions
from shadow.networks.hydranet.initialise import initialise
from tests.oracles.networks import open_folder

TINY = HydraNetConfig(stem=16, widths=(16, 16, 16, 16), depths=(1, 1, 1, 1), pyramid=16)
CAMERAS = (HydraNetCamera.MAIN, HydraNetCamera.REAR)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Networks this small are not worth sharing out, and waiting threads slow each other down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def manifest_of(sha256: str = "0" * 64, **changes: object) -> dict[str, object]:
    """A manifest of a tiny network of two cameras, as a document."""
    config = changes.pop("config", TINY)
    assert isinstance(config, HydraNetConfig)
    document: dict[str, object] = {
        "name": "tiny",
        "version": "1",
        "description": "For tests.",
        "licence": "Apache-2.0",
        "trained": "no",
        "artifact": "weights.safetensors",
        "sha256": sha256,
        "kind": "safetensors",
        "architecture": "hydranet",
        "config": config.model_dump(mode="json"),
        "inputs": {"cameras": ["main", "rear"], "height": 64, "width": 96, "rate_hz": 5.0},
        "predictions": possible_predictions(config, CAMERAS),
    }
    return document | changes


@pytest.fixture
def manifest_document():
    """`manifest_of`."""
    return manifest_of


@pytest.fixture
def tiny():
    """The config of the tiny network."""
    return TINY


@pytest.fixture
def write_network(tmp_path: Path) -> Callable[..., Path]:
    """Write a tiny network to disk; gives the path of its manifest."""

    def write(seed: int = 1, folder: str = "tiny", **changes: object) -> Path:
        config = changes.get("config", TINY)
        assert isinstance(config, HydraNetConfig)
        content = safetensors.torch.save(initialise(config, seed))
        path = tmp_path / folder / "manifest.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "weights.safetensors").write_bytes(content)
        document = manifest_of(hashlib.sha256(content).hexdigest(), **changes)
        path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        return path

    return write


@pytest.fixture
def network(write_network):
    return open_folder(write_network())


@pytest.fixture
def frames():
    """Seven frames of both cameras, at sizes that differ from each other and from the input's."""
    generator = np.random.default_rng(5)
    return {
        "main": generator.integers(0, 256, (7, 128, 192, 3), dtype=np.uint8),
        "rear": generator.integers(0, 256, (7, 64, 96, 3), dtype=np.uint8),
    }


@pytest.fixture
def timestamps_ns():
    return np.arange(7, dtype=np.int64) * 200_000_000
