"""The first stage of an ingest: drives are read and come in, shard by shard."""

from collections.abc import Sequence

from ingest.drives import DriveOutcome, DrivePlan, quarantine_rows
from ingest.flow import Flow, ShardCommit
from ingest.pipeline import read_drives
from ingest.planning import drive_source, pass_sources, shards, unusable_source
from ingest.report import Tally
from ingest.triggers.spec import TriggerSpec
from ridealong.errors import RidealongError
from ridealong.execution.accounting import Status, settle
from ridealong.execution.failures import DISK_FULL, is_full
from ridealong.lake import Reserve
from ridealong.terminal.progress import watching


def read_all(flow: Flow, drives: Sequence[DrivePlan], tally: Tally) -> list[DriveOutcome]:
    """Read all drives and commit them; give those whose kept events ask for clips.

    Once the disk is full no other shard is tried.

    Raises:
        AlreadyCommittedError: Another process committed some of these drives first.
        ItemsLostError: The runner lost items of a shard; the shards before it stand.
        RidealongError: The lake cannot be written, or the runner does not work.
    """
    if not drives:
        return []
    waiting: list[DriveOutcome] = []
    with flow.console.steps("drives", len(drives)) as steps, watching(flow.key, steps):
        for shard in shards(drives, flow.shard_size(len(drives))):
            outcomes = _full(shard) if tally.is_full else _try_shard(flow, shard, tally)
            for drive in outcomes:
                if drive.status is Status.FAILED:
                    tally.fail(drive, str(drive.reason))
            waiting += [drive for drive in outcomes if drive.waits]
    return waiting


def _full(drives: Sequence[DrivePlan]) -> list[DriveOutcome]:
    return [DriveOutcome(Status.FAILED, drive, DISK_FULL) for drive in drives]


def _try_shard(flow: Flow, drives: Sequence[DrivePlan], tally: Tally) -> list[DriveOutcome]:
    try:
        with flow.lake.reserve() as reserve:
            return _read_shard(flow, drives, tally, reserve)
    except RidealongError as error:
        if not is_full(error):
            raise
        return _full(drives)


def _read_shard(
    flow: Flow, drives: Sequence[DrivePlan], tally: Tally, reserve: Reserve
) -> list[DriveOutcome]:
    """Read some drives and commit them; one that nothing asks a clip of is done with that."""
    lake, commit_id = flow.lake, flow.lake.new_commit_id()
    told = read_drives(lake.home, commit_id, drives, flow.triggers, flow.key, flow.beam_args)
    outcomes = settle([drive.item_id for drive in drives], told)
    # A video without telemetry comes in with its clip, or not at all.
    settled = [d for d in outcomes if d.status is not Status.FAILED and not d.is_clip_alone]
    commit = _commit_of(commit_id, settled, flow.triggers)
    if commit.sources or commit.files:
        commit.write(lake, outcomes, reserve)
        tally.committed(commit_id, settled)
        tally.events += len(commit.events)
    return outcomes


def _commit_of(
    commit_id: str, settled: Sequence[DriveOutcome], triggers: Sequence[TriggerSpec]
) -> ShardCommit:
    bad = [drive for drive in settled if drive.status is Status.QUARANTINED]
    good = [drive for drive in settled if drive.status is Status.DONE]
    return ShardCommit(
        commit_id,
        files=[file for drive in good for file in drive.written],
        sources=[key for drive in settled for key in _sources(drive, triggers)],
        drives=[d.drive for d in good if d.plan.new and d.drive is not None],
        events=[event for drive in good if not drive.waits for event in drive.events],
        quarantine=[
            *(quarantine_rows(d.plan.files, d.aside) for d in good),
            *(quarantine_rows(d.plan.files, [("file", str(d.reason))]) for d in bad),
        ],
    )


def _sources(drive: DriveOutcome, triggers: Sequence[TriggerSpec]) -> list[str]:
    """The keys that are used up: of the drive, and of its triggers unless clips are to come."""
    if drive.status is Status.QUARANTINED and drive.plan.new:
        return [unusable_source(drive.plan.files)]
    keys = [drive_source(drive.plan.files)] if drive.plan.new else []
    return keys if drive.waits else [*keys, *pass_sources(drive.plan, triggers)]
