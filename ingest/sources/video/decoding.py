"""One track of a video file: an index of its frames, and frames decoded by number.

Frames are numbered in the order in which they are shown, including those that cannot be decoded. If
a file breaks off, everything before the break is read.
"""

import heapq
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ingest.sources.video.containers import EXPECTED, SEEKABLE, camera_streams, opened, video_errors
from ingest.sources.video.orientation import AS_STORED, Orientation, orientation
from ingest.sources.video.timeline import Timeline, VideoPacket, read_timeline
from ridealong.arrays import Ints
from ridealong.errors import UnreadableError
from ridealong.perception.recording import Image

# A decoder may return frames late after damage. They are sorted over as many frames as a codec may
# keep.
HELD_BACK = 16
# Decoding an hour of 1080p takes minutes, so damage in large video is found when clips are cut.
LARGE_PIXELS = 1280 * 720
NumberedFrame = tuple[int, VideoFrame]


@dataclass(frozen=True)
class VideoIndex:
    """The frames of one track.

    Attributes:
        path: The file.
        track: Number of the stream in it.
        timeline: The frames that its packets announce.
        numbers: Frame number by the mark of its packet.
        first: Number of the first frame that can be decoded.
        width, height: Of the image as shown, in pixels.
        orientation: How stored images are rotated and mirrored to be shown.
    """

    path: Path
    track: int
    timeline: Timeline
    numbers: dict[int, int]
    first: int = 0
    width: int = 0
    height: int = 0
    orientation: Orientation = AS_STORED

    @property
    def is_large(self) -> bool:
        """Whether its images are so large that not all are decoded to find those that cannot be."""
        return self.width * self.height >= LARGE_PIXELS

    @property
    def is_whole(self) -> bool:
        """Whether all frames can be decoded, as far as is known."""
        return len(self.decodable) == len(self.timeline.ticks)

    @cached_property
    def decodable(self) -> Ints:
        """``(D,)`` int64, numbers of the frames that can be decoded; decodes them all.

        Of large video, all frames from the first one that can be decoded are assumed to be.
        """
        if self.is_large:
            return np.arange(self.first, len(self.timeline.ticks), dtype=np.int64)
        with closing(_frames(self, 0)) as frames:
            return np.array([number for number, _ in frames], np.int64)


def index_video(path: Path, track: int | None = None) -> VideoIndex:
    """List a track's frames; decodes only up to the first frame that can be decoded.

    If packets are counted and frames are reordered, all frames are decoded, because their order is
    not known otherwise.

    Args:
        path: The file.
        track: Number of the stream; None takes the first camera.

    Raises:
        UnreadableError: No video, or no frame of it can be decoded.
    """
    with video_errors(path), opened(path) as container:
        stream = stream_of(container, track) if track is not None else None
        stream = stream or camera_streams(container, path)[0]
        if stream.codec_context is None:
            raise UnreadableError("its codec is not known", where=path, expected=EXPECTED)
        kind, number = container.format.name, stream.index
        timeline = read_timeline(_packets(container, stream), stream, kind, kind in SEEKABLE)
    numbers = {mark: number for number, mark in enumerate(timeline.marks.tolist())}
    index = VideoIndex(path, number, timeline, numbers)
    with video_errors(path):
        if not timeline.ordered:
            index = replace(index, numbers=_ranks(index))
        return _begun(index)


def decode(index: VideoIndex, first: int, last: int) -> Iterator[tuple[int, Image]]:
    """Frames ``first`` to ``last``, inclusive, with their numbers; damaged ones are left out."""
    size = index.orientation.stored_size(index.width, index.height)
    with closing(_frames(index, first)) as frames:
        for number, frame in frames:
            if number > last:
                return
            if number >= first:
                # If a camera changes its resolution, images are scaled to the first one.
                yield number, index.orientation.upright(_pixels(frame, *size))


def _begun(index: VideoIndex) -> VideoIndex:
    """The index, completed from its first frame."""
    with closing(_frames(index, 0)) as frames:
        first = next(frames, None)
    if first is None:
        hidden = index.timeline.hidden and not len(index.timeline.ticks)
        raise UnreadableError(
            "its edit list hides every frame" if hidden else "not one frame can be decoded",
            where=index.path,
            expected="a video whose data is whole",
        )
    number, frame = first
    turned = orientation(frame)
    width, height = turned.shown_size(frame.width, frame.height)
    return replace(index, first=number, width=width, height=height, orientation=turned)


