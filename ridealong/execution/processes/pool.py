"""Processes that do the heavy items of a pipeline, beside the one that runs it.

Much of the work on a clip is Python's own, so threads would wait for each other. The processes are
started afresh (forking under Delta's and Arrow's threads is not safe), when the first item comes,
and end with their owner: their input ends when it does, however it ends.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

_ENVIRONMENT = {
    # A process a core: libraries' own threads would only get in each other's way.
    "OMP_NUM_THREADS": "1",
    # Arrays come and go by the megabyte. To give their memory back to the system each time, and
    # get it again a page at a time, took a twentieth of a replay. (glibc alone reads these.)
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
_MOST = 8  # processes, of 400 MB to 1 GB each
_LOCK = threading.Lock()
_OF_COMMIT: dict[str, "Helpers"] = {}


class ProcessDiedError(Exception):
    """The process that did an item is gone; the message says how it ended."""


class Helpers(Protocol):
    """Whoever does the items of a pipeline in its steps' place."""

    def do(self, item: Any) -> Any:
        """Do one item; raises `ProcessDiedError` if its process died of it."""


def cores() -> int:
    """Cores to be used: all that this process may use, within reason."""
    may = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(may or 1, _MOST)


class Processes(Generic[Job, Outcome]):
    """A few processes; a thread that has an item waits for one that is free, and for the outcome.

    Args:
        make: Makes, in each process, what turns one item into its outcome. It is pickled, as are
            items and outcomes.
        count: How many.
    """

    def __init__(self, make: Callable[[], Callable[[Job], Outcome]], count: int) -> None:
        self._all = [_Process(pickle.dumps(make)) for _ in range(count)]
        self._free: SimpleQueue[_Process] = SimpleQueue()
        for process in self._all:
            self._free.put(process)

    def do(self, item: Job) -> Outcome:
        """Do one item.

        Raises:
            ProcessDiedError: The process died of it; the next item finds a new one.
        """
        process = self._free.get()
        try:
            outcome: Outcome = process.do(item)
            return outcome
        finally:
            self._free.put(process)

    def close(self) -> None:
        """End all processes, also those that are in the midst of an item."""
        for process in self._all:
            process.close()


class _Process:
    """One process; started for its first item, and again if it died."""

    def __init__(self, make: bytes) -> None:
        self._make = make
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = threading.Lock()  # between starting and closing

    def do(self, item: object) -> Any:
        try:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            pickle.dump(item, process.stdin)
            process.stdin.flush()
            return pickle.load(process.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:  # dead, or closed
            raise ProcessDiedError(f"the process {self._end()}") from error
        except BaseException:  # the pipes may hold half of something
            self._kill()
            raise

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()
        self._end()

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._closed:
                raise BrokenPipeError
            if self._process is None:
                self._process = _start()
                assert self._process.stdin is not None
                self._process.stdin.write(self._make)
            return self._process

    def _end(self) -> str:
        """Wait for the process to end, and say how it did."""
        process, self._process = self._process, None
        if process is None:
            return "has ended"
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        code = process.wait()
        process.stdout.close()
        if code < 0:
            return f"that did it died ({signal.Signals(-code).name})"
        return f"that did it ended with {code}"


def _start() -> "subprocess.Popen[bytes]":
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        # -P: what lies in the working folder is not ours to import.
        [sys.executable, "-P", "-W", "ignore", "-m", "ridealong.execution.processes.serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # errors come as outcomes
        env=os.environ | {"PYTHONPATH": path} | _ENVIRONMENT,
    )


@contextmanager
def helped(
    commit_id: str, make: Callable[[], Callable[[Job], Outcome]], count: int
) -> Iterator[None]:
    """Have the items of a commit done by processes, wherever in this process they come up.

    What comes up after the end is not done: a runner's threads may go on for a while after Ctrl-C.
    """
    processes = Processes(make, count)
    offer(commit_id, processes)
    try:
        yield
    finally:
        processes.close()


def offer(commit_id: str, helpers: Helpers) -> None:
    """Let these do the items of a commit, wherever in this process they come up."""
    with _LOCK:
        _OF_COMMIT[commit_id] = helpers


def helpers_of(commit_id: str) -> Helpers | None:
    """Who does a commit's items, or did; None where nobody was ever offered."""
    with _LOCK:
        return _OF_COMMIT.get(commit_id)
