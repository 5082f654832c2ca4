"""Whether the timestamps of a drive can be nanoseconds.

Logs often keep seconds, milliseconds or microseconds. Written under the name ``timestamp_ns``,
they make a drive that passed within microseconds, in 1970. No single value shows it: a clock that
counts from the start of a drive or of a computer is in 1970 as well. The rate of the rows does.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ridealong.errors import UnreadableError
from ridealong.terminal.readable import exact_instant
from ridealong.units import NS_PER_S

# No log has 51 signals at such a rate: rows nearer to each other are of another unit.
LEAST_STEP_NS = 150_000
# Days since 1970 in microseconds are days since a computer booted in nanoseconds. Rows every
# second then look like rows every millisecond; a phone's sensors come at no more than 500 a second.
LEAST_STEP_BY_UPTIME_NS = 1_100_000
# When logs that count from 1970 were recorded.
ERA_NS = tuple(
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * NS_PER_S for year in (2000, 2100)
)


@dataclass(frozen=True)
class Unit:
    """A unit of time that a log may be in, and nanoseconds in one."""

    name: str
    ns: int


UNITS = (Unit("microseconds", 1_000), Unit("milliseconds", 1_000_000), Unit("seconds", NS_PER_S))


def check_clock(timestamps_ns: NDArray[np.int64], where: str) -> None:
    """Refuse timestamps that cannot be nanoseconds, and say which unit they look like.

    Args:
        timestamps_ns: ``(N,)`` of a drive's rows, ascending.
        where: The recording.

    Raises:
        UnreadableError: Most lie before 1970, or follow each other faster than any log's.
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
    raise UnreadableError(
        f"wrong unit of time: {len(timestamps_ns)} rows of timestamp_ns lie within "
        f"{_span(int(timestamps_ns[-1] - timestamps_ns[0]))}",
        where=where,
        expected="nanoseconds since 1970, UTC",
        hint=f"they look like {unit.name}: multiply them by {unit.ns:,}",
    )


def _since_1970(first: int) -> Unit | None:
    """The unit in which a timestamp lies in our time."""
    return next((unit for unit in UNITS if ERA_NS[0] <= first * unit.ns < ERA_NS[1]), None)


def _by_rate(step_ns: float) -> Unit:
    """The unit in which rows come less often than a thousand a second."""
    return next((unit for unit in UNITS if step_ns * unit.ns >= NS_PER_S / 1000), UNITS[-1])


def _span(length_ns: int) -> str:
    for unit, name in ((1_000_000, "ms"), (1_000, "µs")):
        if length_ns >= unit:
            return f"{length_ns / unit:.3g} {name}"
    return f"{length_ns} ns"
