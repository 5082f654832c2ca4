"""ASAM OpenLABEL 1.0.0: one JSON file for each clip.

A track is an object. A shape that belongs to no track is an object of its own. Boxes are
``bbox`` (centre, width, height in pixels), lines ``poly2d``, boxes in space ``cuboid`` in the ego
frame (ISO 8855, the default of OpenLABEL).
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingest.labels.entries import json_bytes
from ingest.labels.formats.format import CANDIDATE, Format, suggestions
from ingest.labels.lineage import ExportHead
from ingest.labels.neutral import DRAWN, ExportClip, ExportImage, LabelNames, Shape
from ridealong.perception.geometry import CameraCalibration
from ridealong.units import NS_PER_S

FOLDER, IMAGES, VERSION, EGO = "openlabel", "images", "1.0.0", "vehicle-iso8855"
CONFIRMED = "confirmed"
CAMERAS = "cameras"  # of a box in space: those whose labels have it
_CUBOID = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")

Json = dict[str, Any]


class OpenLabelWriter:
    """Writes ``openlabel/CLIP.json``; see the module."""

    def __init__(self, folder: Path, names: LabelNames, head: ExportHead) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir()

    def add(self, clip: ExportClip) -> None:
        """Write a clip."""
        (self._folder / f"{clip.clip_id}.json").write_bytes(json_bytes(_document(clip)))

    def finish(self) -> None:
        """Nothing is left."""

    def close(self) -> None:
        """No file is open."""


def _document(clip: ExportClip) -> Json:
    images: dict[int, list[ExportImage]] = {}
    for image in clip.images:
        images.setdefault(image.timestamp_ns, []).append(image)
    frame_of = {time: at for at, time in enumerate(sorted(images))}
    frames = {str(at): _frame(time, images[time]) for time, at in frame_of.items()}
    objects: Json = {}
    seen: dict[str, list[int]] = {}
    for shape in [*clip.labels, *suggestions(clip)[CANDIDATE]]:
        at, key = frame_of[shape.image.timestamp_ns], _key(shape)
        objects.setdefault(key, {"name": _name(shape), "type": shape.label})
        seen.setdefault(key, []).append(at)
        there = frames[str(at)].setdefault("objects", {}).setdefault(key, {"object_data": {}})
        _add_data(there["object_data"], shape)
    for key, found in seen.items():
        objects[key]["frame_intervals"] = _intervals(found)
    return {
        "openlabel": {
            "metadata": {
                "schema_version": VERSION,
                "name": f"ridealong clip {clip.clip_id}",
                "clip_id": clip.clip_id,
            },
            "coordinate_systems": _coordinate_systems(clip.cameras),
            "streams": {name: _stream(camera) for name, camera in clip.cameras.items()},
            "objects": objects,
            "frames": frames,
            "frame_intervals": [{"frame_start": 0, "frame_end": max(len(frames) - 1, 0)}],
        }
    }


def _frame(time: int, images: Sequence[ExportImage]) -> Json:
    seconds, nanoseconds = divmod(time, NS_PER_S)
    properties = {
        "timestamp": f"{seconds}.{nanoseconds:09d}",
        "timestamp_ns": str(time),
        "streams": {image.camera: _stream_of(image) for image in images},
    }
    return {"frame_properties": properties}


def _stream_of(image: ExportImage) -> Json:
    return {
        "uri": f"../{IMAGES}/{image.file_name}",
        "stream_properties": {"labelled": sorted(image.labelled)},
    }


def _key(shape: Shape) -> str:
    """An object's id: the number of the track, or that of the shape alone, negative."""
    return str(-shape.id) if shape.track is None else str(shape.track)


def _name(shape: Shape) -> str:
    return f"{shape.label} {_key(shape)}"


