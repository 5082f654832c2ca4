"""When the frames of a video track are shown, from the times of its packets.

Every packet is marked before it is decoded, and its frame carries the mark. So a lost frame does
not move the others. The mark is the packet's time if decoding starts midway, else its number.

- Packets that an edit list hides are decoded (others may need them), but not shown.
- If the clock starts over, as in concatenated transport streams, the second part follows the first.
- A time is damaged if it is far from those before and after it, and these are near each other.
- Of two frames with the same time, the first in the file is kept.
- AVI and raw streams only have the order of decoding. An AVI has an empty chunk for each dropped
  frame: the others keep their times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

from ridealong.arrays import Ints
from ridealong.units import NS_PER_S

# A raw stream (.h264, .hevc) has no times; this is the rate that FFmpeg assumes.
BARE_STREAM_FPS = Fraction(25)
# Containers that only have the order of decoding, or no times at all.
UNTIMED = frozenset({"avi", "h264", "hevc"})
STEP_S = 1  # neighbours in the file are nearer to each other unless a time is damaged
REORDERED_S = 60  # no frame is decoded so long before it is shown
# Frames of two tracks this close belong to one instant: containers round times by up to this much.
SAME_INSTANT_NS = 1_000_000
FULL = 1 << 33  # where the clock of a transport stream overflows

VideoPacket: TypeAlias = "Packet[VideoStream]"  # no generic when it runs


class PacketTimes(NamedTuple):
    """The times of a packet; the packet itself would keep its data in memory."""

    pts: int | None
    dts: int | None
    duration: int
    is_keyframe: bool
    is_discard: bool


@dataclass(frozen=True)
class Timeline:
    """The frames that a track's packets announce, in the order in which they are shown.

    Attributes:
        time_base: Seconds a tick.
        ticks: ``(N,)`` int64, when each frame is shown, ascending.
        end_tick: When the last one ends.
        marks: ``(N,)`` int64, the marks of their packets.
        counted: Marks are numbers of packets (hidden ones left out), not presentation times.
        ordered: Marks are in the order in which frames are shown; else in the order of decoding.
        entries: Frame number and decoding time of the packets where decoding can start, ascending;
            empty if decoding cannot start midway.
        hidden: Frames that an edit list hides.
        pieces: Parts of the file that an edit list joins.
        duplicates: Frames with the time of another frame.
        untimed: Frames without a usable time, in a stream that has times.
        joints: How often the clock starts over.
    """

    time_base: Fraction
    ticks: Ints
    end_tick: int
    marks: Ints
    counted: bool = True
    ordered: bool = True
    entries: tuple[tuple[int, int], ...] = ()
    hidden: int = 0
    pieces: int = 1
    duplicates: int = 0
    untimed: int = 0
    joints: int = 0

    def since(self, origin_s: Fraction, ticks: Ints) -> Ints:
        """``(N,)`` int64 nanoseconds from ``origin_s``, a time in the file, to these ticks."""
        # Python integers: ticks times a billion overflow int64 after some hours.
        scaled = [(tick * self.time_base - origin_s) * NS_PER_S // 1 for tick in ticks.tolist()]
        return np.array(scaled, np.int64)

    def ends(self) -> Ints:
        """``(N,)`` int64, when each frame ends, in ticks."""
        return np.append(self.ticks[1:], self.end_tick)[: len(self.ticks)]


def read_timeline(
    packets: Iterable[VideoPacket], stream: VideoStream, container: str, can_seek: bool
) -> Timeline:
    """The frames that the packets of one track announce.

    Args:
        packets: All of them, in the order of the file.
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
    has_times = any(packet.pts is not None for packet in shown) and container not in UNTIMED
    timed = _timed(shown, Fraction(stream.time_base)) if has_times and stream.time_base else None
    timeline = replace(timed or _counted(shown, stream), hidden=hidden, pieces=_pieces(times))
    is_one_run = not timeline.joints and not timeline.untimed and timeline.pieces == 1
    return _enterable(timeline, shown) if timed and can_seek and is_one_run else timeline


def _pieces(times: Sequence[PacketTimes]) -> int:
    """Stretches of shown packets; each begins behind a hidden key frame, or with its own."""
    pieces, has_shown, is_open = 1, False, True
    for packet in times:
        if packet.is_discard and packet.is_keyframe:
            is_open = not has_shown
        elif not packet.is_discard:
            pieces += not is_open
            has_shown = is_open = True
    return pieces


