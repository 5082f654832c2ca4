"""Beam's embedded runner: guarded while a pipeline runs, and untouched before and after."""

import importlib
import pkgutil
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from apache_beam.runners.portability.fn_api_runner.execution import BundleContextManager

import ingest
import metrics
import shadow
from ridealong.execution import embedded


class SlowStep(BundleContextManager):
    """A step of Beam's embedded runner whose coder takes a while to make, as real ones do."""

    def __init__(self) -> None:
        self.execution_context: Any = SimpleNamespace(pcoll_buffers={})

    def get_input_coder_impl(self, transform_id: str) -> Any:
        time.sleep(0.05)
        return None


def buffers_of_four_threads() -> int:
    step, ready = SlowStep(), threading.Barrier(4)

    def ask(_: int) -> Any:
        ready.wait()
        return step.get_buffer(b"materialize:step", "step")

    with ThreadPoolExecutor(4) as pool:
        return len({id(buffer) for buffer in pool.map(ask, range(4))})


def test_threads_that_finish_at_once_write_to_one_buffer() -> None:
    # Beam alone makes several, of which all but the last are lost with what was written to them.
    assert buffers_of_four_threads() > 1  # if this fails, Beam needs no guard any more
    with embedded.guarded():
        assert buffers_of_four_threads() == 1
        with embedded.guarded():
            pass
        assert buffers_of_four_threads() == 1  # the outer one still runs
    assert buffers_of_four_threads() > 1


@pytest.mark.slow
def test_importing_everything_leaves_beam_as_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries' own
        for package in (ingest, metrics, shadow):
            for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
                importlib.import_module(module.name)
        importlib.import_module("ridealong")
    assert BundleContextManager.get_buffer.__module__ == BundleContextManager.__module__
    with embedded.guarded():
        assert BundleContextManager.get_buffer.__module__ == embedded.__name__


def test_another_beam_is_not_patched_and_gets_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embedded.caution() is None
    assert "--direct_num_workers=6" in embedded.arguments(6)
    monkeypatch.setattr(embedded.apache_beam, "__version__", "2.99.0")
    assert "2.99.0 is not a version" in str(embedded.caution())
    assert "--direct_num_workers=1" in embedded.arguments(6)
    with embedded.guarded():
        assert buffers_of_four_threads() > 1
