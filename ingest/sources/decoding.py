"""Video files: an index of their frames, and frames decoded by number.

Frames are in presentation order. A frame whose data is damaged is left out. Of a file that breaks
off, everything up to the break is there; what follows it is lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

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
PLAUSIBLE_SINCE = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class VideoIndex:
    """The frames of a video file.

    Attributes:
        path: The file.
        width, height: Of the image as shown, in pixels, after rotation.
        offsets_ns: ``(N,)`` int64, time of each frame since the first, ascending.
        length_ns: From the first frame to the end of the last.
        pts: ``(N,)`` int64 in the stream's time base; empty for a bare stream, which has none and
            can only be read from its start.
        created_ns: When the file says it was recorded, since the Unix epoch; None if it does not.
    """

    path: Path
    width: int
    height: int
    offsets_ns: NDArray[np.int64]
    length_ns: int
    pts: NDArray[np.int64]
    created_ns: int | None


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
            times, length_ns, pts = _times(container, _video_stream(container, path))
    except (FFmpegError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnreadableError(
            f"cannot be read as video ({why})", where=path, expected="a video file, like MP4"
        ) from error
    height, width = _upright(first, first.width, first.height).shape[:2]
    return VideoIndex(path, width, height, times, length_ns, pts, created_ns)


def decode(index: VideoIndex, first: int, last: int) -> Iterator[tuple[int, Image]]:
    """Frames ``first`` to ``last``, inclusive, with their numbers; a damaged one is left out."""
    with _opened(index.path) as container:
        stream = _video_stream(container, index.path)
        if len(index.pts) and first > 0:
            container.seek(int(index.pts[first]), stream=stream)
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
    # Playlists and the like must not lead to other files or to the network.
    return av.open(f"file:{path.absolute()}", options={"protocol_whitelist": "file"})


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise UnreadableError("holds no video", where=path, expected="a video file, like MP4")
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


def _times(
    container: InputContainer, stream: VideoStream
) -> tuple[NDArray[np.int64], int, NDArray[np.int64]]:
    """Offsets of the frames, length, and presentation times in the stream's time base."""
    packets = [packet for packet in _packets(container, stream) if packet.size]
    known = [packet for packet in packets if packet.pts is not None]
    if len(known) < len(packets) or stream.time_base is None:
        rate = stream.guessed_rate or BARE_STREAM_FPS
        edges = _nanoseconds(np.arange(len(packets) + 1), 1 / Fraction(rate))
        return edges[:-1], int(edges[-1]), np.empty(0, np.int64)
    pts = np.unique(np.array([packet.pts for packet in known], np.int64))
    edges = _nanoseconds(pts - pts[0], stream.time_base)
    length_ns = int(edges[-1]) + _last_frame_ns(known, int(pts[-1]), stream.time_base, edges)
    return edges, length_ns, pts


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
