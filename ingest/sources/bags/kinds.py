"""The types of messages that are recognised, and what each is used for."""

from enum import StrEnum

from ingest.sources.bags.decoding import ros_name


class Kind(StrEnum):
    """What a type of message is used for."""

    RAW = "raw image"
    COMPRESSED = "compressed image"
    VIDEO = "video"
    CALIBRATION = "calibration"
    MOTION = "motion"
    INERTIAL = "inertial"
    PLACE = "place"
    STEERING = "steering"
    TRANSFORMS = "transforms"
    BOXES = "boxes"


CAMERAS = (Kind.VIDEO, Kind.COMPRESSED, Kind.RAW)  # the first that a camera has is used

_KINDS = {
    "sensor_msgs/msg/Image": Kind.RAW,
    "sensor_msgs/msg/CompressedImage": Kind.COMPRESSED,
    "sensor_msgs/msg/CameraInfo": Kind.CALIBRATION,
    "sensor_msgs/msg/Imu": Kind.INERTIAL,
    "sensor_msgs/msg/NavSatFix": Kind.PLACE,
    "nav_msgs/msg/Odometry": Kind.MOTION,
    "geometry_msgs/msg/TwistStamped": Kind.MOTION,
    "geometry_msgs/msg/TwistWithCovarianceStamped": Kind.MOTION,
    "ackermann_msgs/msg/AckermannDriveStamped": Kind.STEERING,
    "ackermann_msgs/msg/AckermannDrive": Kind.STEERING,
    "tf2_msgs/msg/TFMessage": Kind.TRANSFORMS,
    "foxglove.RawImage": Kind.RAW,
    "foxglove.CompressedImage": Kind.COMPRESSED,
    "foxglove.CompressedVideo": Kind.VIDEO,
    "foxglove.CameraCalibration": Kind.CALIBRATION,
    "foxglove.LocationFix": Kind.PLACE,
    "foxglove.FrameTransform": Kind.TRANSFORMS,
    "foxglove.FrameTransforms": Kind.TRANSFORMS,
    "foxglove.ImageAnnotations": Kind.BOXES,
}


def kind_of(type_name: str) -> Kind | None:
    """What messages of a type are used for; None if the type is not known."""
    name = ros_name(type_name)
    for prefix in ("foxglove_msgs/msg/", "foxglove_schemas/msg/"):
        name = name.replace(prefix, "foxglove.")
    return _KINDS.get(name)
