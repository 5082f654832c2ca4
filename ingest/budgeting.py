"""Between reading and cutting: budgets are applied to all drives' events, and clips are planned."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.clip_jobs import PlannedClips, plan_clips
from ingest.drives import DriveOutcome
from ingest.rows import DriveRow, EventRow, event_rows, table_of
from ingest.schemas import EVENTS
from ingest.triggers.budget import apply_budgets
from ingest.triggers.spec import TriggerSpec


@dataclass(frozen=True)
class BudgetedDrive:
    """A drive after the budgets, and the clips of its kept events."""

    outcome: DriveOutcome
    row: DriveRow
    planned: PlannedClips


def budget_drives(
    waiting: Sequence[DriveOutcome], triggers: Sequence[TriggerSpec], kept_before: pa.Table
) -> list[BudgetedDrive]:
    """Apply the budgets to the events of all drives together, and plan each drive's clips.

    This comes before shards are cut, because one day's budget may concern several of them.
    """
    # The order must not depend on which drive was read first.
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
        drawn.append(BudgetedDrive(outcome, outcome.drive, planned))
    return drawn
