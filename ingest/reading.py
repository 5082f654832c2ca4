"""The first stage of an ingest: drives are read and committed, shard by shard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.drives import DriveOutcome, DrivePlan, quarantine_rows
from ingest.flow import Flow, contents
from ingest.pipeline import read_drives
from ingest.planning import drive_source, pass_sources, unusable_source
from ingest.report import Tally
from ingest.schemas import EVENTS
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL
from ridealong.execution.loop import Contents, ShardResult, run_shards
from ridealong.execution.shards import Shard
from ridealong.terminal.progress import Steps

Drives = Shard[DrivePlan]
Read = Callable[[Flow, Drives, Steps], list[DriveOutcome]]  # reads the drives of a shard


def from_recordings(flow: Flow, shard: Drives, steps: Steps) -> list[DriveOutcome]:
    """Read the drives of a shard from their recordings."""
    return read_drives(
        flow.lake.home, shard.commit_id, shard.parts, flow.triggers, steps, flow.beam_args
    )


def read_all(
    flow: Flow, drives: Sequence[DrivePlan], tally: Tally, read: Read = from_recordings
) -> list[DriveOutcome]:
    """Read all drives and commit them; returns those with events that may need clips.

    After the disk was full once, no other shard is tried.

    Raises:
        AlreadyCommittedError: Another process committed some of these drives first.
        ItemsLostError: The runner lost items of a shard; the earlier shards stay committed.
        RidealongError: The lake cannot be written, or the runner does not work.
    """
    if not drives:
        return []
    waiting: list[DriveOutcome] = []
    with flow.console.steps("drives", len(drives)) as steps:
        reading = _Reading(flow, steps, read)
        for result in run_shards(flow.lake, reading, flow.shards(drives)):
            _count(result, tally)
            waiting += [drive for drive in result.outcomes or () if drive.waits]
    return waiting


@dataclass(frozen=True)
class _Reading:
    """Reading drives as a stage of `ridealong.execution.loop`."""

    flow: Flow
    steps: Steps
    read: Read

    @property
    def command(self) -> str:
        return self.flow.command

    def planned(self, shard: Drives) -> list[str]:
        return [drive.item_id for drive in shard.parts]

    def run(self, shard: Drives) -> list[DriveOutcome]:
        return self.read(self.flow, shard, self.steps)

    def contents(self, shard: Drives, outcomes: Sequence[DriveOutcome]) -> Contents | None:
        """What can be committed now; this finishes a drive that needs no clips."""
        settled, triggers = _settled(outcomes), self.flow.triggers
        bad = [drive for drive in settled if drive.status is Status.QUARANTINED]
        good = [drive for drive in settled if drive.status is Status.DONE]
        found = contents(
            files=[file for drive in good for file in drive.written],
            sources=[key for drive in settled for key in _sources(drive, triggers)],
            drives=[d.drive for d in good if d.plan.new and d.drive is not None],
            events=[event for drive in good if not drive.waits for event in drive.events],
            quarantine=[
                *(quarantine_rows(d.plan.files, d.aside) for d in good),
                *(quarantine_rows(d.plan.files, [("file", str(d.reason))]) for d in bad),
            ],
        )
        return found if found.sources or found.files else None


def _settled(outcomes: Sequence[DriveOutcome]) -> list[DriveOutcome]:
    """The drives that are committed by this stage.

    A video without telemetry is committed together with its clip, or not at all.
    """
    return [d for d in outcomes if d.status is not Status.FAILED and not d.is_clip_alone]


def _count(result: ShardResult[Drives, DriveOutcome], tally: Tally) -> None:
    if result.outcomes is None:
        for plan in result.shard.parts:
            tally.fail(DriveOutcome(Status.FAILED, plan), DISK_FULL)
        return
    for drive in result.outcomes:
        if drive.status is Status.FAILED:
            tally.fail(drive, str(drive.reason))
    if result.contents is not None:
        tally.committed(result.shard.commit_id, _settled(result.outcomes))
        tally.events += len(result.contents.tables[EVENTS])


def _sources(drive: DriveOutcome, triggers: Sequence[TriggerSpec]) -> list[str]:
    """The keys that are used up: the drive's, and its triggers' unless clips are still to come."""
    if drive.status is Status.QUARANTINED and drive.plan.new:
        return [unusable_source(drive.plan.files)]
    keys = [drive_source(drive.plan.files)] if drive.plan.new else []
    return keys if drive.waits else [*keys, *pass_sources(drive.plan, triggers)]
