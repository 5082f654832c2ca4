"""Bags of a made-up drive: a car with two cameras drives at 20 m/s and brakes hard at 20 s.

``python -m tests.data.braking_bag FOLDER [db3|mcap]`` writes one as ROS 2 bag.
"""

import io
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

START_NS = 1_767_225_600_000_000_000  # 2026
NS = 1_000_000_000
BRAKE_S, BRAKE_MPS2, SPEED_MPS = 20.0, 6.0, 20.0
STORE = get_typestore(Stores.LATEST)
CAMERAS = ("front", "rear")


class Sent(NamedTuple):
    """One message: topic, type, when, and the message."""

    topic: str
    type: str
    time_ns: int
    message: Any


def ros(name: str) -> Any:
    """The class of a ROS type: ``sensor_msgs/msg/Imu``."""
    return STORE.types[name]


def speed_mps(at_s: float) -> float:
    """The car brakes to a stop, once."""
    return max(0.0, SPEED_MPS - BRAKE_MPS2 * max(0.0, at_s - BRAKE_S))


def acceleration_mps2(at_s: float) -> float:
    """Along the car."""
    return -BRAKE_MPS2 if BRAKE_S <= at_s < BRAKE_S + SPEED_MPS / BRAKE_MPS2 else 0.0


def stamp(at_s: float, start_ns: int = START_NS) -> Any:
    """builtin_interfaces/Time."""
    seconds, rest = divmod(start_ns + round(at_s * NS), NS)
    return ros("builtin_interfaces/msg/Time")(int(seconds), int(rest))


def header(at_s: float, frame: str, start_ns: int = START_NS) -> Any:
    """std_msgs/Header."""
    return ros("std_msgs/msg/Header")(stamp(at_s, start_ns), frame)


def vector(x: float, y: float, z: float) -> Any:
    """geometry_msgs/Vector3."""
    return ros("geometry_msgs/msg/Vector3")(x, y, z)


def imu(at_s: float, start_ns: int = START_NS) -> Any:
    """sensor_msgs/Imu, with gravity, without orientation."""
    unknown = np.zeros(9)
    unknown[0] = -1
    return ros("sensor_msgs/msg/Imu")(
        header(at_s, "imu", start_ns),
        ros("geometry_msgs/msg/Quaternion")(0.0, 0.0, 0.0, 0.0),
        unknown,
        vector(0.0, 0.0, 0.1),
        np.zeros(9),
        vector(acceleration_mps2(at_s), 0.0, 9.80665),
        np.zeros(9),
    )


def twist(at_s: float) -> Any:
    """geometry_msgs/Twist."""
    return ros("geometry_msgs/msg/Twist")(vector(speed_mps(at_s), 0.0, 0.0), vector(0.0, 0.0, 0.1))


def odometry(at_s: float, start_ns: int = START_NS) -> Any:
    """nav_msgs/Odometry."""
    pose = ros("geometry_msgs/msg/Pose")(
        ros("geometry_msgs/msg/Point")(0.0, 0.0, 0.0),
        ros("geometry_msgs/msg/Quaternion")(0.0, 0.0, 0.0, 1.0),
    )
    return ros("nav_msgs/msg/Odometry")(
        header(at_s, "odom", start_ns),
        "base_link",
        ros("geometry_msgs/msg/PoseWithCovariance")(pose, np.zeros(36)),
        ros("geometry_msgs/msg/TwistWithCovariance")(twist(at_s), np.zeros(36)),
    )


def twist_stamped(at_s: float, start_ns: int = START_NS) -> Any:
    """geometry_msgs/TwistStamped."""
    return ros("geometry_msgs/msg/TwistStamped")(header(at_s, "base_link", start_ns), twist(at_s))


def fix(at_s: float) -> Any:
    """sensor_msgs/NavSatFix."""
    status = ros("sensor_msgs/msg/NavSatStatus")(0, 1)
    latitude = 48.0 + at_s * 1e-4
    return ros("sensor_msgs/msg/NavSatFix")(
        header(at_s, "gps"), status, latitude, 11.0, 500.0, np.zeros(9), 0
    )


