"""Cameras and reference frames.

The ego frame is ISO 8855: x forward, y left, z up, origin on the ground under the rear axle.
The camera frame is x right, y down, z along the optical axis. Points transform as
``xyz_dst = dst_SE3_src @ xyz_src``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CameraCalibration:
    """A pinhole camera on the vehicle.

    Attributes:
        name: The camera's name.
        width, height: Image size in pixels.
        fx, fy, cx, cy: Intrinsics in pixels; NaN if unknown.
        ego_SE3_camera: ``(4, 4)`` float64, camera to ego frame, metres; NaN if unknown.
    """

    name: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    ego_SE3_camera: NDArray[np.float64]

    @property
    def known(self) -> bool:
        """Whether intrinsics and pose are known."""
        numbers = [self.fx, self.fy, self.cx, self.cy, *self.ego_SE3_camera.ravel()]
        return bool(np.isfinite(numbers).all())


def unknown_calibration(name: str, width: int, height: int) -> CameraCalibration:
    """A camera with only a known image size."""
    nan = float("nan")
    return CameraCalibration(name, width, height, nan, nan, nan, nan, np.full((4, 4), nan))


def mounted_camera(
    name: str,
    width: int,
    height: int,
    horizontal_fov_deg: float,
    yaw_deg: float,
    pitch_down_deg: float,
    xyz_ego_m: tuple[float, float, float],
) -> CameraCalibration:
    """An ideal camera: square pixels, principal point in the middle, no roll.

    Args:
        name: The camera's name.
        width: Image width in pixels.
        height: Image height in pixels.
        horizontal_fov_deg: Horizontal field of view.
        yaw_deg: Direction of the optical axis, counter-clockwise from forward.
        pitch_down_deg: Pitch; positive is down.
        xyz_ego_m: Optical centre in the ego frame.
    """
    focal = width / 2 / np.tan(np.radians(horizontal_fov_deg) / 2)
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_down_deg)
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    down = np.cross(forward, right)
    ego_SE3_camera = np.eye(4)
    ego_SE3_camera[:3, :3] = np.stack([right, down, forward], axis=1)
    ego_SE3_camera[:3, 3] = xyz_ego_m
    return CameraCalibration(
        name, width, height, focal, focal, width / 2, height / 2, ego_SE3_camera
    )


def project(camera: CameraCalibration, xyz_ego_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project points of the ego frame into the image.

    Args:
        camera: A camera with a known calibration.
        xyz_ego_m: ``(N, 3)`` points in the ego frame.

    Returns:
        ``(N, 3)``: x and y in pixels, and depth in metres along the optical axis; x and y are NaN
        where the point is not in front of the camera.
    """
    camera_SE3_ego = np.linalg.inv(camera.ego_SE3_camera)
    xyz_camera = xyz_ego_m @ camera_SE3_ego[:3, :3].T + camera_SE3_ego[:3, 3]
    depth = xyz_camera[:, 2]
    safe = np.where(depth > 0, depth, np.nan)
    x = camera.fx * xyz_camera[:, 0] / safe + camera.cx
    y = camera.fy * xyz_camera[:, 1] / safe + camera.cy
    return np.stack([x, y, depth], axis=1)
