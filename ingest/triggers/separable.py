"""Holds over samples that single rows have chosen: runs, worked out in numpy.

A separable condition is made of row-wise parts (its *leaves*, computed by DuckDB) and of holds of
such parts. Samples at which it cannot be true need not be here: they are known to be false.

Truth is 1, -1 for false, 0 for unknown, so that ``and`` is the least and ``or`` the greatest.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ingest.triggers.expressions import And, Node, Or, Timed, Window, is_rowwise
from ingest.triggers.grid import NEVER, Samples

Truth = NDArray[np.int8]
Margins = NDArray[np.float64]


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


def judge_truth(node: Node, known: Mapping[Node, Truth], samples: Samples, *, holds: bool) -> Truth:
    """A separable condition from its leaves; without ``holds``, ``held(c, d)`` is taken for c."""
    if node in known:
        return known[node]
    match node:
        case Timed(Window.HELD, operand, int(length)):
            return _held(known[operand], samples, length) if holds else known[operand]
        case And(operands):
            parts = [judge_truth(operand, known, samples, holds=holds) for operand in operands]
            return np.asarray(np.minimum.reduce(parts))
        case Or(operands):
            parts = [judge_truth(operand, known, samples, holds=holds) for operand in operands]
            return np.asarray(np.maximum.reduce(parts))
    raise TypeError(f"not separable: {node}")


def judge_margins(
    node: Node, known: Mapping[Node, Margins], starts: Mapping[int, NDArray[np.int64]]
) -> Margins:
    """The margin of a separable condition from those of its leaves.

    Args:
        node: The condition.
        known: Margins of the leaves.
        starts: By a hold's duration, of every sample the first one of its window.
    """
    if node in known:
        return known[node]
    match node:
        case Timed(Window.HELD, operand, int(length)):
            return _least_since(known[operand], starts[length])
        case And(operands):
            parts = [judge_margins(operand, known, starts) for operand in operands]
            return np.asarray(np.fmin.reduce(parts))
        case Or(operands):
            parts = [judge_margins(operand, known, starts) for operand in operands]
            return np.asarray(np.fmax.reduce(parts))
    raise TypeError(f"not separable: {node}")


def _held(condition: Truth, samples: Samples, length_ns: int) -> Truth:
    times = samples.times_ns
    true = condition == 1
    begins = true & (samples.breaks | ~np.append(False, true[:-1]))
    start = np.maximum.accumulate(np.where(begins, np.arange(len(times)), 0))
    held = true & (times - times[start] >= length_ns)
    failed = _last_failure(condition, samples) >= times - length_ns
    return np.where(held, 1, np.where(failed, -1, 0)).astype(np.int8)


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
