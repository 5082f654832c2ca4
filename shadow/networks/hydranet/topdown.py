"""Lifting features to the top-down layout: where its cells lie in the image of each camera.

Legend: as in `shadow.networks.hydranet.model`, and T taps: a tap is a feature that a point reads,
with its weight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ridealong.arrays import Bools, Floats, Floats32
from ridealong.perception.annotations import BEV_X_M, BEV_Y_M
from ridealong.perception.geometry import CameraCalibration, project

CELL_M = 2.0  # size of the cells that sample features; the layout is twice as fine
BEV_CELLS = (round((BEV_X_M[1] - BEV_X_M[0]) / CELL_M), round((BEV_Y_M[1] - BEV_Y_M[0]) / CELL_M))
BEV_HEIGHTS_M = (0.0, 1.0)  # the ground, and the middle of a car
NEAREST_M = 0.5  # points closer to the camera are inside the car or the lens


@dataclass(frozen=True)
class Sampling:
    """Where points P project into cameras C.

    Points are ordered by height, then row (far to near), then column (left to right).

    Attributes:
        points_CP2: Float32, across and down, -1 to 1 over the image.
        visible_CP: Whether the point is in front of the camera and inside its image.
    """

    points_CP2: Tensor
    visible_CP: Tensor

    def to(self, device: torch.device) -> "Sampling":
        """The same on another device."""
        return Sampling(self.points_CP2.to(device), self.visible_CP.to(device))


@dataclass(frozen=True)
class Taps:
    """What every point reads of the features of one instant, by bilinear interpolation.

    Attributes:
        place_T: Index into the features of all cameras, ``(camera, row, column)`` flattened.
        weight_T: Weight of the feature; a point that several cameras see sums over them.
        start_P: Index of the first tap of each point.
    """

    place_T: Tensor
    weight_T: Tensor
    start_P: Tensor


def taps_of(sampling: Sampling, height: int, width: int) -> Taps:
    """The taps into feature maps of this size; outside the image, features are zero."""
    point, camera = sampling.visible_CP.T.nonzero(as_tuple=True)
    across, down = sampling.points_CP2[camera, point].unbind(-1)
    x, y = (across + 1) / 2 * width - 0.5, (down + 1) / 2 * height - 0.5
    corners = [(y.floor() + below, x.floor() + right) for below in (0, 1) for right in (0, 1)]
    places, weights = [], []
    for row, column in corners:
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        weights.append((1 - (y - row).abs()) * (1 - (x - column).abs()) * inside)
        cell = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
        places.append(camera * height * width + cell.long())
    count_P = sampling.visible_CP.sum(0) * len(corners)
    start_P = count_P.cumsum(0) - count_P
    return Taps(torch.stack(places, 1).flatten(), torch.stack(weights, 1).flatten(), start_P)


def lift(features_BChwF: Tensor, present_BC: Tensor, sampling: Sampling) -> Tensor:
    """``(B, P, F)`` features at the points, averaged over the cameras that see them.

    Only points that a camera sees are read: a quarter of all points and cameras. `F.grid_sample`
    reads all of them, and takes twenty times as long.

    Args:
        features_BChwF: Zero where the image is absent.
        present_BC: Boolean.
        sampling: Where the points lie.
    """
    batch, cameras, height, width, channels = features_BChwF.shape
    taps = taps_of(sampling, height, width)
    step = torch.arange(batch, device=taps.place_T.device)[:, None]
    summed = F.embedding_bag(
        (taps.place_T + step * (cameras * height * width)).flatten(),
        features_BChwF.reshape(-1, channels).to(taps.weight_T),
        (taps.start_P + step * len(taps.place_T)).flatten(),
        mode="sum",
        per_sample_weights=taps.weight_T.repeat(batch),
    )
    seen_BP = present_BC.to(summed) @ sampling.visible_CP.to(summed)
    return summed.reshape(batch, -1, channels) / seen_BP.clamp(min=1)[:, :, None]


def cell_centres() -> Floats:
    """``(P, 3)`` points in the ego frame, metres: heights, then rows, then columns."""
    rows, columns = BEV_CELLS
    x = BEV_X_M[1] - CELL_M * (np.arange(rows) + 0.5)
    y = BEV_Y_M[1] - CELL_M * (np.arange(columns) + 0.5)
    z, x, y = np.meshgrid(np.array(BEV_HEIGHTS_M), x, y, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)


def make_sampling(
    cameras: Sequence[str], calibrations: Mapping[str, CameraCalibration]
) -> Sampling | None:
    """The sampling of ``cameras``; None if no calibration is known."""
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


def _seen(camera: CameraCalibration, centres: Floats) -> tuple[Floats32, Bools]:
    x, y, depth = project(camera, centres).T
    across, down = 2 * x / camera.width - 1, 2 * y / camera.height - 1
    with np.errstate(invalid="ignore"):
        inside = (np.abs(across) < 1) & (np.abs(down) < 1) & (depth > NEAREST_M)
    points = np.where(inside[:, None], np.stack([across, down], axis=1), 0.0)
    return points.astype(np.float32), inside
