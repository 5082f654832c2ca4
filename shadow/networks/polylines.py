"""Polylines from maps of probability. All steps work on a whole stack of images at once.

1. Find the 8-connected parts of the mask. A part that is taller than wide is traced row by row, any
   other part column by column.
2. In each row (column), the cells of a part form runs. Link runs of neighbouring rows that touch,
   but only where neither run forks. So two lines that meet at the horizon stay two lines.
3. A chain of links is a polyline with one point per run: the mean of the centres of its cells,
   weighted by probability.
4. Drop points that are within `TOLERANCE` of the line without them (Ramer, Douglas and Peucker).
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components

from ridealong.arrays import Bools, Floats, Ints

TOLERANCE = 0.25  # cells
FEWEST_RUNS = 3  # shorter chains are noise


@dataclass(frozen=True)
class Ridges:
    """Stacks ``(M, h, w)``: probability, and which cells count."""

    probability: Floats
    mask: Bools


@dataclass(frozen=True)
class Polylines:
    """Polylines, ordered by image and then by their start.

    Attributes:
        image: ``(L,)`` index into the stack.
        score: ``(L,)`` mean probability of the cells.
        offsets: ``(L + 1,)``: line l has the points ``offsets[l]:offsets[l + 1]``.
        points: ``(P, 2)`` across and down in cells, the first cell's centre at 0.5.
    """

    image: Ints
    score: Floats
    offsets: Ints
    points: Floats


@dataclass(frozen=True)
class _Runs:
    """Runs of cells of one part in one row, by image, row and column."""

    image: Ints
    row: Ints
    centre: Floats
    score_sum: Floats
    cells: Ints
    links: tuple[Ints, Ints]  # upper run, lower run


def trace(ridges: Ridges) -> Polylines:
    """Trace the polylines of a stack of maps."""
    steep = _steep(ridges.mask)
    flat_mask = (ridges.mask & ~steep).transpose(0, 2, 1)
    flat = _chains(_runs(ridges.probability.transpose(0, 2, 1), flat_mask))
    upright = _chains(_runs(ridges.probability, steep))
    swapped = Polylines(flat.image, flat.score, flat.offsets, flat.points[:, ::-1])
    return simplify(_merged(upright, swapped), TOLERANCE)


def _steep(mask: Bools) -> Bools:
    """The cells of all parts that are taller than wide."""
    around = np.zeros((3, 3, 3), int)
    around[1] = 1  # neighbours within an image, none across images
    labels, count = ndimage.label(mask, around)
    places = np.nonzero(mask)
    part = labels[places] - 1
    extent = [_extent(part, places[axis], count) for axis in (1, 2)]
    steep = np.zeros_like(mask)
    steep[places] = (extent[0] > extent[1])[part]
    return steep


def _extent(part: Ints, position: Ints, count: int) -> Ints:
    low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
    np.minimum.at(low, part, position)
    np.maximum.at(high, part, position)
    extent: Ints = high - low
    return extent


def _runs(probability: Floats, mask: Bools) -> _Runs:
    image, row, column = cells = _cells(mask)
    place = np.ravel_multi_index(cells, mask.shape)
    first = (np.diff(place, prepend=-2) != 1) | (column == 0)
    run = np.cumsum(first) - 1
    count = int(first.sum())
    weight = probability[cells]
    total = np.bincount(run, weight, count).astype(np.float64)
    return _Runs(
        image[first],
        row[first],
        np.bincount(run, weight * (column + 0.5), count) / total,
        total,
        np.bincount(run, minlength=count).astype(np.int64),
        _links(run, mask, cells),
    )


def _cells(mask: Bools) -> tuple[Ints, Ints, Ints]:
    image, row, column = np.nonzero(mask)
    return image, row, column


def _links(run: Ints, mask: Bools, cells: tuple[Ints, Ints, Ints]) -> tuple[Ints, Ints]:
    """Pairs of runs in neighbouring rows that touch each other and no other run there."""
    image, row, column = cells
    run_of = np.full(mask.shape, -1)
    run_of[cells] = run
    pairs = []
    for step in (-1, 0, 1):
        below, beside = row + 1, column + step
        inside = (below < mask.shape[1]) & (beside >= 0) & (beside < mask.shape[2])
        there = run_of[image[inside], below[inside], beside[inside]]
        met = there >= 0
        pairs.append(run[inside][met] * mask.size + there[met])
    upper, lower = np.divmod(np.unique(np.concatenate(pairs)), max(mask.size, 1))
    alone = (np.bincount(upper)[upper] == 1) & (np.bincount(lower)[lower] == 1)
    return upper[alone], lower[alone]


def _chains(runs: _Runs) -> Polylines:
    size = len(runs.row)
    graph = sparse.coo_array((np.ones(len(runs.links[0])), runs.links), shape=(size, size))
    chain = connected_components(graph, directed=False)[1] if size else np.zeros(0, np.int64)
    kept = np.flatnonzero((np.bincount(chain) >= FEWEST_RUNS)[chain])
    _, first, label = np.unique(chain[kept], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")[label]
    order = kept[np.argsort(rank, kind="stable")]  # runs are in row order already
    length = np.bincount(rank, minlength=len(first))
    score = np.bincount(rank, runs.score_sum[kept]) / np.bincount(rank, runs.cells[kept])
    points = np.stack([runs.centre[order], runs.row[order] + 0.5], axis=1)
    offsets = np.concatenate([[0], np.cumsum(length)])
    return Polylines(runs.image[order][offsets[:-1]], score, offsets, points)


def _merged(a: Polylines, b: Polylines) -> Polylines:
    """The polylines of both, ordered by image; within an image those of ``a`` come first."""
    image = np.concatenate([a.image, b.image])
    order = np.argsort(image, kind="stable")
    length = np.concatenate([np.diff(a.offsets), np.diff(b.offsets)])
    line = np.repeat(np.argsort(order, kind="stable"), length)
    points = np.concatenate([a.points, b.points])[np.argsort(line, kind="stable")]
    offsets = np.concatenate([[0], np.cumsum(length[order])])
    return Polylines(image[order], np.concatenate([a.score, b.score])[order], offsets, points)


def simplify(lines: Polylines, tolerance: float) -> Polylines:
    """Drop points that are within ``tolerance`` of the line without them; ends are always kept."""
    kept = np.zeros(len(lines.points), bool)
    kept[lines.offsets[:-1]] = kept[lines.offsets[1:] - 1] = True
    undecided = np.flatnonzero(~kept)
    while undecided.size:
        undecided = _keep_farthest(lines.points, kept, undecided, tolerance)
    line = np.repeat(np.arange(len(lines.image)), np.diff(lines.offsets))
    length = np.bincount(line[kept], minlength=len(lines.image))
    offsets = np.concatenate([[0], np.cumsum(length)])
    return Polylines(lines.image, lines.score, offsets, lines.points[kept])


def _keep_farthest(points: Floats, kept: Bools, undecided: Ints, tolerance: float) -> Ints:
    """Keep the farthest point between each two kept points, if it is beyond the tolerance.

    Returns:
        The points that are still undecided: the others between those kept points, in order.
    """
    ends = np.flatnonzero(kept)
    stretch = np.searchsorted(ends, undecided) - 1
    distance = _from_chord(points, ends[stretch], ends[stretch + 1], undecided)
    starts = np.flatnonzero(np.diff(stretch, prepend=-1))
    farthest = np.maximum.reduceat(distance, starts)
    counts = np.diff(starts, append=len(stretch))
    split = np.repeat(farthest > tolerance, counts)
    worst = np.flatnonzero(split & (distance == np.repeat(farthest, counts)))
    worst = worst[np.diff(stretch[worst], prepend=-1) != 0]  # the first of equally far ones
    kept[undecided[worst]] = True
    split[worst] = False
    return undecided[split]


def _from_chord(points: Floats, first: Ints, last: Ints, between: Ints) -> Floats:
    """The distance of points from the straight line between two others."""
    chord, away = points[last] - points[first], points[between] - points[first]
    length = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-12)
    distance: Floats = np.abs(chord[:, 0] * away[:, 1] - chord[:, 1] * away[:, 0]) / length
    return distance
