"""Triggers over telemetry: from samples to events.

A separable condition goes the *sparse* way: one pass over single rows finds those that could make
it true, and runs are worked out among them alone. Any other condition goes the *dense* way:
sliding windows over all samples. Both give the same events.
"""

import hashlib
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.schemas import EVENTS
from ingest.signals import lookup
from ingest.triggers.compile import Part, Writer, predicate, put
from ingest.triggers.expressions import Node, holds, is_rowwise, is_separable, without_holds
from ingest.triggers.firing import Firing, Reason, Trace, firings, fraction_of, suppressed
from ingest.triggers.grid import Grid, Samples, make_grid, samples_at
from ingest.triggers.language import parse_drive_filter
from ingest.triggers.robustness import write_margin
from ingest.triggers.separable import Judged, judge, leaves
from ingest.triggers.spec import TriggerSpec, trigger_sha256
from ingest.units import NS_PER_S

SPARSE_FROM_ROWS = 100_000  # below, one query for everything is quicker
BATCH_ROWS = 2_000_000  # windows hold a batch in memory

Arrays = Mapping[str, NDArray[Any]]


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
    sparse = [trigger for trigger in triggers if is_sparse(trigger)]
    dense = [t for t in triggers if t.condition is not None and not is_sparse(t)]
    for group, chosen in _groups(sparse, grid.rows >= sparse_from_rows):
        for trigger, trace in _sparse_traces(grid, group, chosen=chosen):
            yield from _by_drive(trigger, trace, grid)
    for batch in grid.batches(BATCH_ROWS) if dense else ():
        for trigger, trace in _dense_traces(batch, dense):
            yield from _by_drive(trigger, trace, batch)
    for trigger in triggers:
        if trigger.random is not None:
            yield from _at_random(trigger, grid, known)


def _groups(
    triggers: list[TriggerSpec], many_rows: bool
) -> Iterator[tuple[list[TriggerSpec], bool]]:
    """Over many samples each trigger chooses its own; over few they share one query."""
    if many_rows:
        yield from (([trigger], True) for trigger in triggers)
    elif triggers:
        yield triggers, False


