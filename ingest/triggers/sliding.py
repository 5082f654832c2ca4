"""Time functions as columns, in numpy: for each sample of a grid, over the samples before it.

Windows are in time: their samples are found by their instants. So dropped or late samples do no
harm.
Truth is 1, -1 for false, 0 for unknown; numbers are float64, NaN for unknown.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ingest.triggers.bounds import OPEN
from ingest.triggers.columns import Column, Truth
from ingest.triggers.grid import Grid, Positions, Samples, samples_at
from ingest.triggers.separable import any_since, count_since, greatest_since, held, least_since
from ridealong.arrays import Floats
from ridealong.expressions.nodes import Window
from ridealong.units import NS_PER_S


@dataclass(frozen=True)
class Slider:
    """All samples of a grid, and the time functions over them. All columns are ``(N,)``."""

    grid: Grid
    known_starts: dict[int, Positions] = field(default_factory=dict)

    @cached_property
    def samples(self) -> Samples:
        """Every sample."""
        return samples_at(self.grid, np.arange(self.grid.rows))

    def slide(self, window: Window, operand: Column, length_ns: int | None) -> Column:
        """A time function of an operand, at every sample; `elapsed` has no operand."""
        if window in (Window.LAG, Window.CHANGED):
            lag = self._lag(operand, length_ns)
            return lag if window is Window.LAG else _difference(operand, lag)
        if window is Window.SINCE:
            return self._since(operand.truth)
        assert length_ns is not None
        if window in (Window.AVERAGE, Window.LEAST, Window.GREATEST):
            return self._aggregate(window, operand.with_nan, length_ns)
        return self._of_conditions(window, operand.truth, length_ns)

    def elapsed(self, length_ns: int | None) -> Column:
        """Seconds since the sample that `lag` reads."""
        earlier, times = self._earlier(length_ns), self.samples.times_ns
        return Column((times - times[earlier]) / NS_PER_S, earlier < 0)

    def _of_conditions(self, window: Window, truth: Truth, length_ns: int) -> Column:
        if window is Window.COUNT:
            return self._count(truth, length_ns)
        if window is Window.HELD:
            return _flags(held(truth, self.samples, length_ns))
        return _flags(any_since(truth, self.samples, self.grid, length_ns))

    def _lag(self, operand: Column, length_ns: int | None) -> Column:
        earlier = self._earlier(length_ns)
        lag, none = operand.at(earlier), earlier < 0
        if lag.bounds is None:
            return Column(lag.values, lag.unknown | none)
        low, high = (np.where(none, end, b) for end, b in zip(OPEN, lag.bounds, strict=True))
        return Column(lag.values, lag.unknown | none, (low, high))

    def _earlier(self, length_ns: int | None) -> Positions:
        """The sample that `lag` reads; -1 if there is none within a gap of the wanted instant."""
        samples = self.samples
        if length_ns is None:
            return np.where(samples.gaps, -1, samples.positions - 1)
        place = self.grid.places(samples.positions, length_ns, "right") - 1
        there = place >= self.grid.starts[samples.drives]
        instant = samples.times_ns - length_ns
        return np.where(there & (instant - samples.times_ns[place] <= samples.gap_ns), place, -1)

    def _since(self, truth: Truth) -> Column:
        """Seconds since it was seen true, bounded below by when it may have been true."""
        samples = self.samples
        seen = np.maximum.accumulate(np.where(truth == 1, samples.positions, -1))
        may_be = np.maximum.accumulate(np.where((truth == 0) | samples.gaps, samples.positions, -1))
        never = seen < self.grid.starts[samples.drives]
        longest = (samples.times_ns - samples.times_ns[seen]) / NS_PER_S
        shortest = (samples.times_ns - samples.times_ns[np.maximum(may_be, seen)]) / NS_PER_S
        return Column(
            longest, never | (seen < may_be), (shortest, np.where(never, np.inf, longest))
        )

    def _count(self, truth: Truth, length_ns: int) -> Column:
        """Bounds: the number seen, and that number plus the unknown ones."""
        starts, complete = self._starts(length_ns), self.samples.complete(length_ns)
        seen = count_since(truth == 1, starts).astype(np.float64)
        unknown = count_since(truth == 0, starts)
        most = np.where(complete, seen + unknown, np.inf)
        return Column(seen, (unknown > 0) | ~complete, (seen, most))

    def _aggregate(self, window: Window, values: Floats, length_ns: int) -> Column:
        starts, complete = self._starts(length_ns), self.samples.complete(length_ns)
        if window is Window.AVERAGE:
            found = _mean_since(values, starts)
            return Column(found, np.isnan(found) | ~complete)
        least = window is Window.LEAST
        found = (least_since if least else greatest_since)(values, starts)
        # An unseen value may be smaller or greater, and leaves the other bound unchanged.
        seen = np.where(np.isnan(found), np.inf if least else -np.inf, found)
        beyond = np.full(len(found), -np.inf if least else np.inf)
        bounds = (beyond, seen) if least else (seen, beyond)
        return Column(found, np.isnan(found) | ~complete, bounds)

    def _starts(self, length_ns: int) -> Positions:
        if length_ns not in self.known_starts:
            starts = self.grid.window_starts(self.samples.positions, length_ns)
            self.known_starts[length_ns] = starts
        return self.known_starts[length_ns]


def _difference(one: Column, two: Column) -> Column:
    return Column(one.values != two.values, one.unknown | two.unknown)


def _flags(truth: Truth) -> Column:
    return Column(truth == 1, truth == 0)


def _mean_since(values: Floats, starts: Positions) -> Floats:
    known = ~np.isnan(values)
    counts = count_since(known, starts)
    sums = _sums_since(np.where(known, values, 0.0), starts)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _sums_since(values: Floats, first: Positions) -> Floats:
    """For each ``i`` the sum of ``values[first[i] : i + 1]``.

    Sums of powers of two, from the right. Differences of running sums over hours of driving would
    lose the last digits, and a sum would depend on samples outside its window.
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
