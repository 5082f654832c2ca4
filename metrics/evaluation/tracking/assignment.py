"""One-to-one choices among pairs: per frame for boxes, per drive for tracks."""

from collections.abc import Iterator

import numpy as np

from metrics.tasks.boxes import Pairs
from ridealong.arrays import Bools, Floats, Ints

DENSE_CELLS = 4_000_000  # a larger matrix of pairs is kept sparse


def runs(values: Ints) -> Iterator[tuple[int, int]]:
    """Start and end of each run of equal values."""
    if len(values):
        ends = [*(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
        yield from zip([0, *ends[:-1]], ends, strict=True)


def assign(pairs: Pairs, weight: Floats, group: Ints) -> Bools:
    """Choose pairs so that no index occurs twice and the total weight is greatest.

    Args:
        pairs: ``(P,)`` pairs; those of a group are adjacent.
        weight: ``(P,)`` above 0.
        group: ``(P,)``; an index on either side occurs in one group only.

    Returns:
        ``(P,)`` whether a pair is chosen.
    """
    chosen: Bools = _alone(pairs.left) & _alone(pairs.right)
    rest = np.flatnonzero(~chosen)
    for start, end in runs(group[rest]):
        rows = rest[start:end]
        chosen[rows] = heaviest(pairs.left[rows], pairs.right[rows], weight[rows])
    return chosen


def heaviest(left: Ints, right: Ints, weight: Floats) -> Bools:
    """`assign` for a single group."""
    if len(left) == 1:
        return np.ones(1, np.bool_)
    # scipy takes long to import, and is not needed to read the names of predictions.
    from scipy.optimize import linear_sum_assignment

    row, column = left - left.min(), right - right.min()
    shape = int(row.max()) + 1, int(column.max()) + 1
    if shape[0] * shape[1] > DENSE_CELLS:
        return _heaviest_sparse(row, column, weight, shape)
    matrix = np.zeros(shape)
    matrix[row, column] = weight
    taken = np.full(shape[0], -1)
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    taken[rows] = columns
    chosen: Bools = taken[row] == column
    return chosen


def _heaviest_sparse(row: Ints, column: Ints, weight: Floats, shape: tuple[int, int]) -> Bools:
    """The same for few pairs among many indices: each row may also take a column of its own."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, columns = shape
    nothing = float(weight.max()) + 1.0  # costs of a pair are at least 1 and below this
    cost = np.r_[nothing - weight, np.full(rows, nothing)]
    place = np.r_[row, np.arange(rows)], np.r_[column, columns + np.arange(rows)]
    graph = coo_array((cost, place), shape=(rows, columns + rows)).tocsr()
    taken = np.full(rows, -1)
    matched, partner = min_weight_full_bipartite_matching(graph)
    taken[matched] = partner
    chosen: Bools = taken[row] == column
    return chosen


def _alone(index: Ints) -> Bools:
    alone: Bools = np.bincount(index)[index] == 1
    return alone
