"""The video tracks of a file, and which camera each one is.

``cameras`` in the ``<name>.drive.yaml`` beside the file comes first, then a track's own title
("rear"), then the order of the tracks: the first is ``main`` and the second ``rear``, as in
dashcams with two channels. Other tracks get the remaining cameras of the rig.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from av.video.stream import VideoStream

from ingest.sources.attributes import attributes_file, camera_names
from ingest.sources.video.containers import camera_streams, created_ns, opened, video_errors
from ingest.sources.video.decoding import VideoIndex, index_video
from ridealong.errors import UnreadableError
from ridealong.perception.recording import LeftOut

# The cameras of tracks without a title, by the order of the tracks.
BY_ORDER = (
    "main",
    "rear",
    "narrow",
    "wide",
    "left_pillar",
    "right_pillar",
    "left_repeater",
    "right_repeater",
)
# How recorders name their channels; None does not look out of the car.
BY_WORD: dict[str, str | None] = {
    **dict.fromkeys(("front", "forward", "ahead", "road"), "main"),
    **dict.fromkeys(("back", "backward"), "rear"),
    "tele": "narrow",
    **dict.fromkeys(("cabin", "interior", "inside", "driver"), None),
    **{camera: camera for camera in BY_ORDER},
}


@dataclass(frozen=True)
class Tracks:
    """A file's cameras, when it was recorded, and its tracks that are not cameras of the rig."""

    cameras: Mapping[str, VideoIndex]
    created_ns: int | None
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class _Track:
    """One video track: its position in the file (from 1), its title, its frames."""

    order: int
    title: str
    index: VideoIndex

    @property
    def frames(self) -> int:
        return len(self.index.timeline.ticks)


def open_tracks(path: Path) -> Tracks:
    """Index the tracks of a file that are cameras.

    Raises:
        UnreadableError: No track is a camera that can be decoded, or the file beside it names
            more cameras than there are tracks.
    """
    with video_errors(path), opened(path) as container:
        created = created_ns(container)
        streams = [(s.index, _title(s)) for s in camera_streams(container, path)]
    tracks, left_out = _readable(path, streams)
    found: dict[str, VideoIndex] = {}
    for track, camera in zip(tracks, _cameras(path, tracks, len(streams)), strict=True):
        if camera is None:
            left_out.append(_no_camera(path, track))
        else:
            found[camera] = track.index
    if not found:
        raise UnreadableError("no video track is a camera", where=path, hint=left_out[0].reason)
    return Tracks(found, created, tuple(left_out))


def _cameras(path: Path, tracks: Sequence[_Track], count: int) -> list[str | None]:
    """The camera of each track: from the file beside it, else from titles and order."""
    named = camera_names(path)
    if named is None:
        return cameras_of([track.title for track in tracks])
    if len(named) > count:
        raise UnreadableError(
            f"cameras: {len(named)} are named",
            where=attributes_file(path),
            expected=f"at most {count}, one for each video track",
        )
    return [named[t.order - 1] if t.order <= len(named) else None for t in tracks]


def cameras_of(titles: Sequence[str]) -> list[str | None]:
    """A camera for each track, no two the same; None if the rig has no camera for it.

    Args:
        titles: The titles of the tracks, in order; empty if a track has none.
    """
    known = [_titled(title) for title in titles]
    named: list[str | None] = []
    for _, camera in known:
        named.append(None if camera in named else camera)
    free = [camera for camera in BY_ORDER if camera not in named]
    for at, (word, camera) in enumerate(known):
        has_no_place = bool(word) and camera is None and len(titles) > 1
        if named[at] is None and not has_no_place and free:
            named[at] = free.pop(0)
    return named


def _titled(title: str) -> tuple[str, str | None]:
    """The word in a title that names a camera, and the camera; an empty word if none does."""
    whole = re.sub(r"[^a-z]+", "_", title.lower()).strip("_")
    words = [whole, *whole.split("_")]
    return next(((word, BY_WORD[word]) for word in words if word in BY_WORD), ("", None))


def _title(stream: VideoStream) -> str:
    return stream.metadata.get("title") or stream.metadata.get("handler_name") or ""


def _readable(path: Path, streams: Sequence[tuple[int, str]]) -> tuple[list[_Track], list[LeftOut]]:
    """The tracks that can be decoded, and why the others are left out; raises if none can."""
    tracks: list[_Track] = []
    left_out: list[LeftOut] = []
    errors: list[UnreadableError] = []
    for order, (number, title) in enumerate(streams, 1):
        try:
            tracks.append(_Track(order, title, index_video(path, number)))
        except UnreadableError as error:
            errors.append(error)
            left_out.append(LeftOut(0, f"video track {order}: {error.what}"))
    if not tracks:
        raise errors[0]
    longest = max(track.frames for track in tracks)
    stills = [track for track in tracks if track.frames == 1 and longest > 1]
    left_out += [LeftOut(1, f"video track {t.order} is one still picture") for t in stills]
    return [track for track in tracks if track not in stills], left_out


def _no_camera(path: Path, track: _Track) -> LeftOut:
    beside = attributes_file(path).name
    title = f" ({track.title!r})" if track.title else ""
    return LeftOut(
        track.frames,
        f"video track {track.order}{title} is not a camera of the rig; to use it, name a camera "
        f"for every track in {beside}, as in 'cameras: [main, rear]'",
    )
