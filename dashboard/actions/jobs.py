"""Long commands that a page starts: one process each, with its progress.

A job is a `ridealong` command in a process of its own, on the dashboard's home. Its progress lines
on standard error (``clips: 12/44``) are read as it runs. Jobs live as long as the server; what they
write to the lake is committed by the commands themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What a job does."""

    RUNNING = "running"
    DONE = "done"  # exit code 0 or 1: a verdict, whatever it is
    FAILED = "failed"
    STOPPED = "stopped"  # by a person


@dataclass(frozen=True)
class Job:
    """One job as it is now.

    Attributes:
        job_id: Names it on pages and in addresses.
        title: What it does, for people.
        command: The words after ``ridealong``.
        started_ns: When.
        state: What it does now.
        step: The newest progress line, such as ``clips: 12/44``; empty before the first.
        done, total: The numbers in it; None without.
        result: The JSON that the command printed; None before it has ended, or if it failed.
        error: Its one line of error; None without.
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


def start(title: str, command: Sequence[str]) -> Job:
    """Start ``ridealong <command> --json`` on the dashboard's home; call it inside `act`."""
    raise NotImplementedError


def all_jobs() -> list[Job]:
    """The jobs of this server, the newest first."""
    return []


def find(job_id: str) -> Job | None:
    """One job; None if this server has none of that id."""
    return next((job for job in all_jobs() if job.job_id == job_id), None)


def stop(job_id: str) -> None:
    """Interrupt a job as Ctrl-C does: what it has committed stays."""
    raise NotImplementedError
