"""Triggers over telemetry: from samples to events.

Over many samples each separable condition takes one pass over single rows, which finds those that
could make it true; runs are worked out among them alone. Any other condition, and few samples, are
looked at whole. Both give the same events.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.schemas import EVENTS
from ingest.triggers.compile import predicate
from ingest.triggers.firing import Firing, Trace, firings, fraction_of, suppressed
from ingest.triggers.grid import Grid, make_grid
from ingest.triggers.language import parse_drive_filter
from ingest.triggers.plans import has_columns, is_sparse, texts_of
from ingest.triggers.spec import TriggerSpec, trigger_sha256
from ingest.triggers.traces import run_query, traces
from ingest.units import NS_PER_S

SPARSE_FROM_ROWS = 100_000  # below, one query for all triggers is quicker
BATCH_ROWS = 2_000_000  # windows hold a batch in memory


@dataclass(frozen=True)
class Drive:
    """What events need to know of a drive."""

    vehicle_id: str
    start_ns: int
    row: int


def evaluate(
    telemetry: pa.Table,
    drives: pa.Table,
    triggers: Sequence[TriggerSpec],
    *,
    sparse_from_rows: int = SPARSE_FROM_ROWS,
) -> pa.Table:
    """Every firing of the triggers, kept or suppressed, as rows of the table events.

    Args:
        telemetry: ``drive_id``, ``timestamp_ns`` and signals, of any number of drives; a signal
            without a column is unknown.
        drives: Rows of the table drives; at least those of the telemetry.
        triggers: What to look for.
        sparse_from_rows: From so many samples on, separable conditions go the sparse way.

    Budgets are not applied yet: see `budget`.
    """
    known = _drives(drives)
    passes = _applicable(drives, triggers)
    active = [trigger for trigger in triggers if passes[trigger.name].any()]
    if not active or telemetry.num_rows == 0:
        return EVENTS.schema.empty_table()
    grid = make_grid(telemetry)
    rows: list[dict[str, object]] = []
    for trigger, drive_id, fired in _fired(grid, active, known, sparse_from_rows):
        if passes[trigger.name][known[drive_id].row]:
            rows += _events(trigger, drive_id, known[drive_id], fired)
    rows.sort(key=lambda row: (row["drive_id"], row["time_ns"], row["trigger"]))
    return pa.Table.from_pylist(rows, schema=EVENTS.schema)


def event_id(trigger_sha: str, drive_id: str, time_ns: int) -> str:
    """What names an event: the same firing has the same name wherever it is found."""
    return hashlib.sha256(f"{trigger_sha}|{drive_id}|{time_ns}".encode()).hexdigest()[:16]


def _events(
    trigger: TriggerSpec, drive_id: str, drive: Drive, fired: Sequence[Firing]
) -> list[dict[str, object]]:
    sha = trigger_sha256(trigger)
    ids = [event_id(sha, drive_id, firing.time_ns) for firing in fired]
    reasons = suppressed(fired, ids, trigger)
    return [
        {
            "event_id": name,
            "drive_id": drive_id,
            "vehicle_id": drive.vehicle_id,
            "trigger": trigger.name,
            "trigger_sha256": sha,
            "onset_ns": firing.onset_ns,
            "time_ns": firing.time_ns,
            "onset_s": (firing.onset_ns - drive.start_ns) / NS_PER_S,
            "time_s": (firing.time_ns - drive.start_ns) / NS_PER_S,
            "margin": firing.margin,
            "kept": reason is None,
            "reason": reason,
            "inclusion_probability": trigger.sample,
            "clip_id": None,
        }
        for name, reason, firing in zip(ids, reasons, fired, strict=True)
    ]


def _fired(
    grid: Grid, triggers: Sequence[TriggerSpec], known: Mapping[str, Drive], sparse_from_rows: int
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    """Firings by trigger and drive."""
    for group, part, chosen in _groups(grid, triggers, grid.rows >= sparse_from_rows):
        for trigger, trace in traces(part, group, chosen=chosen):
            yield from _by_drive(trigger, trace, part)
    for trigger in triggers:
        if trigger.random is not None:
            yield from _at_random(trigger, grid, known)


def _groups(
    grid: Grid, triggers: Sequence[TriggerSpec], many_rows: bool
) -> Iterator[tuple[list[TriggerSpec], Grid, bool]]:
    """Triggers, samples to evaluate them on, and whether it is enough to look at chosen ones.

    Over few samples all share one query. Over many each separable one chooses its own; what needs
    to see all samples takes whole drives at a time.
    """
    conditions = [trigger for trigger in triggers if trigger.condition is not None]
    if not conditions:
        return
    if not many_rows:
        yield conditions, grid, False
        return
    for trigger in conditions:
        texts = texts_of(trigger)
        chosen = is_sparse(texts)
        parts = [grid] if chosen and not has_columns(texts) else grid.batches(BATCH_ROWS)
        for part in parts:
            yield [trigger], part, chosen


def _by_drive(
    trigger: TriggerSpec, trace: Trace, grid: Grid
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    by_drive: dict[int, list[Firing]] = {}
    for firing in firings(trace, trigger.every_ns):
        by_drive.setdefault(firing.drive, []).append(firing)
    for drive, fired in by_drive.items():
        yield trigger, grid.drive_ids[drive], fired


# Drives


def _drives(drives: pa.Table) -> dict[str, Drive]:
    columns = drives.select(["drive_id", "vehicle_id", "start_ns"]).to_pydict()
    rows = zip(*columns.values(), strict=True)
    return {name: Drive(vehicle, start, row) for row, (name, vehicle, start) in enumerate(rows)}


def _applicable(drives: pa.Table, triggers: Sequence[TriggerSpec]) -> dict[str, NDArray[np.bool_]]:
    """Of every trigger, the drives it looks at: `where` is true and it has not expired."""
    days = [_day(start) for start in drives["start_ns"].to_pylist()]
    passes = {}
    for trigger in triggers:
        alive = [trigger.expires is None or day <= trigger.expires for day in days]
        passes[trigger.name] = np.array(alive, np.bool_) & _matching(drives, trigger.where)
    return passes


def _matching(drives: pa.Table, where: str | None) -> NDArray[np.bool_]:
    if where is None:
        return np.ones(drives.num_rows, np.bool_)
    condition = predicate(parse_drive_filter(where))
    rows = drives.append_column("pos", pa.array(np.arange(drives.num_rows)))
    sql = f"select pos from samples where {condition.sql}"
    matching = np.zeros(drives.num_rows, np.bool_)
    matching[run_query(sql, condition.parameters, rows)["pos"]] = True
    return matching


def _day(time_ns: int) -> date:
    return datetime.fromtimestamp(time_ns // NS_PER_S, tz=UTC).date()


# Random moments


def _at_random(
    trigger: TriggerSpec, grid: Grid, known: Mapping[str, Drive]
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    """A Poisson process over each drive; a moment is the first sample at or after it."""
    for number, drive_id in enumerate(grid.drive_ids):
        times = grid.timestamps_ns[grid.starts[number] : grid.starts[number + 1]]
        moments = list(_moments(trigger, drive_id, int(times[0]), int(times[-1])))
        indices = sorted(set(np.searchsorted(times, moments).tolist()))
        fired = [Firing(number, int(times[i]), int(times[i]), None) for i in indices]
        if fired:
            yield trigger, drive_id, fired


def _moments(trigger: TriggerSpec, drive_id: str, start_ns: int, end_ns: int) -> Iterator[int]:
    assert trigger.random is not None
    mean_ns = trigger.random.every_ns
    time, count = float(start_ns), 0
    while True:
        share = fraction_of(f"random:{trigger.random.seed}:{drive_id}:{count}")
        time, count = time - math.log1p(-share) * mean_ns, count + 1
        if time > end_ns:
            return
        yield round(time)