def _by_drive(
    trigger: TriggerSpec, trace: Trace, grid: Grid
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    by_drive: dict[int, list[Firing]] = {}
    for firing in firings(trace, trigger.every_ns):
        by_drive.setdefault(firing.drive, []).append(firing)
    for drive, fired in by_drive.items():
        yield trigger, grid.drive_ids[drive], fired


# Conditions


def is_sparse(trigger: TriggerSpec) -> bool:
    """Whether single rows tell where the trigger could fire and where it stays disarmed."""
    condition, rearm = trigger.condition, trigger.rearm_condition
    if condition is None or not is_separable(condition):
        return False
    return rearm is None or is_rowwise(rearm)


def _sparse_traces(
    grid: Grid, triggers: Sequence[TriggerSpec], *, chosen: bool
) -> Iterator[tuple[TriggerSpec, Trace]]:
    """Row-wise parts by DuckDB, holds by runs; only ``chosen`` samples, or all."""
    conditions = tuple(_conditions(trigger) for trigger in triggers)
    sql, parameters = _leaves_query(conditions, chosen)
    names = {name for trigger in triggers for name in trigger.signals}
    position = pa.array(np.arange(grid.rows))
    table = _columns(grid.telemetry, sorted(names)).append_column("pos", position)
    found = _run(sql, parameters, table)
    samples = samples_at(grid, found["pos"])
    numbers = {node: number for number, node in enumerate(_all_leaves(conditions))}
    for trigger, (when, rearm) in zip(triggers, conditions, strict=True):
        known = {node: _judged(found, numbers[node]) for node in _all_leaves(((when, rearm),))}
        relaxed = judge(when, known, samples, holds=False).truth == 1
        if not relaxed.any():
            continue
        held = judge(when, known, samples, holds=True)
        rearmed = held.truth == -1 if rearm is None else known[rearm].truth == 1
        yield trigger, Trace(samples, held.truth, relaxed, rearmed, held.margins)


def _judged(found: Arrays, number: int) -> Judged:
    return Judged(found[f"truth{number}"], found[f"margin{number}"])


def _dense_traces(
    grid: Grid, triggers: Sequence[TriggerSpec]
) -> Iterator[tuple[TriggerSpec, Trace]]:
    """Everything by DuckDB's windows, over all samples."""
    sql, parameters = _windows_query(tuple(_conditions(trigger) for trigger in triggers))
    names = {name for trigger in triggers for name in trigger.signals}
    samples = samples_at(grid, np.arange(grid.rows))
    found = _run(sql, parameters, _timed_columns(grid, sorted(names), samples))
    for number, trigger in enumerate(triggers):
        truth = {name: found[f"{name}{number}"] for name in ("when", "relaxed", "rearmed")}
        relaxed, rearmed = truth["relaxed"] == 1, truth["rearmed"] == 1
        yield trigger, Trace(samples, truth["when"], relaxed, rearmed, found[f"margin{number}"])


Conditions = tuple[Node, Node | None]


def _conditions(trigger: TriggerSpec) -> Conditions:
    assert trigger.condition is not None
    return trigger.condition, trigger.rearm_condition


def _all_leaves(conditions: Sequence[Conditions]) -> list[Node]:
    found: dict[Node, None] = {}
    for when, rearm in conditions:
        found.update(dict.fromkeys(leaves(when)))
        found.update({rearm: None} if rearm is not None else {})
    return list(found)


@cache
def _leaves_query(conditions: tuple[Conditions, ...], chosen: bool) -> tuple[str, dict[str, str]]:
    """Truth and margin of every leaf, at the samples that any of the triggers needs."""
    writer = Writer()
    selected = ["pos"]
    for number, node in enumerate(_all_leaves(conditions)):
        selected.append(f"{_truth(writer.write(node))} as truth{number}")
        selected.append(f"{_margin(write_margin(writer, node))} as margin{number}")
    tests = [test for when, rearm in conditions for test in _candidate_tests(writer, when, rearm)]
    condition = f" where {' or '.join(dict.fromkeys(tests))}" if chosen else ""
    return f"select {', '.join(selected)} from {writer.source('samples')}{condition}", (
        writer.parameters
    )


def _candidate_tests(writer: Writer, when: Node, rearm: Node | None) -> list[str]:
    """True at every sample that is not known to be false and to re-arm."""
    needed = [without_holds(when), *(hold.operand for hold in holds(when))]
    tests = [f"{writer.write(node).sql} is distinct from false" for node in needed]
    if rearm is not None:
        tests.append(f"{writer.write(rearm).sql} is distinct from true")
    return tests


@cache
def _windows_query(conditions: tuple[Conditions, ...]) -> tuple[str, dict[str, str]]:
    """What `Trace` wants to know, of every trigger."""
    writer = Writer()
    selected = ["pos"]
    for number, (when, rearm) in enumerate(conditions):
        held = writer.column(writer.write(when))
        relaxed = writer.write(without_holds(when))
        rearmed = writer.write(rearm) if rearm else put("(not {0})", [held])
        margin = write_margin(writer, when)
        for name, part in ("when", held), ("relaxed", relaxed), ("rearmed", rearmed):
            selected.append(f"{_truth(writer.column(part))} as {name}{number}")
        selected.append(f"{_margin(writer.column(margin))} as margin{number}")
    return f"select {', '.join(selected)} from {writer.source('samples')}", writer.parameters


def _truth(part: Part) -> str:
    return f"coalesce({part.sql}::tinyint * 2 - 1, 0)::tinyint"


def _margin(part: Part) -> str:
    return f"coalesce({part.sql}, 'nan'::double)"


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
    matching[_run(sql, condition.parameters, rows)["pos"]] = True
    return matching


def _day(time_ns: int) -> object:
    return datetime.fromtimestamp(time_ns // NS_PER_S, tz=UTC).date()


# Random moments


def _at_random(
    trigger: TriggerSpec, grid: Grid, known: Mapping[str, Drive]
) -> Iterator[tuple[TriggerSpec, str, list[Firing]]]:
    """A Poisson process over each drive; a moment is the first sample at or after it."""
    for number, drive_id in enumerate(grid.drive_ids):
        times = grid.timestamps_ns[grid.starts[number] : grid.starts[number + 1]]
        moments = list(_moments(trigger, drive_id, int(times[0]), int(times[-1])))
        samples = np.unique(np.searchsorted(times, moments)) if moments else []
        fired = [Firing(number, int(times[i]), int(times[i]), None) for i in samples]
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


# DuckDB


_local = threading.local()


def _run(sql: str, parameters: Mapping[str, str], samples: pa.Table) -> Arrays:
    """The columns of a query over the relation ``samples``."""
    connection = _connection()
    connection.register("samples", samples)
    try:
        found = connection.execute(sql, dict(parameters)).fetchnumpy()
    finally:
        connection.unregister("samples")
    return _in_order(found)


def _in_order(found: Arrays) -> Arrays:
    """Rows by position, in which several threads may have changed the order."""
    positions = found["pos"]
    if np.all(positions[1:] > positions[:-1]):
        return found
    order = np.argsort(positions)
    return {name: values[order] for name, values in found.items()}


def _connection() -> duckdb.DuckDBPyConnection:
    """This thread's own connection: a shared one gives wrong answers."""
    if not hasattr(_local, "connection"):
        _local.connection = duckdb.connect(config={"enable_external_access": False})
    return _local.connection


def _columns(telemetry: pa.Table, signals: Sequence[str]) -> pa.Table:
    """The signals' columns; one that is not there is all unknown."""
    columns = {
        name: telemetry[name]
        if name in telemetry.column_names
        else pa.nulls(telemetry.num_rows, lookup(name).arrow_type)
        for name in signals
    }
    if not columns:
        return pa.table({"no_signal": pa.nulls(telemetry.num_rows)})
    return pa.table(columns)


def _timed_columns(grid: Grid, signals: Sequence[str], samples: Samples) -> pa.Table:
    """The signals, and what the windows need to know of each sample."""
    table = _columns(grid.telemetry, signals)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return pa.table(
        columns
        | {
            "pos": samples.positions,
            "drive": samples.drives,
            "ts": samples.times_ns,
            "gap": samples.gaps,
            "gap_ns": samples.gap_ns,
            "segment_ns": samples.segment_ns,
        }
    )
