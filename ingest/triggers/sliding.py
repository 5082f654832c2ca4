"""Time functions as columns: what each sample of a grid sees of those before it, in numpy.

A window goes by time: its samples are found by their instants, so dropped or late ones do no harm.
Truth is 1, -1 for false, 0 for unknown; numbers are float64, NaN for unknown.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.triggers.expressions import Window
from ingest.triggers.grid import Grid, Positions, Samples, samples_at
from ingest.triggers.separable import (
    Truth,
    any_since,
    count_since,
    greatest_since,
    held,
    least_since,
)
from ingest.units import NS_PER_S

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Slider:
    """All samples of a grid, and the time functions over them. All columns are ``(N,)``."""

    grid: Grid
    known_starts: dict[int, Positions] = field(default_factory=dict)

    @cached_property
    def samples(self) -> Samples:
        """Every sample."""
        return samples_at(self.grid, np.arange(self.grid.rows))

    def slide(self, window: Window, operand: pa.ChunkedArray, length_ns: int | None) -> pa.Array:
        """A time function of an operand without NaN, at every sample."""
        if window in (Window.LAG, Window.CHANGED, Window.ELAPSED):
            return self._against_earlier(window, operand, length_ns)
        if window is Window.SINCE:
            return self._since(truth_of(operand))
        assert length_ns is not None
        if window in (Window.AVERAGE, Window.LEAST, Window.GREATEST):
            return self._aggregate(window, numbers_of(operand), length_ns)
        return self._of_conditions(window, truth_of(operand), length_ns)

    def _against_earlier(
        self, window: Window, operand: pa.ChunkedArray, length_ns: int | None
    ) -> pa.Array:
        if window is Window.ELAPSED:
            return self._elapsed(length_ns)
        lag = self._lag(operand, length_ns)
        return lag if window is Window.LAG else pc.not_equal(operand.combine_chunks(), lag)

    def _of_conditions(self, window: Window, truth: Truth, length_ns: int) -> pa.Array:
        if window is Window.COUNT:
            return self._count(truth, length_ns)
        if window is Window.HELD:
            return _flags(held(truth, self.samples, length_ns))
        return _flags(any_since(truth, self.samples, self.grid, length_ns))

    def _lag(self, operand: pa.ChunkedArray, length_ns: int | None) -> pa.Array:
        earlier = self._earlier(length_ns)
        return operand.combine_chunks().take(pa.array(earlier, mask=earlier < 0))

    def _elapsed(self, length_ns: int | None) -> pa.Array:
        earlier, times = self._earlier(length_ns), self.samples.times_ns
        return pa.array((times - times[earlier]) / NS_PER_S, mask=earlier < 0)

    def _earlier(self, length_ns: int | None) -> Positions:
        """The sample that `lag` reads, -1 for none: never one beyond a gap of the instant asked."""
        samples = self.samples
        if length_ns is None:
            return np.where(samples.gaps, -1, samples.positions - 1)
        place = self.grid.places(samples.positions, length_ns, "right") - 1
        there = place >= self.grid.starts[samples.drives]
        instant = samples.times_ns - length_ns
        return np.where(there & (instant - samples.times_ns[place] <= samples.gap_ns), place, -1)

    def _since(self, truth: Truth) -> pa.Array:
        samples = self.samples
        latest = np.maximum.accumulate(np.where(truth == 1, samples.positions, -1))
        never = latest < self.grid.starts[samples.drives]
        return pa.array((samples.times_ns - samples.times_ns[latest]) / NS_PER_S, mask=never)

    def _count(self, truth: Truth, length_ns: int) -> pa.Array:
        starts = self._starts(length_ns)
        unknown = count_since(truth != 0, starts) == 0
        counts = count_since(truth == 1, starts).astype(np.float64)
        return pa.array(counts, mask=unknown | ~self.samples.complete(length_ns))

    def _aggregate(self, window: Window, values: Floats, length_ns: int) -> pa.Array:
        starts = self._starts(length_ns)
        if window is Window.AVERAGE:
            found = _mean_since(values, starts)
        else:
            found = (least_since if window is Window.LEAST else greatest_since)(values, starts)
        return pa.array(found, mask=np.isnan(found) | ~self.samples.complete(length_ns))

    def _starts(self, length_ns: int) -> Positions:
        if length_ns not in self.known_starts:
            starts = self.grid.window_starts(self.samples.positions, length_ns)
            self.known_starts[length_ns] = starts
        return self.known_starts[length_ns]


def truth_of(column: pa.ChunkedArray) -> Truth:
    """A column of flags as truth."""
    true = column.fill_null(False).to_numpy().astype(bool)
    unknown = column.is_null().to_numpy()
    return np.where(true, 1, np.where(unknown, 0, -1)).astype(np.int8)


def numbers_of(column: pa.ChunkedArray) -> Floats:
    """A column of numbers as float64, NaN for unknown."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)


def _flags(truth: Truth) -> pa.Array:
    return pa.array(truth == 1, mask=truth == 0)


def _mean_since(values: Floats, starts: Positions) -> Floats:
    known = ~np.isnan(values)
    counts = count_since(known, starts)
    sums = _sums_since(np.where(known, values, 0.0), starts)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _sums_since(values: Floats, first: Positions) -> Floats:
    """For every ``i`` the sum of ``values[first[i] : i + 1]``.

    Of powers of two at a time, from the right: differences of running sums over hours of driving
    would lose the last digits, and a sum would depend on what lies outside its window.
    """
    ends = np.arange(len(values)) + 1
    lengths, sums, table = ends - first, np.zeros(len(values)), values
    for level in range(int(lengths.max(initial=0)).bit_length()):
        width = 2**level
        rows = np.flatnonzero(lengths & width)
        ends[rows] -= width
        sums[rows] += table[ends[rows]]
        table = np.append(table[:-width] + table[width:], table[-width:])
    return sums