def _pixels(frame: VideoFrame, width: int, height: int) -> Image:
    return frame.to_ndarray(format="rgb24", width=width, height=height).astype(np.uint8, copy=False)


def _ranks(index: VideoIndex) -> dict[int, int]:
    """Frame numbers by mark, if marks are in the order of decoding.

    A packet that gave no frame counts as shown before the frames that come after it. So a lost
    frame does not move others, except for neighbours that depend on it.
    """
    with opened(index.path) as container:
        frames = _decoded(container, stream_of(container, index.track), index)
        marks = dict.fromkeys(frame.pts for frame in frames if frame.pts is not None)
        shown = np.array(list(marks), np.int64)
    lost = np.setdiff1d(index.timeline.marks, shown)
    before = lost.searchsorted(np.maximum.accumulate(shown)) if len(shown) else shown
    ranks = np.arange(len(shown)) + before
    return dict(zip(shown.tolist(), ranks.tolist(), strict=True))


def _frames(index: VideoIndex, first: int) -> Generator[NumberedFrame, None, None]:
    """Undamaged frames with their numbers, ascending, from ``first`` or slightly before it."""
    with opened(index.path) as container:
        stream = stream_of(container, index.track)
        begin = _seek(container, stream, index, first)
        found = (
            (index.numbers[frame.pts], frame)
            for frame in _decoded(container, stream, index)
            if frame.pts in index.numbers and not frame.is_corrupt
        )
        yield from _ascending(found, begin)


def packets_from(
    container: InputContainer, stream: VideoStream, index: VideoIndex, first: int
) -> Iterator[VideoPacket]:
    """Packets from the last one at or before frame ``first`` where decoding can start."""
    _seek(container, stream, index, first)
    return (packet for packet in _packets(container, stream) if packet.size)


def _seek(container: InputContainer, stream: VideoStream, index: VideoIndex, first: int) -> int:
    """Go to where decoding must start to show frame ``first``; returns the frame there."""
    entries = index.timeline.entries
    entry = bisect_right(entries, first, key=itemgetter(0)) - 1
    if entry <= 0:
        return 0
    container.seek(entries[entry][1], stream=stream)
    return entries[entry][0]


def _ascending(frames: Iterable[NumberedFrame], following: int) -> Iterator[NumberedFrame]:
    """Frames sorted by number, each number once; ``following`` is the first number expected."""
    held: list[tuple[int, int, VideoFrame]] = []
    for came, (number, frame) in enumerate(frames):
        heapq.heappush(held, (number, came, frame))
        while held and (held[0][0] <= following or len(held) > HELD_BACK):
            due, _, shown = heapq.heappop(held)
            if due >= following:
                following = due + 1
                yield due, shown
    for due, _, shown in sorted(held, key=lambda item: item[:2]):
        if due >= following:
            following = due + 1
            yield due, shown


def _decoded(
    container: InputContainer, stream: VideoStream, index: VideoIndex
) -> Iterator[VideoFrame]:
    """Frames as the decoder returns them, each with the mark of its packet."""
    number = 0
    for packet in _packets(container, stream):
        if not packet.size:  # an empty packet would end decoding
            continue
        if index.timeline.counted and not packet.is_discard:
            packet.pts, number = number, number + 1
        yield from _tried(stream, packet)
    yield from _tried(stream, None)


def _tried(stream: VideoStream, packet: "VideoPacket | None") -> list[VideoFrame]:
    try:
        return stream.codec_context.decode(packet)
    except FFmpegError:
        return []


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[VideoPacket]:
    try:
        yield from container.demux(stream)
    except (FFmpegError, IndexError):
        # PyAV fails at the end of the file for tracks that begin midway in a transport stream.
        return


def stream_of(container: InputContainer, track: int) -> VideoStream:
    """The stream of that number."""
    return next(stream for stream in container.streams.video if stream.index == track)
