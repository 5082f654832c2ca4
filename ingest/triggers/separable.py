"""Evaluates conditions from their row-wise parts: runs and windows.

A condition consists of row-wise parts, joined by ``and``, ``or``, ``not``, ``held`` and the window
of ``changed``. A separable condition needs no samples at which it cannot be true: it is known to be
false there.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from ingest.triggers.columns import Truth
from ingest.triggers.grid import NEVER, Grid, Positions, Samples
from ingest.triggers.rowwise import Rows
from ridealong.arrays import Bools, Floats
from ridealong.expressions.nodes import And, Node, Not, Or, Timed, Window


def windows(node: Node) -> set[int]:
    """Durations of the time functions above a condition's leaves."""
    match node:
        case Timed(Window.HELD | Window.ANY, operand, int(length)):
            return {length} | windows(operand)
        case And(operands) | Or(operands):
            return set().union(*map(windows, operands))
        case Not(operand):
            return windows(operand)
        case _:
            return set()


def reach_ns(node: Node) -> int:
    """How far back a condition reads its leaves."""
    match node:
        case Timed(Window.HELD | Window.ANY, operand, int(length)):
            return length + reach_ns(operand)
        case And(operands) | Or(operands):
            return max(map(reach_ns, operands))
        case Not(operand):
            return reach_ns(operand)
        case _:
            return 0


@dataclass(frozen=True)
class Judge:
    """Conditions at samples of a grid; ``rows`` has all of them."""

    grid: Grid
    samples: Samples
    rows: Rows

    def truth(self, node: Node, *, holds: bool = True) -> Truth:
        """Truth of a condition; without ``holds``, ``held(c, d)`` is replaced by ``c``."""
        match node:
            case Timed(Window.HELD, operand, int(length)):
                inner = self.truth(operand, holds=holds)
                return held(inner, self.samples, length) if holds else inner
            case Timed(Window.ANY, operand, int(length)):
                return any_since(self.truth(operand), self.samples, self.grid, length)
            case Not(operand):
                return -self.truth(operand, holds=holds)
            case And(operands):
                return reduce(np.minimum, (self.truth(part, holds=holds) for part in operands))
            case Or(operands):
                return reduce(np.maximum, (self.truth(part, holds=holds) for part in operands))
            case _:
                return self.rows.truth(node)[self.samples.positions]


def held(condition: Truth, samples: Samples, length_ns: int) -> Truth:
    """True from a run's start plus the duration; false for that long after a false sample."""
    times = samples.times_ns
    true = condition == 1
    begins = true & (samples.breaks | ~np.append(False, true[:-1]))
    start = np.maximum.accumulate(np.where(begins, np.arange(len(times)), 0))
    lasting = true & (times - times[start] >= length_ns)
    failed = _last_failure(condition, samples) >= times - length_ns
    return np.where(lasting, 1, np.where(failed, -1, 0)).astype(np.int8)


def _last_failure(truth: Truth, samples: Samples) -> Positions:
    """The last time at which the condition was known false, including now; else `NEVER`."""
    false = truth == -1
    fails = false | (samples.hole_ns != NEVER)
    latest = np.maximum.accumulate(np.where(fails, np.arange(len(truth)), 0))
    when = np.where(false, samples.times_ns, samples.hole_ns)[latest]
    here = fails[latest] & (samples.drives[latest] == samples.drives)
    return np.where(here, when, NEVER)


def any_since(condition: Truth, samples: Samples, grid: Grid, length_ns: int) -> Truth:
    """True if true at some sample of the window; false if complete and without unknowns."""
    starts = grid.window_starts(samples.positions, length_ns)
    some = count_since(condition == 1, starts) > 0
    none = (count_since(condition != -1, starts) == 0) & samples.complete(length_ns)
    return np.where(some, 1, np.where(none, -1, 0)).astype(np.int8)


def count_since(flags: Bools, first: Positions) -> Positions:
    """For each ``i`` the number of ``flags[first[i] : i + 1]`` are set."""
    counts = np.append(0, np.cumsum(flags))
    return np.asarray(counts[1:] - counts[first])


def least_since(values: Floats, first: Positions) -> Floats:
    """For each ``i`` the minimum of ``values[first[i] : i + 1]``, by doubling."""
    own = np.arange(len(values))
    levels = np.log2(own - first + 1).astype(np.int64)
    least, table = np.empty_like(values), values
    for level in range(int(levels.max(initial=-1)) + 1):
        rows, width = levels == level, 2**level
        least[rows] = np.fmin(table[first[rows]], table[own[rows] - width + 1])
        table = np.append(np.fmin(table[:-width], table[width:]), table[-width:])
    return least


def greatest_since(values: Floats, first: Positions) -> Floats:
    """For each ``i`` the maximum of ``values[first[i] : i + 1]``."""
    return -least_since(-values, first)
