"""Evaluates triggers over telemetry: from samples to events.

For a separable condition, one pass over single rows finds the samples that could make it true. Runs
are computed only among these. Any other condition is evaluated at all samples. Both give the same
events.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.rows import EventRow, table_of
from ingest.schemas import EVENTS
from ingest.triggers.applicable import applicable
from ingest.triggers.firing import Firing, Trace, firings, suppressed
from ingest.triggers.grid import Grid, make_grid
from ingest.triggers.random_moments import sample_moments
from ingest.triggers.spec import Random, TriggerSpec, trigger_sha256
from ingest.triggers.traces import traces
from ridealong.units import NS_PER_S

BATCH_ROWS = 2_000_000  # the columns of a batch are in memory


@dataclass(frozen=True)
class _Drive:
    """The attributes of a drive that events need."""

    vehicle_id: str
    start_ns: int
    row: int


def evaluate(
    telemetry: pa.Table,
    drives: pa.Table,
    triggers: Sequence[TriggerSpec],
    *,
    sparse: bool = True,
) -> pa.Table:
    """Every event of the triggers, kept or suppressed, as rows of the table events.

    Args:
        telemetry: ``drive_id``, ``timestamp_ns`` and signals, of any number of drives; a signal
            without a column is unknown.
        drives: Rows of the table drives; at least those of the telemetry.
        triggers: The triggers.
        sparse: Evaluate separable conditions only at the samples that matter, which is faster.

    Budgets are applied later: see `budget`.
    """
    known = _drives(drives)
    passes = applicable(drives, triggers)
    active = [trigger for trigger in triggers if passes[trigger.name].any()]
    if not active or telemetry.num_rows == 0:
        return EVENTS.schema.empty_table()
    grid = make_grid(telemetry)
    rows: list[EventRow] = []
    for trigger, drive_id, fired in _fired(grid, active, sparse):
        if passes[trigger.name][known[drive_id].row]:
            rows += _events(trigger, drive_id, known[drive_id], fired)
    rows.sort(key=lambda row: (row.drive_id, row.time_ns, row.trigger))
    return table_of(rows, EVENTS)


def event_id(trigger_sha: str, drive_id: str, time_ns: int) -> str:
    """The id of an event: the same firing always has the same id."""
    return hashlib.sha256(f"{trigger_sha}|{drive_id}|{time_ns}".encode()).hexdigest()[:16]


def _events(
    trigger: TriggerSpec, drive_id: str, drive: _Drive, fired: Sequence[Firing]
) -> list[EventRow]:
    sha = trigger_sha256(trigger)
    ids = [event_id(sha, drive_id, firing.time_ns) for firing in fired]
    reasons = suppressed(fired, ids, trigger)
    return [
        EventRow(
            event_id=name,
            drive_id=drive_id,
            vehicle_id=drive.vehicle_id,
            trigger=trigger.name,
            trigger_sha256=sha,
            onset_ns=firing.onset_ns,
            time_ns=firing.time_ns,
            onset_s=(firing.onset_ns - drive.start_ns) / NS_PER_S,
            time_s=(firing.time_ns - drive.start_ns) / NS_PER_S,
            margin=firing.margin,
            kept=reason is None,
            reason=reason,
            inclusion_probability=firing.chance * trigger.sample,
            clip_id=None,
        )
        for name, reason, firing in zip(ids, reasons, fired, strict=True)
    ]


def _fired(
    grid: Grid, triggers: Sequence[TriggerSpec], sparse: bool
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    """Firings by trigger and drive."""
    conditions = [trigger for trigger in triggers if trigger.condition is not None]
    for part in grid.batches(BATCH_ROWS):
        for trigger, trace in traces(part, conditions, sparse=sparse):
            yield from _by_drive(trigger, trace, part)
    for trigger in triggers:
        if trigger.random is not None:
            yield from _at_random(trigger, trigger.random, grid)


def _by_drive(
    trigger: TriggerSpec, trace: Trace, grid: Grid
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    by_drive: dict[int, list[Firing]] = {}
    for firing in firings(trace, trigger.every_ns):
        by_drive.setdefault(firing.drive, []).append(firing)
    for drive, fired in by_drive.items():
        yield trigger, grid.drive_ids[drive], fired


def _drives(drives: pa.Table) -> dict[str, _Drive]:
    columns = drives.select(["drive_id", "vehicle_id", "start_ns"]).to_pydict()
    rows = zip(*columns.values(), strict=True)
    return {name: _Drive(vehicle, start, row) for row, (name, vehicle, start) in enumerate(rows)}


def _at_random(
    trigger: TriggerSpec, random: Random, grid: Grid
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    for number, drive_id in enumerate(grid.drive_ids):
        times = grid.timestamps_ns[grid.starts[number] : grid.starts[number + 1]]
        drawn = sample_moments(times, grid.gap_ns(number), random, drive_id)
        moments = zip(times[drawn.samples].tolist(), drawn.probabilities.tolist(), strict=True)
        fired = [Firing(number, time, time, None, chance) for time, chance in moments]
        if fired:
            yield trigger, drive_id, fired
