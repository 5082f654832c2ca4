"""Converts the outputs of heads to the standard forms: boxes, states, polylines, dense arrays.

Whole stacks of images are decoded at once. Everything that selects or orders runs in numpy with
stable sorts, so that equal logits give equal bytes. Coordinates are pixels of the clip's own image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit, logit

from ridealong.arrays import Bools, Floats, Floats32, Ints
from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED, Task
from shadow.networks.polylines import Ridges, find_ridges, trace

# Boxes with a lower score are dropped. Average precision needs low scores too, but not all of them,
# and no threshold of ours is lower (`hydranet.training.calibrate.GRID`).
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
        shown: ``(C, 4)`` where each image lies in the network's input: left, top, width and
            height, as fractions of the input. By default it is all of it.
    """

    timestamps_ns: Ints
    cameras: tuple[str, ...]
    sizes_px: Floats
    present: Bools
    shown: Floats | None = None

    def cell_px(self, cells: Sequence[int]) -> Floats:
        """``(C, 2)`` width and height of a cell in the clip's pixels.

        Args:
            cells: Rows and columns of cells over the network's input.
        """
        height, width = cells
        size: Floats = self.sizes_px / np.array([width, height], np.float64)
        return size if self.shown is None else size / self.shown[:, 2:]

    @property
    def margin_px(self) -> Floats:
        """``(C, 2)`` what lies left of and above each image in the input, in the clip's pixels."""
        if self.shown is None:
            return np.zeros_like(self.sizes_px)
        margin: Floats = self.shown[:, :2] / self.shown[:, 2:] * self.sizes_px
        return margin


def rows_of(
    images: ImageBatch, task: str, time: Ints, camera: Ints, columns: dict[str, pa.Array]
) -> pa.Table:
    """Rows of `ANNOTATIONS`: time, camera, task and the given columns; the others are null."""
    size = len(time)
    given = {
        "timestamp_ns": pa.array(images.timestamps_ns[time]),
        "camera": names_of(images.cameras, camera),
        "task": pa.repeat(pa.scalar(str(task)), size),
    } | columns
    return pa.table(
        [
            given[field.name] if field.name in given else pa.nulls(size, field.type)
            for field in ANNOTATIONS
        ],
        schema=ANNOTATIONS,
    )


@dataclass(frozen=True)
class Peaks:
    """Cells of heatmaps that are local maxima, each with its box; ``(M,)`` in the cells' order.

    Attributes:
        steps: Number of time steps.
        cells: Rows and columns of a heatmap.
        time, camera, category: Which heatmap.
        score: Probability.
        corners: ``(M, 4)`` x1, y1, x2, y2 in cells.
    """

    steps: int
    cells: tuple[int, int]
    time: Ints
    camera: Ints
    category: Ints
    score: Floats
    corners: Floats


def find_objects(
    heatmap_BCKhw: Floats32,
    box_BC4hw: Floats32,
    images: ImageBatch,
    listed_CK: Bools,
    floor: float = FLOOR,
) -> Peaks:
    """The local maxima (3x3) of heatmaps.

    Args:
        heatmap_BCKhw: Logits.
        box_BC4hw: Offset of the centre from the cell's top left corner (across, down) and log size
            (width, height), all in cells.
        images: The images.
        listed_CK: Which categories are wanted in which camera.
        floor: Boxes with a lower score are dropped.
    """
    wanted = images.present[:, :, None] & listed_CK[None]
    b, c, k, i, j = _peaks(heatmap_BCKhw, wanted, floor)
    score: Floats = expit(heatmap_BCKhw[b, c, k, i, j].astype(np.float64))
    corners = _corners(box_BC4hw[b, c, :, i, j].astype(np.float64), i, j)
    steps, *_, height, width = heatmap_BCKhw.shape
    return Peaks(steps, (height, width), b, c, k, score, corners)


