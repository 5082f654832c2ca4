"""Several cameras as columns, so that points are projected into all of them at once.

As `ridealong.perception.geometry.project`, written out: a matrix product would start the threads of
a linear algebra library, and one call per camera would cost more than its arithmetic.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Floats, Ints
from ridealong.perception.geometry import CameraCalibration


@dataclass(frozen=True, eq=False)
class Pinholes:
    """C cameras.

    Attributes:
        names: Of the cameras.
        rotation: ``(C, 3, 3)``, ego frame to camera frame.
        offset_m: ``(C, 3)``, the same.
        eye_m: ``(C, 3)``, optical centres in the ego frame.
        focal_px, centre_px, size_px: ``(C, 2)``, x and y; width and height.
    """

    names: tuple[str, ...]
    rotation: Floats
    offset_m: Floats
    eye_m: Floats
    focal_px: Floats
    centre_px: Floats
    size_px: Floats


def pinholes(cameras: Mapping[str, CameraCalibration]) -> Pinholes:
    """Stack cameras whose calibration is known."""
    several = cameras.values()
    poses = np.array([c.ego_SE3_camera for c in several]).reshape(-1, 4, 4)
    inverse = np.linalg.inv(poses)
    pairs = [((c.fx, c.fy), (c.cx, c.cy), (c.width, c.height)) for c in several]
    numbers = np.array(pairs, np.float64).reshape(-1, 3, 2)
    return Pinholes(
        tuple(cameras),
        inverse[:, :3, :3],
        inverse[:, :3, 3],
        poses[:, :3, 3],
        numbers[:, 0],
        numbers[:, 1],
        numbers[:, 2],
    )


def project_each(rig: Pinholes, camera: Ints, xyz_ego_m: Floats) -> Floats:
    """Project each point into a camera of its own.

    Args:
        rig: The cameras.
        camera: ``(K,)`` which one, for each of K groups of points.
        xyz_ego_m: ``(K, ..., 3)``.

    Returns:
        ``(K, ..., 3)``: x and y in pixels, and depth in metres along the optical axis; x and y are
        NaN where the point is not in front of the camera.
    """
    across = (slice(None), *[None] * (xyz_ego_m.ndim - 2))
    px, py, pz = (xyz_ego_m[..., axis] for axis in range(3))
    turn, move = rig.rotation[camera], rig.offset_m[camera]
    x, y, depth = (
        px * turn[:, axis, 0][across]
        + py * turn[:, axis, 1][across]
        + pz * turn[:, axis, 2][across]
        + move[:, axis][across]
        for axis in range(3)
    )
    safe = np.where(depth > 0, depth, np.nan)
    out = np.empty_like(xyz_ego_m)
    for axis, value in enumerate((x, y)):
        focal, centre = rig.focal_px[camera, axis][across], rig.centre_px[camera, axis][across]
        out[..., axis] = focal * value / safe + centre
    out[..., 2] = depth
    return out


def project_ground(rig: Pinholes, xy_ego_m: Floats) -> tuple[Ints, Ints, Floats]:
    """Project points of the ground into all cameras, as far as they lie in an image.

    Args:
        rig: The cameras.
        xy_ego_m: ``(N, 2)``.

    Returns:
        ``(K,)`` cameras, ascending; ``(K,)`` which point; ``(K, 3)`` as `project_each` gives it.
    """
    px, py = xy_ego_m.T
    turn, move = rig.rotation[..., None], rig.offset_m[..., None]
    x, y, depth = (px * turn[:, k, 0] + py * turn[:, k, 1] + move[:, k] for k in range(3))
    # Divide only where the point may be in the image: an image is a narrow cone.
    edge = 1.001 * np.maximum(rig.centre_px, rig.size_px - rig.centre_px) / rig.focal_px
    near = (np.abs(x) < edge[:, :1] * depth) & (np.abs(y) < edge[:, 1:] * depth)
    camera, point = np.nonzero(near)
    depth = depth[near]
    scaled = np.stack([x[near], y[near]], axis=1)
    xy = rig.focal_px[camera] * scaled / depth[:, None] + rig.centre_px[camera]
    inside = ((xy >= 0) & (xy < rig.size_px[camera])).all(axis=1)
    xyd = np.column_stack([xy, depth])[inside]
    return camera[inside], point[inside], xyd