def aligned(times_ns: Ints, reference_ns: Ints) -> Ints:
    """One track's times; a frame of the same instant as a reference frame gets that frame's time.

    Args:
        times_ns: ``(N,)`` ascending.
        reference_ns: ``(M,)`` ascending, no two of one instant.
    """
    nearest = ((times_ns[1:] + times_ns[:-1]) // 2).searchsorted(reference_ns)
    is_same = np.abs(times_ns[nearest] - reference_ns) < SAME_INSTANT_NS
    out = times_ns.copy()
    out[nearest[is_same]] = reference_ns[is_same]
    return out


def _counted(shown: Sequence[PacketTimes], stream: VideoStream) -> Timeline:
    ordered = not (stream.codec_context and stream.codec_context.has_b_frames)
    marks = np.arange(len(shown), dtype=np.int64)
    dts = {packet.dts for packet in shown if packet.dts is not None}
    if shown and stream.time_base is not None and len(dts) == len(shown):
        ticks = np.array(sorted(dts), np.int64)
        # The duration of an AVI packet is always one tick, at any frame rate.
        end = int(ticks[-1]) + _last_step(ticks, shown[-1].duration if len(shown) == 1 else 0)
        return Timeline(Fraction(stream.time_base), ticks, end, marks, ordered=ordered)
    rate = Fraction(stream.guessed_rate or BARE_STREAM_FPS)
    return Timeline(1 / rate, marks, len(marks), marks, ordered=ordered)


def _timed(shown: Sequence[PacketTimes], time_base: Fraction) -> Timeline | None:
    """By presentation times; None if no packet has a usable one."""
    clock = _Clock(time_base)
    timed = [
        (clock.presented(packet, packet.pts), number)
        for number, packet in enumerate(shown)
        if packet.pts is not None and clock.is_usable(number, shown)
    ]
    if not timed:
        return None
    ticks, first = np.unique(np.array([tick for tick, _ in timed], np.int64), return_index=True)
    marks = np.array([timed[at][1] for at in first.tolist()], np.int64)
    return Timeline(
        time_base,
        ticks,
        int(ticks[-1]) + _last_step(ticks, shown[int(marks[-1])].duration),
        marks,
        duplicates=len(timed) - len(ticks),
        untimed=len(shown) - len(timed),
        joints=clock.joints,
    )


def _enterable(timeline: Timeline, shown: Sequence[PacketTimes]) -> Timeline:
    """The same timeline for decoding that starts midway, where packets cannot be counted."""
    # By decoding time, because a key frame that is shown later has a later presentation time.
    keys = sorted((p.pts or 0, p.pts if p.dts is None else p.dts) for p in shown if p.is_keyframe)
    entries = tuple((int(timeline.ticks.searchsorted(pts)), dts or 0) for pts, dts in keys)
    return replace(timeline, marks=timeline.ticks, counted=False, entries=entries)


class _Clock:
    """Presentation times that keep ascending when the file's clock starts over."""

    def __init__(self, time_base: Fraction) -> None:
        self.joints = 0
        self._second = 1 / time_base  # in ticks
        self._first: int | None = None  # decoding times as the file has them: first and last
        self._last = 0
        self._shift = 0  # what is added to the file's times
        self._following = 0  # where a joint goes on: decoding, and showing
        self._shown_until = 0

    def is_usable(self, number: int, packets: Sequence[PacketTimes]) -> bool:
        """Whether a packet's times fit each other, and those of its neighbours if these agree."""
        packet = packets[number]
        if packet.pts is None or packet.dts is None:
            return packet.pts is not None
        if abs(packet.pts - packet.dts) > REORDERED_S * self._second:
            return False
        after = packets[number + 1].dts if number + 1 < len(packets) else None
        if after is None or self._first is None:
            return True
        far, near = STEP_S * self._second, abs(after - self._last)
        away = min(abs(packet.dts - self._last), abs(packet.dts - after))
        return not near < far < away

    def presented(self, packet: PacketTimes, pts: int) -> int:
        """When the next packet of the file is shown, in ticks."""
        tick = pts if packet.dts is None and packet.is_keyframe else packet.dts
        if tick is not None:
            self._follow(tick, pts, packet)
        shown = pts + self._shift
        self._shown_until = max(self._shown_until, shown + packet.duration)
        return shown

    def _follow(self, tick: int, pts: int, packet: PacketTimes) -> None:
        if self._first is None:
            self._first = self._last = tick
        elif self._ran_full(tick):
            self._shift, self._first = self._shift + FULL, tick
        elif self._starts_over(tick, self._first):
            self.joints += 1
            self._shift, self._first = self._following - tick, tick
            if packet.is_keyframe:
                self._shift = max(self._shift, self._shown_until - pts)
        step = packet.duration or tick - self._last
        self._last, self._following = tick, tick + self._shift + max(step, 1)

    def _ran_full(self, tick: int) -> bool:
        return tick < self._last and 0 <= tick + FULL - self._last < STEP_S * self._second

    def _starts_over(self, tick: int, first: int) -> bool:
        back = self._last - tick
        return back > 0 and (tick <= first or back > STEP_S * self._second)


def _last_step(ticks: Ints, duration: int) -> int:
    """How long the last frame is shown: its packet's duration, else the usual step."""
    if duration > 0:
        return duration
    return int(np.median(np.diff(ticks))) if len(ticks) > 1 else 0
