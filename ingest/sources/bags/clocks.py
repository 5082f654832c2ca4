"""Which of its two times a message counts with: when it was measured, or when it was recorded.

A message may have a stamp of the sensor. The bag knows when it was recorded. Stamps are better,
because they do not contain the delay of the network. They count if the stamps of all topics agree
with the bag's clock, or agree with each other (a simulation has a clock of its own). If they
disagree, a topic whose stamps are far from the bag's clock counts with the times of recording.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Ints
from ridealong.terminal.readable import duration
from ridealong.units import NS_PER_S

AGREES_NS = 2 * NS_PER_S


@dataclass(frozen=True)
class Stamps:
    """Times of one topic's messages, ``(N,)`` int64 nanoseconds.

    ``stamp_ns`` is None if the messages have no stamps.
    """

    log_ns: Ints
    stamp_ns: Ints | None

    @property
    def offset_ns(self) -> int | None:
        """How far the stamps are ahead of the bag's clock; None without stamps."""
        if self.stamp_ns is None or not len(self.log_ns):
            return None
        return int(np.median(self.stamp_ns - self.log_ns))


@dataclass(frozen=True)
class Clock:
    """The times of each topic's messages, and what is to be said about them."""

    times_ns: dict[str, Ints]
    notes: tuple[str, ...]


def one_clock(topics: Mapping[str, Stamps]) -> Clock:
    """Put all topics on one clock."""
    offsets = {name: s.offset_ns for name, s in topics.items()}
    known = {name: offset for name, offset in offsets.items() if offset is not None}
    middle = int(np.median(list(known.values()))) if known else 0
    if abs(middle) <= AGREES_NS or any(abs(o - middle) > AGREES_NS for o in known.values()):
        middle = 0  # the bag's own clock
    times, notes = {}, []
    for name, stamps in topics.items():
        offset = known.get(name)
        if offset is not None and stamps.stamp_ns is not None and abs(offset - middle) <= AGREES_NS:
            times[name] = stamps.stamp_ns
            continue
        times[name] = stamps.log_ns + middle
        if offset is not None:
            way = "ahead of" if offset > 0 else "behind"
            notes.append(
                f"topic {name}: its stamps are {duration(abs(offset) / NS_PER_S)} {way} the bag's "
                "clock; the times of recording are used"
            )
    return Clock(times, tuple(notes))
