"""The targets of each head, and its loss.

Boxes and lights are centre points (Zhou et al. 2019, "Objects as Points"): a Gaussian bump on the
cell of the centre, as wide as the box requires, and the focal loss of that paper with alpha 2 and
beta 4. Depth is compared by its logarithm. Rare classes and layers have a larger weight: the square
root of their rarity.

Legend: as in `shadow.networks.hydranet.model`; M objects of the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ridealong.perception.annotations import UNLABELLED, Surface
from shadow.networks.hydranet.config import STRIDE
from shadow.networks.hydranet.model import HydraOutput

FARTHEST_M = 120.0  # larger depths are not trained: one pixel there is tens of metres
MOST_WEIGHT = 10.0  # the largest weight of a class
LINE_WEIGHT = 3.0  # weight of a cell with a line, because few cells have one
BUMP = 0.12  # standard deviation of a bump, divided by the width or height of its box


@dataclass(frozen=True, eq=False)
class Targets:
    """The expected outputs of the heads for a batch.

    Attributes:
        present_BC: Bool.
        boxes_M8: Batch index, camera, category, x1, y1, x2, y2, hidden; as in `LabelledSets`.
        lights_M7: The same without "hidden".
        lanes_BChw: Bits, as in `LabelledSets`.
        depth_BChw: Metres, NaN unknown.
        segmentation_BChw: Ids, `UNLABELLED` unknown.
        bev_BYyx: 0, 1, or `UNLABELLED`.
    """

    present_BC: Tensor
    boxes_M8: NDArray[np.float32]
    lights_M7: NDArray[np.float32]
    lanes_BChw: Tensor
    depth_BChw: Tensor
    segmentation_BChw: Tensor
    bev_BYyx: Tensor


@dataclass(frozen=True, eq=False)
class Rarity:
    """Weights of classes and layers, from how often they are in the training sets.

    Attributes:
        surfaces_U: Of the classes of the segmentation; the most frequent class has 1.
        layers_Y: Of an occupied cell, compared with an empty one.
    """

    surfaces_U: Tensor
    layers_Y: Tensor


def rarity_of(
    segmentations: Sequence[NDArray[np.uint8]], layers: Sequence[NDArray[np.uint8]]
) -> Rarity:
    """Count classes and occupied cells over all training sets."""
    counts = np.zeros(256)
    for ids in segmentations:
        counts += np.bincount(ids.ravel(), minlength=256)
    share = counts[: len(Surface)] / max(counts[: len(Surface)].sum(), 1)
    with np.errstate(divide="ignore"):
        weight = np.where(share > 0, 1 / np.sqrt(share), 0.0)
    weight = np.minimum(weight / max(weight[weight > 0].min(initial=np.inf), 1e-9), MOST_WEIGHT)
    known = sum(((grid != UNLABELLED).sum(axis=(0, 2, 3)) for grid in layers), np.zeros(1))
    filled = sum(((grid == 1).sum(axis=(0, 2, 3)) for grid in layers), np.zeros(1))
    part = np.clip(filled / np.maximum(known, 1), 1e-6, 1)
    heavy = np.clip(np.sqrt((1 - part) / part), 1.0, MOST_WEIGHT)
    return Rarity(torch.from_numpy(weight).float(), torch.from_numpy(heavy).float())


Loss = Callable[[HydraOutput, Targets, Rarity], Tensor]


def losses_of(
    output: HydraOutput, targets: Targets, rarity: Rarity, heads: Sequence[str]
) -> dict[str, Tensor]:
    """The loss of each head, scaled to about 1 for a network that has learnt a little."""
    return {head: LOSSES[head](output, targets, rarity) for head in heads}


def objects_loss(output: HydraOutput, targets: Targets, rarity: Rarity) -> Tensor:
    """Focal loss of the bumps, and L1 of the boxes at their centres; hidden objects don't count."""
    assert output.heatmap_BCKhw is not None and output.box_BC4hw is not None
    boxes = targets.boxes_M8
    goal, weight = bumps(output.heatmap_BCKhw.shape, boxes[:, :7], boxes[:, 7] > 0)
    shown = boxes[boxes[:, 7] == 0]
    loss = _focal(output.heatmap_BCKhw, goal, weight, targets.present_BC, len(shown))
    if not len(shown):
        return loss
    b, c, row, column, wanted_M4 = _box_targets(shown, output.box_BC4hw.shape[-2:])
    found_M4 = output.box_BC4hw[b, c, :, row, column]
    return loss + F.l1_loss(found_M4, wanted_M4.to(found_M4))


def lights_loss(output: HydraOutput, targets: Targets, rarity: Rarity) -> Tensor:
    """Focal loss of our light's bump, in its cell and its state."""
    assert output.lights_BCShw is not None
    lights = targets.lights_M7
    goal, weight = bumps(output.lights_BCShw.shape, lights, np.zeros(len(lights), bool))
    return _focal(output.lights_BCShw, goal, weight, targets.present_BC, len(lights))


def lanes_loss(output: HydraOutput, targets: Targets, rarity: Rarity) -> Tensor:
    """Binary cross entropy of the cells that a line passes through."""
    logits = output.lanes_BCLhw
    assert logits is not None
    bits = torch.arange(logits.shape[2], device=logits.device)[:, None, None]
    goal = ((targets.lanes_BChw[:, :, None] >> bits) & 1).to(logits)
    heavy = torch.tensor(LINE_WEIGHT, device=logits.device)
    each = F.binary_cross_entropy_with_logits(logits, goal, reduction="none", pos_weight=heavy)
    return 4 * _mean(each, targets.present_BC[:, :, None, None, None].expand_as(each))


