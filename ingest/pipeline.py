"""The two pipelines of ingest: drives are read, clips are cut; each is one kind of item."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from ingest.clips.cut import ClipJob, ClipOutcome, clip_cutter
from ingest.drives import DriveOutcome, DrivePlan, ingest_drive
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.accounting import Status, outcomes_path
from ridealong.execution.processes.pool import cores, helped
from ridealong.execution.runner import Work, names_runner, run_work

# Memory is bounded by one drive a core, however many threads wait.
_READING = threading.BoundedSemaphore(cores())


def read_drives(
    home: Path,
    commit_id: str,
    drives: Sequence[DrivePlan],
    triggers: Sequence[TriggerSpec],
    key: str,
    beam_args: Sequence[str] = (),
) -> list[DriveOutcome]:
    """Read drives under one commit and give what every worker said, as the runner delivered it.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The runner does not work, or a step failed.
    """
    read = partial(_read_one, home=home, commit_id=commit_id, triggers=tuple(triggers))
    work = Work(key, make=partial(partial, read), died=_never)
    return run_work(work, drives, outcomes_path(home, commit_id), DriveOutcome, beam_args)


def cut_clips(
    home: Path, commit_id: str, jobs: Sequence[ClipJob], key: str, beam_args: Sequence[str] = ()
) -> list[ClipOutcome]:
    """Cut clips under one commit, by the processes of `cutting` where there are any.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The runner does not work, or a step failed.
    """
    work = Work(key, make=partial(clip_cutter, home), died=_died, is_heavy=_has_cameras)
    return run_work(work, jobs, outcomes_path(home, commit_id), ClipOutcome, beam_args)


@contextmanager
def cutting(home: Path, key: str, beam_args: Sequence[str] = ()) -> Iterator[None]:
    """Have clips cut by processes of our own, a core each, unless the user names a runner."""
    make = partial(clip_cutter, home.absolute())
    with nullcontext() if names_runner(beam_args) else helped(key, make, cores()):
        yield


def _read_one(
    drive: DrivePlan, home: Path, commit_id: str, triggers: tuple[TriggerSpec, ...]
) -> DriveOutcome:
    with _READING:
        return ingest_drive(home, commit_id, drive, triggers)


def _never(drive: DrivePlan, reason: str) -> DriveOutcome:
    return DriveOutcome(Status.FAILED, drive, reason)


def _died(job: ClipJob, reason: str) -> ClipOutcome:
    return ClipOutcome(job.window.clip_id, failure=reason)


def _has_cameras(job: ClipJob) -> bool:
    """Without cameras there is little to do."""
    return bool(job.drive.cameras)