def _add_data(data: Json, shape: Shape) -> None:
    camera = shape.image.camera
    attributes = _attributes(shape)
    box = shape.box
    if box is not None:
        x1, y1, x2, y2 = box
        bbox = {
            "name": f"shape-{camera}",
            "stream": camera,
            "val": [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1],
            "attributes": attributes,
        }
        _unique(data.setdefault("bbox", []), bbox)
    else:
        line = {
            "name": f"shape-{camera}",
            "stream": camera,
            "val": [value for point in shape.points for value in point],
            "mode": "MODE_POLY2D_ABSOLUTE",
            "closed": False,
            "attributes": attributes,
        }
        _unique(data.setdefault("poly2d", []), line)
    if shape.cuboid is not None:
        _add_cuboid(data.setdefault("cuboid", []), shape.cuboid, camera)


def _add_cuboid(entries: list[Json], cuboid: tuple[float, ...], camera: str) -> None:
    """Add a box in space; one that another camera's label has, too, only names the camera."""
    x, y, z, length, width, height, yaw = cuboid
    values = [x, y, z, 0.0, 0.0, yaw, length, width, height]
    for entry in entries:
        if entry["val"] == values:
            entry["attributes"]["vec"][0]["val"].append(camera)
            return
    attributes = {"vec": [{"name": CAMERAS, "val": [camera]}]}
    entry = {"name": "cuboid", "coordinate_system": EGO, "val": values, "attributes": attributes}
    _unique(entries, entry)


def _unique(entries: list[Json], entry: Json) -> None:
    """Add an entry; its name gets a number if another one has it."""
    names = {one["name"] for one in entries}
    name, at = entry["name"], 2
    while entry["name"] in names:
        entry["name"] = f"{name}-{at}"
        at += 1
    entries.append(entry)


def _attributes(shape: Shape) -> Json:
    known = shape.attributes
    numbers = [
        {"name": name, "val": float(value)}
        for name, value in known.items()
        if not isinstance(value, bool) and name not in _CUBOID
    ]
    flags = [
        {"name": name, "val": value}
        for name, value in known.items()
        if value in (True, False) and isinstance(value, bool)
    ]
    flags += [{"name": "ignored", "val": shape.ignored}]
    flags += [{"name": CONFIRMED, "val": shape.score is None}]
    if shape.score is not None:
        numbers.append({"name": "score", "val": float(shape.score)})
    return {"boolean": flags} | ({"num": numbers} if numbers else {})


def _intervals(frames: list[int]) -> list[Json]:
    """The stretches of frames, ends included."""
    found: list[Json] = []
    for frame in sorted(set(frames)):
        if found and frame == found[-1]["frame_end"] + 1:
            found[-1]["frame_end"] = frame
        else:
            found.append({"frame_start": frame, "frame_end": frame})
    return found


def _coordinate_systems(cameras: Mapping[str, CameraCalibration]) -> Json:
    systems: Json = {EGO: {"type": "local_cs", "parent": "", "children": list(cameras)}}
    for name, camera in cameras.items():
        systems[name] = {"type": "sensor_cs", "parent": EGO, "children": []}
        if camera.known:
            pose = [float(value) for value in camera.ego_SE3_camera.ravel()]
            systems[name]["pose_wrt_parent"] = {"matrix4x4": pose}
    return systems


def _stream(camera: CameraCalibration) -> Json:
    size = {"width_px": camera.width, "height_px": camera.height}
    numbers = [camera.fx, camera.fy, camera.cx, camera.cy]
    properties: Json = {}
    if all(map(math.isfinite, numbers)):
        matrix = [camera.fx, 0, camera.cx, 0, 0, camera.fy, camera.cy, 0, 0, 0, 1, 0]
        matrix = [float(value) for value in matrix]
        properties = {"intrinsics_pinhole": {"camera_matrix_3x4": matrix, **size}}
    return {"type": "camera", "description": camera.name, "stream_properties": properties}


FORMAT = Format(
    name="openlabel",
    title="ASAM OpenLABEL 1.0.0",
    images=IMAGES,
    forms=DRAWN,
    writer=OpenLabelWriter,
    lacks=("labels without a shape in an image",),
    prelabels=suggestions,
)
