"""Which clip, camera and time an image of a label file is of.

By what the file says, by a list that people give (``--match``), or by its name, which is
``CLIP-CAMERA-TIMESTAMP_NS``.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from ingest.labels.reading.content import Key, ReadImage
from ingest.labels.reading.documents import read_text
from ridealong.errors import RidealongError

COLUMNS = ("file", "clip_id", "camera", "timestamp_ns")
_TIME = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(r"(?P<clip>[0-9A-Za-z]+)-(?P<camera>.+)-(?P<time>[0-9]{1,19})(\.[A-Za-z]+)?")
_SEQUENCE = re.compile(r"(?P<clip>[0-9A-Za-z]+)-(?P<camera>.+)")


def read_match(path: Path) -> dict[str, Key]:
    """The images of a CSV file with the columns `COLUMNS`.

    Raises:
        RidealongError: It is not such a file, or names an image twice.
    """
    text = read_text(path)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (ValueError, csv.Error) as error:
        raise RidealongError(f"cannot be read ({error})", where=path) from error
    if not rows or not set(COLUMNS) <= rows[0].keys():
        raise RidealongError(
            "is not a list of images", where=path, expected=f"a CSV file with {', '.join(COLUMNS)}"
        )
    found: dict[str, Key] = {}
    for number, row in enumerate(rows, 2):
        name, time = PurePath(row["file"] or "").name, row["timestamp_ns"] or ""
        if not _TIME.fullmatch(time) or name in found or not name:
            what = f"line {number}: {row['file']!r} at {time!r}"
            raise RidealongError(what, where=path, expected="each file once, with its time in ns")
        found[name] = (row["clip_id"], row["camera"], int(time))
    return found


def key_of(
    image: ReadImage,
    match: Mapping[str, Key],
    frames: Mapping[tuple[str, str], Sequence[int]],
    where: Path,
) -> Key:
    """Where an image comes from.

    Args:
        image: The image.
        match: Images by name, from `read_match`.
        frames: By clip and camera the times of the exported frames, from the export's manifest.
        where: The file, for errors.

    Raises:
        RidealongError: It cannot be known.
    """
    if image.name in match:
        return match[image.name]
    if image.sequence is not None:
        return _in_sequence(*image.sequence, frames, where)
    if image.key is not None:
        return image.key
    found = _NAME.fullmatch(image.name)
    if found is None:
        raise RidealongError(
            f"the image {image.name!r} belongs to no known clip",
            where=where,
            expected="names like CLIP-CAMERA-TIMESTAMP_NS.png",
            hint=f"give --match FILE, a CSV file with {', '.join(COLUMNS)}",
        )
    return found["clip"], found["camera"], int(found["time"])


def _in_sequence(
    name: str, frame: int, frames: Mapping[tuple[str, str], Sequence[int]], where: Path
) -> Key:
    found = _SEQUENCE.fullmatch(name)
    key = (found["clip"], found["camera"]) if found else ("", "")
    times = frames.get(key, ())
    if frame >= len(times):
        raise RidealongError(
            f"frame {frame} of {name!r} is not in the export",
            where=where,
            hint="name the task CLIP-CAMERA, and give --manifest of the export",
        )
    return (*key, times[frame])


def frames_in(manifest: Mapping[str, Any] | None) -> dict[tuple[str, str], list[int]]:
    """By clip and camera, the times of the frames that an export's manifest lists."""
    return {
        (clip["clip_id"], camera): known["timestamps_ns"]
        for clip in (manifest or {}).get("clips", ())
        for camera, known in clip.get("cameras", {}).items()
    }
