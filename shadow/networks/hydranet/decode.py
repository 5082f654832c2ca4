"""Converts the outputs of the heads to the standard forms: boxes, light states, polylines.

Whole stacks of images are decoded at once. Everything that selects or orders runs in numpy with
stable sorts, so that equal logits give equal bytes. Coordinates are pixels of the clip's own image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit, logit
from torch import Tensor

from ridealong.arrays import Bools, Floats, Floats32, Ints
from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED, Task
from shadow.networks.hydranet.config import SHOWN
from shadow.networks.hydranet.polylines import Ridges, trace

# Boxes with a lower score are dropped. Average precision needs low scores too, but not all of them,
# and no threshold is lower (`training.calibrate.GRID`).
FLOOR = 0.1
BOXES_PER_IMAGE = 50
MAX_LOG_SIZE = 6.0  # e^6 cells is wider than any image
DEPTH_RANGE_M = (0.5, 500.0)


@dataclass(frozen=True)
class ImageBatch:
    """The images that a batch of outputs belongs to.

    Attributes:
        timestamps_ns: ``(B,)``.
        cameras: The C cameras by name.
        sizes_px: ``(C, 2)`` width and height of each camera's image in the clip.
        present: ``(B, C)``; an absent image gives no rows.
    """

    timestamps_ns: Ints
    cameras: tuple[str, ...]
    sizes_px: Floats
    present: Bools


def rows_of(
    images: ImageBatch, task: Task, time: Ints, camera: Ints, columns: dict[str, pa.Array]
) -> pa.Table:
    """Rows of `ANNOTATIONS`: time, camera, task and the given columns; the others are null."""
    size = len(time)
    given = {
        "timestamp_ns": pa.array(images.timestamps_ns[time]),
        "camera": _names(images.cameras, camera),
        "task": pa.repeat(pa.scalar(task.value), size),
    } | columns
    return pa.table(
        [
            given[field.name] if field.name in given else pa.nulls(size, field.type)
            for field in ANNOTATIONS
        ],
        schema=ANNOTATIONS,
    )


def decode_objects(
    heatmap_BCKhw: Tensor,
    box_BC4hw: Tensor,
    images: ImageBatch,
    categories: Sequence[str],
    listed_CK: Bools,
    per_image: int = BOXES_PER_IMAGE,
) -> pa.Table:
    """Boxes at the local maxima (3x3) of the heatmap, clipped to the image.

    Args:
        heatmap_BCKhw: Logits.
        box_BC4hw: Offset and log size in cells, as in `HydraOutput`.
        images: The images.
        categories: Names of the K categories.
        listed_CK: Which categories are wanted in which camera.
        per_image: At most this many boxes are kept in an image: those with the highest scores.
    """
    heatmap = heatmap_BCKhw.cpu().numpy()
    wanted = images.present[:, :, None] & listed_CK[None]
    b, c, k, i, j = _peaks(heatmap, wanted)
    scores = expit(heatmap[b, c, k, i, j].astype(np.float64))
    corners = _corners(box_BC4hw.cpu().numpy()[b, c, :, i, j].astype(np.float64), i, j)
    corners *= np.tile(_cell_px(images, heatmap_BCKhw.shape[-2:])[c], 2)
    corners = np.clip(corners, 0, np.tile(images.sizes_px[c], 2)).astype(np.float32)
    solid = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    best = _best(b * len(images.cameras) + c, np.where(solid, scores, -1.0), per_image)
    best = best[solid[best]]
    columns = {name: pa.array(corners[best, n]) for n, name in enumerate(("x1", "y1", "x2", "y2"))}
    columns["category"] = _names(categories, k[best])
    columns["score"] = pa.array(scores[best].astype(np.float32))
    return rows_of(images, Task.OBJECTS, b[best], c[best], columns)


def _peaks(heatmap_BCKhw: Floats32, wanted_BCK: Bools) -> tuple[Ints, ...]:
    """Where a wanted heatmap is above `FLOOR` and not lower than any of its eight neighbours.

    Few cells are above `FLOOR`. Comparing only their neighbours is many times as fast as pooling
    the whole map.
    """
    high = (heatmap_BCKhw >= logit(FLOOR)) & wanted_BCK[..., None, None]
    b, c, k, i, j = np.nonzero(high)
    padded = np.pad(heatmap_BCKhw, [(0, 0)] * 3 + [(1, 1)] * 2, constant_values=-np.inf)
    around = [padded[b, c, k, i + down, j + across] for down in range(3) for across in range(3)]
    peak = np.max(around, axis=0, initial=-np.inf) == heatmap_BCKhw[b, c, k, i, j]
    return b[peak], c[peak], k[peak], i[peak], j[peak]


def decode_lights(logits_BCShw: Tensor, images: ImageBatch, listed_C: Bools) -> pa.Table:
    """A row per image and state, with the probability of the best cell.

    A state whose probability is below `FLOOR` gives no row. An image without any row has no light
    in sight. Metrics use the best row at or above its threshold.
    """
    probability = expit(logits_BCShw.flatten(3).amax(dim=-1).cpu().numpy().astype(np.float64))
    wanted = (images.present & listed_C[None])[:, :, None]
    b, c, state = np.nonzero((probability >= FLOOR) & wanted)
    columns = {
        "category": _names([s.value for s in SHOWN], state),
        "score": pa.array(probability[b, c, state].astype(np.float32)),
    }
    return rows_of(images, Task.LIGHTS, b, c, columns)


def decode_lanes(
    logits_BCLhw: Tensor,
    images: ImageBatch,
    categories: Sequence[str],
    listed_CL: Bools,
    threshold_CL: Floats,
) -> pa.Table:
    """Polylines through the cells at or above the threshold; see `polylines.trace`.

    The score of a line is the mean probability of its cells.
    """
    logits = logits_BCLhw.cpu().numpy()
    wanted = images.present[:, :, None] & listed_CL[None]
    mask = (logits >= logit(threshold_CL)[None, :, :, None, None]) & wanted[..., None, None]
    probability = np.zeros_like(logits, np.float64)
    probability[mask] = expit(logits[mask].astype(np.float64))
    height, width = probability.shape[-2:]
    lines = trace(Ridges(probability.reshape(-1, height, width), mask.reshape(-1, height, width)))
    b, c, category = np.unravel_index(lines.image, wanted.shape)
    camera_of_point = np.repeat(c, np.diff(lines.offsets))
    points = lines.points * _cell_px(images, (height, width))[camera_of_point]
    columns = {
        "category": _names(categories, category),
        "score": pa.array(lines.score.astype(np.float32)),
        "points": pa.ListArray.from_arrays(
            pa.array((2 * lines.offsets).astype(np.int32)),
            pa.array(points.astype(np.float32).ravel()),
            type=ANNOTATIONS.field("points").type,
        ),
    }
    return rows_of(images, Task.LANES, b, c, columns)


def decode_depth(log_depth_Bhw: Tensor, present_B: Bools) -> Floats32:
    """Metres, within `DEPTH_RANGE_M`; NaN where the image is absent."""
    low, high = np.log(DEPTH_RANGE_M)
    metres = np.exp(log_depth_Bhw.cpu().numpy().astype(np.float64).clip(low, high))
    return np.where(present_B[:, None, None], metres, np.nan).astype(np.float32)


def decode_segmentation(logits_BUhw: Tensor, present_B: Bools) -> NDArray[np.uint8]:
    """The id of the most likely surface; `UNLABELLED` where the image is absent."""
    ids = logits_BUhw.cpu().numpy().argmax(axis=1)
    return np.where(present_B[:, None, None], ids, UNLABELLED).astype(np.uint8)


def decode_layer(logits_Byx: Tensor, threshold: float, known_B: Bools) -> NDArray[np.uint8]:
    """1 where the probability of a top-down layer reaches the threshold, else 0.

    Instants without any calibrated image are `UNLABELLED`.

    Args:
        logits_Byx: One layer's logits.
        threshold: Probability.
        known_B: Whether an image of a calibrated camera was present.
    """
    occupied = logits_Byx.cpu().numpy() >= logit(threshold)
    return np.where(known_B[:, None, None], occupied, UNLABELLED).astype(np.uint8)


def _names(names: Sequence[str], index: Ints) -> pa.Array:
    return pa.array([str(name) for name in names], pa.string()).take(pa.array(index, pa.int64()))


def _cell_px(images: ImageBatch, cells: Sequence[int]) -> Floats:
    """``(C, 2)`` width and height of a cell in the clip's pixels."""
    height, width = cells
    return images.sizes_px / np.array([width, height], np.float64)


def _corners(box_M4: Floats, row: Ints, column: Ints) -> Floats:
    """``(M, 4)`` x1, y1, x2, y2 in cells."""
    centre = np.stack([column, row], axis=1) + box_M4[:, :2]
    half = np.exp(np.minimum(box_M4[:, 2:], MAX_LOG_SIZE)) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _best(group: Ints, score: Floats, most: int) -> Ints:
    """Indices of the ``most`` best of each group: groups in order, best first, ties by index."""
    order = np.lexsort((-score, group))
    first = np.searchsorted(group[order], group[order], side="left")
    return order[np.arange(len(order)) - first < most]
