"""Video files: an index of their frames, and frames decoded by number.

Frames are in presentation order. A frame whose data is damaged is left out. Of a file that breaks
off, everything up to the break is there; what follows it is lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ingest.errors import UnreadableError
from ingest.recording import Image
from ingest.units import NS_PER_S

# A bare stream (.h264, .hevc) has no times; this is what ffmpeg assumes for one.
BARE_STREAM_FPS = Fraction(25)
# ffmpeg's names of the containers that are read.
FORMATS = ("mov", "matroska", "avi", "mpegts", "h264", "hevc")
EXPECTED = "a video in MP4, MOV, Matroska, WebM, AVI or MPEG-TS, or bare H.264 or H.265"
# Containers with an index; in others, such as MPEG-TS, a seek may land behind its target.
SEEKABLE = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
PLAUSIBLE_SINCE = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class VideoIndex:
    """The frames of a video file.

    Attributes:
        path: The file.
        width, height: Of the image as shown, in pixels, after rotation.
        offsets_ns: ``(N,)`` int64, time of each frame since the first, ascending.
        length_ns: From the first frame to the end of the last.
        pts: ``(N,)`` int64, presentation times in the stream's time base; empty where the container
            has none: then frames are counted.
        key_frames: ``(K,)`` int64, numbers of the frames where decoding can start, ascending; empty
            where the container cannot be entered midway.
        key_dts: ``(K,)`` int64, where to seek for them.
        created_ns: When the file says it was recorded, since the Unix epoch; None if it does not.
    """

    path: Path
    width: int
    height: int
    offsets_ns: NDArray[np.int64]
    length_ns: int
    pts: NDArray[np.int64]
    key_frames: NDArray[np.int64]
    key_dts: NDArray[np.int64]
    created_ns: int | None


class _Times(NamedTuple):
    """The fields of `VideoIndex` that the packets tell."""

    offsets_ns: NDArray[np.int64]
    length_ns: int
    pts: NDArray[np.int64]
    key_frames: NDArray[np.int64]
    key_dts: NDArray[np.int64]


def index_video(path: Path) -> VideoIndex:
    """List a video's frames without decoding more than the first.

    Raises:
        UnreadableError: No video, or no frame of it can be decoded.
    """
    try:
        with _opened(path) as container:
            stream = _video_stream(container, path)
            created_ns = _created_ns(container)
            first = next(_decoded(container, stream), None)
        if first is None:
            raise UnreadableError("not one frame can be decoded", where=path, expected="a video")
        with _opened(path) as container:
            times = _times(container, _video_stream(container, path))
    except (FFmpegError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnreadableError(
            f"cannot be read as video ({why})", where=path, expected=EXPECTED
        ) from error
    height, width = _upright(first, first.width, first.height).shape[:2]
    return VideoIndex(path, width, height, *times, created_ns)


def decode(index: VideoIndex, first: int, last: int) -> Iterator[tuple[int, Image]]:
    """Frames ``first`` to ``last``, inclusive, with their numbers; a damaged one is left out."""
    with _opened(index.path) as container:
        stream = _video_stream(container, index.path)
        entry = int(index.key_frames.searchsorted(first, side="right")) - 1
        if entry > 0:
            container.seek(int(index.key_dts[entry]), stream=stream)
        numbers = {pts: number for number, pts in enumerate(index.pts.tolist())}
        size = (0, 0)
        for count, frame in enumerate(_decoded(container, stream)):
            # A camera that changes its resolution midway is brought back to where it began.
            size = size if any(size) else _coded_size(index, frame)
            number = numbers.get(frame.pts, -1) if numbers else count
            if number > last:
                return
            if number >= first and not frame.is_corrupt:
                yield number, _upright(frame, *size)


def _opened(path: Path) -> InputContainer:
    # Whatever its suffix, a playlist must not lead to other files or to the network.
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
    return av.open(f"file:{path.absolute()}", options=options)


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise UnreadableError("holds no video", where=path, expected=EXPECTED)
    return container.streams.video[0]


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for packet in _packets(container, stream):
        try:
            yield from packet.decode()
        except FFmpegError:
            continue


def _packets(container: InputContainer, stream: VideoStream) -> "Iterator[Packet[VideoStream]]":
    try:
        yield from container.demux(stream)
    except FFmpegError:
        return


def _times(container: InputContainer, stream: VideoStream) -> _Times:
    packets = [packet for packet in _packets(container, stream) if packet.size]
    nothing = np.empty(0, np.int64)
    is_timed = all(packet.pts is not None for packet in packets)
    # AVI knows the order of decoding alone, so its times are wrong where frames are reordered.
    if not is_timed or stream.time_base is None or container.format.name == "avi":
        rate = stream.guessed_rate or BARE_STREAM_FPS
        edges = _nanoseconds(np.arange(len(packets) + 1), 1 / Fraction(rate))
        return _Times(edges[:-1], int(edges[-1]), nothing, nothing, nothing)
    pts = np.unique(np.array([packet.pts for packet in packets], np.int64))
    edges = _nanoseconds(pts - pts[0], stream.time_base)
    length_ns = int(edges[-1]) + _last_frame_ns(packets, int(pts[-1]), stream.time_base, edges)
    if container.format.name not in SEEKABLE:
        return _Times(edges, length_ns, pts, nothing, nothing)
    keys = sorted((packet.pts, packet.dts) for packet in packets if packet.is_keyframe)
    key_pts = np.array([pts for pts, _ in keys], np.int64)
    # Sought by decoding time: by presentation time, a key frame shown later could be found.
    key_dts = np.array([pts if dts is None else dts for pts, dts in keys], np.int64)
    return _Times(edges, length_ns, pts, pts.searchsorted(key_pts), key_dts)


def _last_frame_ns(
    packets: "list[Packet[VideoStream]]",
    last_pts: int,
    time_base: Fraction,
    offsets_ns: NDArray[np.int64],
) -> int:
    """How long the last frame is shown: as its packet says, else as long as is usual."""
    duration = next(packet.duration for packet in packets if packet.pts == last_pts)
    if duration:
        return round(duration * time_base * NS_PER_S)
    return int(np.median(np.diff(offsets_ns))) if len(offsets_ns) > 1 else 0


def _nanoseconds(ticks: NDArray[np.int64], time_base: Fraction) -> NDArray[np.int64]:
    # Python integers: ticks times a billion overflow int64 after some hours.
    scaled = [
        tick * time_base.numerator * NS_PER_S // time_base.denominator for tick in ticks.tolist()
    ]
    return np.array(scaled, np.int64)


def _created_ns(container: InputContainer) -> int | None:
    text = container.metadata.get("creation_time")
    try:
        created = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if created is None:
        return None
    # A recorder without a clock writes 1904 or 1970.
    created = created if created.tzinfo else created.replace(tzinfo=UTC)
    if created < PLAUSIBLE_SINCE:
        return None
    since = created - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _coded_size(index: VideoIndex, frame: VideoFrame) -> tuple[int, int]:
    turned = frame.rotation % 180 != 0
    return (index.height, index.width) if turned else (index.width, index.height)


def _upright(frame: VideoFrame, width: int, height: int) -> Image:
    """The frame as RGB of that coded size, turned as the file says it is to be shown."""
    image = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(image, k=round(frame.rotation / 90) % 4), np.uint8)
