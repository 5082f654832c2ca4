"""Long commands that a page starts: one process each, with its progress.

A job is a `ridealong` command in a process of its own, on the dashboard's home, in an empty folder
of its own. Its progress lines on standard error (``clips: 12/44``) are read as it runs. Jobs live
as long as the server; what they write to the lake is committed by the commands themselves.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from dashboard import session
from dashboard.actions.audit import now_ns
from ridealong.errors import RidealongError
from ridealong.terminal.console import PROGRESS_VARIABLE

MOST_RUNNING = 2  # at a time; others wait
MOST_WAITING = 20
MOST_ENDED = 30  # kept for people to read
MOST_BYTES = 16_000_000  # of the JSON that a command prints
MOST_NOTES = 20
LINE_BYTES = 10_000
PATIENCE_S = 10.0  # until a command that does not end is interrupted more firmly
PROGRESS = re.compile(r"(.+): (\d+)/(\d+)")


class State(StrEnum):
    """What a job does."""

    WAITING = "waiting"  # for other jobs to end
    RUNNING = "running"
    DONE = "done"  # exit code 0 or 1: a verdict, whatever it is
    FAILED = "failed"
    STOPPED = "stopped"  # by a person

    @property
    def ended(self) -> bool:
        """Whether it does nothing any more."""
        return self not in (State.WAITING, State.RUNNING)


@dataclass(frozen=True)
class Job:
    """One job as it is now.

    Attributes:
        job_id: Names it on pages and in addresses.
        title: What it does, for people.
        command: The words after ``ridealong``.
        started_ns: When it was asked for.
        state: What it does now.
        step: The newest progress line, such as ``clips: 12/44``; empty before the first.
        done, total: The numbers in it; None without.
        result: The JSON that the command printed; None before it has ended, or if it failed.
        error: Its one line of error; None without.
        notes: Its newest other lines on standard error, such as warnings.
        said: Its result in a sentence of Markdown; None before it is done.
    """

    job_id: str
    title: str
    command: tuple[str, ...]
    started_ns: int
    state: State
    step: str = ""
    done: int | None = None
    total: int | None = None
    result: Any = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    said: str | None = None


Summary = Callable[[Any], str]


@dataclass
class _Process:
    """A job and what runs it; `Jobs` holds the lock for all of it."""

    job: Job
    home: Path
    summary: Summary
    files: Mapping[str, str]
    popen: subprocess.Popen[bytes] | None = None
    follower: threading.Thread | None = None
    stopping: bool = False
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_NOTES))


class Jobs:
    """The jobs of one server. Closing it stops them all.

    Args:
        most_running: How many run at a time.
    """

    def __init__(self, most_running: int = MOST_RUNNING) -> None:
        self._most_running = most_running
        self._processes: dict[str, _Process] = {}
        self._lock = threading.RLock()
        self._closed = False

    def start(
        self,
        home: Path,
        title: str,
        command: Sequence[str],
        summary: Summary,
        files: Mapping[str, str] | None = None,
    ) -> Job:
        """Start a command, or let it wait.

        Raises:
            RidealongError: Too many jobs wait.
        """
        with self._lock:
            waiting = sum(job.state is State.WAITING for job in self.all())
            if self._closed or waiting >= MOST_WAITING:
                why = "the server is ending" if self._closed else f"{waiting} jobs are waiting"
                raise RidealongError(f"{title} cannot be started: {why}")
            job = Job(secrets.token_hex(4), title, tuple(command), now_ns(), State.WAITING)
            self._processes[job.job_id] = _Process(job, home, summary, files or {})
            self._go_on()
            return self._processes[job.job_id].job

    def all(self) -> list[Job]:
        """The jobs, the newest first."""
        with self._lock:
            return [process.job for process in reversed(self._processes.values())]

    def stop(self, job_id: str) -> None:
        """Interrupt a job; it is `State.STOPPED` when its process has ended."""
        with self._lock:
            process = self._processes.get(job_id)
            if process is None or process.job.state.ended or process.stopping:
                return
            process.stopping = True
            if process.popen is None:
                process.job = replace(process.job, state=State.STOPPED)
                return
        threading.Thread(target=_interrupt, args=(process.popen,), daemon=True).start()

    def close(self) -> None:
        """Stop all jobs, and wait until their processes have ended."""
        with self._lock:
            self._closed = True
            running = [p for p in self._processes.values() if not p.job.state.ended]
        for process in running:
            self.stop(process.job.job_id)
        for process in running:
            if process.follower is not None:
                process.follower.join()

    def _go_on(self) -> None:
        """Start what waits, as many as may run."""
        states = [process.job.state for process in self._processes.values()]
        free = 0 if self._closed else self._most_running - states.count(State.RUNNING)
        waiting = [p for p in self._processes.values() if p.job.state is State.WAITING]
        for process in waiting[: max(free, 0)]:
            self._run(process)
        ended = [p.job.job_id for p in self._processes.values() if p.job.state.ended]
        for job_id in ended[: max(len(ended) - MOST_ENDED, 0)]:
            del self._processes[job_id]

    def _run(self, process: _Process) -> None:
        words = ["--home", str(process.home.resolve()), *process.job.command, "--json"]
        try:
            folder = TemporaryDirectory(prefix="ridealong-job-")
            for name, text in process.files.items():
                Path(folder.name, name).write_text(text, "utf-8")
            process.popen = subprocess.Popen(
                [sys.executable, "-m", "dashboard.actions.job_process", *words],
                cwd=folder.name,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {PROGRESS_VARIABLE: "1"},
                start_new_session=True,
            )
        except OSError as error:  # no memory or disk, or too many processes
            process.job = replace(process.job, state=State.FAILED, error=str(error))
            return
        args = process, process.popen, folder
        process.job = replace(process.job, state=State.RUNNING)
        process.follower = threading.Thread(target=self._follow, args=args, daemon=True)
        process.follower.start()

    def _follow(
        self, process: _Process, popen: subprocess.Popen[bytes], folder: TemporaryDirectory[str]
    ) -> None:
        """Read what a process prints, until it has ended."""
        assert popen.stdout and popen.stderr and popen.stdin
        document: list[bytes | None] = []
        reader = threading.Thread(target=lambda: document.append(_bounded(popen.stdout)))
        reader.start()
        while line := popen.stderr.readline(LINE_BYTES):
            with self._lock:
                _read_line(process, line.decode("utf-8", "replace").strip())
        reader.join()
        code = popen.wait()
        for stream in (popen.stdin, popen.stdout, popen.stderr):
            stream.close()
        folder.cleanup()
        with self._lock:
            process.job = _ended(process, code, document[0])
            self._go_on()


def _bounded(stream: IO[bytes] | None) -> bytes | None:
    """All that a stream gives; None if it is too much to keep."""
    assert stream is not None
    kept = stream.read(MOST_BYTES + 1)
    while stream.read(1_000_000):
        pass
    return kept if len(kept) <= MOST_BYTES else None


def _read_line(process: _Process, line: str) -> None:
    if found := PROGRESS.fullmatch(line):
        process.job = replace(process.job, step=line, done=int(found[2]), total=int(found[3]))
    elif line:
        process.notes.append(line)
        process.job = replace(process.job, notes=tuple(process.notes))


def _ended(process: _Process, code: int, document: bytes | None) -> Job:
    """The job after its process has ended with this exit code."""
    if process.stopping:
        return replace(process.job, state=State.STOPPED)
    if code not in (0, 1):
        last = process.notes[-1] if process.notes else f"it ended with exit code {code}"
        return replace(process.job, state=State.FAILED, error=last.removeprefix("error: "))
    try:
        result = json.loads(document or b"null")
        said = process.summary(result)
    except (ValueError, LookupError, TypeError) as error:
        why = f"its result cannot be read: {error}"
        return replace(process.job, state=State.FAILED, error=why)
    return replace(process.job, state=State.DONE, result=result, said=said)


def _interrupt(popen: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started: as Ctrl-C does, then more firmly."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(popen.pid, number)
            popen.wait(PATIENCE_S)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


JOBS = Jobs()


def start(
    title: str,
    command: Sequence[str],
    summary: Summary | None = None,
    files: Mapping[str, str] | None = None,
) -> Job:
    """Start ``ridealong <command> --json`` on the dashboard's home; call it inside `act`.

    Args:
        title: What it does, for people.
        command: The words after ``ridealong``, without ``--home`` and ``--json``.
        summary: Makes a sentence of Markdown from its JSON; names in it need `text.plain`.
        files: Texts of files that the command reads, by name; it finds them in its working folder.

    Raises:
        RidealongError: Too many jobs wait.
    """
    return JOBS.start(session.home(), title, command, summary or (lambda _: "Done."), files)


def all_jobs() -> list[Job]:
    """The jobs of this server, the newest first."""
    return JOBS.all()


def find(job_id: str) -> Job | None:
    """One job; None if this server has none of that id."""
    return next((job for job in all_jobs() if job.job_id == job_id), None)


def stop(job_id: str) -> None:
    """Interrupt a job as Ctrl-C does: what it has committed stays."""
    JOBS.stop(job_id)
