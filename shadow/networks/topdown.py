"""Where the cells of the top-down layout lie in each camera's image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ingest.annotations import BEV_X_M, BEV_Y_M
from ingest.geometry import CameraCalibration, project

CELL_M = 2.0  # where features are sampled; the layout itself is twice as fine
BEV_CELLS = (round((BEV_X_M[1] - BEV_X_M[0]) / CELL_M), round((BEV_Y_M[1] - BEV_Y_M[0]) / CELL_M))
BEV_HEIGHTS_M = (0.0, 1.0)  # the ground, and the middle of a car
NEAREST_M = 0.5  # closer than this a point is behind the bonnet or inside the lens


@dataclass(frozen=True)
class Sampling:
    """Points P (heights, then rows from far to near, then columns from left to right) per camera C.

    Attributes:
        points_CP2: Float32, across and down, -1 to 1 over the image.
        visible_CP: Whether the point is in front of the camera and inside its image.
    """

    points_CP2: Tensor
    visible_CP: Tensor

    def to(self, device: torch.device) -> "Sampling":
        """The same on another device."""
        return Sampling(self.points_CP2.to(device), self.visible_CP.to(device))


def cell_centres() -> NDArray[np.float64]:
    """``(P, 3)`` points in the ego frame, metres: heights, then rows, then columns."""
    rows, columns = BEV_CELLS
    x = BEV_X_M[1] - CELL_M * (np.arange(rows) + 0.5)
    y = BEV_Y_M[1] - CELL_M * (np.arange(columns) + 0.5)
    z, x, y = np.meshgrid(np.array(BEV_HEIGHTS_M), x, y, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)


def make_sampling(
    cameras: Sequence[str], calibrations: Mapping[str, CameraCalibration]
) -> Sampling | None:
    """Sampling points of ``cameras``; None when no calibration is known."""
    known = [calibrations[name].known if name in calibrations else False for name in cameras]
    if not any(known):
        return None
    centres = cell_centres()
    points = np.zeros((len(cameras), len(centres), 2), np.float32)
    visible = np.zeros((len(cameras), len(centres)), bool)
    for index, name in enumerate(cameras):
        if known[index]:
            points[index], visible[index] = _seen(calibrations[name], centres)
    return Sampling(torch.from_numpy(points), torch.from_numpy(visible))


def _seen(
    camera: CameraCalibration, centres: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    x, y, depth = project(camera, centres).T
    across, down = 2 * x / camera.width - 1, 2 * y / camera.height - 1
    with np.errstate(invalid="ignore"):
        inside = (np.abs(across) < 1) & (np.abs(down) < 1) & (depth > NEAREST_M)
    points = np.where(inside[:, None], np.stack([across, down], axis=1), 0.0)
    return points.astype(np.float32), inside
