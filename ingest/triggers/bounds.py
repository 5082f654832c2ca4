"""Bounds of unknown numbers, and the comparisons that they decide.

A window reaches into a gap, and two hard brakes were seen in it: their number is unknown, but it is
at least two. So an unknown number may have bounds: its smallest and its largest possible value.
Interval arithmetic propagates them (Moore 1966, Interval Analysis), and a comparison is known as
soon as they decide it.

Bounds are ``(low, high)``, each ``(N,)`` float64, ``-inf`` and ``inf`` if open. They are ignored
where a column is known.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from ingest.triggers.columns import Bounds, Column, Truth
from ridealong.arrays import Bools, Floats

# For `left sign right`: when it is certainly true, and when certainly false.
_SURE: Mapping[str, Callable[[Bounds, Bounds], Bools]] = {
    "<": lambda a, b: a[1] < b[0],
    "<=": lambda a, b: a[1] <= b[0],
    ">": lambda a, b: a[0] > b[1],
    ">=": lambda a, b: a[0] >= b[1],
    "<>": lambda a, b: (a[1] < b[0]) | (a[0] > b[1]),
    "=": lambda a, b: (a[0] == b[1]) & (a[1] == b[0]),
}
OPEN: Bounds = np.array(-np.inf), np.array(np.inf)  # of a number that may be anything
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}


def bounds_of(column: Column) -> Bounds:
    """Bounds of a column at all samples; where it is known, its value."""
    low, high = column.bounds or OPEN
    known = ~column.unknown & np.isfinite(column.numbers)
    return np.where(known, column.numbers, low), np.where(known, column.numbers, high)


def compared(sign: str, left: Column, right: Column) -> Truth:
    """The result that the bounds decide: 1 true, -1 false, 0 neither."""
    one, two = bounds_of(left), bounds_of(right)
    true, false = _SURE[sign](one, two), _SURE[_OPPOSITE[sign]](one, two)
    return true.astype(np.int8) - false.astype(np.int8)


def least_difference(greater: Column, less: Column) -> Floats:
    """``greater - less`` if it is known; else the part that is certain, NaN if not even the sign.

    If it is certainly at least 0, this is its smallest value. If it is certainly below 0, this is
    its largest value.
    """
    one, two = bounds_of(greater), bounds_of(less)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = one[0] - two[1], one[1] - two[0]
    return np.where(low >= 0, low, np.where(high < 0, high, np.nan))


def absolute(column: Column) -> Bounds | None:
    """Bounds of an absolute value; open if the value may be anything."""
    if column.bounds is None:
        return None
    low, high = bounds_of(column)
    least, greatest = np.maximum(np.maximum(low, -high), 0.0), np.maximum(-low, high)
    return np.where(_is_open(low, high), -np.inf, least), greatest


def extreme(name: str, columns: Sequence[Column]) -> Bounds | None:
    """Bounds of ``least`` or ``greatest``; open if an operand may be anything."""
    if all(column.bounds is None for column in columns):
        return None
    pick = np.minimum if name == "least" else np.maximum
    every = [bounds_of(column) for column in columns]
    low, high = (reduce(pick, (each[side] for each in every)) for side in (0, 1))
    anything = reduce(np.logical_or, (_is_open(*each) for each in every))
    return np.where(anything, -np.inf, low), np.where(anything, np.inf, high)


def _is_open(low: Floats, high: Floats) -> Bools:
    """Where the number may be anything."""
    return np.isneginf(low) & np.isposinf(high)


def arithmetic(sign: str, left: Column, right: Column) -> Bounds | None:
    """Bounds of ``left sign right``; open if a divisor may be 0."""
    if left.bounds is None and right.bounds is None:
        return None
    one, two = bounds_of(left), bounds_of(right)
    with np.errstate(all="ignore"):
        low, high = _ARITHMETIC[sign](one, two)
    # A result that is not finite is unknown, so no bound of a number is infinite on the wrong side.
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
    """Bounds around the results of the ends."""
    # 0 times an open end is 0, because the end is some number. If one open end is divided
    # by another, 0 is among the results.
    known = [np.where(np.isnan(corner), 0.0, corner) for corner in corners]
    return reduce(np.minimum, known), reduce(np.maximum, known)


_ARITHMETIC: Mapping[str, Callable[[Bounds, Bounds], Bounds]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
}
