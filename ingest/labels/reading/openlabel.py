"""ASAM OpenLABEL 1.0.0, one file for each clip; `ingest.labels.formats.openlabel` writes it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest.labels.formats.openlabel import CAMERAS, CONFIRMED, FOLDER
from ingest.labels.reading.content import Key, ReadImage, ReadLabels, ReadShape
from ingest.labels.reading.documents import files_named, read_json
from ingest.labels.reading.numbers import (
    checked_box,
    finite,
    in_range,
    known_attributes,
    whole,
)
from ridealong.errors import RidealongError

_CUBOID = ("x_m", "y_m", "z_m", None, None, "yaw_rad", "length_m", "width_m", "height_m")
_OURS = "ridealong-manifest.json"

Json = Mapping[str, Any]


def read_openlabel(path: Path) -> ReadLabels:
    """Labels of clips in OpenLABEL's form.

    Raises:
        RidealongError: It is no OpenLABEL file, or does not name its clip, streams or times.
    """
    files = _files(path)
    images: dict[Key, int] = {}
    shapes: list[ReadShape] = []
    for file in files:
        document = read_json(file)["openlabel"]
        for key, shape in _read(document, file, images):
            shapes.append(ReadShape(images[key], **shape))
    return ReadLabels([ReadImage(_name(key), key) for key in images], shapes)


def _files(path: Path) -> list[Path]:
    """The files of OpenLABEL; in a folder of ours, all must be such files."""
    if (path / FOLDER).is_dir():
        files = files_named(path / FOLDER, "*.json")
        others = [file for file in files if "openlabel" not in _head(file)]
        if others:
            raise RidealongError("is not a file of OpenLABEL", where=others[0])
    else:
        files = [file for file in files_named(path, "*.json") if "openlabel" in _head(file)]
    if not files:
        raise RidealongError("has no file of OpenLABEL", where=path, hint="check --format")
    return files


def _head(file: Path) -> Json:
    document = {} if file.name == _OURS else read_json(file)
    return document if isinstance(document, dict) else {}


def _name(key: Key) -> str:
    return f"{key[0]}-{key[1]}-{key[2]}"


def _read(document: Json, file: Path, images: dict[Key, int]) -> Iterator[tuple[Key, Any]]:
    clip = document.get("metadata", {}).get("clip_id")
    if not clip:
        raise RidealongError("does not name its clip", where=file, expected="metadata.clip_id")
    types = {name: one.get("type") for name, one in document.get("objects", {}).items()}
    for number, frame in document.get("frames", {}).items():
        properties = frame.get("frame_properties", {})
        time = whole(properties.get("timestamp_ns"))
        if time is None:
            raise RidealongError(f"frame {number} has no timestamp_ns", where=file)
        for camera in properties.get("streams", {}):
            key = (str(clip), str(camera), time)
            if key in images:
                raise RidealongError(f"has {_name(key)} twice", where=file)
            images[key] = len(images)
        for name, found in frame.get("objects", {}).items():
            if name not in types:
                raise RidealongError(f"object {name} is not in objects", where=file)
            data = found.get("object_data", {})
            for shape in _shapes(data, name, str(types[name]), file):
                key = (str(clip), shape.pop("camera"), time)
                if key not in images:
                    raise RidealongError(
                        f"object {name} has a shape in {_name(key)}, which frame {number} lacks",
                        where=file,
                    )
                yield key, shape


def _shapes(data: Json, name: str, label: str, file: Path) -> Iterator[dict[str, Any]]:
    what = f"object {name}"
    number = whole(name)
    for entry in data.get("bbox", ()):
        in_space = _cuboid(data, entry.get("stream"), what, file)
        x, y, width, height = (finite(value, what, file) for value in _four(entry, what, file))
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        shape = _common(entry, label, what, file, in_space)
        yield shape | {"box": checked_box(box, what, file)} | _track(number, name)
    for entry in data.get("poly2d", ()):
        points = tuple(finite(value, what, file) for value in entry.get("val", ()))
        shape = _common(entry, label, what, file, {})
        yield shape | {"points": points} | _track(number, name)


def _track(number: int | None, name: str) -> dict[str, Any]:
    """A track's number; a negative one is a shape alone, and anything else a new track."""
    if number is None:
        return {"new_track": name}
    return {"track": number} if number > 0 else {}


def _common(entry: Json, label: str, what: str, file: Path, in_space: Json) -> dict[str, Any]:
    camera = entry.get("stream")
    if not camera:
        raise RidealongError(f"{what} has a shape without a stream", where=file)
    given = {
        one["name"]: one["val"]
        for kind in ("num", "boolean", "text")
        for one in entry.get("attributes", {}).get(kind, ())
    }
    return {
        "camera": str(camera),
        "label": label,
        "attributes": known_attributes(given, what, file) | dict(in_space),
        "confirmed": given.get(CONFIRMED) is not False,
    }


def _four(entry: Json, what: str, file: Path) -> list[Any]:
    values = entry.get("val")
    if not isinstance(values, list) or len(values) != 4:
        raise RidealongError(f"{what} has a bbox {values!r}", where=file, expected="4 numbers")
    return values


def _cuboid(data: Json, camera: object, what: str, file: Path) -> dict[str, float]:
    """The box in space of the label of a camera; one that names no cameras is that of all."""
    entries = data.get("cuboid") or ()
    found = [one for one in entries if camera in _cameras(one) or not _cameras(one)]
    if not found:
        return {}
    values = found[0].get("val", ())
    if len(values) != len(_CUBOID):
        return {}  # a quaternion: it stays as it is in the lake
    return {
        name: in_range(name, finite(value, f"{what}: {name}", file), what, file)
        for name, value in zip(_CUBOID, values, strict=True)
        if name is not None
    }


def _cameras(cuboid: Json) -> list[object]:
    vectors = cuboid.get("attributes", {}).get("vec", ())
    return [name for one in vectors if one.get("name") == CAMERAS for name in one.get("val", ())]
