"""Beam's embedded runner: threads of this process, and the guard that they need.

The runner makes the buffer of a step's output in whichever thread first needs it, and looks whether
it is there without a lock. Two threads that finish at once made two buffers, and what the first
had written was gone (seen on 2.77: 323 of 3,822 clips lost, noticed because the counts did not add
up). So its method is replaced by one with a lock, for as long as a pipeline runs here and no
longer. With a Beam that this was not tested with, nothing is replaced and one thread does the work:
slower, but nothing can be lost that way.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apache_beam

TESTED = frozenset({"2.77.0"})


def is_tested() -> bool:
    """Whether this is a Beam whose embedded runner the guard was tested with."""
    return apache_beam.__version__ in TESTED


def caution() -> str | None:
    """What a user should know about the installed Beam; None where all is well."""
    if is_tested():
        return None
    return (
        f"Apache Beam {apache_beam.__version__} is not a version that ridealong was tested with "
        f"({', '.join(sorted(TESTED))}): the embedded runner works with one thread, which is slower"
    )


def arguments(workers: int) -> list[str]:
    """Beam's arguments for the embedded runner.

    Threads in this process: Arrow and numpy release the GIL, and Beam's own processes would take
    seconds to start; what is heavier is done by `ridealong.execution.processes`.
    """
    if not is_tested():
        return ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1"]
    mode = "--direct_running_mode=multi_threading"
    return ["--runner=FnApiRunner", mode, f"--direct_num_workers={workers}"]


class _Guard:
    """Puts the method with a lock in its place, once however many pipelines run at a time."""

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
    """Keep threads of the embedded runner from losing each other's output while a pipeline runs."""
    if not is_tested():
        yield
        return
    _GUARD.enter()
    try:
        yield
    finally:
        _GUARD.leave()


def _runner() -> Any:
    """The class of the embedded runner that makes buffers."""
    from apache_beam.runners.portability.fn_api_runner.execution import BundleContextManager

    return BundleContextManager


def _with_lock(unguarded: Any) -> Any:
    lock = threading.Lock()

    def get_buffer(self: Any, buffer_id: bytes, transform_id: str) -> Any:
        with lock:
            return unguarded(self, buffer_id, transform_id)

    return get_buffer
