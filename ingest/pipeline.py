"""The two pipelines of ingest: one reads drives, the other cuts clips."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from ingest.clip_jobs import ClipJob, ClipOutcome, clip_cutter
from ingest.drives import DriveOutcome, DrivePlan, ingest_drive
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.accounting import Status, outcomes_path
from ridealong.execution.options import names_runner
from ridealong.execution.processes.pool import AtMost, Processes, Workers, cores
from ridealong.execution.runner import Work, run_work
from ridealong.terminal.progress import Steps


def read_drives(
    home: Path,
    commit_id: str,
    drives: Sequence[DrivePlan],
    triggers: Sequence[TriggerSpec],
    steps: Steps | None = None,
    beam_args: Sequence[str] = (),
) -> list[DriveOutcome]:
    """Read drives under one commit id, and give the outcomes as the runner delivered them.

    In this process one drive a core is read at a time, which bounds the memory.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The runner does not work, or a step failed.
    """
    read = partial(_read_one, home=home, commit_id=commit_id, triggers=tuple(triggers))
    work = Work(make=partial(partial, read), died=_not_read)
    path, workers = outcomes_path(home, commit_id), AtMost(read, cores())
    return run_work(work, drives, path, DriveOutcome, beam_args, steps=steps, workers=workers)


def cut_clips(
    home: Path,
    commit_id: str,
    jobs: Sequence[ClipJob],
    workers: Workers | None = None,
    steps: Steps | None = None,
    beam_args: Sequence[str] = (),
) -> list[ClipOutcome]:
    """Cut clips under one commit id; clips with cameras by ``workers``, if there are any.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The runner does not work, or a step failed.
    """
    work = Work(make=partial(clip_cutter, home), died=_not_cut, is_heavy=_has_cameras)
    path = outcomes_path(home, commit_id)
    return run_work(work, jobs, path, ClipOutcome, beam_args, steps=steps, workers=workers)


@contextmanager
def clip_workers(home: Path, beam_args: Sequence[str] = ()) -> Iterator[Workers | None]:
    """Processes that cut clips, one a core; None if the user names a runner, which has its own."""
    if names_runner(beam_args):
        yield None
        return
    make = partial(clip_cutter, home.absolute())
    with closing(Processes(make, cores())) as processes:
        yield processes


def _read_one(
    drive: DrivePlan, home: Path, commit_id: str, triggers: tuple[TriggerSpec, ...]
) -> DriveOutcome:
    return ingest_drive(home, commit_id, drive, triggers)


def _not_read(drive: DrivePlan, reason: str) -> DriveOutcome:
    return DriveOutcome(Status.FAILED, drive, reason)


def _not_cut(job: ClipJob, reason: str) -> ClipOutcome:
    return ClipOutcome(job.window.clip_id, failure=reason)


def _has_cameras(job: ClipJob) -> bool:
    """Whether a process is worth it: without cameras there is little to do."""
    return bool(job.drive.cameras)
