"""What a trigger's conditions are at every sample: the dense and the sparse way to know."""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.signals import lookup
from ingest.triggers.expressions import Node, holds, variables
from ingest.triggers.firing import Trace
from ingest.triggers.grid import Grid, Positions, Samples, samples_at, with_windows
from ingest.triggers.plans import (
    are_sparse,
    leaves_of,
    leaves_query,
    margins_query,
    nodes_of,
    signals_of,
    texts_of,
    windows_query,
)
from ingest.triggers.separable import Margins, Truth, judge_margins, judge_truth, leaves
from ingest.triggers.spec import TriggerSpec

Arrays = Mapping[str, NDArray[Any]]


def is_sparse(trigger: TriggerSpec) -> bool:
    """Whether single rows tell where the trigger could fire and where it stays disarmed."""
    return trigger.when is not None and are_sparse(texts_of(trigger))


def sparse_traces(
    grid: Grid, triggers: Sequence[TriggerSpec], *, chosen: bool
) -> Iterator[tuple[TriggerSpec, Trace]]:
    """Row-wise parts by DuckDB, holds by runs; only ``chosen`` samples, or all.

    Planning takes DuckDB longer than running, and most triggers stay false over most drives: so
    margins are asked for apart, by those that could have fired.
    """
    texts = tuple(texts_of(trigger) for trigger in triggers)
    nodes = leaves_of(texts)
    sql, parameters = leaves_query(texts, chosen)
    found = run_query(sql, parameters, _numbered(grid.telemetry, signals_of(texts)))
    samples = samples_at(grid, found["pos"])
    truth = {node: _truth(found[f"c{number}"]) for number, node in enumerate(nodes)}
    for trigger, (when, rearm) in zip(triggers, map(nodes_of, texts), strict=True):
        relaxed = judge_truth(when, truth, samples, holds=False) == 1
        held = judge_truth(when, truth, samples, holds=True)
        if not (held == 1).any():
            continue
        rearmed = held == -1 if rearm is None else truth[rearm] == 1
        margins = np.full(len(held), np.nan)
        margins[held == 1] = _sparse_margins(grid, when, samples.positions[held == 1])
        yield trigger, Trace(samples, held, relaxed, rearmed, margins)


def _sparse_margins(grid: Grid, when: Node, positions: Positions) -> Margins:
    """Margins at some positions, for which all samples of their holds' windows are looked at."""
    lengths = {hold.duration_ns or 0 for hold in holds(when)}
    longest = grid.window_starts(positions, max(lengths, default=0))
    needed = with_windows(positions, longest)
    sql, parameters = margins_query(when)
    names = sorted(variables(when))
    there = [name for name in names if name in grid.telemetry.column_names]
    rows = grid.telemetry.select([*there, "timestamp_ns"]).take(pa.array(needed))
    found = run_query(sql, parameters, _numbered(rows, names))
    nodes = dict.fromkeys(leaves(when))
    known = {node: _filled(found[f"c{number}"]) for number, node in enumerate(nodes)}
    starts = {
        length: np.searchsorted(needed, grid.window_starts(needed, length)) for length in lengths
    }
    return judge_margins(when, known, starts)[np.searchsorted(needed, positions)]


def dense_traces(
    grid: Grid, triggers: Sequence[TriggerSpec]
) -> Iterator[tuple[TriggerSpec, Trace]]:
    """Everything by DuckDB's windows, over all samples."""
    texts = tuple(texts_of(trigger) for trigger in triggers)
    sql, parameters, outputs = windows_query(texts)
    samples = samples_at(grid, np.arange(grid.rows))
    found = run_query(sql, parameters, _timed_columns(grid, signals_of(texts), samples))
    for trigger, (when, relaxed, rearm, margin) in zip(triggers, outputs, strict=True):
        truth = _truth(found[when])
        could = truth if relaxed is None else _truth(found[relaxed])
        rearmed = truth == -1 if rearm is None else _truth(found[rearm]) == 1
        yield trigger, Trace(samples, truth, could == 1, rearmed, _filled(found[margin]))


def _truth(values: NDArray[Any]) -> Truth:
    """A condition's column as 1, -1 and, where unknown, 0."""
    truth = np.where(np.ma.getdata(values), 1, -1)
    return np.where(np.ma.getmaskarray(values), 0, truth).astype(np.int8)


def _filled(values: NDArray[Any]) -> Margins:
    """A margin's column, NaN where unknown."""
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


_local = threading.local()


def run_query(sql: str, parameters: Mapping[str, str], samples: pa.Table) -> Arrays:
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
    connection: duckdb.DuckDBPyConnection = _local.connection
    return connection


def _columns(telemetry: pa.Table, signals: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """The signals' columns; one that is not there is all unknown, as what is not finite."""
    return {
        name: _known(telemetry[name])
        if name in telemetry.column_names
        else pa.nulls(telemetry.num_rows, lookup(name).arrow_type)
        for name in signals
    }


def _known(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # One number that is not finite makes the sum so; a sum is the quickest look at a column.
    total = pc.sum(column).as_py() if pa.types.is_floating(column.type) else None
    if total is None or math.isfinite(total):
        return column
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))


def _numbered(telemetry: pa.Table, signals: Sequence[str]) -> pa.Table:
    """The signals, and each sample's position."""
    position = pa.array(np.arange(telemetry.num_rows))
    return pa.table({**_columns(telemetry, signals), "pos": position})


def _timed_columns(grid: Grid, signals: Sequence[str], samples: Samples) -> pa.Table:
    """The signals, and what the windows need to know of each sample."""
    return pa.table(
        {
            **_columns(grid.telemetry, signals),
            "pos": samples.positions,
            "drive": samples.drives,
            "ts": samples.times_ns,
            "gap": samples.gaps,
            "gap_ns": samples.gap_ns,
            "segment_ns": samples.segment_ns,
        }
    )