def depth_loss(output: HydraOutput, targets: Targets, rarity: Rarity) -> Tensor:
    """L1 of the logarithm, up to `FARTHEST_M`."""
    log_depth = output.log_depth_BChw
    assert log_depth is not None
    metres = targets.depth_BChw.to(log_depth)
    known = (metres > 0) & (metres < FARTHEST_M)
    goal = torch.where(known, metres, torch.ones_like(metres)).log()
    return 3 * _mean((log_depth - goal).abs(), known)


def segmentation_loss(output: HydraOutput, targets: Targets, rarity: Rarity) -> Tensor:
    """Cross entropy over the surfaces."""
    logits = output.segmentation_BCUhw
    assert logits is not None
    ids = targets.segmentation_BChw.long()
    ids = torch.where(ids == UNLABELLED, torch.full_like(ids, -100), ids).flatten(0, 1)
    if not (ids >= 0).any():
        return logits.sum() * 0
    return F.cross_entropy(logits.flatten(0, 1), ids, weight=rarity.surfaces_U.to(logits))


def bev_loss(output: HydraOutput, targets: Targets, rarity: Rarity) -> Tensor:
    """Binary cross entropy of the top-down layers."""
    logits = output.bev_BYyx
    assert logits is not None
    goal = targets.bev_BYyx
    heavy = rarity.layers_Y.to(logits)[: logits.shape[1], None, None]
    each = F.binary_cross_entropy_with_logits(
        logits, (goal == 1).to(logits), reduction="none", pos_weight=heavy
    )
    return 2 * _mean(each, goal != UNLABELLED)


LOSSES: Mapping[str, Loss] = {
    "objects": objects_loss,
    "lights": lights_loss,
    "lanes": lanes_loss,
    "depth": depth_loss,
    "segmentation": segmentation_loss,
    "bev": bev_loss,
}


def bumps(
    shape: Sequence[int], boxes_M7: NDArray[np.float32], hidden_M: NDArray[np.bool_]
) -> tuple[Tensor, Tensor]:
    """Draw a bump of height 1 at the centre of each box, and tell which cells count.

    Args:
        shape: ``(B, C, K, h, w)``.
        boxes_M7: Batch index, camera, kind, x1, y1, x2, y2 in pixels.
        hidden_M: Objects that are not expected: the cells of their boxes do not count.

    Returns:
        Two tensors of ``shape``: the goal, and 0 where a cell does not count, else 1.
    """
    goal, weight = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    height, width = shape[-2:]
    for (b, c, kind, *corners), hidden in zip(boxes_M7.tolist(), hidden_M, strict=True):
        place = int(b), int(c), int(kind)
        x1, y1, x2, y2 = (value / STRIDE for value in corners)
        if hidden:
            rows = slice(max(int(y1), 0), int(np.ceil(y2)))
            weight[place][rows, max(int(x1), 0) : int(np.ceil(x2))] = 0
            continue
        column, row = min(int((x1 + x2) / 2), width - 1), min(int((y1 + y2) / 2), height - 1)
        across = max(BUMP * (x2 - x1), 0.35)
        down = max(BUMP * (y2 - y1), 0.35)
        i, j = np.arange(height) - row, np.arange(width) - column
        bump = np.exp(-((i[:, None] / down) ** 2 + (j[None] / across) ** 2) / 2)
        np.maximum(goal[place], bump, out=goal[place])
    weight[goal == 1] = 1
    return torch.from_numpy(goal), torch.from_numpy(weight)


def _box_targets(
    boxes_M8: NDArray[np.float32], cells: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Batch index, camera, row and column of each centre, and the expected box there."""
    x1, y1, x2, y2 = boxes_M8[:, 3:7].T / STRIDE
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    column = np.clip(x.astype(np.int64), 0, cells[1] - 1)
    row = np.clip(y.astype(np.int64), 0, cells[0] - 1)
    size = np.log(np.maximum([x2 - x1, y2 - y1], 0.1))
    goal = np.stack([x - column, y - row, *size], axis=1).astype(np.float32)
    places = (boxes_M8[:, 0].astype(np.int64), boxes_M8[:, 1].astype(np.int64), row, column)
    b, c, i, j = (torch.from_numpy(np.ascontiguousarray(index)) for index in places)
    return b, c, i, j, torch.from_numpy(goal)


def _focal(
    logits: Tensor, goal: Tensor, weight: Tensor, present_BC: Tensor, objects: int
) -> Tensor:
    """CornerNet's focal loss, divided by the number of objects."""
    goal = goal.to(logits)
    weight = weight.to(logits) * present_BC[:, :, None, None, None]
    probability = logits.sigmoid()
    at_centre = goal == 1
    found = (1 - probability) ** 2 * F.logsigmoid(logits)
    empty = (1 - goal) ** 4 * probability**2 * F.logsigmoid(-logits)
    return -(torch.where(at_centre, found, empty) * weight).sum() / max(objects, 1)


def _mean(each: Tensor, counts: Tensor) -> Tensor:
    """Mean over the cells that count; 0 if none does."""
    return torch.where(counts, each, torch.zeros_like(each)).sum() / counts.sum().clamp(min=1)
