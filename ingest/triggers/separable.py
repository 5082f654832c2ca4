"""Holds over samples that single rows have chosen: runs, worked out in numpy.

A separable condition is made of row-wise parts (its *leaves*, computed by DuckDB) and of holds of
such parts. Samples at which it cannot be true need not be here: they are known to be false.

Truth is 1, -1 for false, 0 for unknown, so that ``and`` is the least and ``or`` the greatest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.triggers.expressions import And, Node, Or, Timed, Window, is_rowwise
from ingest.triggers.grid import NEVER, Samples

Truth = NDArray[np.int8]
Margins = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """A condition at every sample: ``(N,)`` truth, ``(N,)`` margins (NaN unknown)."""

    truth: Truth
    margins: Margins


def leaves(node: Node) -> Iterator[Node]:
    """The row-wise parts that a separable condition is made of."""
    match node:
        case Timed(Window.HELD, operand):
            yield operand
        case And(operands) | Or(operands) if not is_rowwise(node):
            for operand in operands:
                yield from leaves(operand)
        case _:
            yield node


def judge(node: Node, known: Mapping[Node, Judged], samples: Samples, *, holds: bool) -> Judged:
    """A separable condition from its leaves; without ``holds``, ``held(c, d)`` is taken for c."""
    if node in known:
        return known[node]
    match node:
        case Timed(Window.HELD, operand, int(length)):
            inner = judge(operand, known, samples, holds=holds)
            return _held(inner, samples, length) if holds else inner
        case And(operands):
            parts = [judge(operand, known, samples, holds=holds) for operand in operands]
            least = np.fmin.reduce([part.margins for part in parts])
            return Judged(np.minimum.reduce([part.truth for part in parts]), least)
        case Or(operands):
            parts = [judge(operand, known, samples, holds=holds) for operand in operands]
            greatest = np.fmax.reduce([part.margins for part in parts])
            return Judged(np.maximum.reduce([part.truth for part in parts]), greatest)
    raise TypeError(f"not separable: {node}")


def _held(inner: Judged, samples: Samples, length_ns: int) -> Judged:
    times = samples.times_ns
    true = inner.truth == 1
    own = np.arange(len(times))
    begins = true & (samples.breaks | ~np.append(False, true[:-1]))
    start = np.maximum.accumulate(np.where(begins, own, 0))
    held = true & (times - times[start] >= length_ns)
    failed = _last_failure(inner.truth, samples) >= times - length_ns
    truth = np.where(held, 1, np.where(failed, -1, 0)).astype(np.int8)
    return Judged(truth, _least_since(inner.margins, samples.first_since(length_ns)))


def _last_failure(truth: Truth, samples: Samples) -> NDArray[np.int64]:
    """When the condition was last known false in the drive, now included; else `NEVER`."""
    false = truth == -1
    fails = false | (samples.hole_ns != NEVER)
    latest = np.maximum.accumulate(np.where(fails, np.arange(len(truth)), 0))
    when = np.where(false, samples.times_ns, samples.hole_ns)[latest]
    here = fails[latest] & (samples.drives[latest] == samples.drives)
    return np.where(here, when, NEVER)


def _least_since(values: Margins, first: NDArray[np.int64]) -> Margins:
    """For every ``i`` the least of ``values[first[i] : i + 1]``, by doubling."""
    own = np.arange(len(values))
    levels = np.log2(own - first + 1).astype(np.int64)
    least, table = np.empty_like(values), values
    for level in range(int(levels.max(initial=-1)) + 1):
        rows, width = levels == level, 2**level
        least[rows] = np.fmin(table[first[rows]], table[own[rows] - width + 1])
        table = np.append(np.fmin(table[:-width], table[width:]), table[-width:])
    return least
