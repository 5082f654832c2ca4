"""The second stage of an ingest: budgets are drawn, clips are cut and come in, shard by shard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from ingest.clips.cut import ClipJob, ClipOutcome, PlannedClips, clip_jobs, plan_clips
from ingest.drives import DriveOutcome, quarantine_rows
from ingest.flow import Flow, ShardCommit
from ingest.pipeline import cut_clips, cutting
from ingest.planning import drive_source, pass_sources, unusable_source
from ingest.report import Tally
from ingest.rows import DriveRow, EventRow, event_rows, table_of
from ingest.schemas import EVENTS
from ingest.triggers.budget import apply_budgets
from ingest.triggers.firing import Reason
from ingest.triggers.spec import TriggerSpec
from ridealong.errors import RidealongError
from ridealong.execution.accounting import Status, settle
from ridealong.execution.failures import DISK_FULL, is_full
from ridealong.lake import Reserve
from ridealong.terminal.progress import watching
from ridealong.units import NS_PER_S


@dataclass(frozen=True)
class DrawnDrive:
    """A drive whose events went through the budgets, and the clips that they ask for."""

    outcome: DriveOutcome
    row: DriveRow
    planned: PlannedClips


def cut_all(
    flow: Flow, waiting: Sequence[DriveOutcome], kept_before: pa.Table, tally: Tally
) -> None:
    """Cut all clips and commit them, with the events that they show.

    Once the disk is full no other shard is tried.

    Raises:
        AlreadyCommittedError: Another process committed some of these clips first.
        ItemsLostError: The runner lost items of a shard; the shards before it stand.
        RidealongError: The lake cannot be written, or the runner does not work.
    """
    if not waiting:
        return
    drawn = draw(waiting, flow.triggers, kept_before)
    clips = sum(len(drive.planned.windows) for drive in drawn)
    with (
        cutting(flow.lake.home, flow.clips_key, flow.beam_args),
        flow.console.steps("clips", clips) as steps,
        watching(flow.clips_key, steps),
    ):
        for shard in _by_clips(drawn, flow.shard_size(clips)):
            if tally.is_full or not _try_shard(flow, shard, tally):
                for drive in shard:
                    tally.fail(drive.outcome, DISK_FULL)


def draw(
    waiting: Sequence[DriveOutcome], triggers: Sequence[TriggerSpec], kept_before: pa.Table
) -> list[DrawnDrive]:
    """Draw budgets over the events of all drives together, and plan each drive's clips.

    A budget's day may lie in several shards, so this comes before they are made.
    """
    # In an order that does not depend on which drive came first.
    rows = sorted((e for d in waiting for e in d.events), key=lambda event: event.event_id)
    events = apply_budgets(table_of(rows, EVENTS), triggers, kept_before)
    by_drive: dict[str, list[EventRow]] = {}
    for event in event_rows(events):
        by_drive.setdefault(event.drive_id, []).append(event)
    drawn = []
    for outcome in waiting:
        assert outcome.drive is not None  # it was read
        mine = by_drive[outcome.plan.files.drive_id]
        mine.sort(key=lambda event: (event.time_ns, event.trigger))
        planned = plan_clips(outcome.drive, mine, triggers)
        drawn.append(DrawnDrive(outcome, outcome.drive, planned))
    return drawn


def _by_clips(drawn: Sequence[DrawnDrive], size: int) -> Iterator[list[DrawnDrive]]:
    """Drives in their order, so many that their clips make a shard."""
    shard: list[DrawnDrive] = []
    clips = 0
    for drive in drawn:
        shard.append(drive)
        clips += len(drive.planned.windows)
        if clips >= size:
            yield shard
            shard, clips = [], 0
    if shard:
        yield shard


@dataclass(frozen=True)
class _CutDrive:
    """A drive with its clips as they came back."""

    drawn: DrawnDrive
    clips: tuple[ClipOutcome, ...]

    @property
    def outcome(self) -> DriveOutcome:
        """What reading it gave."""
        return self.drawn.outcome

    @property
    def failure(self) -> str | None:
        """Why the first clip that failed for now did; then nothing of the drive is committed."""
        return next((c.failure for c in self.clips if c.status is Status.FAILED), None)

    @cached_property
    def bad(self) -> dict[str, str]:
        """Why clips cannot be cut, by id: for what the recording holds."""
        return {clip.clip_id: str(clip.failure) for clip in self.clips if clip.is_bad}

    @property
    def is_unusable(self) -> bool:
        """Whether it was nothing but a clip, and that cannot be cut."""
        return self.outcome.is_clip_alone and bool(self.bad)

    def events(self) -> list[EventRow]:
        """Its events; those of a clip that cannot be cut are suppressed, with the reason."""
        return [
            _without_clip(event) if event.clip_id in self.bad else event
            for event in self.drawn.planned.events
        ]

    def aside(self) -> list[tuple[str, str]]:
        """What is not used of it: the clips that cannot be cut, and what was not told before."""
        if self.is_unusable:
            return [("file", reason) for reason in self.reasons()]
        untold = self.outcome.aside if self.outcome.is_clip_alone else ()
        return [*untold, *(("clip", reason) for reason in self.reasons())]

    def reasons(self) -> list[str]:
        """What to tell of the clips that cannot be cut, each with its place in the drive."""
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


def _try_shard(flow: Flow, shard: Sequence[DrawnDrive], tally: Tally) -> bool:
    """Whether there was room to commit anything."""
    try:
        with flow.lake.reserve() as reserve:
            _cut_shard(flow, shard, tally, reserve)
    except RidealongError as error:
        if not is_full(error):
            raise
        return False
    return True


def _cut_shard(flow: Flow, shard: Sequence[DrawnDrive], tally: Tally, reserve: Reserve) -> None:
    """Cut the clips of some drives; what failed for now is left for the next run."""
    commit_id = flow.lake.new_commit_id()
    jobs = [job for drawn in shard for job in _jobs(commit_id, drawn)]
    told = cut_clips(flow.lake.home, commit_id, jobs, flow.clips_key, flow.beam_args)
    clips = {clip.clip_id: clip for clip in settle([job.window.clip_id for job in jobs], told)}
    cut = [_CutDrive(d, tuple(clips[w.clip_id] for w in d.planned.windows)) for d in shard]
    for drive in cut:
        if drive.failure is not None:
            tally.fail(drive.outcome, drive.failure)
            _make_room(flow, drive)
    good = [drive for drive in cut if drive.failure is None]
    if good:
        commit = _commit_of(commit_id, good, flow.triggers)
        commit.write(flow.lake, list(clips.values()), reserve)
        _count(good, commit, tally)


def _jobs(commit_id: str, drawn: DrawnDrive) -> list[ClipJob]:
    return clip_jobs(commit_id, drawn.outcome.plan.files, drawn.row, drawn.planned)


def _make_room(flow: Flow, drive: _CutDrive) -> None:
    """Remove the clips of a drive that is not committed: nothing names them."""
    for clip in drive.clips:
        if clip.written is not None:
            flow.lake.path(clip.written.path).unlink(missing_ok=True)


def _commit_of(
    commit_id: str, cut: Sequence[_CutDrive], triggers: Sequence[TriggerSpec]
) -> ShardCommit:
    usable = [drive for drive in cut if not drive.is_unusable]
    clips = [clip for drive in usable for clip in drive.clips if clip.clip is not None]
    return ShardCommit(
        commit_id,
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


def _count(cut: Sequence[_CutDrive], commit: ShardCommit, tally: Tally) -> None:
    alone = [_told(drive) for drive in cut if drive.outcome.is_clip_alone]
    tally.committed(commit.commit_id, alone)
    tally.events += len(commit.events)
    tally.clips += len(commit.clips)
    for drive in cut:
        if drive.bad and not drive.is_unusable:
            tally.clips_left_out += len(drive.bad)
            path = drive.outcome.plan.files.path
            tally.left_out += [f"{path}: {reason}" for reason in drive.reasons()]


def _told(drive: _CutDrive) -> DriveOutcome:
    if not drive.is_unusable:
        return drive.outcome
    path = drive.outcome.plan.files.path
    reason = f"{path}: {'; '.join(drive.bad.values())}"
    return DriveOutcome(Status.QUARANTINED, drive.outcome.plan, reason)
