"""When the frames of a video track are shown, as its packets say.

Every packet is marked before it is decoded, and the frame that comes out of it carries the mark, so
a frame that is lost in between moves no other. In a stream that has times the mark is the time.
AVI and bare streams know the order of decoding alone: there packets are counted.

- Packets that an edit list hides are decoded (others may need them) and never shown.
- Where times start over, as in transport streams that were put one behind the other, what follows
  is joined on.
- Of two frames at one time, the one that comes first in the file stays.
- An AVI leaves empty chunks for frames that were dropped: the others keep their times.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ingest.units import NS_PER_S

# A bare stream (.h264, .hevc) has no times; this is what ffmpeg assumes for one.
BARE_STREAM_FPS = Fraction(25)
# Containers that know the order of decoding alone, or no times at all.
UNTIMED = frozenset({"avi", "h264", "hevc"})
STEP_BACK_S = 1  # times that step back farther than this start over; nearer ones are out of order

Integers = NDArray[np.int64]
VideoPacket: TypeAlias = "Packet[VideoStream]"  # no generic when it runs


class PacketTimes(NamedTuple):
    """What is needed of a packet; the packet itself holds its data, too."""

    pts: int | None
    dts: int | None
    duration: int
    is_keyframe: bool
    is_discard: bool


@dataclass(frozen=True)
class Timeline:
    """The frames that a track's packets promise, in the order in which they are shown.

    Attributes:
        time_base: Seconds a tick.
        ticks: ``(N,)`` int64, when each frame is shown, ascending.
        end_tick: When the last one ends.
        marks: ``(N,)`` int64, the marks of their packets; where packets are counted, in the order
            of decoding.
        counted: Marks are numbers of packets.
        entries: Frame number and decoding time of the packets where decoding can start, ascending;
            empty where the track cannot be entered midway.
        hidden: Frames that an edit list hides.
        duplicates: Frames at the time of another one.
        untimed: Frames without a time, in a stream that has times.
        joints: How often times started over.
    """

    time_base: Fraction
    ticks: Integers
    end_tick: int
    marks: Integers
    counted: bool
    entries: tuple[tuple[int, int], ...] = ()
    hidden: int = 0
    duplicates: int = 0
    untimed: int = 0
    joints: int = 0

    def since(self, origin_s: Fraction, ticks: Integers) -> Integers:
        """``(N,)`` int64 nanoseconds from ``origin_s``, a time in the file, to these ticks."""
        # Python integers: ticks times a billion overflow int64 after some hours.
        scaled = [(tick * self.time_base - origin_s) * NS_PER_S // 1 for tick in ticks.tolist()]
        return np.array(scaled, np.int64)

    def ends(self) -> Integers:
        """``(N,)`` int64, when each frame makes way for the next one, in ticks."""
        return np.append(self.ticks[1:], self.end_tick)[: len(self.ticks)]


class Marker:
    """Gives the packets of one track their marks, in the order in which the file has them.

    Args:
        time_base: Seconds a tick; None counts the packets.
    """

    def __init__(self, time_base: Fraction | None) -> None:
        self.joints = 0
        self._time_base = time_base
        self._count = 0
        self._first: int | None = None  # decoding times as the file has them: first and last
        self._last = 0
        self._shift = self._next = 0  # what is added to them, and where a joint would go on

    def mark(self, packet: "VideoPacket | PacketTimes") -> int | None:
        """The packet's mark; None where it is hidden, or has no time."""
        if packet.is_discard:
            return None
        if self._time_base is None:
            self._count += 1
            return self._count - 1
        if packet.pts is None:
            return None
        if packet.dts is not None:  # those of presentation go back wherever frames are reordered
            self._follow(packet.dts, packet.duration or 0)
        return packet.pts + self._shift

    def _follow(self, tick: int, duration: int) -> None:
        if self._first is None:
            self._first = self._last = tick
        elif self._starts_over(tick, self._first):
            self.joints += 1
            self._shift, self._first = self._next - tick, tick
        step = duration or tick - self._last
        self._last, self._next = tick, tick + self._shift + max(step, 1)

    def _starts_over(self, tick: int, first: int) -> bool:
        back = self._last - tick
        return back > 0 and (tick <= first or back * (self._time_base or 0) > STEP_BACK_S)


def make_marker(timeline: Timeline) -> Marker:
    """A marker for another pass over the packets of a track."""
    return Marker(None if timeline.counted else timeline.time_base)


def read_timeline(
    packets: Iterable[VideoPacket], stream: VideoStream, container: str, can_seek: bool
) -> Timeline:
    """What the packets of one track promise.

    Args:
        packets: All of them, as the file has them.
        stream: The track.
        container: FFmpeg's name of the file's format.
        can_seek: Whether decoding can start midway in such a container.
    """
    times = [
        PacketTimes(p.pts, p.dts, p.duration or 0, p.is_keyframe, p.is_discard)
        for p in packets
        if p.size
    ]
    hidden = sum(packet.is_discard for packet in times)
    shown = [packet for packet in times if not packet.is_discard]
    is_timed = any(packet.pts is not None for packet in shown) and stream.time_base is not None
    if container in UNTIMED or not is_timed:
        return replace(_counted(shown, stream), hidden=hidden)
    timeline = _timed(shown, Fraction(stream.time_base or 1), can_seek)
    return replace(timeline, hidden=hidden)


def _counted(shown: list[PacketTimes], stream: VideoStream) -> Timeline:
    marks = np.arange(len(shown), dtype=np.int64)
    dts = {packet.dts for packet in shown if packet.dts is not None}
    if shown and stream.time_base is not None and len(dts) == len(shown):
        ticks = np.array(sorted(dts), np.int64)
        end = int(ticks[-1]) + _last_step(ticks, shown[-1].duration)
        return Timeline(Fraction(stream.time_base), ticks, end, marks, counted=True)
    rate = Fraction(stream.guessed_rate or BARE_STREAM_FPS)
    return Timeline(1 / rate, marks, len(marks), marks, counted=True)


def _timed(shown: list[PacketTimes], time_base: Fraction, can_seek: bool) -> Timeline:
    marker = Marker(time_base)
    marked = [(marker.mark(packet), packet) for packet in shown]
    timed = [(mark, packet) for mark, packet in marked if mark is not None]
    marks = np.unique(np.array([mark for mark, _ in timed], np.int64))
    last = next(packet for mark, packet in timed if mark == marks[-1])
    # Sought by decoding time: by presentation time, a key frame shown later could be found.
    keys = sorted((mark, mark if p.dts is None else p.dts) for mark, p in timed if p.is_keyframe)
    entries = tuple((int(marks.searchsorted(mark)), dts) for mark, dts in keys)
    return Timeline(
        time_base,
        marks,
        int(marks[-1]) + _last_step(marks, last.duration),
        marks,
        counted=False,
        entries=entries if can_seek and not marker.joints else (),
        duplicates=len(timed) - len(marks),
        untimed=len(shown) - len(timed),
        joints=marker.joints,
    )


def _last_step(ticks: Integers, duration: int) -> int:
    """How long the last frame is shown: as its packet says, else as long as is usual."""
    if duration > 0:
        return duration
    return int(np.median(np.diff(ticks))) if len(ticks) > 1 else 0
