"""The numbers that are taken from messages, under one name for ROS and Foxglove."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.sources.bags.kinds import Kind
from ridealong.units import NS_PER_S

Row = tuple[float, ...]
NAN = float("nan")
NO_FIX = -1  # of sensor_msgs/NavSatStatus
UNKNOWN = -1  # in the first place of a covariance: the value is not measured
Pose = NDArray[np.float64]  # (4, 4)

MOTION = ("vx", "vy", "yaw_rate")  # m/s, m/s, rad/s
INERTIAL = ("ax", "ay", "az", "wx", "wy", "wz", "qx", "qy", "qz", "qw")  # m/s², rad/s
PLACE = ("latitude", "longitude")  # degrees
STEERING = ("angle", "speed")  # rad, m/s


def stamp_ns(message: Any) -> int | None:
    """When a message says that it was measured; None if it does not say."""
    header = getattr(message, "header", None)
    stamp = getattr(header, "stamp", None) if header is not None else None
    stamp = getattr(message, "timestamp", None) if stamp is None else stamp
    return None if stamp is None else _time_ns(stamp)


def frame_id(message: Any) -> str:
    """The coordinate frame of a message; empty if it has none."""
    header = getattr(message, "header", None)
    return str(getattr(message if header is None else header, "frame_id", "")).lstrip("/")


def motion(message: Any) -> Row:
    """`MOTION` of an Odometry or a TwistStamped, also with covariance."""
    twist = message.twist
    twist = getattr(twist, "twist", twist)
    return float(twist.linear.x), float(twist.linear.y), float(twist.angular.z)


def inertial(message: Any) -> Row:
    """`INERTIAL` of an Imu; NaN for what it does not measure."""
    a, w, q = message.linear_acceleration, message.angular_velocity, message.orientation
    covariances = (
        message.linear_acceleration_covariance[0],
        message.angular_velocity_covariance[0],
        message.orientation_covariance[0],
    )
    return inertial_row(a.x, a.y, a.z, w.x, w.y, w.z, q.x, q.y, q.z, q.w, *covariances)


def inertial_row(*numbers: float) -> Row:
    """`INERTIAL` of its ten numbers and the first of each covariance."""
    values, covariances = [float(number) for number in numbers[:10]], numbers[10:]
    for unknown, (first, last) in zip(covariances, ((0, 3), (3, 6), (6, 10)), strict=True):
        if unknown == UNKNOWN:
            values[first:last] = [NAN] * (last - first)
    return tuple(values)


def place(message: Any) -> Row:
    """`PLACE` of a NavSatFix or a LocationFix."""
    status = getattr(getattr(message, "status", None), "status", None)
    return place_row(float(message.latitude), float(message.longitude), status)


def place_row(latitude: float, longitude: float, status: float | None) -> Row:
    """`PLACE`; NaN without a fix, and at zero degrees exactly."""
    if status == NO_FIX or (latitude == 0 and longitude == 0):
        return NAN, NAN
    return latitude, longitude


def steering(message: Any) -> Row:
    """`STEERING` of an AckermannDrive, also stamped."""
    drive = getattr(message, "drive", message)
    return float(drive.steering_angle), float(drive.speed)


TAKEN: dict[Kind, tuple[Sequence[str], Callable[[Any], Row]]] = {
    Kind.MOTION: (MOTION, motion),
    Kind.INERTIAL: (INERTIAL, inertial),
    Kind.PLACE: (PLACE, place),
    Kind.STEERING: (STEERING, steering),
}

STAMP_PATHS = ("header.stamp.sec", "header.stamp.nanosec")
_TWIST = ("linear.x", "linear.y", "angular.z")
_MOVED = [f"linear_acceleration.{axis}" for axis in "xyz"]
_TURNED = [f"angular_velocity.{axis}" for axis in "xyz"]
_HELD = [f"orientation.{axis}" for axis in "xyzw"]
_FIRST = [
    f"{name}_covariance.0" for name in ("linear_acceleration", "angular_velocity", "orientation")
]
# By type of ROS 2 message: the paths of the same numbers, and what makes a row of them.
PATHS: dict[str, tuple[Sequence[str], Callable[..., Row]]] = {
    "nav_msgs/msg/Odometry": ([f"twist.twist.{end}" for end in _TWIST], lambda *row: row),
    "geometry_msgs/msg/TwistStamped": ([f"twist.{end}" for end in _TWIST], lambda *row: row),
    "sensor_msgs/msg/Imu": ([*_MOVED, *_TURNED, *_HELD, *_FIRST], inertial_row),
    "sensor_msgs/msg/NavSatFix": (["latitude", "longitude", "status.status"], place_row),
}


def transforms(message: Any) -> list[tuple[str, str, Pose]]:
    """Parent frame, child frame and the child's pose in the parent, of each transform."""
    every = getattr(message, "transforms", None)
    found = []
    for one in [message] if every is None else every:
        if hasattr(one, "transform"):  # ROS
            parent, child = one.header.frame_id, one.child_frame_id
            shift, turn = one.transform.translation, one.transform.rotation
        else:
            parent, child = one.parent_frame_id, one.child_frame_id
            shift, turn = one.translation, one.rotation
        found.append((parent.lstrip("/"), child.lstrip("/"), _pose(shift, turn)))
    return found


def rotation(qx: float, qy: float, qz: float, qw: float) -> NDArray[np.float64]:
    """``(3, 3)`` of a quaternion of any length; NaN if it is zero."""
    norm = np.sqrt(qx * qx + qy * qy + qz * qz + qw * qw)
    if not norm > 0:
        return np.full((3, 3), NAN)
    x, y, z, w = qx / norm, qy / norm, qz / norm, qw / norm
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _pose(shift: Any, turn: Any) -> Pose:
    pose = np.eye(4)
    pose[:3, :3] = rotation(turn.x, turn.y, turn.z, turn.w)
    pose[:3, 3] = shift.x, shift.y, shift.z
    return pose


def _time_ns(stamp: Any) -> int | None:
    if isinstance(stamp, int | float):
        return int(stamp)
    seconds = getattr(stamp, "sec", getattr(stamp, "seconds", None))
    rest = next(
        (getattr(stamp, name) for name in ("nanosec", "nsec", "nanos") if hasattr(stamp, name)), 0
    )
    if seconds is None:
        return None
    time_ns = int(seconds) * NS_PER_S + int(rest)
    return time_ns or None  # drivers that do not know the time write zero
