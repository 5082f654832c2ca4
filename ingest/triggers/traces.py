"""The conditions of triggers at the samples of a grid."""

from collections.abc import Iterator, Sequence

import numpy as np

from ingest.triggers.firing import Trace
from ingest.triggers.grid import Grid, Positions, samples_at, with_windows
from ingest.triggers.plans import Condition, plan_of, texts_of
from ingest.triggers.readings import Readings
from ingest.triggers.robustness import margin
from ingest.triggers.separable import Judge, reach_ns, windows
from ingest.triggers.spec import TriggerSpec
from ridealong.arrays import Floats
from ridealong.expressions.nodes import Node


def traces(
    grid: Grid, triggers: Sequence[TriggerSpec], *, sparse: bool
) -> Iterator[tuple[TriggerSpec, Trace]]:
    """Traces of the triggers whose condition is true anywhere.

    ``sparse``: evaluate separable conditions only at samples at which they could be true.
    """
    plan = plan_of(tuple(texts_of(trigger) for trigger in triggers))
    readings = Readings(grid, plan.columns)
    for trigger, condition in zip(triggers, plan.conditions, strict=True):
        chosen = sparse and condition.separable
        positions = _candidates(readings, condition) if chosen else np.arange(grid.rows)
        trace = _trace(readings, condition, positions)
        if trace is not None:
            yield trigger, trace


def _candidates(readings: Readings, condition: Condition) -> Positions:
    """The samples not known to be false and to re-arm; none if the condition is never true."""
    rows = readings.rows
    relaxed = rows.truth(condition.relaxed)
    if not (relaxed == 1).any():
        return np.empty(0, np.int64)
    marked = np.zeros(rows.count, bool)
    for node in condition.needed:
        marked |= rows.truth(node) != -1
    if condition.rearm is not None:
        marked |= rows.truth(condition.rearm) != 1
    return np.flatnonzero(marked)


def _trace(readings: Readings, condition: Condition, positions: Positions) -> Trace | None:
    if not len(positions):
        return None
    grid = readings.grid
    judge = Judge(grid, samples_at(grid, positions), readings.rows)
    when = judge.truth(condition.when)
    true = when == 1
    if not true.any():
        return None
    # Most triggers stay false over most drives, so margins are computed only where one is true.
    margins = np.full(len(when), np.nan)
    margins[true] = margins_at(readings, condition.when, positions[true])
    rearm = condition.rearm
    rearmed = when == -1 if rearm is None else judge.truth(rearm) == 1
    relaxed = judge.truth(condition.when, holds=False) == 1
    return Trace(judge.samples, when, relaxed, rearmed, margins)


def margins_at(readings: Readings, when: Node, positions: Positions) -> Floats:
    """Margins of a condition at the given samples, from all samples in their windows."""
    grid = readings.grid
    marked = np.zeros(grid.rows, bool)
    marked[with_windows(positions, grid.window_starts(positions, reach_ns(when)))] = True
    needed = np.flatnonzero(marked)
    starts = {
        length: np.searchsorted(needed, grid.window_starts(needed, length))
        for length in windows(when)
    }
    margins = margin(when, readings.rows_at(needed), starts)
    return margins[np.searchsorted(needed, positions)]
