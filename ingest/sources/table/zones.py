"""Local time to UTC, with the hour that comes twice and the one that does not come.

When clocks go back, the times of an hour come twice. Which one a row means, its neighbours tell:
rows go on in time, so the reading with the smaller gap to them is right; and where the clock falls
back within the rows, the first ones are before the change and the others after it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ridealong.arrays import Bools, Ints

NONE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Utc:
    """``N`` instants.

    Attributes:
        times_ns: ``(N,)`` nanoseconds since 1970, UTC.
        absent: ``(N,)``: no clock in that zone ever showed this time.
        twice: How many rows are in an hour that comes twice.
        guessed: How many of these have no neighbour that tells which of the two it is.
    """

    times_ns: Ints
    absent: Bools
    twice: int = 0
    guessed: int = 0


def to_utc(local_ns: Ints, zone: str) -> Utc:
    """Local times in the order of their rows to UTC.

    Args:
        local_ns: ``(N,)`` what a clock in the zone showed, as nanoseconds since 1970.
        zone: Its IANA name.
    """
    clock = pa.array(local_ns, pa.int64()).cast(pa.timestamp("ns"))
    first, second = (
        np.asarray(_instants(clock, zone, which).cast(pa.int64()), np.int64)
        for which in ("earliest", "latest")
    )
    shows = pc.local_timestamp(_instants(clock, zone, "latest")).cast(pa.int64())
    absent = np.asarray(shows, np.int64) != local_ns
    twice = (first != second) & ~absent
    guessed = 0
    out = first.copy()
    for begin, end in _stretches(twice):
        is_second, is_guess = _after_change(local_ns, first, second, begin, end)
        out[begin:end] = np.where(is_second, second[begin:end], first[begin:end])
        guessed += (end - begin) * is_guess
    return Utc(out, absent, int(twice.sum()), guessed)


def _instants(clock: pa.Array, zone: str, which: str) -> pa.Array:
    return pc.assume_timezone(clock, zone, ambiguous=which, nonexistent=which)


def _stretches(marked: Bools) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _after_change(
    local_ns: Ints, first: Ints, second: Ints, begin: int, end: int
) -> tuple[Bools, bool]:
    """For each row of a stretch, whether it is after the change; and whether that is a guess."""
    shift = second[begin] - first[begin]
    back = np.flatnonzero(np.diff(local_ns[begin:end]) < -shift // 2)
    if len(back):
        return np.arange(end - begin) > back[0], False
    before = int(first[begin] - first[begin - 1]) if begin else NONE
    after = int(second[end] - second[end - 1]) if end < len(local_ns) else NONE
    before, after = (gap if gap >= 0 else NONE for gap in (before, after))
    return np.full(end - begin, after < before), before == after == NONE
