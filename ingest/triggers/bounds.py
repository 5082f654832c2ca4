"""Numbers of which only bounds are known, and what they decide.

Two hard brakes were seen in a window that lies half in a gap: how many there were is unknown, that
there were at least two is not. So an unknown number may have bounds: the least and the greatest it
can be. Arithmetic carries them on by interval arithmetic (Moore 1966, Interval Analysis), and a
comparison is known as soon as they decide it.

Bounds are ``(low, high)``, each ``(N,)`` float64, ``-inf`` and ``inf`` where open. Where a column
is known they are not looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from ingest.triggers.columns import Bounds, Column, Truth
from ridealong.arrays import Bools, Floats

# Of `left sign right`: when it is surely true, and when it surely is not.
_SURE: Mapping[str, Callable[[Bounds, Bounds], Bools]] = {
    "<": lambda a, b: a[1] < b[0],
    "<=": lambda a, b: a[1] <= b[0],
    ">": lambda a, b: a[0] > b[1],
    ">=": lambda a, b: a[0] >= b[1],
    "<>": lambda a, b: (a[1] < b[0]) | (a[0] > b[1]),
    "=": lambda a, b: (a[0] == b[1]) & (a[1] == b[0]),
}
OPEN: Bounds = np.array(-np.inf), np.array(np.inf)  # of what may be anything
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}


def bounds_of(column: Column) -> Bounds:
    """What a column can be, everywhere: where it is known, its value."""
    low, high = column.bounds or OPEN
    known = ~column.unknown & np.isfinite(column.numbers)
    return np.where(known, column.numbers, low), np.where(known, column.numbers, high)


def compared(sign: str, left: Column, right: Column) -> Truth:
    """What the bounds decide: 1 true, -1 false, 0 neither."""
    one, two = bounds_of(left), bounds_of(right)
    true, false = _SURE[sign](one, two), _SURE[_OPPOSITE[sign]](one, two)
    return true.astype(np.int8) - false.astype(np.int8)


def least_difference(greater: Column, less: Column) -> Floats:
    """``greater - less`` where it is known; else what is sure of it, NaN where not even the sign.

    Where it is at least 0 whatever is unknown, the least that it can be; where it is below 0, the
    greatest.
    """
    one, two = bounds_of(greater), bounds_of(less)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = one[0] - two[1], one[1] - two[0]
    return np.where(low >= 0, low, np.where(high < 0, high, np.nan))


def absolute(column: Column) -> Bounds | None:
    """Bounds of an absolute value; open where the value may be anything."""
    if column.bounds is None:
        return None
    low, high = bounds_of(column)
    least, greatest = np.maximum(np.maximum(low, -high), 0.0), np.maximum(-low, high)
    return np.where(_is_open(low, high), -np.inf, least), greatest


def extreme(name: str, columns: Sequence[Column]) -> Bounds | None:
    """Bounds of ``least`` or ``greatest``; open where an operand may be anything."""
    if all(column.bounds is None for column in columns):
        return None
    pick = np.minimum if name == "least" else np.maximum
    every = [bounds_of(column) for column in columns]
    low, high = (reduce(pick, (each[side] for each in every)) for side in (0, 1))
    anything = reduce(np.logical_or, (_is_open(*each) for each in every))
    return np.where(anything, -np.inf, low), np.where(anything, np.inf, high)


def _is_open(low: Floats, high: Floats) -> Bools:
    """Where it may be anything."""
    return np.isneginf(low) & np.isposinf(high)


def arithmetic(sign: str, left: Column, right: Column) -> Bounds | None:
    """Bounds of ``left sign right``; open where a divisor may be 0."""
    if left.bounds is None and right.bounds is None:
        return None
    one, two = bounds_of(left), bounds_of(right)
    with np.errstate(all="ignore"):
        low, high = _ARITHMETIC[sign](one, two)
    # What is not finite is unknown, so neither end of a range of numbers can be beyond all of them.
    return np.where(low < np.inf, low, -np.inf), np.where(high > -np.inf, high, np.inf)


def _sum(one: Bounds, two: Bounds) -> Bounds:
    return one[0] + two[0], one[1] + two[1]


def _difference(one: Bounds, two: Bounds) -> Bounds:
    return one[0] - two[1], one[1] - two[0]


def _product(one: Bounds, two: Bounds) -> Bounds:
    return _between([a * b for a in one for b in two])


def _quotient(one: Bounds, two: Bounds) -> Bounds:
    may_be_0 = (two[0] <= 0) & (two[1] >= 0)
    low, high = _between([a / b for a in one for b in two])
    return np.where(may_be_0, -np.inf, low), np.where(may_be_0, np.inf, high)


def _between(corners: Sequence[Floats]) -> Bounds:
    """Bounds around what the ends give."""
    # 0 times an open end is 0: whatever number that is, it is one. Of two open ends, one over the
    # other, 0 is among what comes out.
    known = [np.where(np.isnan(corner), 0.0, corner) for corner in corners]
    return reduce(np.minimum, known), reduce(np.maximum, known)


_ARITHMETIC: Mapping[str, Callable[[Bounds, Bounds], Bounds]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
}
