"""Beam's embedded runner: threads of this process, and the guard that they need.

The runner makes the buffer for a step's output in the first thread that needs it. It checks without
a lock whether the buffer exists. If two threads finish at once, they make two buffers, and the
output in the first one is lost. On 2.77, 323 of 3,822 clips were lost, which was noticed because
the counts did not add up.

So that method is replaced by one with a lock, while a pipeline runs here. With a version of Beam
that this was not tested with, nothing is replaced and only one thread works: that is slower, but
nothing can be lost.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apache_beam

TESTED = frozenset({"2.77.0"})


def is_tested() -> bool:
    """Whether the guard was tested with the embedded runner of this version of Beam."""
    return apache_beam.__version__ in TESTED


def caution() -> str | None:
    """A note for the user about the installed version of Beam; None if it was tested."""
    if is_tested():
        return None
    return (
        f"Apache Beam {apache_beam.__version__} is not a version that ridealong was tested with "
        f"({', '.join(sorted(TESTED))}): the embedded runner works with one thread, which is slower"
    )


def arguments(workers: int) -> list[str]:
    """Beam's arguments for the embedded runner.

    It uses threads of this process: Arrow and numpy release the GIL, and Beam's own processes would
    take seconds to start. Heavy items are done by `ridealong.execution.processes`.
    """
    if not is_tested():
        return ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1"]
    mode = "--direct_running_mode=multi_threading"
    return ["--runner=FnApiRunner", mode, f"--direct_num_workers={workers}"]


class _Guard:
    """Replaces the method by one with a lock, once, however many pipelines run at a time."""

    def __init__(self) -> None:
        self._lock, self._running = threading.Lock(), 0
        self._unguarded: Any = None

    def enter(self) -> None:
        with self._lock:
            if not self._running:
                runner = _runner()
                self._unguarded = runner.get_buffer
                runner.get_buffer = _with_lock(runner.get_buffer)
            self._running += 1

    def leave(self) -> None:
        with self._lock:
            self._running -= 1
            if not self._running:
                _runner().get_buffer = self._unguarded


_GUARD = _Guard()


@contextmanager
def guarded() -> Iterator[None]:
    """While a pipeline runs, prevent the embedded runner's threads from losing output."""
    if not is_tested():
        yield
        return
    _GUARD.enter()
    try:
        yield
    finally:
        _GUARD.leave()


def _runner() -> Any:
    """The embedded runner's class that makes buffers."""
    from apache_beam.runners.portability.fn_api_runner.execution import BundleContextManager

    return BundleContextManager


def _with_lock(unguarded: Any) -> Any:
    lock = threading.Lock()

    def get_buffer(self: Any, buffer_id: bytes, transform_id: str) -> Any:
        with lock:
            return unguarded(self, buffer_id, transform_id)

    return get_buffer
