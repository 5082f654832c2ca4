"""Polylines from maps of probability. All steps work on a whole stack of images at once.

1. Find the 8-connected parts of the cells that count. A part that is taller than wide is traced row
   by row, any other part column by column.
2. In each row (column), the cells of a part form runs. Link runs of neighbouring rows that touch,
   but only where neither run forks. So two lines that meet at the horizon stay two lines.
3. A chain of links is a polyline with one point per run: the mean of the centres of its cells,
   weighted by probability.
4. Drop points that are within `TOLERANCE` of the line without them (Ramer, Douglas and Peucker).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components

from ridealong.arrays import Bools, Floats, Ints

TOLERANCE = 0.25  # cells
FEWEST_RUNS = 3  # shorter chains are noise


@dataclass(frozen=True)
class Ridges:
    """The cells that count in a stack of maps.

    Attributes:
        shape: ``(M, h, w)`` of the stack.
        place: ``(N,)`` index into the flattened stack, ascending.
        probability: ``(N,)``.
        steep: ``(N,)`` whether the cell is of a part that is taller than wide.
    """

    shape: tuple[int, int, int]
    place: Ints
    probability: Floats
    steep: Bools


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


def find_ridges(mask_Mhw: Bools, probability: Floats) -> Ridges:
    """The cells that count, and the direction in which each is traced.

    Args:
        mask_Mhw: Which cells count.
        probability: ``(N,)`` of these cells, in the order of `np.flatnonzero`.
    """
    images, height, width = mask_Mhw.shape
    around = np.zeros((3, 3, 3), int)
    around[1] = 1  # neighbours within an image, none across images
    labels, count = ndimage.label(mask_Mhw, around)
    place = np.flatnonzero(mask_Mhw)
    part = labels.ravel()[place] - 1
    line, column = np.divmod(place, width)
    steep = _extent(part, line % height, count) > _extent(part, column, count)
    return Ridges((images, height, width), place, probability, steep[part])


def _extent(part: Ints, position: Ints, count: int) -> Ints:
    low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
    np.minimum.at(low, part, position)
    np.maximum.at(high, part, position)
    extent: Ints = high - low
    return extent


def joined_ridges(parts: Sequence[Ridges]) -> Ridges:
    """The ridges of at least one stack, one stack after the other; all maps have one size."""
    _, height, width = parts[0].shape
    images = [part.shape[0] for part in parts]
    starts = (np.cumsum(images) - images) * height * width
    return Ridges(
        (sum(images), height, width),
        np.concatenate([part.place + start for part, start in zip(parts, starts, strict=True)]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.steep for part in parts]),
    )


def trace(ridges: Ridges) -> Polylines:
    """Trace the polylines of a stack of maps."""
    _, height, width = ridges.shape
    line, column = np.divmod(ridges.place, width)
    image, row = np.divmod(line, height)
    turned = (image * width + column) * height + row  # as if the maps were transposed
    steep, level = np.flatnonzero(ridges.steep), np.flatnonzero(~ridges.steep)
    level = level[np.argsort(turned[level])]
    upright = _chains(_runs(ridges.place[steep], ridges.probability[steep], height, width))
    flat = _chains(_runs(turned[level], ridges.probability[level], width, height))
    swapped = Polylines(flat.image, flat.score, flat.offsets, flat.points[:, ::-1])
    return simplify(_merged(upright, swapped), TOLERANCE)


def _runs(place: Ints, weight: Floats, height: int, width: int) -> _Runs:
    line, column = np.divmod(place, width)
    first = np.flatnonzero((np.diff(place, prepend=-2) != 1) | (column == 0))
    cells = np.diff(first, append=len(place))
    run = np.repeat(np.arange(len(cells)), cells)
    total = np.bincount(run, weight, len(cells)).astype(np.float64)
    image, row = np.divmod(line[first], height)
    return _Runs(
        image,
        row,
        np.bincount(run, weight * (column + 0.5), len(cells)) / total,
        total,
        cells,
        # A number lies between the last row of an image and the first of the next.
        _links(line[first] + image, column[first], cells, width),
    )


def _links(line: Ints, start: Ints, cells: Ints, width: int) -> tuple[Ints, Ints]:
    """Pairs of runs in neighbouring lines that touch each other and no other run there.

    Args:
        line: ``(R,)`` ascending; lines whose numbers differ by 1 are neighbours.
        start: ``(R,)`` the first column.
        cells: ``(R,)`` how many there are.
        width: Columns.
    """
    apart = width + 2  # runs at the ends of lines do not touch those at the starts of others
    first = line * apart + start
    last = first + cells - 1
    # The runs of the next line that each run touches: the first of them, and how many they are.
    met = np.searchsorted(last, first + apart - 1)
    end = np.searchsorted(first, last + apart + 1, side="right")
    # How many runs of the line before touch each run: those that begin to, less those that ended.
    begun, ended = (np.bincount(at, minlength=len(line) + 1) for at in (met, end))
    above = np.cumsum(begun - ended)
    upper = np.flatnonzero(end - met == 1)
    lower = met[upper]
    alone = above[lower] == 1
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
    first, last = lines.offsets[:-1], lines.offsets[1:] - 1
    kept[first] = kept[last] = True
    x, y = np.ascontiguousarray(lines.points.T)
    while len(first):
        first, last = _split(x, y, first, last, tolerance)
        kept[last] = True
    line = np.repeat(np.arange(len(lines.image)), np.diff(lines.offsets))
    length = np.bincount(line[kept], minlength=len(lines.image))
    offsets = np.concatenate([[0], np.cumsum(length)])
    return Polylines(lines.image, lines.score, offsets, lines.points[kept])


def _split(x: Floats, y: Floats, first: Ints, last: Ints, tolerance: float) -> tuple[Ints, Ints]:
    """Split stretches at their farthest point, if it is beyond the tolerance.

    Args:
        x: ``(P,)`` of all points.
        y: ``(P,)``.
        first: ``(S,)`` the first point of each stretch.
        last: ``(S,)`` the last one.
        tolerance: The largest distance from the straight line between the ends.

    Returns:
        The ends of the new stretches.
    """
    within = last - first > 1  # others have no point between their ends
    first, last = first[within], last[within]
    if not len(first):
        return first, last
    counts = last - first - 1
    starts = np.cumsum(counts) - counts
    stretch = np.repeat(np.arange(len(first)), counts)
    point = np.arange(len(stretch)) + np.repeat(first + 1 - starts, counts)
    distance = _from_chord(x, y, first, last, point, stretch)
    farthest = np.maximum.reduceat(distance, starts)
    beyond = farthest > tolerance
    worst = np.flatnonzero((distance == farthest[stretch]) & beyond[stretch])
    worst = worst[np.diff(stretch[worst], prepend=-1) != 0]  # the first of equally far ones
    middle = point[worst]
    return np.r_[first[beyond], middle], np.r_[middle, last[beyond]]


def _from_chord(
    x: Floats, y: Floats, first: Ints, last: Ints, point: Ints, stretch: Ints
) -> Floats:
    """The distance of points from the straight line between the ends of their stretch."""
    across, down = x[last] - x[first], y[last] - y[first]
    length = np.maximum(np.hypot(across, down), 1e-12)
    away_x, away_y = x[point] - x[first][stretch], y[point] - y[first][stretch]
    off: Floats = across[stretch] * away_y - down[stretch] * away_x
    return np.abs(off) / length[stretch]
