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
AT_ONCE = 128  # lines processed together: few enough to stay in the cache


@dataclass(frozen=True)
class StrokeSet:
    """Drawn lines in the order of their groups, each group one class in one image.

    Attributes:
        group: ``(L,)`` ascending.
        bits: ``(L, HEIGHT * ROW_WORDS)``.
    """

    group: Ints
    bits: Words

    @cached_property
    def row_pixels(self) -> NDArray[np.int16]:
        """``(L, HEIGHT)`` how many pixels each line covers in each row."""
        rows = np.empty((len(self.bits), HEIGHT), np.int16)
        for chunk in _chunks(len(rows)):
            words = self.bits[chunk].reshape(-1, HEIGHT, ROW_WORDS)
            np.bitwise_count(words).sum(axis=2, out=rows[chunk])
        return rows

    @cached_property
    def pixels(self) -> Ints:
        """``(L,)`` how many pixels each line covers."""
        pixels: Ints = self.row_pixels.sum(axis=1, dtype=np.int64)
        return pixels

    def take(self, which: Bools) -> "StrokeSet":
        """Some of the lines; not a copy if it is all of them."""
        return self if which.all() else StrokeSet(self.group[which], self.bits[which])


def rasterise(xy: Floats, points: Ints) -> Words:
    """Draw polylines.

    Args:
        xy: ``(sum(points), 2)`` raster coordinates, the points of all lines one after another.
        points: ``(L,)`` how many points each line has; fewer than two give no pixels.

    Returns:
        ``(L, HEIGHT * ROW_WORDS)`` bits.
    """
    line, start, end = _segments(xy, points)
    segment, row = _rows_touched(start, end)
    left, right = _span(start[segment], end[segment], np.asarray(row + 0.5, np.float64))
    # From the first pixel centre inside the span to the one after the last.
    first = np.clip(np.ceil(left - 0.5), 0, WIDTH).astype(np.int64)
    last = np.clip(np.floor(right - 0.5) + 1, 0, WIDTH).astype(np.int64)
    bits = np.zeros(len(points) * HEIGHT * ROW_WORDS, np.uint64)
    _fill(bits, (line[segment] * HEIGHT + row) * ROW_WORDS, first, last)
    return bits.reshape(len(points), HEIGHT * ROW_WORDS)


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


def _span(start: Floats, end: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Where the horizontal line at ``y`` enters and leaves the capsule from start to end.

    It crosses the outline on the circles around both ends and on the two straight sides; what it
    does not cross is NaN, which fmin and fmax ignore. Without any crossing the span is empty.
    """
    radius = STROKE / 2
    (x0, y0), (x1, y1) = start.T, end.T
    length = np.hypot(x1 - x0, y1 - y0)
    with np.errstate(invalid="ignore", divide="ignore"):
        around_start, around_end = (np.sqrt(radius**2 - (y - at) ** 2) for at in (y0, y1))
        left = np.fmin(np.fmin(x0 - around_start, x1 - around_end), np.inf)
        right = np.fmax(np.fmax(x0 + around_start, x1 + around_end), -np.inf)
        side_x, side_y = radius * (y1 - y0) / length, radius * (x0 - x1) / length
        for sign in (1, -1):
            part = (y - y0 - sign * side_y) / (y1 - y0)
            x = x0 + sign * side_x + part * (x1 - x0)
            x[~((part >= 0) & (part <= 1))] = np.nan
            left, right = np.fmin(left, x), np.fmax(right, x)
    return left, right


def _fill(bits: Words, row_start: Ints, first: Ints, last: Ints) -> None:
    """Set the bits first..last-1 of the rows that begin at the words ``row_start``."""
    some = last > first
    row_start, first, last = row_start[some], first[some], last[some]
    begin, end = first // WORD, (last - 1) // WORD
    owner, place = spread(end - begin + 1)
    word = begin[owner] + place
    low = np.maximum(first[owner] - word * WORD, 0).astype(np.uint64)
    high = np.minimum(last[owner] - word * WORD, WORD).astype(np.uint64)
    mask = (FULL << low) & (FULL >> (np.uint64(WORD) - high))
    np.bitwise_or.at(bits, row_start[owner] + word, mask)
