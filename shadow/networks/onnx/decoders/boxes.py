"""Boxes as lists, and boxes at the maxima of a heatmap."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ridealong.arrays import Bools, Floats, Floats32, Ints
from shadow.networks.decode import best_of, decode_objects, find_objects, names_of, rows_of
from shadow.networks.onnx.decoders.candidates import candidates
from shadow.networks.onnx.decoders.scene import Decoded, Scene, as_names, logits
from shadow.networks.onnx.outputs import BoxesOutput, HeatmapOutput, SizeUnit, Unit
from shadow.networks.onnx.taps import check_size, misfit
from shadow.networks.onnx.wire import Array

CORNERS = ("x1", "y1", "x2", "y2")
MOST_FRACTION = 10.0  # boxes may reach beyond the image, but not that far
MOST_COMPARED = 1000  # candidates of an image and class that non-maximum suppression compares


def decode_boxes(output: BoxesOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """Boxes as lists, clipped to their images."""
    check_size(output, "boxes", "C", arrays["boxes"], 4, output.format)
    found = candidates(output, arrays, scene)
    frame, camera, _ = found.place
    given = _corners(arrays["boxes"][found.place].astype(np.float64), output.format)
    _check_fractions(output, given)
    ends = [scene.in_pixels(given[:, at : at + 2], camera, output.unit) for at in (0, 2)]
    sizes = np.tile(scene.images.sizes_px[camera], 2)
    corners = np.clip(np.concatenate(ends, axis=1), 0, sizes).astype(np.float32)
    kept = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    kept &= scene.images.present[frame, camera]
    chosen = np.flatnonzero(kept)
    image = frame * len(scene.images.cameras) + camera
    if output.nms_iou is not None:
        group = image * len(output.categories) + found.label
        chosen = chosen[
            suppressed(corners[chosen], group[chosen], found.score[chosen], output.nms_iou)
        ]
    best = chosen[best_of(image[chosen], found.score[chosen], output.most)]
    columns = {name: pa.array(corners[best, n]) for n, name in enumerate(CORNERS)}
    columns["category"] = names_of(as_names(output.categories), found.label[best])
    columns["score"] = pa.array(found.score[best].clip(0, 1).astype(np.float32))
    return Decoded((rows_of(scene.images, output.task, frame[best], camera[best], columns),))


def _check_fractions(output: BoxesOutput, corners: Floats) -> None:
    far = corners[np.abs(corners) > MOST_FRACTION]
    if far.size and output.unit in (Unit.INPUT_FRACTION, Unit.IMAGE_FRACTION):
        pixels = output.unit.value.replace("fraction", "pixels")
        expected = f"0 to 1 (unit: {output.unit.value}), or unit: {pixels}"
        what = f"has the coordinate {far[0]:.4g}"
        raise misfit(output.boxes, f"{output.decoder}.boxes", what, expected)


def _corners(boxes: Floats, form: str) -> Floats:
    """``(X, 4)`` x1, y1, x2, y2."""
    if form == "yxyx":
        return boxes[:, [1, 0, 3, 2]]
    if form == "xywh":
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    if form == "cxcywh":
        half = boxes[:, 2:] / 2
        return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    return boxes


def suppressed(corners: Floats32, group: Ints, score: Floats, most_iou: float) -> Ints:
    """Indices of the boxes that overlap no better box of their group by more, in order."""
    kept: list[Ints] = []
    order = best_of(group, score, MOST_COMPARED)
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        kept.append(members[_greedy(_overlaps(corners[members]) > most_iou)])
    return np.sort(np.concatenate(kept)) if kept else order


def _greedy(overlapping: Bools) -> Ints:
    alive = np.ones(len(overlapping), bool)
    for at in range(len(overlapping)):
        if alive[at]:
            alive[at + 1 :] &= ~overlapping[at, at + 1 :]
    return np.flatnonzero(alive)


def _overlaps(corners: Floats32) -> Floats:
    """``(X, X)`` intersection over union."""
    low = np.maximum(corners[:, None, :2], corners[None, :, :2])
    high = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    area = (corners[:, 2:] - corners[:, :2]).prod(axis=-1)
    found: Floats = common / (area[:, None] + area[None] - common)
    return found


def decode_heatmap(output: HeatmapOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """Boxes at the local maxima (3x3) of a heatmap of centres, clipped to their images."""
    heatmap, size = arrays["heatmap"], arrays["size"].astype(np.float32)
    check_size(output, "heatmap", "C", heatmap, len(output.categories), "the number of categories")
    check_size(output, "size", "C", size, 2, "width and height")
    offset = np.full_like(size, 0.5)
    if "offset" in arrays:
        check_size(output, "offset", "C", arrays["offset"], 2, "across and down")
        offset = arrays["offset"].astype(np.float32)
    box = np.concatenate([offset, _log_cells(output, size, scene)], axis=2)
    peaks = find_objects(
        logits(output.activation, heatmap, axis=2),
        box,
        scene.images,
        scene.listed(output.task, output.categories),
        output.least_score,
    )
    names = as_names(output.categories)
    return Decoded((decode_objects(peaks, scene.images, names, output.most, output.task),))


def _log_cells(output: HeatmapOutput, size_NKCHW: Array, scene: Scene) -> Array:
    if output.size_unit is SizeUnit.LOG_CELLS:
        return size_NKCHW
    if output.size_unit is SizeUnit.INPUT_PIXELS:
        cell = scene.input_px / np.array(size_NKCHW.shape[:2:-1])
        size_NKCHW = size_NKCHW / cell[None, :, :, None, None]
    return np.log(np.maximum(size_NKCHW, 1e-6)).astype(np.float32)
