"""Processes that cut clips, beside the one that runs the pipeline.

Half of the work of a rendered clip is Python's own, so threads would wait for each other. The
processes are started afresh (forking under Delta's and Arrow's threads is not safe), when the first
clip comes, and end with their owner: their input ends when it does, however it ends.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from ingest.clips.cut import ClipJob, ClipOutcome
from ingest.failures import DISK_FULL

_MOST = 8  # processes, of some 400 MB each
_LOCK = threading.Lock()
_OF_COMMIT: dict[str, "ClipWorkers"] = {}


def cores() -> int:
    """Cores to be used: all that this process may use, within reason."""
    may = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(may or 1, _MOST)


class ClipWorkers:
    """A few processes; a thread that has a clip cut waits for one that is free, and for the clip.

    Once the disk is full, further clips fail at once.
    """

    def __init__(self, home: Path, commit_id: str, count: int) -> None:
        self._workers = [_Worker(home, commit_id) for _ in range(count)]
        self._free: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)
        self._full = False

    def cut(self, job: ClipJob) -> ClipOutcome:
        """Cut one clip; a process that dies of it fails that clip alone."""
        worker = self._free.get()
        try:
            if self._full:
                return ClipOutcome(job.window.clip_id, failure=DISK_FULL)
            outcome = worker.cut(job)
            self._full |= outcome.failure == DISK_FULL
            return outcome
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """End all processes, also those that are in the midst of a clip."""
        for worker in self._workers:
            worker.close()


class _Worker:
    """One process; started for its first clip, and again if it died."""

    def __init__(self, home: Path, commit_id: str) -> None:
        self._arguments = [str(home.absolute()), commit_id]
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = threading.Lock()  # between starting and closing

    def cut(self, job: ClipJob) -> ClipOutcome:
        try:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            pickle.dump(job, process.stdin)
            process.stdin.flush()
            outcome: ClipOutcome = pickle.load(process.stdout)
            return outcome
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):  # dead, or closed
            return ClipOutcome(job.window.clip_id, failure=f"the process {self._end()}")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
        self._end()

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._closed:
                raise BrokenPipeError
            if self._process is None:
                self._process = _start(self._arguments)
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
            return f"that cut it died ({signal.Signals(-code).name})"
        return f"that cut it ended with {code}"


def _start(arguments: list[str]) -> "subprocess.Popen[bytes]":
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        # -P: what lies in the working folder is not ours to import.
        [sys.executable, "-P", "-W", "ignore", "-m", "ingest.clips.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # errors come as outcomes
        # A process a core: libraries' own threads would only get in each other's way.
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )


@contextmanager
def clip_workers(home: Path, commit_id: str, count: int) -> Iterator[None]:
    """Have the clips of a commit cut by processes, wherever in this process they are cut."""
    workers = ClipWorkers(home, commit_id, count)
    with _LOCK:
        _OF_COMMIT[commit_id] = workers
    try:
        yield
    finally:
        with _LOCK:
            del _OF_COMMIT[commit_id]
        workers.close()


def workers_of(commit_id: str) -> ClipWorkers | None:
    """The processes that cut a commit's clips; None in another process than their owner's."""
    with _LOCK:
        return _OF_COMMIT.get(commit_id)
