"""Label Studio's tasks for videos: boxes in the exported frames of a video.

A region has key frames. Between two of them the box moves straight from one to the other. After a
key frame that is not ``enabled`` the object is gone, until the next key frame.

A video's annotation does not say which frames somebody has looked at. If frames were exported that
nobody had labelled, among others that were, they count as labelled only where they have a box now.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.labels.reading.content import Box, ReadImage, ReadShape
from ingest.labels.reading.numbers import checked_box, finite, whole
from ingest.labels.reading.regions import (
    Json,
    label_of,
    regions,
    require_upright,
    size_of,
    texts_of,
)
from ridealong.errors import RidealongError

_SIDES = ("x", "y", "width", "height")


@dataclass(frozen=True)
class _Frame:
    """An exported frame: its number in the video from 1, its time, whether it was labelled."""

    number: int
    timestamp_ns: int
    labelled: bool


@dataclass(frozen=True)
class _KeyFrame:
    """A box of a region, in percent, and whether the object is there until the next one."""

    number: int
    box: Box
    enabled: bool


def read_video(
    task: Json, results: Sequence[Json], first: int, file: Path
) -> tuple[list[ReadImage], list[ReadShape]]:
    """The frames of a task that are labelled, and the boxes in them.

    Args:
        task: The task, of an export of ridealong.
        results: Its regions.
        first: The index of its first image.
        file: The file, for errors.

    Raises:
        RidealongError: The task does not list its frames, or a region is not a box in time.
    """
    data, task_id = task["data"], task.get("id")
    frames, size = _frames(data, task_id, file), size_of(data.get("width"), data.get("height"))
    if size is None:
        raise _no_export(task_id, file)
    inside: dict[int, list[ReadShape]] = {frame.number: [] for frame in frames}
    for one, what in regions(results, "videorectangle", task_id, file):
        _add(one, what, size, inside, file)
    partly = any(frame.labelled for frame in frames)
    kept = [f for f in frames if f.labelled or inside[f.number] or not partly]
    images, shapes = [], []
    for at, frame in enumerate(kept, first):
        key = (str(data["clip_id"]), str(data["camera"]), frame.timestamp_ns)
        images.append(ReadImage(f"{key[0]}-{key[1]}-{key[2]}", key, size))
        shapes += [replace(shape, image=at) for shape in inside[frame.number]]
    return images, shapes


def _frames(data: Json, task: object, file: Path) -> list[_Frame]:
    given = data.get("frames")
    if not isinstance(given, list) or not given or not data.get("clip_id"):
        raise _no_export(task, file)
    found = []
    for one in given:
        number, time = whole(one.get("frame")), whole(one.get("timestamp_ns"))
        if number is None or time is None:
            raise _no_export(task, file)
        found.append(_Frame(number, time, one.get("labelled") is True))
    return found


def _no_export(task: object, file: Path) -> RidealongError:
    return RidealongError(
        f"video task {task} does not list the frames of its clip",
        where=file,
        expected="a task of `labels export --format label-studio`",
        hint="import image tasks, or export again with this version of ridealong",
    )


def _add(
    region: Json, what: str, size: tuple[int, int], inside: dict[int, list[ReadShape]], file: Path
) -> None:
    """Add a region's boxes to the frames in which it is."""
    value, given = region.get("value", {}), texts_of(region)
    label = label_of(value, "labels", what, file)
    keys = _key_frames(value.get("sequence", ()), what, file)
    boxes = {number: _box_at(keys, number) for number in inside}
    there = {number: box for number, box in boxes.items() if box is not None}
    track = whole(given.get("track"))
    # One box alone is no track.
    new = what if track is None and len(there) > 1 else None
    for number, box in there.items():
        pixels = _in_pixels(box, size)
        inside[number].append(
            ReadShape(0, label, checked_box(pixels, what, file), track=track, new_track=new)
        )


def _key_frames(sequence: Sequence[Json], what: str, file: Path) -> list[_KeyFrame]:
    found = []
    for one in sequence:
        number = whole(one.get("frame"))
        if number is None:
            raise RidealongError(f"{what} has a key frame without a number", where=file)
        require_upright(one.get("rotation"), what, file)
        x, y, width, height = (finite(one.get(side), f"{what}: {side}", file) for side in _SIDES)
        box = (x, y, x + width, y + height)
        found.append(_KeyFrame(number, box, one.get("enabled") is not False))
    return sorted(found, key=lambda key: key.number)


def _box_at(keys: Sequence[_KeyFrame], number: int) -> Box | None:
    """A region's box in a frame; None where it is not."""
    at = bisect_right([key.number for key in keys], number) - 1
    if at < 0:
        return None
    key = keys[at]
    if key.number == number:
        return key.box
    if not key.enabled:
        return None
    following = keys[at + 1] if at + 1 < len(keys) else key
    span = max(following.number - key.number, 1)
    part = (number - key.number) / span if following is not key else 0.0
    a, b = key.box, following.box
    return tuple(one + (two - one) * part for one, two in zip(a, b, strict=True))  # type: ignore[return-value]


def _in_pixels(box: Box, size: tuple[int, int]) -> Box:
    x, y = size[0] / 100, size[1] / 100
    return box[0] * x, box[1] * y, box[2] * x, box[3] * y
