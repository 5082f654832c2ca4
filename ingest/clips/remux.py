"""H.264 packets as an MP4 that browsers play; nothing is decoded or encoded."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from ingest.clips.packets import is_keyframe
from ridealong.units import NS_PER_S

_TICKS_PER_S = 90_000  # the usual clock of video in MP4
_NOMINAL_NS = 40_000_000  # duration of a single frame


def remux_mp4(packets: Sequence[tuple[int, bytes]]) -> bytes:
    """One MP4 with its index in front, from ``(time_ns, Annex B packet)`` in time.

    Raises:
        ValueError: The packets are not H.264 video.
    """
    # FFmpeg opens its output again to move the index to the front, which needs a real file.
    with TemporaryDirectory(prefix="mp4-") as folder:
        path = Path(folder) / "video.mp4"
        _write_mp4(path, packets)
        return path.read_bytes()


def _write_mp4(path: Path, packets: Sequence[tuple[int, bytes]]) -> None:
    source = io.BytesIO(b"".join(packet for _, packet in packets))
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    ticks, durations = _clock([time for time, _ in packets])
    with (
        av.open(source, format="h264") as stream,
        av.open(str(path), "w", format="mp4", options=options) as target,
    ):
        track = target.add_stream_from_template(stream.streams.video[0])
        for (_, data), tick, duration in zip(packets, ticks, durations, strict=True):
            packet = av.Packet(data)
            packet.stream, packet.time_base = track, Fraction(1, _TICKS_PER_S)
            packet.pts = packet.dts = tick
            packet.duration = duration
            packet.is_keyframe = is_keyframe(data)
            target.mux(packet)


def _clock(times_ns: list[int]) -> tuple[list[int], list[int]]:
    """Start and length of every frame in ticks; the last is shown as long as one in the middle."""
    gaps = np.diff(times_ns)
    last = int(np.median(gaps)) if len(gaps) else _NOMINAL_NS
    ticks = [round(time * _TICKS_PER_S / NS_PER_S) for time in [*times_ns, times_ns[-1] + last]]
    return ticks[:-1], [int(gap) for gap in np.diff(ticks)]