def joined_peaks(parts: Sequence[Peaks]) -> Peaks:
    """The peaks of at least one batch, one batch after the other."""
    ends = np.cumsum([part.steps for part in parts])
    return Peaks(
        int(ends[-1]),
        parts[0].cells,
        np.concatenate([p.time + end - p.steps for p, end in zip(parts, ends, strict=True)]),
        np.concatenate([part.camera for part in parts]),
        np.concatenate([part.category for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.corners for part in parts]),
    )


def decode_objects(
    peaks: Peaks,
    images: ImageBatch,
    categories: Sequence[str],
    per_image: int = BOXES_PER_IMAGE,
    task: str = Task.OBJECTS,
) -> pa.Table:
    """Boxes at the peaks that `find_objects` gives, clipped to the image.

    Args:
        peaks: Most steps have a fixed cost, so batches can be joined first (`joined_peaks`).
        images: The images.
        categories: Names of the K categories.
        per_image: At most this many boxes are kept in an image: those with the highest scores.
        task: The family of the boxes.
    """
    c, score = peaks.camera, peaks.score
    corners = peaks.corners * np.tile(images.cell_px(peaks.cells)[c], 2)
    corners -= np.tile(images.margin_px[c], 2)
    corners = np.clip(corners, 0, np.tile(images.sizes_px[c], 2)).astype(np.float32)
    solid = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    image = peaks.time * len(images.cameras) + c
    best = best_of(image, np.where(solid, score, -1.0), per_image)
    best = best[solid[best]]
    columns = {name: pa.array(corners[best, n]) for n, name in enumerate(("x1", "y1", "x2", "y2"))}
    columns["category"] = names_of(categories, peaks.category[best])
    columns["score"] = pa.array(score[best].astype(np.float32))
    return rows_of(images, task, peaks.time[best], c[best], columns)


def _peaks(heatmap_BCKhw: Floats32, wanted_BCK: Bools, floor: float) -> tuple[Ints, ...]:
    """Where a wanted heatmap is above the floor and not lower than any of its eight neighbours.

    Few cells are above it. Comparing only their neighbours is many times as fast as pooling
    the whole map.
    """
    high = (heatmap_BCKhw >= logit(floor)) & wanted_BCK[..., None, None]
    place = np.flatnonzero(high)
    line, column = np.divmod(place, high.shape[4])
    image, row = np.divmod(line, high.shape[3])
    padded = np.pad(heatmap_BCKhw, [(0, 0)] * 3 + [(1, 1)] * 2, constant_values=-np.inf)
    apart = padded.shape[4]
    corner = (image * padded.shape[3] + row) * apart + column  # the upper left neighbour
    around = [
        padded.ravel()[corner + down * apart + across] for down in range(3) for across in range(3)
    ]
    peak = np.max(around, axis=0, initial=-np.inf) == around[4]
    return np.unravel_index(place[peak], high.shape)


def decode_states(
    probability_BCS: Floats,
    images: ImageBatch,
    states: Sequence[str],
    listed_CS: Bools,
    floor: float = FLOOR,
    task: str = Task.LIGHTS,
) -> pa.Table:
    """A row per image and state with its probability.

    A state whose probability is below the floor gives no row. An image without any row has no light
    in sight. Metrics use the best row at or above its threshold.
    """
    wanted = images.present[:, :, None] & listed_CS[None]
    b, c, state = np.nonzero((probability_BCS >= floor) & wanted)
    columns = {
        "category": names_of(states, state),
        "score": pa.array(probability_BCS[b, c, state].astype(np.float32)),
    }
    return rows_of(images, task, b, c, columns)


def find_lanes(
    logits_BCLhw: Floats32, images: ImageBatch, listed_CL: Bools, threshold_CL: Floats
) -> Ridges:
    """The cells at or above the threshold, in a map of every image and category."""
    wanted = images.present[:, :, None] & listed_CL[None]
    mask = (logits_BCLhw >= logit(threshold_CL)[None, :, :, None, None]) & wanted[..., None, None]
    probability: Floats = expit(logits_BCLhw[mask].astype(np.float64))
    return find_ridges(mask.reshape(-1, *mask.shape[-2:]), probability)


