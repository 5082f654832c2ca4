"""The second stage of an ingest: budgets are applied, clips are cut and committed by shards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from ingest.budgeting import BudgetedDrive, budget_drives
from ingest.clip_jobs import ClipJob, ClipOutcome, clip_jobs
from ingest.drives import DriveOutcome, quarantine_rows
from ingest.flow import Flow, contents
from ingest.pipeline import clip_workers, cut_clips
from ingest.planning import drive_source, pass_sources, unusable_source
from ingest.report import Tally
from ingest.rows import EventRow
from ingest.schemas import CLIPS, EVENTS
from ingest.triggers.firing import Reason
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL
from ridealong.execution.loop import Contents, ShardResult, run_shards
from ridealong.execution.processes.pool import Workers
from ridealong.execution.shards import Shard
from ridealong.terminal.progress import Steps
from ridealong.units import NS_PER_S

Drawn = Shard[BudgetedDrive]


def cut_all(
    flow: Flow, waiting: Sequence[DriveOutcome], kept_before: pa.Table, tally: Tally
) -> None:
    """Cut all clips and commit them, with the events that they show.

    Once the disk is full, no further shard is tried.

    Raises:
        AlreadyCommittedError: Another process committed some of these clips first.
        ItemsLostError: The runner lost items of a shard; the earlier shards stay committed.
        RidealongError: The lake cannot be written, or the runner does not work.
    """
    if not waiting:
        return
    drawn = budget_drives(waiting, flow.triggers, kept_before)
    with (
        clip_workers(flow.lake.home, flow.beam_args) as workers,
        flow.console.steps("clips", sum(map(_clips_of, drawn))) as steps,
    ):
        cutting, shards = _Cutting(flow, workers, steps), flow.shards(drawn, _clips_of)
        for result in run_shards(flow.lake, cutting, shards, is_disk_full=tally.is_full):
            _count(result, tally)


def _clips_of(drive: BudgetedDrive) -> int:
    """How many clips a drive has."""
    return len(drive.planned.windows)


@dataclass(frozen=True)
class _Cutting:
    """Cutting clips, as the loop knows it."""

    flow: Flow
    workers: Workers | None
    steps: Steps

    @property
    def command(self) -> str:
        return self.flow.command

    def planned(self, shard: Drawn) -> list[str]:
        return [window.clip_id for drive in shard.parts for window in drive.planned.windows]

    def run(self, shard: Drawn) -> list[ClipOutcome]:
        jobs = [job for drawn in shard.parts for job in _jobs(shard.commit_id, drawn)]
        flow = self.flow
        return cut_clips(
            flow.lake.home, shard.commit_id, jobs, self.workers, self.steps, flow.beam_args
        )

    def contents(self, shard: Drawn, outcomes: Sequence[ClipOutcome]) -> Contents | None:
        """What can be committed; if any clip of a drive failed for now, the drive is left out."""
        good, failed = _by_failure(shard, outcomes)
        for drive in failed:
            self._remove_clips(drive)
        return _contents(good, self.flow.triggers) if good else None

    def _remove_clips(self, drive: "_CutDrive") -> None:
        """Make room: no row names the clips of a drive that is not committed."""
        for clip in drive.clips:
            if clip.written is not None:
                self.flow.lake.path(clip.written.path).unlink(missing_ok=True)


@dataclass(frozen=True)
class _CutDrive:
    """A drive, and what became of each of its clips."""

    drawn: BudgetedDrive
    clips: tuple[ClipOutcome, ...]

    @property
    def outcome(self) -> DriveOutcome:
        """What reading it gave."""
        return self.drawn.outcome

    @property
    def failure(self) -> str | None:
        """Why a clip failed for now; then nothing of the drive is committed."""
        return next((c.failure for c in self.clips if c.status is Status.FAILED), None)

    @cached_property
    def bad(self) -> dict[str, str]:
        """Why clips can never be cut, by clip id: the recording is to blame."""
        return {clip.clip_id: str(clip.failure) for clip in self.clips if clip.is_bad}

    @property
    def is_unusable(self) -> bool:
        """Whether the drive is nothing but a clip, and that cannot be cut."""
        return self.outcome.is_clip_alone and bool(self.bad)

    def events(self) -> list[EventRow]:
        """Its events; those of a clip that cannot be cut are suppressed, with the reason."""
        return [
            _without_clip(event) if event.clip_id in self.bad else event
            for event in self.drawn.planned.events
        ]

    def aside(self) -> list[tuple[str, str]]:
        """What of it goes to the quarantine: (kind, reason) of each clip that cannot be cut.

        For a drive that is nothing but a clip, also what reading it found.
        """
        if self.is_unusable:
            return [("file", reason) for reason in self.reasons()]
        from_reading = self.outcome.aside if self.outcome.is_clip_alone else ()
        return [*from_reading, *(("clip", reason) for reason in self.reasons())]

    def reasons(self) -> list[str]:
        """Why each clip cannot be cut, with its place in the drive."""
        start_ns = self.drawn.row.start_ns
        return [
            f"clip from {(window.start_ns - start_ns) / NS_PER_S:.1f} s to "
            f"{(window.end_ns - start_ns) / NS_PER_S:.1f} s: {self.bad[window.clip_id]}"
            for window in self.drawn.planned.windows
            if window.clip_id in self.bad
        ]


def _without_clip(event: EventRow) -> EventRow:
    if not event.kept:
        return replace(event, clip_id=None)
    return replace(event, clip_id=None, kept=False, reason=str(Reason.UNREADABLE))


def _by_failure(
    shard: Drawn, outcomes: Sequence[ClipOutcome]
) -> tuple[list[_CutDrive], list[_CutDrive]]:
    """The drives whose clips all ended for good, and those with a clip that failed for now."""
    clips = {clip.clip_id: clip for clip in outcomes}
    cut = [_CutDrive(d, tuple(clips[w.clip_id] for w in d.planned.windows)) for d in shard.parts]
    good = [drive for drive in cut if drive.failure is None]
    return good, [drive for drive in cut if drive.failure is not None]


def _jobs(commit_id: str, drawn: BudgetedDrive) -> list[ClipJob]:
    return clip_jobs(commit_id, drawn.outcome.plan.files, drawn.row, drawn.planned)


def _contents(cut: Sequence[_CutDrive], triggers: Sequence[TriggerSpec]) -> Contents:
    usable = [drive for drive in cut if not drive.is_unusable]
    clips = [clip for drive in usable for clip in drive.clips if clip.clip is not None]
    return contents(
        files=[clip.written for clip in clips if clip.written is not None],
        sources=[key for drive in cut for key in _sources(drive, triggers)],
        drives=[drive.drawn.row for drive in usable if drive.outcome.is_clip_alone],
        events=[event for drive in usable for event in drive.events()],
        clips=[clip.clip for clip in clips if clip.clip is not None],
        quarantine=[quarantine_rows(d.outcome.plan.files, d.aside()) for d in cut],
    )


def _sources(drive: _CutDrive, triggers: Sequence[TriggerSpec]) -> list[str]:
    plan = drive.outcome.plan
    if drive.is_unusable:
        return [unusable_source(plan.files)]
    keys = pass_sources(plan, triggers)
    return [drive_source(plan.files), *keys] if drive.outcome.is_clip_alone else keys


def _count(result: ShardResult[Drawn, ClipOutcome], tally: Tally) -> None:
    if result.outcomes is None:
        for drawn in result.shard.parts:
            tally.fail(drawn.outcome, DISK_FULL)
        return
    good, failed = _by_failure(result.shard, result.outcomes)
    for drive in failed:
        tally.fail(drive.outcome, str(drive.failure))
    if result.contents is not None:
        _count_committed(good, result.shard.commit_id, result.contents, tally)


def _count_committed(
    cut: Sequence[_CutDrive], commit_id: str, committed: Contents, tally: Tally
) -> None:
    tally.committed(commit_id, [_ended(drive) for drive in cut if drive.outcome.is_clip_alone])
    tally.events += len(committed.tables[EVENTS])
    tally.clips += len(committed.tables[CLIPS])
    for drive in cut:
        if drive.bad and not drive.is_unusable:
            tally.clips_left_out += len(drive.bad)
            path = drive.outcome.plan.files.path
            tally.left_out += [f"{path}: {reason}" for reason in drive.reasons()]


def _ended(drive: _CutDrive) -> DriveOutcome:
    """What became of a drive that is nothing but a clip."""
    if not drive.is_unusable:
        return drive.outcome
    path = drive.outcome.plan.files.path
    reason = f"{path}: {'; '.join(drive.bad.values())}"
    return DriveOutcome(Status.QUARANTINED, drive.outcome.plan, reason)
