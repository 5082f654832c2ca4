"""The rig of eight cameras: where each one sits on the vehicle and what it sees."""

from dataclasses import dataclass
from enum import StrEnum

from ridealong.perception.geometry import CameraCalibration, mounted_camera


class RigCamera(StrEnum):
    """The eight cameras of the simulated vehicle, in the order in which they are stacked."""

    NARROW = "narrow"
    MAIN = "main"
    WIDE = "wide"
    LEFT_PILLAR = "left_pillar"
    RIGHT_PILLAR = "right_pillar"
    LEFT_REPEATER = "left_repeater"
    RIGHT_REPEATER = "right_repeater"
    REAR = "rear"


@dataclass(frozen=True)
class Mount:
    """One camera's place on the vehicle.

    Attributes:
        fov_deg: Horizontal field of view.
        yaw_deg: Direction of the optical axis, counter-clockwise from forward.
        pitch_down_deg: Positive looks down.
        xyz_ego_m: Optical centre in the ego frame.
    """

    fov_deg: float
    yaw_deg: float
    pitch_down_deg: float
    xyz_ego_m: tuple[float, float, float]


RIG: dict[RigCamera, Mount] = {
    RigCamera.NARROW: Mount(35, 0, 0, (1.60, 0.00, 1.40)),
    RigCamera.MAIN: Mount(50, 0, 1, (1.60, 0.03, 1.40)),
    RigCamera.WIDE: Mount(120, 0, 4, (1.60, -0.03, 1.40)),
    RigCamera.LEFT_PILLAR: Mount(90, 55, 4, (1.05, 0.80, 1.35)),
    RigCamera.RIGHT_PILLAR: Mount(90, -55, 4, (1.05, -0.80, 1.35)),
    RigCamera.LEFT_REPEATER: Mount(80, 142, 6, (2.25, 1.00, 0.95)),
    RigCamera.RIGHT_REPEATER: Mount(80, -142, 6, (2.25, -1.00, 0.95)),
    RigCamera.REAR: Mount(120, 180, 12, (-0.95, 0.00, 1.05)),
}


def rig_cameras(width: int, height: int) -> dict[str, CameraCalibration]:
    """The rig's calibrations for images of ``width`` x ``height`` pixels, by camera name."""
    return {
        camera.value: mounted_camera(
            camera.value, width, height, m.fov_deg, m.yaw_deg, m.pitch_down_deg, m.xyz_ego_m
        )
        for camera, m in RIG.items()
    }
