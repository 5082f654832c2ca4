"""What triggers' conditions are at the samples of a grid.

DuckDB looks at single rows, numpy at how they follow on each other: time functions become columns
first, then the row-wise parts are asked for, then conditions are put together from those.
"""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.signals import lookup
from ingest.triggers.expressions import Node, Variable, Window
from ingest.triggers.firing import Trace
from ingest.triggers.grid import Grid, Positions, samples_at, with_windows
from ingest.triggers.lowering import Sliding
from ingest.triggers.plans import (
    Plan,
    Query,
    margins_query,
    operands_query,
    plan_of,
    texts_of,
    truth_query,
)
from ingest.triggers.separable import Judge, Margins, Truth, judge_margins, reach_ns, windows
from ingest.triggers.sliding import Slider
from ingest.triggers.spec import TriggerSpec

Arrays = Mapping[str, NDArray[Any]]


def traces(
    grid: Grid, triggers: Sequence[TriggerSpec], *, chosen: bool
) -> Iterator[tuple[TriggerSpec, Trace]]:
    """The conditions of those that are true anywhere; at ``chosen`` samples only, or at all.

    Most triggers stay false over most drives, so margins are asked for apart, and only where a
    condition is true.
    """
    plan = plan_of(tuple(texts_of(trigger) for trigger in triggers))
    grid = with_columns(grid, plan)
    judge = _judge(grid, truth_query(plan, chosen))
    held = [judge.truth(when) for when, _ in plan.conditions]
    positions = judge.samples.positions
    true = {n: positions[truth == 1] for n, truth in enumerate(held) if (truth == 1).any()}
    for number, margins in margins_at(grid, plan, true).items():
        when, rearm = plan.conditions[number]
        rearmed = held[number] == -1 if rearm is None else judge.truth(rearm) == 1
        relaxed = judge.truth(when, holds=False) == 1
        everywhere = np.full(len(relaxed), np.nan)
        everywhere[held[number] == 1] = margins
        yield triggers[number], Trace(judge.samples, held[number], relaxed, rearmed, everywhere)


def _judge(grid: Grid, query: Query) -> Judge:
    found = _ask(query, grid.telemetry)
    known = {node: _truth(found[f"c{number}"]) for number, node in enumerate(query.nodes)}
    return Judge(grid, samples_at(grid, found["pos"]), known)


def with_columns(grid: Grid, plan: Plan) -> Grid:
    """The grid, its telemetry with the plan's columns."""
    slider = Slider(grid)
    for level in plan.levels:
        telemetry = grid.telemetry
        for column, operand in zip(level, _operands(telemetry, level), strict=True):
            values = slider.slide(column.window, operand, column.duration_ns)
            telemetry = telemetry.append_column(column.name, values)
        grid = replace(grid, telemetry=telemetry)
    return grid


def _operands(telemetry: pa.Table, level: tuple[Sliding, ...]) -> list[pa.ChunkedArray]:
    """What the columns of one level are functions of; signals need not be asked for."""
    computed = tuple(c for c in level if not isinstance(c.operand, Variable))
    known: dict[Node, pa.ChunkedArray] = {}
    if any(column.window is not Window.ELAPSED for column in computed):
        query = operands_query(computed)
        found = _ask(query, telemetry)
        for number, node in enumerate(query.nodes):
            known[node] = pa.chunked_array([_unmasked(found[f"c{number}"])])
    nowhere = pa.chunked_array([pa.nulls(telemetry.num_rows)])
    return [
        _column(telemetry, column.operand.name)
        if isinstance(column.operand, Variable)
        else known.get(column.operand, nowhere)
        for column in level
    ]


def margins_at(grid: Grid, plan: Plan, positions: Mapping[int, Positions]) -> dict[int, Margins]:
    """Margins of some of the plan's conditions, by number, each at positions of its own.

    All samples of the windows that end there are looked at, in one query for all conditions.
    """
    if not positions:
        return {}
    needed = _needed(grid, plan, positions)
    query = margins_query(plan, tuple(positions))
    there = [name for name in query.signals if name in grid.telemetry.column_names]
    rows = grid.telemetry.select([*there, "timestamp_ns"]).take(pa.array(needed))
    found = _ask(query, rows)
    known = {node: _filled(found[f"c{number}"]) for number, node in enumerate(query.nodes)}
    whens = {number: plan.conditions[number][0] for number in positions}
    starts = {
        length: np.searchsorted(needed, grid.window_starts(needed, length))
        for length in set().union(*map(windows, whens.values()))
    }
    return {
        number: judge_margins(whens[number], known, starts)[np.searchsorted(needed, at)]
        for number, at in positions.items()
    }


def _needed(grid: Grid, plan: Plan, positions: Mapping[int, Positions]) -> Positions:
    marked = np.zeros(grid.rows, bool)
    for number, at in positions.items():
        starts = grid.window_starts(at, reach_ns(plan.conditions[number][0]))
        marked[with_windows(at, starts)] = True
    return np.flatnonzero(marked)


def _truth(values: NDArray[Any]) -> Truth:
    """A condition's column as 1, -1 and, where unknown, 0."""
    truth = np.where(np.ma.getdata(values), 1, -1)
    return np.where(np.ma.getmaskarray(values), 0, truth).astype(np.int8)


def _unmasked(values: NDArray[Any]) -> pa.Array:
    return pa.array(np.ma.getdata(values), mask=np.ma.getmaskarray(values))


def _filled(values: NDArray[Any]) -> Margins:
    """A margin's column, NaN where unknown."""
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def _ask(query: Query, telemetry: pa.Table) -> Arrays:
    """A query's columns over telemetry; ``pos`` is the row."""
    columns = {name: _column(telemetry, name) for name in query.signals}
    position = pa.array(np.arange(telemetry.num_rows))
    return run_query(query.sql, query.parameters, pa.table({**columns, "pos": position}))


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
        # Nothing to gain: a query is one pass over columns that are all needed. Optimizing it
        # takes longer than running it over one drive.
        _local.connection.execute("pragma disable_optimizer")
    connection: duckdb.DuckDBPyConnection = _local.connection
    return connection


def _column(telemetry: pa.Table, name: str) -> pa.ChunkedArray:
    """A signal's column; one that is not there is all unknown, as what is not finite."""
    if name not in telemetry.column_names:
        return pa.chunked_array([pa.nulls(telemetry.num_rows, lookup(name).arrow_type)])
    return _known(telemetry[name])


def _known(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # One number that is not finite makes the sum so; a sum is the quickest look at a column.
    total = pc.sum(column).as_py() if pa.types.is_floating(column.type) else None
    if total is None or math.isfinite(total):
        return column
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
