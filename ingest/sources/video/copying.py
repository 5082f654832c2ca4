"""Whether a clip can use the H.264 of a recording as it is, and the packets if it can.

Copying is lossless and many times faster than encoding. It is done where our reader and every
browser can use the result: H.264 in 4:2:0 with 8 bits, progressive, square pixels, no B-frames, no
display matrix, no hidden frames, and a keyframe at or before the start. All else is encoded anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from av import VideoCodecContext
from av.bitstream import BitStreamFilterContext

from ingest.clips.packets import CODECS, CopiedVideo, EncodedFrame, is_keyframe, parameters_of
from ingest.sources.video.containers import opened, video_errors
from ingest.sources.video.decoding import VideoIndex, packets_from, stream_of
from ingest.sources.video.orientation import AS_STORED
from ridealong.arrays import Ints

PLAIN = ("yuv420p", "yuvj420p")
PROGRESSIVE = (0, 1)  # FFmpeg's unknown and progressive


def why_not_shown(codec: VideoCodecContext, pixels: str) -> str | None:
    """Why browsers, or our reader, cannot show H.264 of this form; None if they can."""
    if pixels not in PLAIN:
        return f"its pixels are {pixels}, and browsers play 8 bits in 4:2:0"
    if codec.field_order not in PROGRESSIVE:
        return "it is interlaced"
    ratio = codec.sample_aspect_ratio
    if ratio and ratio != 1:
        return "its pixels are not square"
    if codec.has_b_frames:
        return "it has B-frames"
    return None


def copied_video(
    index: VideoIndex, times_ns: Ints, start_ns: int, end_ns: int
) -> CopiedVideo | str:
    """A track's packets in a window, or why a clip cannot use them as they are.

    Args:
        index: The track.
        times_ns: ``(N,)`` times of its frames.
        start_ns: The window's start, inclusive.
        end_ns: Its end, inclusive.
    """
    first = max(int(times_ns.searchsorted(start_ns, side="left")), index.first)
    last = int(times_ns.searchsorted(end_ns, side="right"))
    if first >= last:
        return "it has no frame in the window"
    if why := _why_not(index):
        return why
    with video_errors(index.path):
        seen = list(_survey(index, first, last))
    if why := _why_not_these(seen, first, last):
        return why
    starts = [at for at, one in enumerate(seen) if one.is_start]
    every = max(b - a for a, b in zip(starts, [*starts[1:], len(seen)], strict=True))
    lead_in = sum(one.number < first for one in seen)
    return CopiedVideo(_copied(index, times_ns, first, last), lead_in, every)


@dataclass(frozen=True)
class _Seen:
    """What counts of one packet: its frame, whether decoding can start there, its parameters."""

    number: int
    is_start: bool
    parameters: bytes


def _why_not(index: VideoIndex) -> str | None:
    """Why a track as a whole cannot be copied."""
    timeline = index.timeline
    with video_errors(index.path), opened(index.path) as container:
        codec = stream_of(container, index.track).codec_context
        if codec.name != "h264":
            return f"it is {CODECS.get(codec.name, codec.name)}, which not all browsers play"
        if why := why_not_shown(codec, codec.pix_fmt or "unknown"):
            return why
    if index.orientation != AS_STORED:
        return "it has a display matrix"
    if not timeline.entries:
        return "its file does not say where decoding can start"
    if timeline.hidden or timeline.duplicates:
        return "some of its frames are hidden, or have the time of another"
    return None if index.is_whole else "some of its frames are damaged"


def _why_not_these(seen: Sequence[_Seen], first: int, last: int) -> str | None:
    """Why the packets of a window cannot be copied."""
    numbers = [one.number for one in seen]
    if not seen or not seen[0].is_start or numbers[0] > first:
        return "no keyframe comes before the window"
    if numbers != list(range(numbers[0], last)):
        return "its packets are not in the order of its frames"
    parameters = {one.parameters for one in seen if one.parameters}
    return "its size or form changes" if len(parameters) > 1 else None


def _survey(index: VideoIndex, first: int, last: int) -> Iterator[_Seen]:
    for number, data in _annex_b(index, first, last):
        yield _Seen(number, is_keyframe(data), parameters_of(data))


def _copied(index: VideoIndex, times_ns: Ints, first: int, last: int) -> Iterator[EncodedFrame]:
    for number, data in _annex_b(index, first, last):
        yield EncodedFrame(int(times_ns[number]), is_keyframe(data), data)


def _annex_b(index: VideoIndex, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of the packets from the keyframe at or before ``first``, to ``last``."""
    with opened(index.path) as container:
        stream = stream_of(container, index.track)
        convert = BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in packets_from(container, stream, index, first):
            number = index.numbers.get(packet.pts) if packet.pts is not None else None
            if number is None or number >= last:
                return
            for one in convert.filter(packet):
                yield number, bytes(one)
