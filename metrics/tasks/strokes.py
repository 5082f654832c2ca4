"""Polylines as thick lines on a small raster, many at once, one bit per pixel.

A pixel belongs to a line if its centre is at most half the width away from it. So a line is the
union of the capsules of its segments. A capsule is convex: in each row of pixels it is one span,
from its leftmost to its rightmost crossing. Spans are filled as bits of whole words.
"""

from collections.abc import Iterator
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
FULL = np.uint64(2**64 - 1)
AT_ONCE = 128


@dataclass(frozen=True)
class StrokeSet:
    """Drawn lines in the order of their groups, each group one class in one image.

    Attributes:
        group: ``(L,)`` ascending.
        bits: ``(L, ROW_WORDS * HEIGHT)``: the first words of all rows, then the second ones.
    """

    group: Ints
    bits: Words

    @cached_property
    def row_pixels(self) -> NDArray[np.int16]:
        """``(L, HEIGHT)`` how many pixels each line covers in each row."""
        rows = np.empty((len(self.bits), HEIGHT), np.int16)
        for chunk in _chunks(len(rows)):
            words = self.bits[chunk].reshape(-1, ROW_WORDS, HEIGHT)
            np.bitwise_count(words).sum(axis=1, out=rows[chunk])
        return rows

    @cached_property
    def pixels(self) -> Ints:
        """``(L,)`` how many pixels each line covers."""
        pixels: Ints = self.row_pixels.sum(axis=1, dtype=np.int64)
        return pixels

    @cached_property
    def merged(self) -> "StrokeSet":
        """All lines of a group as one drawing; this set if no group has two."""
        groups, start, count = np.unique(self.group, return_index=True, return_counts=True)
        if len(groups) == len(self.group):
            return self
        bits = self.bits[start]
        for place in range(1, count.max()):  # few groups have many lines
            more = np.flatnonzero(count > place)
            bits[more] |= self.bits[start[more] + place]
        return StrokeSet(groups, bits)

    def take(self, which: Bools) -> "StrokeSet":
        """Some of the lines; not a copy if it is all of them."""
        return self if which.all() else StrokeSet(self.group[which], self.bits[which])


def rasterise(xy: Floats, points: Ints) -> Words:
    """Draw polylines.

    Args:
        xy: ``(sum(points), 2)`` raster coordinates, the points of all lines one after another.
        points: ``(L,)`` how many points each line has; fewer than two give no pixels.

    Returns:
        ``(L, ROW_WORDS * HEIGHT)`` bits; see `StrokeSet`.
    """
    line, start, end = _segments(xy, points)
    segment, row = _rows_touched(start, end)
    left, right = _spans(start, end, segment, np.asarray(row + 0.5, np.float64))
    # From the first pixel centre inside the span to the one after the last.
    first = np.clip(np.ceil(left - 0.5), 0, WIDTH).astype(np.int64)
    last = np.clip(np.floor(right - 0.5) + 1, 0, WIDTH).astype(np.int64)
    bits = np.zeros((len(points), ROW_WORDS, HEIGHT), np.uint64)
    _fill(bits.ravel(), line[segment] * (ROW_WORDS * HEIGHT) + row, first, last)
    return bits.reshape(len(points), ROW_WORDS * HEIGHT)


def shared_pixels(left: Words, one: Ints, right: Words, two: Ints) -> Ints:
    """``(P,)`` how many pixels ``left[one[p]]`` and ``right[two[p]]`` have in common."""
    pixels = np.empty(len(one), np.int64)
    for chunk in _chunks(len(one)):
        both = left[one[chunk]] & right[two[chunk]]
        np.bitwise_count(both).sum(axis=1, out=pixels[chunk])
    return pixels


def _chunks(drawings: int) -> Iterator[slice]:
    return (slice(start, start + AT_ONCE) for start in range(0, drawings, AT_ONCE))


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

    A capsule is a circle that moves along its segment. The circle that reaches farthest to a side
    touches the horizontal line with its tangent point, unless it would be beyond an end.

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
    part = 1 / np.where(flat, 1, down)  # of the segment, a row
    x0, y0 = start[segment].T
    across, down, tangent, part = across[segment], down[segment], tangent[segment], part[segment]
    level, y = np.flatnonzero(flat[segment]), y - y0
    sides = []
    for sign in (-1, 1):
        along = np.clip((y + sign * tangent) * part, 0, 1)
        along[level] = sign * across[level] > 0
        reach = np.sqrt(np.maximum(radius**2 - (y - along * down) ** 2, 0))
        sides.append(x0 + along * across + sign * reach)
    return sides[0], sides[1]


def _fill(bits: Words, row_start: Ints, first: Ints, last: Ints) -> None:
    """Set the bits first..last-1 of rows.

    Args:
        bits: All words; those of one row are `HEIGHT` apart.
        row_start: ``(R,)`` the first word of each row.
        first: ``(R,)`` the first bit.
        last: ``(R,)`` the bit after the last.
    """
    some = np.flatnonzero(last > first)
    first, last = first[some], last[some]
    begin, end = first // WORD, (last - 1) // WORD
    word = row_start[some] + begin * HEIGHT
    more = end - begin  # further words
    low = FULL << (first - begin * WORD).astype(np.uint64)
    high = FULL >> ((end + 1) * WORD - last).astype(np.uint64)
    np.bitwise_or.at(bits, word, np.where(more, low, low & high))
    for step in range(1, more.max(initial=0) + 1):  # few spans have many words
        longer = np.flatnonzero(more >= step)
        mask = np.where(more[longer] > step, FULL, high[longer])
        np.bitwise_or.at(bits, word[longer] + step * HEIGHT, mask)
