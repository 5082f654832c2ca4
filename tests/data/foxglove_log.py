"""MCAP files with Foxglove's messages, in protobuf or JSON, and with any other messages."""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.LocationFix_pb2 import LocationFix
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from mcap.writer import CompressionType, IndexType, Writer
from mcap_protobuf.schema import build_file_descriptor_set

from tests.data.braking_bag import START_NS, Sent, jpeg, speed_mps

NS = 1_000_000_000
OBJECT = json.dumps({"type": "object"}).encode()


def timestamp(time_ns: int) -> Timestamp:
    """A protobuf time."""
    found = Timestamp()
    found.FromNanoseconds(time_ns)
    return found


def foxglove_messages(
    seconds: float = 3.0, size: tuple[int, int] = (160, 96)
) -> list[tuple[str, int, Any]]:
    """Topic, time and message: a JPEG camera, a raw one, calibration, mounting and position."""
    width, height = size
    found: list[tuple[str, int, Any]] = [
        (
            "/CAM_FRONT/calibration",
            START_NS,
            CameraCalibration(
                timestamp=timestamp(START_NS),
                frame_id="front",
                width=width,
                height=height,
                K=[100, 0, 80, 0, 100, 48, 0, 0, 1],
            ),
        ),
        ("/tf", START_NS, _mounting()),
    ]
    for number in range(int(seconds * 10)):
        time_ns = START_NS + number * NS // 10
        when = timestamp(time_ns)
        found += [
            (
                "/CAM_FRONT/image",
                time_ns,
                CompressedImage(
                    timestamp=when, frame_id="front", format="jpeg", data=jpeg(number / 10, 0, size)
                ),
            ),
            (
                "/CAM_BACK/image",
                time_ns,
                RawImage(
                    timestamp=when,
                    frame_id="back",
                    width=4,
                    height=2,
                    step=12,
                    encoding="bgr8",
                    data=bytes([0, 0, 255] * 8),
                ),
            ),
            (
                "/gps",
                time_ns,
                LocationFix(timestamp=when, latitude=48 + number * 1e-5, longitude=11.0),
            ),
        ]
    return found


def video_messages(
    packets: Iterable[tuple[int, bytes]], codec: str = "h264", camera: str = "front"
) -> list[Any]:
    """Topic, time and message of encoded packets."""
    return [
        (
            f"/camera/{camera}/video",
            time_ns,
            CompressedVideo(
                timestamp=timestamp(time_ns), frame_id="front", format=codec, data=data
            ),
        )
        for time_ns, data in packets
    ]


def odometry_rows(seconds: float) -> list[tuple[str, int, Any]]:
    """Topic, time and (type, JSON) of the speed of the braking car, at 20 Hz."""
    found: list[tuple[str, int, Any]] = []
    for number in range(int(seconds * 20)):
        twist = {
            "linear": {"x": speed_mps(number / 20), "y": 0.0, "z": 0.0},
            "angular": {"x": 0.0, "y": 0.0, "z": 0.0},
        }
        message = ("nav_msgs/msg/Odometry", {"twist": {"twist": twist}})
        found.append(("/odom", START_NS + number * NS // 20, message))
    return found


def write_protobuf(path: Path, messages: Iterable[tuple[str, int, Any]], **options: Any) -> Path:
    """Write protobuf messages, and those given as (type, dictionary) as JSON."""
    with path.open("wb") as stream:
        out = _writer(stream, options)
        channels: dict[str, int] = {}
        for topic, time_ns, message in messages:
            if isinstance(message, tuple):
                kind, row = message
                if topic not in channels:
                    schema = out.register_schema(kind, "jsonschema", OBJECT)
                    channels[topic] = out.register_channel(topic, "json", schema)
                out.add_message(channels[topic], time_ns, json.dumps(row).encode(), time_ns)
                continue
            if topic not in channels:
                data = build_file_descriptor_set(type(message)).SerializeToString()
                schema = out.register_schema(message.DESCRIPTOR.full_name, "protobuf", data)
                channels[topic] = out.register_channel(topic, "protobuf", schema)
            out.add_message(channels[topic], time_ns, message.SerializeToString(), time_ns)
        out.finish()
    return path


def write_json(path: Path, messages: Iterable[tuple[str, int, Any]], **options: Any) -> Path:
    """Write the same messages as JSON."""
    with path.open("wb") as stream:
        out = _writer(stream, options)
        channels: dict[str, int] = {}
        for topic, time_ns, message in messages:
            if topic not in channels:
                schema = out.register_schema(message.DESCRIPTOR.full_name, "jsonschema", OBJECT)
                channels[topic] = out.register_channel(topic, "json", schema)
            data = json.dumps(_as_json(message, time_ns)).encode()
            out.add_message(channels[topic], time_ns, data, time_ns)
        out.finish()
    return path


def write_plain_json(
    path: Path, topic: str, kind: str, rows: Iterable[tuple[int, Mapping[str, Any]]]
) -> Path:
    """Write one topic of JSON messages of any type."""
    with path.open("wb") as stream:
        out = _writer(stream, {})
        channel = out.register_channel(
            topic, "json", out.register_schema(kind, "jsonschema", OBJECT)
        )
        for time_ns, row in rows:
            out.add_message(channel, time_ns, json.dumps(row).encode(), time_ns)
        out.finish()
    return path


def write_ros(path: Path, sent: Iterable[Sent], schemas: Mapping[str, str], **options: Any) -> Path:
    """Write ROS 2 messages with these definitions by type, whether they fit or not."""
    from tests.data.braking_bag import STORE

    with path.open("wb") as stream:
        out = _writer(stream, options, profile="ros2")
        channels: dict[str, int] = {}
        for topic, kind, time_ns, message in sent:
            if topic not in channels:
                schema = out.register_schema(kind, "ros2msg", schemas[kind].encode())
                channels[topic] = out.register_channel(topic, "cdr", schema)
            data = bytes(STORE.serialize_cdr(message, kind))
            out.add_message(channels[topic], time_ns, data, time_ns)
        out.finish()
    return path


def _writer(stream: Any, options: Mapping[str, Any], profile: str = "") -> Writer:
    given = {"chunk_size": 64 * 1024, "compression": CompressionType.ZSTD, **options}
    if given.pop("index", True) is False:
        given |= {"index_types": IndexType.NONE, "use_statistics": False, "repeat_channels": False}
        given |= {"repeat_schemas": False, "use_summary_offsets": False}
    out = Writer(stream, **given)
    out.start(profile=profile, library="test")
    return out


def _as_json(message: Any, time_ns: int) -> dict[str, Any]:
    found = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    if "data" in found:
        found["data"] = base64.b64encode(message.data).decode()
    seconds, rest = divmod(time_ns, NS)
    return found | {"timestamp": {"sec": seconds, "nsec": rest}}


def _mounting() -> FrameTransform:
    found = FrameTransform(parent_frame_id="base_link", child_frame_id="front")
    found.translation.x, found.translation.z = 1.5, 1.2
    # The camera looks ahead: its z is the vehicle's x, its x is the vehicle's right.
    found.rotation.x, found.rotation.y, found.rotation.z, found.rotation.w = -0.5, 0.5, -0.5, 0.5
    return found
