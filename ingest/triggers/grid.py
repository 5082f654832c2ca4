"""The samples of many drives, in order, with the start of each drive and its gaps."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Positions = NDArray[np.int64]
NEVER = -(2**62)  # before all times
GAP_STEPS = 2.5  # a step longer than this many median steps is a gap


@dataclass(frozen=True)
class Grid:
    """Telemetry ordered by drive, then time.

    Attributes:
        telemetry: ``N`` rows.
        timestamps_ns: ``(N,)``, ascending within a drive.
        starts: ``(D + 1,)``: drive ``d`` has the rows from ``starts[d]`` to ``starts[d + 1]``.
        drive_ids: ``D`` names.
    """

    telemetry: pa.Table
    timestamps_ns: Positions
    starts: Positions
    drive_ids: list[str]
    _gaps_ns: dict[int, int] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """Number of samples."""
        return len(self.timestamps_ns)

    def drive_of(self, positions: Positions) -> Positions:
        """The number of the drive at each position."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def gap_ns(self, drive: int) -> int:
        """The longest step within the drive that is not a gap."""
        if drive not in self._gaps_ns:
            steps = np.diff(self.timestamps_ns[self.starts[drive] : self.starts[drive + 1]])
            self._gaps_ns[drive] = int(np.median(steps) * GAP_STEPS) if len(steps) else 0
        return self._gaps_ns[drive]

    def window_starts(self, positions: Positions, length_ns: int) -> Positions:
        """For each position, the first one of its drive at most ``length_ns`` before it."""
        return self.places(positions, length_ns, "left")

    def places(
        self, positions: Positions, length_ns: int, side: Literal["left", "right"]
    ) -> Positions:
        """Insertion position, in its drive, of each position's instant less ``length_ns``.

        Left of the samples at exactly that instant, or right of them.
        """
        drive = self.drive_of(positions)
        starts = np.empty(len(positions), np.int64)
        bounds = np.flatnonzero(np.diff(drive, prepend=-1, append=-1))
        for low, high in pairwise(bounds.tolist()):
            begin, end = self.starts[drive[low]], self.starts[drive[low] + 1]
            since = self.timestamps_ns[positions[low:high]] - length_ns
            starts[low:high] = begin + np.searchsorted(self.timestamps_ns[begin:end], since, side)
        return starts

    def part(self, first: int, last: int) -> "Grid":
        """The drives ``first`` to ``last``, exclusive."""
        low, high = int(self.starts[first]), int(self.starts[last])
        return Grid(
            self.telemetry.slice(low, high - low),
            self.timestamps_ns[low:high],
            self.starts[first : last + 1] - low,
            self.drive_ids[first:last],
        )

    def batches(self, rows: int) -> Iterator["Grid"]:
        """Batches of whole drives with about ``rows`` samples each."""
        first = 0
        while first < len(self.drive_ids):
            limit = self.starts[first] + rows
            last = int(np.searchsorted(self.starts, limit, side="right")) - 1
            last = max(last, first + 1)
            yield self.part(first, last)
            first = last


@dataclass(frozen=True)
class Samples:
    """Some samples of a grid, in order. All arrays are ``(N,)``.

    Attributes:
        positions: Positions in the grid, ascending.
        drives: Number of the drive.
        times_ns: The instants.
        gaps: Whether the sample begins its drive or follows a gap.
        breaks: The same, or the sample before it is not among these samples.
        hole_ns: Instant of the sample before it, if that is in the same drive and not among these
            samples; else `NEVER`.
        gap_ns: The longest step within its drive that is not a gap.
    """

    positions: Positions
    drives: Positions
    times_ns: Positions
    gaps: NDArray[np.bool_]
    breaks: NDArray[np.bool_]
    hole_ns: Positions
    gap_ns: Positions

    @cached_property
    def segment_ns(self) -> Positions:
        """The time since which there is no gap; needs all samples of the drives."""
        own = np.arange(len(self.positions))
        return self.times_ns[np.maximum.accumulate(np.where(self.gaps, own, 0))]

    def complete(self, length_ns: int) -> NDArray[np.bool_]:
        """Whether neither a gap nor the drive's start is within that time before a sample."""
        return self.times_ns - self.segment_ns >= length_ns


def make_grid(telemetry: pa.Table) -> Grid:
    """Order telemetry by drive and time; of samples at one instant, keep the first."""
    ids = _plain_ids(telemetry)
    times = _numpy(telemetry["timestamp_ns"])
    same = _same_as_before(ids)
    starts = np.flatnonzero(~same)
    names = ids.take(pa.array(starts)).to_pylist()
    if not _is_ordered(times, same) or len(set(names)) < len(names):
        return make_grid(_reordered(telemetry))
    return Grid(telemetry, times, np.append(starts, len(times)).astype(np.int64), names)


def with_windows(positions: Positions, starts: Positions) -> Positions:
    """All positions from a window's start to its end; both ascend."""
    begins = np.maximum(starts, np.append(-1, positions[:-1])[: len(positions)] + 1)
    lengths = positions - begins + 1
    before = np.cumsum(lengths) - lengths
    return np.repeat(begins - before, lengths) + np.arange(int(lengths.sum()))


def samples_at(grid: Grid, positions: Positions) -> "Samples":
    """The samples at ``positions``, ascending, with their surroundings."""
    drive = grid.drive_of(positions)
    limits = np.zeros(len(grid.drive_ids), np.int64)
    for number in drive[np.flatnonzero(np.diff(drive, prepend=-1))]:
        limits[number] = grid.gap_ns(int(number))
    time = grid.timestamps_ns[positions]
    first = positions == grid.starts[drive]
    before = grid.timestamps_ns[np.where(first, positions, positions - 1)]
    absent = np.append(True, np.diff(positions) != 1)[: len(positions)]
    gap = first | (time - before > limits[drive])
    return Samples(
        positions=positions,
        drives=drive,
        times_ns=time,
        gaps=gap,
        breaks=gap | absent,
        hole_ns=np.where(absent & ~first, before, NEVER),
        gap_ns=limits[drive],
    )


def _plain_ids(telemetry: pa.Table) -> pa.Array:
    column = telemetry["drive_id"]
    # A single chunk is used unchanged, because combining copies it.
    ids = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return ids.dictionary_decode() if isinstance(ids, pa.DictionaryArray) else ids


def _numpy(column: pa.ChunkedArray) -> Positions:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _same_as_before(ids: pa.Array) -> NDArray[np.bool_]:
    if len(ids) == 0:
        return np.zeros(0, np.bool_)
    equal = pc.equal(ids.slice(1), ids.slice(0, len(ids) - 1))
    return np.append(False, equal.to_numpy(zero_copy_only=False).astype(np.bool_))


def _is_ordered(times: Positions, same: NDArray[np.bool_]) -> bool:
    return bool(np.all((times[1:] > times[:-1]) | ~same[1:]))


def _reordered(telemetry: pa.Table) -> pa.Table:
    order = pc.sort_indices(
        telemetry.select(["drive_id", "timestamp_ns"]),
        sort_keys=[("drive_id", "ascending"), ("timestamp_ns", "ascending")],
    )
    ordered = telemetry.take(order)
    same = _same_as_before(_plain_ids(ordered))
    times = _numpy(ordered["timestamp_ns"])
    repeated = same & np.append(False, times[1:] == times[:-1])
    return ordered.filter(pa.array(~repeated))
