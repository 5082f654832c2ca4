"""Check whether the timestamps of a drive can be nanoseconds.

Logs often have seconds, milliseconds or microseconds. As ``timestamp_ns`` they would be a drive of
a few microseconds in 1970. A single value does not show this, because a clock that counts from the
start of a drive or of a computer is in 1970 too. The rate of the rows does.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ridealong.errors import UnreadableError
from ridealong.terminal.readable import exact_instant
from ridealong.units import NS_PER_S

# No log has 51 signals at this rate: rows nearer to each other have another unit.
LEAST_STEP_NS = 150_000
# A date of our time in microseconds looks like some days of uptime in nanoseconds, and rows every
# second then look like rows every millisecond. A phone's sensors give at most 500 rows a second.
LEAST_STEP_BY_UPTIME_NS = 1_100_000
# The dates of logs that count from 1970.
ERA_NS = tuple(
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * NS_PER_S for year in (2000, 2100)
)


@dataclass(frozen=True)
class Unit:
    """A unit of time that a log may have, and its length in nanoseconds."""

    name: str
    ns: int


UNITS = (Unit("microseconds", 1_000), Unit("milliseconds", 1_000_000), Unit("seconds", NS_PER_S))


def check_clock(timestamps_ns: NDArray[np.int64], where: str, *, mapped: bool = False) -> None:
    """Refuse timestamps that cannot be nanoseconds, and name the unit that they seem to have.

    Args:
        timestamps_ns: ``(N,)`` of a drive's rows, ascending.
        where: The recording.
        mapped: Whether a mapping gives the unit of its times.

    Raises:
        UnreadableError: Most are before 1970, or they are closer together than in any log.
    """
    if len(timestamps_ns) < 2:
        return
    if timestamps_ns[len(timestamps_ns) // 2] < 0:
        first = exact_instant(int(timestamps_ns[0]))
        raise UnreadableError(
            f"wrong clock: timestamp_ns starts at {first}, before 1970",
            where=where,
            expected="nanoseconds since 1970, UTC, or since the drive's start",
            hint="add what is missing, or subtract the first timestamp from all",
        )
    step_ns = float(np.median(np.diff(timestamps_ns)))
    since_1970 = _since_1970(int(timestamps_ns[0]))
    uptime = since_1970 is not None and since_1970.ns == 1_000
    if step_ns > (LEAST_STEP_BY_UPTIME_NS if uptime else LEAST_STEP_NS):
        return
    unit = since_1970 or _by_rate(step_ns)
    if mapped:
        raise UnreadableError(
            f"wrong unit of time: {len(timestamps_ns)} rows lie within "
            f"{_span(int(timestamps_ns[-1] - timestamps_ns[0]))}",
            where=where,
            hint=f"the mapping's unit of time seems {unit.ns:,} times too small, or is missing",
        )
    raise UnreadableError(
        f"wrong unit of time: {len(timestamps_ns)} rows of timestamp_ns lie within "
        f"{_span(int(timestamps_ns[-1] - timestamps_ns[0]))}",
        where=where,
        expected="nanoseconds since 1970, UTC",
        hint=f"they look like {unit.name}: multiply them by {unit.ns:,}",
    )


def _since_1970(first: int) -> Unit | None:
    """The unit in which a timestamp is a date of our time."""
    return next((unit for unit in UNITS if ERA_NS[0] <= first * unit.ns < ERA_NS[1]), None)


def _by_rate(step_ns: float) -> Unit:
    """The unit in which there are at most a thousand rows a second."""
    return next((unit for unit in UNITS if step_ns * unit.ns >= NS_PER_S / 1000), UNITS[-1])


def _span(length_ns: int) -> str:
    for unit, name in ((1_000_000, "ms"), (1_000, "µs")):
        if length_ns >= unit:
            return f"{length_ns / unit:.3g} {name}"
    return f"{length_ns} ns"
