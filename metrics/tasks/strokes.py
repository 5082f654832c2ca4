"""Polylines as thick lines on a small raster, many at once, one bit per pixel.

A pixel belongs to a line if its centre is at most half the width away from it. So a line is the
union of the capsules of its segments. A capsule is convex: in each row of pixels it is one span,
from its leftmost to its rightmost crossing. Spans are filled as bits of whole words. A line touches
few words of the raster, and only these are kept.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from metrics.tasks.boxes import spread
from ridealong.arrays import Bools, Floats, Ints

Words = NDArray[np.uint64]

# CULane draws 30 pixels wide on 1640 x 590; every image is stretched to a fifth of that.
WIDTH, HEIGHT, STROKE = 328, 118, 6.0
WORD = 64
ROW_WORDS = -(-WIDTH // WORD)
PLACES = HEIGHT * ROW_WORDS  # words of the raster, row by row
FULL = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class StrokeSet:
    """Drawn lines in the order of their groups, each group one class in one image.

    Attributes:
        group: ``(L,)`` ascending.
        line: ``(W,)`` the line of each word that has a pixel, ascending.
        place: ``(W,)`` where the word is in the raster, ascending within a line.
        bits: ``(W,)`` the pixels of the word, left to right from the lowest bit.
    """

    group: Ints
    line: Ints
    place: Ints
    bits: Words

    @cached_property
    def pixels(self) -> Ints:
        """``(L,)`` how many pixels each line covers."""
        return summed(self.line, np.bitwise_count(self.bits), len(self.group))

    @property
    def merged(self) -> "StrokeSet":
        """All lines of a group as one drawing; this set if no group has two."""
        return self._merged or self

    @cached_property
    def _merged(self) -> "StrokeSet | None":
        groups = np.unique(self.group)
        if len(groups) == len(self.group):
            return None  # a set that refers to itself would wait for the garbage collector
        key, bits = _united(self.group[self.line] * PLACES + self.place, self.bits)
        group, place = np.divmod(key, PLACES)
        return StrokeSet(groups, np.searchsorted(groups, group), place, bits)

    def take(self, which: Bools) -> "StrokeSet":
        """Some of the lines; not a copy if it is all of them."""
        if which.all():
            return self
        kept, number = which[self.line], np.cumsum(which) - 1
        return StrokeSet(
            self.group[which], number[self.line[kept]], self.place[kept], self.bits[kept]
        )


def draw(xy: Floats, points: Ints, group: Ints) -> StrokeSet:
    """Draw polylines.

    Args:
        xy: ``(sum(points), 2)`` raster coordinates, the points of all lines one after another.
        points: ``(L,)`` how many points each line has; fewer than two give no pixels.
        group: ``(L,)`` ascending.
    """
    line, start, end = _segments(xy, points)
    segment, row = _rows_touched(start, end)
    left, right = _spans(start, end, segment, np.asarray(row + 0.5, np.float64))
    # From the first pixel centre inside the span to the one after the last.
    first = np.clip(np.ceil(left - 0.5), 0, WIDTH).astype(np.int64)
    last = np.clip(np.floor(right - 0.5) + 1, 0, WIDTH).astype(np.int64)
    span, word, bits = _words(first, last)
    key, bits = _united((line[segment] * PLACES + row * ROW_WORDS)[span] + word, bits)
    return StrokeSet(group, *np.divmod(key, PLACES), bits)


def shared_pixels(left: StrokeSet, right: StrokeSet) -> tuple[Ints, Ints, Ints]:
    """The pairs of lines of a group that have a pixel in common, and how many they have.

    Returns:
        Left lines (ascending), right lines, and pixels, each ``(P,)``.
    """
    one, two = _same_words(left, right)
    pixels = np.bitwise_count(left.bits[one] & right.bits[two])
    found = np.flatnonzero(pixels)
    pair = left.line[one[found]] * len(right.group) + right.line[two[found]]
    pairs, which = np.unique(pair, return_inverse=True)
    lines = np.divmod(pairs, max(len(right.group), 1))
    return *lines, summed(which, pixels[found], len(pairs))


def _same_words(left: StrokeSet, right: StrokeSet) -> tuple[Ints, Ints]:
    """Every pair of a left and a right word at one place of one group, as indices.

    Right words are found in a table of all places, which is several times as fast as a search.
    """
    groups = np.unique(right.group)
    key = np.searchsorted(groups, right.group)[right.line] * PLACES + right.place
    order = np.argsort(key, kind="stable")
    start = np.flatnonzero(np.diff(key[order], prepend=-1))
    count = np.diff(start, append=len(key))
    table = np.zeros(len(groups) * PLACES, np.int32)
    table[key[order[start]]] = np.arange(1, len(start) + 1)
    in_both = np.flatnonzero(np.isin(left.group, groups)[left.line])
    number = np.searchsorted(groups, left.group)[left.line[in_both]]
    run = table[number * PLACES + left.place[in_both]]
    one, run = in_both[run > 0], run[run > 0] - 1
    if count.max(initial=1) == 1:
        return one, order[start[run]]
    owner, step = spread(count[run])
    return one[owner], order[start[run[owner]] + step]


def summed(index: Ints, values: Ints | NDArray[np.uint8], size: int) -> Ints:
    """``(size,)``: the sum of the values of each index."""
    sums: Ints = np.bincount(index, values, size).astype(np.int64)  # exact: far below 2^53
    return sums


def _united(key: Ints, bits: Words) -> tuple[Ints, Words]:
    """Each key once, ascending, with the bits of all its words."""
    order = np.argsort(key, kind="stable")  # keys are mostly in order already
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(first):
        return key, bits
    return key[first], np.bitwise_or.reduceat(bits[order], first)


def _segments(xy: Floats, points: Ints) -> tuple[Ints, Floats, Floats]:
    line = np.repeat(np.arange(len(points)), points)
    inside = np.flatnonzero(np.diff(line) == 0)  # the next point belongs to the same line
    return line[inside], xy[inside], xy[inside + 1]


def _rows_touched(start: Floats, end: Floats) -> tuple[Ints, Ints]:
    low = np.minimum(start[:, 1], end[:, 1]) - STROKE / 2
    high = np.maximum(start[:, 1], end[:, 1]) + STROKE / 2
    first = np.clip(np.ceil(low - 0.5), 0, HEIGHT).astype(np.int64)
    last = np.clip(np.floor(high - 0.5) + 1, 0, HEIGHT).astype(np.int64)
    segment, place = spread(np.maximum(last - first, 0))
    return segment, first[segment] + place


def _spans(start: Floats, end: Floats, segment: Ints, y: Floats) -> tuple[Floats, Floats]:
    """Where horizontal lines enter and leave the capsules of their segments.

    A capsule is the union of the circles around the points of its segment. On a horizontal line,
    the leftmost point is where a straight side crosses it: there, one of the circles touches the
    side. If the centre of that circle is beyond an end of the segment, the circle at the end
    counts.

    Args:
        start: ``(S, 2)`` the segments' first points.
        end: ``(S, 2)`` their last points.
        segment: ``(R,)`` the segment of each horizontal line, which touches its capsule.
        y: ``(R,)``.

    Returns:
        ``(R,)`` the leftmost and the rightmost x.
    """
    radius = STROKE / 2
    across, down = (end - start).T
    length = np.maximum(np.hypot(across, down), 1e-12)
    tangent = np.copysign(radius * across / length, across * down)  # rows from centre to tangent
    flat = down == 0
    part = 1 / np.where(flat, 1, down)  # how much of the segment one row is
    x0, y0 = start[segment].T
    across, down, tangent, part = across[segment], down[segment], tangent[segment], part[segment]
    level, y = np.flatnonzero(flat[segment]), y - y0
    sides = []
    for sign in (-1, 1):
        along = np.clip((y + sign * tangent) * part, 0, 1)  # the centre: 0 is start, 1 is end
        along[level] = sign * across[level] > 0
        reach = np.sqrt(np.maximum(radius**2 - (y - along * down) ** 2, 0))
        sides.append(x0 + along * across + sign * reach)
    return sides[0], sides[1]


def _words(first: Ints, last: Ints) -> tuple[Ints, Ints, Words]:
    """The words of the spans from the pixel ``first`` to the one before ``last``.

    Returns:
        The span, the word in its row, and its bits, for each word that has a pixel.
    """
    some = np.flatnonzero(last > first)
    first, last = first[some], last[some]
    begin, more = first // WORD, (last - 1) // WORD - first // WORD
    low = FULL << (first - begin * WORD).astype(np.uint64)
    high = FULL >> ((begin + more + 1) * WORD - last).astype(np.uint64)
    parts = [(some, begin, np.where(more, low, low & high))]
    for step in range(1, more.max(initial=0) + 1):  # few spans have many words
        longer = np.flatnonzero(more >= step)
        bits = np.where(more[longer] > step, FULL, high[longer])
        parts.append((some[longer], begin[longer] + step, bits))
    span, word, bits = (np.concatenate(column) for column in zip(*parts, strict=True))
    return span, word, bits
