"""Dense outputs: depth and surfaces per pixel, and layers seen from above."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.annotations import (
    BEV_X_M,
    BEV_Y_M,
    UNLABELLED,
    Surface,
    Task,
)
from shadow.networks.decode import decode_depth, decode_layer
from shadow.networks.onnx.decoders.scene import Decoded, Scene, logits
from shadow.networks.onnx.outputs import (
    DepthOutput,
    DepthUnit,
    LayersOutput,
    SegmentationOutput,
)
from shadow.networks.onnx.taps import check_size, misfit
from shadow.networks.onnx.wire import Array

IDS = {surface: number for number, surface in enumerate(Surface)}


def decode_depths(output: DepthOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """Metres, within the range of the decoder."""
    values = arrays["depth"].astype(np.float64) * output.scale
    low, high = output.range_m
    if output.unit is DepthUnit.METRES:
        values = np.log(values.clip(low, high))
    elif output.unit is DepthUnit.INVERSE_METRES:
        values = -np.log(values.clip(1 / high, 1 / low))
    images, wanted = scene.images, scene.lists(f"{Task.DEPTH}@{{}}")
    return Decoded(
        depth={
            name: decode_depth(
                shown_part(values[:, at], images.shown, at), images.present[:, at], output.range_m
            )
            for at, name in enumerate(images.cameras)
            if wanted[at]
        }
    )


def decode_surfaces(
    output: SegmentationOutput, arrays: Mapping[str, Array], scene: Scene
) -> Decoded:
    """Ids of surfaces; a class without one is unknown.

    All surfaces are given where any of them is listed: they are one output.
    """
    numbers = _numbers(output, arrays)
    ids = np.array([UNLABELLED if s is None else IDS[s] for s in output.classes], np.uint8)
    images, found = scene.images, {}
    wanted = scene.listed(Task.SEGMENTATION.value, tuple(Surface)).any(axis=1)
    for at in np.flatnonzero(wanted).tolist():
        part = ids[shown_part(numbers[:, at], images.shown, at)]
        there = images.present[:, at, None, None]
        found[images.cameras[at]] = np.where(there, part, np.uint8(UNLABELLED))
    return Decoded(segmentation=found)


def _numbers(output: SegmentationOutput, arrays: Mapping[str, Array]) -> Ints:
    """``(N, K, H, W)`` the number of the class of each cell."""
    count = len(output.classes)
    if "scores" in arrays:
        check_size(output, "scores", "C", arrays["scores"], count, "the number of classes")
        found: Ints = arrays["scores"].argmax(axis=2)
        return found
    assert output.ids is not None
    numbers = arrays["ids"].astype(np.int64)
    odd = numbers[(numbers < 0) | (numbers >= count)]
    if odd.size:
        expected = f"0 to {count - 1} (the classes)"
        raise misfit(output.ids, "segmentation.ids", f"has the class {odd[0]}", expected)
    return numbers


def shown_part(values_NHW: NDArray[np.generic], shown: Floats | None, camera: int) -> Array:
    """The cells that show the image, without the bars of a letterbox."""
    if shown is None or shown[camera].tolist() == [0, 0, 1, 1]:
        return values_NHW
    left, top, width, height = shown[camera]
    rows = _cells(values_NHW.shape[1], top, height)
    columns = _cells(values_NHW.shape[2], left, width)
    return values_NHW[:, rows[:, None], columns[None]]


def _cells(count: int, first: float, extent: float) -> Ints:
    """The cells below the centres of as many cells as the part is wide."""
    size = max(1, round(count * extent))
    centres = first + (np.arange(size) + 0.5) / size * extent
    return np.minimum((centres * count).astype(np.int64), count - 1)


def decode_layers(output: LayersOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """Layers over the area that ridealong compares; what the graph does not cover is unknown."""
    scores = arrays["scores"]
    check_size(output, "scores", "C", scores, len(output.layers), "the number of layers")
    values = logits(output.activation, scores, axis=1)
    found = {}
    for at, layer in enumerate(output.layers):
        name = f"{Task.BEV}/{layer}"
        if layer is not None and scene.manifest.lists(name):
            known: Bools = np.any(scene.images.present, axis=1)
            cells = decode_layer(values[:, at], scene.manifest.threshold(name), known)
            found[layer.value] = _standard(cells, output)
    return Decoded(bev=found)


def _standard(cells: NDArray[np.uint8], output: LayersOutput) -> NDArray[np.uint8]:
    """Over `BEV_X_M` by `BEV_Y_M`: the first row farthest ahead, the first column farthest left."""
    extents = (output.x_m, output.y_m)
    wanted = ((BEV_X_M[1], BEV_X_M[0]), (BEV_Y_M[1], BEV_Y_M[0]))
    if extents == wanted:
        return cells
    picks, inside = [], []
    for size, (first, last), (start, end) in zip(cells.shape[1:], extents, wanted, strict=True):
        count = max(1, round(size * abs((end - start) / (last - first))))
        metres = start + (np.arange(count) + 0.5) / count * (end - start)
        place = np.floor((metres - first) / (last - first) * size).astype(np.int64)
        picks.append(place.clip(0, size - 1))
        inside.append((place >= 0) & (place < size))
    covered = inside[0][:, None] & inside[1][None]
    return np.where(covered, cells[:, picks[0][:, None], picks[1][None]], np.uint8(UNLABELLED))
