"""Processes that do the heavy items of a pipeline, beside the process that runs it.

Much of the work on a clip is Python's own, so threads would wait for each other. Each process is
started when its first item comes. It is started afresh, because forking is not safe under the
threads of Delta and Arrow. It exits when its parent does, because its input ends then.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

_ENVIRONMENT = {
    # There is one process a core: threads of libraries would only get in each other's way.
    "OMP_NUM_THREADS": "1",
    # Arrays come and go by the megabyte. Returning their memory to the system each time, and
    # getting it back page by page, took 5% of a replay. (Only glibc reads these.)
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
_MOST = 8  # processes, of 400 MB to 1 GB each


class ProcessDiedError(Exception):
    """The process of an item died; the message describes how it exited."""


class Workers(Protocol):
    """Does the items of a pipeline in place of the pipeline's own threads."""

    def do(self, item: Any) -> Any:
        """Do one item.

        Raises:
            ProcessDiedError: The item's process died.
        """


def cores() -> int:
    """How many cores to use: those that this process may use, but not more than 8."""
    may = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(may or 1, _MOST)


class Processes(Generic[Job, Outcome]):
    """A few processes; a thread with an item waits for a free process, and for the outcome.

    Args:
        make: Called once in each process; gives the function that turns an item into its outcome.
            It is pickled, and so are items and outcomes.
        count: How many processes.
    """

    def __init__(self, make: Callable[[], Callable[[Job], Outcome]], count: int) -> None:
        self._all = [_Process(pickle.dumps(make)) for _ in range(count)]
        self._free: SimpleQueue[_Process] = SimpleQueue()
        for process in self._all:
            self._free.put(process)

    def do(self, item: Job) -> Outcome:
        """Do one item.

        Raises:
            ProcessDiedError: The process died; the next item gets a new one.
        """
        process = self._free.get()
        try:
            outcome: Outcome = process.do(item)
            return outcome
        finally:
            self._free.put(process)

    def close(self) -> None:
        """End all processes, also those that are busy with an item."""
        for process in self._all:
            process.close()


class AtMost(Generic[Job, Outcome]):
    """Items are done in the threads that bring them, but not more than ``count`` at once."""

    def __init__(self, do: Callable[[Job], Outcome], count: int) -> None:
        self._do, self._free = do, threading.BoundedSemaphore(count)

    def do(self, item: Job) -> Outcome:
        """Do one item, as soon as there is room for it."""
        with self._free:
            return self._do(item)


class Retrying:
    """Workers that try an item again if its process died.

    It may have been killed because another one used up the memory.

    Args:
        workers: Who does the items.
        tries: How many processes an item may have.
    """

    def __init__(self, workers: Workers, tries: int = 2) -> None:
        self._workers, self._tries = workers, tries

    def do(self, item: Any) -> Any:
        """Do one item.

        Raises:
            ProcessDiedError: All processes that tried it died.
        """
        for _ in range(self._tries - 1):
            with suppress(ProcessDiedError):
                return self._workers.do(item)
        try:
            return self._workers.do(item)
        except ProcessDiedError as error:
            if self._tries == 1:
                raise
            times = "twice" if self._tries == 2 else f"{self._tries} times"
            raise ProcessDiedError(f"tried {times}; {error}") from error


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
        """Wait for the process to end, and describe how it ended."""
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
        # -P: do not import from the working folder.
        [sys.executable, "-P", "-W", "ignore", "-m", "ridealong.execution.processes.serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # errors come as outcomes
        env=os.environ | {"PYTHONPATH": path} | _ENVIRONMENT,
    )
