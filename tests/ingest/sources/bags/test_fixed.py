"""Numbers that are taken by their place are those of the decoded message."""

import numpy as np
import pytest

from ingest.sources.bags import fields
from ingest.sources.bags.fixed import numbers_of
from ingest.sources.bags.kinds import kind_of
from ingest.sources.bags.mapping import value_at
from tests.data import braking_bag as made


def imu(at_s, frame="imu"):
    rng = np.random.default_rng(int(at_s * 1000))
    found = made.imu(at_s)
    found.header.frame_id = frame
    found.angular_velocity_covariance[0] = rng.choice([-1, 0])
    found.orientation.w, found.linear_acceleration.y = rng.normal(size=2)
    return found


MAKE = {
    "sensor_msgs/msg/Imu": imu,
    "nav_msgs/msg/Odometry": made.odometry,
    "geometry_msgs/msg/TwistStamped": made.twist_stamped,
    "sensor_msgs/msg/NavSatFix": made.fix,
}


def reader(kind, paths):
    return numbers_of(
        made.STORE.fielddefs, kind, paths, lambda data: made.STORE.deserialize_cdr(data, kind)
    )


def packed(kind, message):
    return bytes(made.STORE.serialize_cdr(message, kind))


@pytest.mark.parametrize("kind", fields.PATHS)
def test_rows_are_those_of_the_decoded_message(kind):
    paths, row_of = fields.PATHS[kind]
    _, take = fields.TAKEN[kind_of(kind)]
    read = reader(kind, [*fields.STAMP_PATHS, *paths])
    for at_s in (0.5, 1.0, 22.25, 30.0):
        message = MAKE[kind](at_s)
        seconds, rest, *numbers = read(packed(kind, message))
        assert np.array_equal(row_of(*numbers), take(message), equal_nan=True)
        assert seconds * 1_000_000_000 + rest == fields.stamp_ns(message)


def test_frames_of_other_lengths_have_other_layouts():
    kind, path = "sensor_msgs/msg/Imu", "linear_acceleration.y"
    read = reader(kind, [path, "angular_velocity.z"])
    for frame in ("", "a", "imu", "imu_link", "a/very/long/frame"):
        message = imu(1.5, frame)
        assert read(packed(kind, message)) == (value_at(message, path), 0.1)


def test_types_with_lists_are_decoded():
    kind = "sensor_msgs/msg/CameraInfo"
    read = reader(kind, ["k.0", "k.4"])
    assert read(packed(kind, made.camera_info(0.0, 0, (4, 4)))) is None


def test_a_message_of_another_length_is_checked():
    kind = "sensor_msgs/msg/Imu"
    read = reader(kind, ["linear_acceleration.y", "angular_velocity.z"])
    data = packed(kind, imu(1.0))
    read(data)
    with pytest.raises(Exception, match="mismatch"):
        read(data + bytes(40))
