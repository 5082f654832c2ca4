"""The Foxglove messages of a clip, so that its cameras and labels open in any MCAP viewer."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import (
    CameraCalibration as CalibrationMessage,
)
from foxglove_schemas_protobuf.Color_pb2 import Color
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.ImageAnnotations_pb2 import ImageAnnotations
from foxglove_schemas_protobuf.Point2_pb2 import Point2
from foxglove_schemas_protobuf.PointsAnnotation_pb2 import PointsAnnotation
from foxglove_schemas_protobuf.TextAnnotation_pb2 import TextAnnotation
from google.protobuf.timestamp_pb2 import Timestamp

from ridealong.perception.forms import Form, form_of
from ridealong.perception.geometry import CameraCalibration

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255
LABEL_COLOUR: Colour = (60, 220, 120)
NETWORK_COLOURS: dict[str, Colour] = {"deployed": (80, 160, 255), "candidate": (255, 150, 40)}

# How a form is drawn in a camera's image; rows of other forms are not.
OUTLINES = {
    Form.BOXES: PointsAnnotation.LINE_LOOP,
    Form.STATES: PointsAnnotation.LINE_LOOP,
    Form.POLYLINES: PointsAnnotation.LINE_STRIP,
}


def video_message(camera: str, timestamp_ns: int, packet: bytes) -> bytes:
    """`foxglove.CompressedVideo`."""
    return _bytes(
        CompressedVideo(
            timestamp=_timestamp(timestamp_ns), frame_id=camera, data=packet, format="h264"
        )
    )


def video_packet(message: bytes) -> bytes:
    """The H.264 packet of a `foxglove.CompressedVideo`."""
    return cast(bytes, CompressedVideo.FromString(message).data)


def image_message(frame_id: str, timestamp_ns: int, png: bytes) -> bytes:
    """`foxglove.CompressedImage` of a PNG."""
    return _bytes(
        CompressedImage(
            timestamp=_timestamp(timestamp_ns), frame_id=frame_id, data=png, format="png"
        )
    )


def image_png(message: bytes) -> bytes:
    """The PNG of a `foxglove.CompressedImage`."""
    return cast(bytes, CompressedImage.FromString(message).data)


def calibration_message(camera: CameraCalibration, timestamp_ns: int) -> bytes:
    """`foxglove.CameraCalibration`; all zeros ("uncalibrated") if it is unknown."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    known = all(map(math.isfinite, (fx, fy, cx, cy)))
    message = CalibrationMessage(
        timestamp=_timestamp(timestamp_ns),
        frame_id=camera.name,
        width=camera.width,
        height=camera.height,
        K=[fx, 0, cx, 0, fy, cy, 0, 0, 1] if known else [0.0] * 9,
        R=[1, 0, 0, 0, 1, 0, 0, 0, 1],
        P=[fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0] if known else [0.0] * 12,
    )
    return _bytes(message)


def calibration_text(camera: CameraCalibration) -> str:
    """A calibration as exact JSON, with the pose, for which Foxglove's message has no field."""
    numbers = [camera.fx, camera.fy, camera.cx, camera.cy]
    return json.dumps(
        {
            "name": camera.name,
            "width": camera.width,
            "height": camera.height,
            "fx_fy_cx_cy": [_or_null(number) for number in numbers],
            "ego_SE3_camera": [_or_null(number) for number in camera.ego_SE3_camera.ravel()],
        }
    )


def parse_calibration(text: str) -> CameraCalibration:
    """The calibration that `calibration_text` wrote."""
    known = json.loads(text)
    fx, fy, cx, cy = (_or_nan(number) for number in known["fx_fy_cx_cy"])
    pose = np.array([_or_nan(number) for number in known["ego_SE3_camera"]], np.float64)
    return CameraCalibration(
        known["name"], int(known["width"]), int(known["height"]), fx, fy, cx, cy, pose.reshape(4, 4)
    )


def annotations_message(
    rows: Sequence[Mapping[str, object]], timestamp_ns: int, colour: Colour
) -> bytes:
    """`foxglove.ImageAnnotations` of one camera's rows in one frame."""
    when = _timestamp(timestamp_ns)
    ink = Color(r=colour[0] / 255, g=colour[1] / 255, b=colour[2] / 255, a=1.0)
    message = ImageAnnotations(timestamp=when)
    for row in rows:
        points, form = outline(row), form_of(row)
        if len(points) < 2 or form not in OUTLINES:
            continue
        corners = [Point2(x=x, y=y) for x, y in points]
        message.points.add(
            timestamp=when, type=OUTLINES[form], points=corners, outline_color=ink, thickness=1.0
        )
        if form is not Form.POLYLINES:
            message.texts.append(_text(row, corners[0], when, ink))
    return _bytes(message)


def outline(row: Mapping[str, object]) -> list[tuple[float, float]]:
    """Image points of a row's box (four corners) or polyline; none if it has neither."""
    points = row.get("points")
    if points is not None:
        flat = cast(Sequence[float], points)
        return list(zip(flat[::2], flat[1::2], strict=True))
    edges = [cast("float | None", row.get(edge)) for edge in ("x1", "y1", "x2", "y2")]
    x1, y1, x2, y2 = edges
    if x1 is None or y1 is None or x2 is None or y2 is None:
        return []
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]


def caption(row: Mapping[str, object]) -> str:
    """The text beside a box: its category, and its score unless it is a label (score 1)."""
    score = cast("float | None", row.get("score"))
    category = str(row.get("category") or row.get("task"))
    return category if score is None or score == 1 else f"{category} {score:.2f}"


def _text(row: Mapping[str, object], corner: Point2, when: Timestamp, ink: Color) -> TextAnnotation:
    return TextAnnotation(
        timestamp=when, position=corner, text=caption(row), font_size=8.0, text_color=ink
    )


def _timestamp(timestamp_ns: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromNanoseconds(timestamp_ns)
    return stamp


def _bytes(message: Any) -> bytes:
    return cast(bytes, message.SerializeToString(deterministic=True))


def _or_null(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _or_nan(number: float | None) -> float:
    return float("nan") if number is None else float(number)
