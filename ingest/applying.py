"""Applies triggers to the drives that are in the lake: records their events, and cuts their clips.

The two stages are those of an ingest, with the lake's telemetry in place of recordings:

1. The triggers are evaluated on every drive on which they were not evaluated yet. Drives without
   events that need a clip are committed.
2. The recordings of the others are found again by the paths in their rows. Budgets are applied, and
   clips are cut and committed with the events that they show. A drive whose recording is gone or
   has changed fails for now: nothing of it is committed, and the others are done.

Clips that are in the lake already stay as they are: windows merge only within one run.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.cutting import cut_all
from ingest.drives import DriveOutcome, DrivePlan
from ingest.flow import Flow
from ingest.lake_drives import evaluate_drives, lake_drives, planned
from ingest.planning import BUDGETED
from ingest.reading import Drives, read_all
from ingest.report import IngestReport, Tally
from ingest.revisiting import revisit
from ingest.rows import DriveRow
from ingest.run import run_to_the_end
from ingest.schemas import EVENTS
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.runner import cautions
from ridealong.lake import Lake, Snapshot
from ridealong.terminal.console import Console
from ridealong.terminal.progress import Steps


@dataclass(frozen=True)
class _ApplyPlan:
    """What is left to do on the drives of a snapshot; drives with nothing to do are left out."""

    snapshot: Snapshot
    rows: dict[str, DriveRow]
    drives: tuple[DrivePlan, ...]
    kept_before: pa.Table

    def read(self, flow: Flow, shard: Drives, steps: Steps) -> list[DriveOutcome]:
        """Evaluate the triggers of a shard's plans on the lake's telemetry."""
        rows = [self.rows[plan.files.drive_id] for plan in shard.parts]
        found = evaluate_drives(self.snapshot, rows, shard.parts, flow.triggers, steps)
        return list(found.outcomes)


def apply_triggers(
    lake: Lake,
    triggers: Sequence[TriggerSpec],
    console: Console,
    over: str | None = None,
    beam_args: Sequence[str] = (),
    at_once: int | None = None,
) -> IngestReport:
    """Commit the events of triggers on the drives in the lake, and cut their clips.

    Args:
        lake: Where the drives are.
        triggers: The specs; where exactly one of them was evaluated before, it is left out.
        console: Where progress is reported.
        over: Only drives for which this condition over the columns of drives is true.
        beam_args: Beam's options.
        at_once: How many drives, or clips, make a shard; by default as in ingest.

    Raises:
        ItemsLostError: The runner lost items, and nothing of their shard was committed; or other
            processes were first too often.
        RidealongError: There are no drives, ``over`` is not a condition or matches none, the lake
            cannot be written, or the runner does not work.
    """
    started = time.monotonic()
    flow = Flow(lake, triggers, console, beam_args, at_once, command="triggers apply")
    tally = Tally()
    for line in cautions(beam_args):
        console.note(line)
    run_to_the_end(
        lambda: _plan(lake.snapshot(), triggers, over),
        lambda plan: _run(plan, flow, tally),
        console,
    )
    return tally.report(time.monotonic() - started)


def _plan(snapshot: Snapshot, triggers: Sequence[TriggerSpec], over: str | None) -> _ApplyPlan:
    rows = {drive.drive_id: drive for drive in lake_drives(snapshot, over)}
    committed = snapshot.sources()
    plans = (planned(drive, triggers, committed) for drive in rows.values())
    return _ApplyPlan(
        snapshot,
        rows,
        tuple(plan for plan in plans if plan.triggers),
        snapshot.read(EVENTS, columns=BUDGETED, where="kept"),
    )


def _run(plan: _ApplyPlan, flow: Flow, tally: Tally) -> None:
    tally.start([drive.item_id for drive in plan.drives], known_unusable=0)
    waiting = read_all(flow, plan.drives, tally, plan.read)
    with flow.console.steps("recordings", len(waiting)) as steps:
        found = revisit(waiting, steps)
    for drive, why in found.missing:
        tally.fail(drive, why)
    cut_all(flow, found.there, plan.kept_before, tally)