def decode_lanes(
    ridges: Ridges, images: ImageBatch, categories: Sequence[str], task: str = Task.LANES
) -> pa.Table:
    """Polylines through the cells that `find_lanes` gives; see `polylines.trace`.

    Most steps have a fixed cost, so batches can be joined first (`polylines.joined_ridges`). The
    score of a line is the mean probability of its cells.
    """
    lines = trace(ridges)
    b, c, category = np.unravel_index(lines.image, (*images.present.shape, len(categories)))
    camera_of_point = np.repeat(c, np.diff(lines.offsets))
    points = lines.points * images.cell_px(ridges.shape[1:])[camera_of_point]
    points -= images.margin_px[camera_of_point]
    columns = {
        "category": names_of(categories, category),
        "score": pa.array(lines.score.astype(np.float32)),
        "points": points_of(points, lines.offsets),
    }
    return rows_of(images, task, b, c, columns)


def points_of(points_P2: Floats, offsets: Ints) -> pa.Array:
    """Polylines as values of the column ``points``: line l has points ``offsets[l:l + 2]``."""
    return pa.ListArray.from_arrays(
        pa.array((2 * offsets).astype(np.int32)),
        pa.array(points_P2.astype(np.float32).ravel()),
        type=ANNOTATIONS.field("points").type,
    )


def decode_depth(
    log_depth_Bhw: Floats32, present_B: Bools, range_m: tuple[float, float] = DEPTH_RANGE_M
) -> Floats32:
    """Metres within the range; NaN where the image is absent."""
    low, high = np.log(range_m)
    metres = np.exp(log_depth_Bhw.astype(np.float64).clip(low, high))
    return np.where(present_B[:, None, None], metres, np.nan).astype(np.float32)


def decode_segmentation(logits_BUhw: Floats32, present_B: Bools) -> NDArray[np.uint8]:
    """The id of the most likely surface; `UNLABELLED` where the image is absent."""
    best, ids = logits_BUhw[:, 0].copy(), np.zeros(logits_BUhw[:, 0].shape, np.uint8)
    for surface in range(1, logits_BUhw.shape[1]):  # nearly twice as fast as argmax
        logits = logits_BUhw[:, surface]
        np.maximum(ids, (logits > best) * np.uint8(surface), out=ids)
        np.maximum(best, logits, out=best)
    ids[~present_B] = UNLABELLED
    return ids


def decode_layer(logits_Byx: Floats32, threshold: float, known_B: Bools) -> NDArray[np.uint8]:
    """1 where the probability of a top-down layer reaches the threshold, else 0.

    Instants without any calibrated image are `UNLABELLED`.

    Args:
        logits_Byx: One layer's logits.
        threshold: Probability.
        known_B: Whether an image of a calibrated camera was present.
    """
    occupied = logits_Byx >= logit(threshold)
    return np.where(known_B[:, None, None], occupied, UNLABELLED).astype(np.uint8)


def names_of(names: Sequence[str], index: Ints) -> pa.Array:
    """Names by index."""
    return pa.array([str(name) for name in names], pa.string()).take(pa.array(index, pa.int64()))


def _corners(box_M4: Floats, row: Ints, column: Ints) -> Floats:
    """``(M, 4)`` x1, y1, x2, y2 in cells."""
    centre = np.stack([column, row], axis=1) + box_M4[:, :2]
    half = np.exp(np.minimum(box_M4[:, 2:], MAX_LOG_SIZE)) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def best_of(group: Ints, score: Floats, most: int) -> Ints:
    """Indices of the ``most`` best of each group: groups in order, best first, ties by index."""
    order = np.lexsort((-score, group))
    first = np.searchsorted(group[order], group[order], side="left")
    return order[np.arange(len(order)) - first < most]


def in_reading_order(sparse: pa.Table) -> pa.Table:
    """Rows of `ANNOTATIONS` by time and camera; within an image in the order they have."""
    cameras = sparse["camera"].combine_chunks().dictionary_encode()
    rank = np.argsort(np.argsort(cameras.dictionary.to_pylist()))
    order = np.lexsort((rank[cameras.indices.to_numpy()], sparse["timestamp_ns"].to_numpy()))
    return sparse.take(pa.array(order))
