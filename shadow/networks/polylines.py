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
    place, row, column = _cells(mask)
    part = labels.ravel()[place] - 1
    steep = np.zeros_like(mask)
    steep.ravel()[place] = (_extent(part, row, count) > _extent(part, column, count))[part]
    return steep


def _extent(part: Ints, position: Ints, count: int) -> Ints:
    low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
    np.minimum.at(low, part, position)
    np.maximum.at(high, part, position)
    extent: Ints = high - low
    return extent


def _cells(mask: Bools) -> tuple[Ints, Ints, Ints]:
    """The place in the flattened stack, the row and the column of the cells that count.

    `np.nonzero` of a stack gives the same, several times as slowly.
    """
    place = np.flatnonzero(mask)
    line, column = np.divmod(place, mask.shape[2])
    return place, line % mask.shape[1], column


def _runs(probability: Floats, mask: Bools) -> _Runs:
    place, row, column = _cells(mask)
    first = (np.diff(place, prepend=-2) != 1) | (column == 0)
    run = np.cumsum(first) - 1
    cells = np.bincount(run).astype(np.int64)
    weight = probability.ravel()[place]
    total = np.bincount(run, weight, len(cells)).astype(np.float64)
    image = place[first] // (mask.shape[1] * mask.shape[2])
    return _Runs(
        image,
        row[first],
        np.bincount(run, weight * (column + 0.5), len(cells)) / total,
        total,
        cells,
        _links(image * (mask.shape[1] + 1) + row[first], column[first], cells, mask.shape[2]),
    )


def _links(line: Ints, start: Ints, cells: Ints, width: int) -> tuple[Ints, Ints]:
    """Pairs of runs in neighbouring lines that touch each other and no other run there.

    Args:
        line: ``(R,)`` ascending; the last row of an image and the first of the next are no
            neighbours, so a number lies between theirs.
        start: ``(R,)`` the first column.
        cells: ``(R,)`` how many there are.
        width: Columns.
    """
    apart = width + 2  # runs at the ends of lines do not touch those at the starts of others
    first = line * apart + start
    last = first + cells - 1
    met, below = _touching(first, last, apart)
    _, above = _touching(first, last, -apart)
    upper = np.flatnonzero(below == 1)
    lower = met[upper]
    alone = above[lower] == 1
    return upper[alone], lower[alone]


def _touching(first: Ints, last: Ints, shift: int) -> tuple[Ints, Ints]:
    """The first of the runs that each run touches if it is shifted, and how many these are."""
    met = np.searchsorted(last, first + shift - 1)
    return met, np.searchsorted(first, last + shift + 1, side="right") - met


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
