"""A dry run of triggers over the drives in the lake: what ingest would record, and cut.

The telemetry is the lake's, and events, budgets and windows are computed by the code that ingest
uses. So the same drives give the same events and the same clips, without reading a recording.
"""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ingest.budgeting import BudgetedDrive, budget_drives
from ingest.drives import DriveOutcome
from ingest.lake_drives import evaluate_drives, lake_drives, planned
from ingest.planning import BUDGETED
from ingest.rows import DriveRow, EventRow
from ingest.schemas import EVENTS
from ingest.triggers.spec import TriggerSpec, trigger_sha256
from ridealong.hashing import short_hash
from ridealong.lake import Snapshot
from ridealong.terminal.console import Console
from ridealong.terminal.progress import SILENT


@dataclass(frozen=True)
class Rehearsal:
    """What a dry run found.

    Attributes:
        triggers: The specs.
        drives: The drives that were looked at: those with telemetry.
        outcomes: What the triggers find on each of them, before budgets.
        recorded: The signals, of those that the triggers read, that have a value on some drive.
        budgeted: The drives with events that may need a clip, with their clips.
        events: All events, after budgets; each that is kept has its clip.
        left_out: How many drives have no telemetry, so no trigger can see anything.
        not_drawn: How many others were left out because of a limit of rows.
        seconds: How long it took.
    """

    triggers: tuple[TriggerSpec, ...]
    drives: tuple[DriveRow, ...]
    outcomes: tuple[DriveOutcome, ...]
    recorded: frozenset[str]
    budgeted: tuple[BudgetedDrive, ...]
    events: tuple[EventRow, ...]
    left_out: int
    not_drawn: int
    seconds: float

    @property
    def clips(self) -> int:
        """How many clips would be cut."""
        return sum(len(drive.planned.windows) for drive in self.budgeted)


def rehearse(
    snapshot: Snapshot,
    triggers: Sequence[TriggerSpec],
    over: str | None = None,
    *,
    console: Console | None = None,
    only_new: bool = False,
    most_rows: int | None = None,
) -> Rehearsal:
    """Evaluate triggers on the drives in the lake, and plan their clips.

    Args:
        snapshot: The lake.
        triggers: The specs. Each is evaluated as if it were new: what the same spec kept before
            does not use up its budgets; what other versions of it kept does, as in ingest.
        over: Only drives for which this condition over the columns of drives is true.
        console: Where progress is reported, if anywhere.
        only_new: Only what is not in the lake yet: what applying the triggers would add.
        most_rows: Only so many rows of telemetry, in whole drives that are drawn by hash.

    Raises:
        RidealongError: There are no drives, or ``over`` is not a condition or matches none.
    """
    started = time.monotonic()
    every = lake_drives(snapshot, over)
    seen = [drive for drive in every if drive.telemetry_rows]
    drives = _drawn(seen, most_rows)
    not_drawn = len(seen) - len(drives)
    committed = snapshot.sources() if only_new else frozenset[str]()
    plans = [planned(drive, triggers, committed) for drive in drives]
    if only_new:
        drives = [drive for drive, plan in zip(drives, plans, strict=True) if plan.triggers]
        plans = [plan for plan in plans if plan.triggers]
    with console.steps("drives", len(drives)) if console else nullcontext(SILENT) as steps:
        found = evaluate_drives(snapshot, drives, plans, triggers, steps)
    kept_before = snapshot.read(EVENTS, columns=[*BUDGETED, "trigger_sha256"], where="kept")
    if not only_new:
        kept_before = _of_others(kept_before, triggers)
    waiting = [outcome for outcome in found.outcomes if outcome.waits]
    budgeted = budget_drives(waiting, triggers, kept_before)
    suppressed = [
        event for outcome in found.outcomes if not outcome.waits for event in outcome.events
    ]
    events = [event for drive in budgeted for event in drive.planned.events]
    return Rehearsal(
        triggers=tuple(triggers),
        drives=tuple(drives),
        outcomes=found.outcomes,
        recorded=found.recorded,
        budgeted=tuple(budgeted),
        events=tuple(events + suppressed),
        left_out=len(every) - len(seen),
        not_drawn=not_drawn,
        seconds=time.monotonic() - started,
    )


def _of_others(kept: pa.Table, triggers: Sequence[TriggerSpec]) -> pa.Table:
    """The kept events of other specs than these."""
    same = pa.array([trigger_sha256(trigger) for trigger in triggers], pa.string())
    return kept.filter(pc.invert(pc.is_in(kept["trigger_sha256"], same)))


def _drawn(drives: list[DriveRow], most_rows: int | None) -> list[DriveRow]:
    """Whole drives in a fixed random order until they have so many rows; by id again."""
    if most_rows is None or sum(drive.telemetry_rows for drive in drives) <= most_rows:
        return drives
    chosen: list[DriveRow] = []
    rows = 0
    for drive in sorted(drives, key=lambda drive: short_hash("dry run", drive.drive_id)):
        rows += drive.telemetry_rows
        if chosen and rows > most_rows:
            break
        chosen.append(drive)
    return sorted(chosen, key=lambda drive: drive.drive_id)