def jpeg(at_s: float, camera: int, size: tuple[int, int]) -> bytes:
    """A picture whose left edge tells the camera, with a bar that moves."""
    return _jpeg(int(at_s * 20) % (size[0] - 16), camera, size)


@cache
def _jpeg(left: int, camera: int, size: tuple[int, int]) -> bytes:
    width, height = size
    rows = np.linspace(40, 200, height, dtype=np.uint8)
    pixels = np.repeat(rows[:, None], width, axis=1)[:, :, None].repeat(3, axis=2).copy()
    pixels[:, : width // 8] = (200, 30, 30) if camera == 0 else (30, 30, 200)
    pixels[height // 3 : height // 2, left : left + 16] = 250
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "jpeg", quality=85)
    return out.getvalue()


def compressed_image(at_s: float, camera: int, size: tuple[int, int], start_ns: int) -> Any:
    """sensor_msgs/CompressedImage."""
    data = np.frombuffer(jpeg(at_s, camera, size), np.uint8)
    where = header(at_s, f"{CAMERAS[camera]}_optical", start_ns)
    return ros("sensor_msgs/msg/CompressedImage")(where, "jpeg", data)


def camera_info(at_s: float, camera: int, size: tuple[int, int]) -> Any:
    """sensor_msgs/CameraInfo."""
    width, height = size
    k = np.array([300.0, 0, width / 2, 0, 300.0, height / 2, 0, 0, 1])
    roi = ros("sensor_msgs/msg/RegionOfInterest")(0, 0, 0, 0, False)
    return ros("sensor_msgs/msg/CameraInfo")(
        header(at_s, f"{CAMERAS[camera]}_optical"),
        height,
        width,
        "plumb_bob",
        np.zeros(5),
        k,
        np.eye(3).ravel(),
        np.zeros(12),
        0,
        0,
        roi,
    )


def braking_messages(
    seconds: float = 30.0,
    size: tuple[int, int] = (160, 96),
    camera_hz: float = 10.0,
    start_ns: int = START_NS,
) -> Iterator[Sent]:
    """The messages of a drive, in time: two cameras, CameraInfo, Imu, NavSatFix, Odometry."""
    rates: list[tuple[str, str, float, Callable[[float], Any]]] = [
        ("/imu/data", "sensor_msgs/msg/Imu", 100.0, lambda t: imu(t, start_ns)),
        ("/odom", "nav_msgs/msg/Odometry", 50.0, lambda t: odometry(t, start_ns)),
        ("/fix", "sensor_msgs/msg/NavSatFix", 5.0, fix),
    ]
    for at, name in enumerate(CAMERAS):
        rates.append(
            (
                f"/camera/{name}/image_raw/compressed",
                "sensor_msgs/msg/CompressedImage",
                camera_hz,
                lambda t, at=at: compressed_image(t, at, size, start_ns),
            )
        )
    rates.append(
        (
            "/camera/front/camera_info",
            "sensor_msgs/msg/CameraInfo",
            camera_hz,
            lambda t: camera_info(t, 0, size),
        )
    )
    due = [
        (number / hz, at)
        for at, (_, _, hz, _) in enumerate(rates)
        for number in range(int(seconds * hz))
    ]
    for at_s, at in sorted(due):
        topic, kind, _, make = rates[at]
        yield Sent(topic, kind, start_ns + round(at_s * NS), make(at_s))


def write_bag(folder: Path, messages: Iterator[Sent] | list[Sent], storage: str = "db3") -> Path:
    """Write messages as a ROS 2 bag by rosbags' own writer; returns the bag's folder."""
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    with Writer(folder, version=9, storage_plugin=plugin) as bag:
        connections: dict[str, Any] = {}
        for sent in messages:
            if sent.topic not in connections:
                connections[sent.topic] = bag.add_connection(sent.topic, sent.type, typestore=STORE)
            data = STORE.serialize_cdr(sent.message, sent.type)
            bag.write(connections[sent.topic], sent.time_ns, data)
    return folder


if __name__ == "__main__":
    write_bag(Path(sys.argv[1]), braking_messages(), (sys.argv[2:] or ["db3"])[0])
