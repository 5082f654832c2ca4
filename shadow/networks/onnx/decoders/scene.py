"""What a decoder knows about the images of its arrays, and what it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit, softmax

from ridealong.arrays import Bools, Floats, Floats32, Ints
from ridealong.perception.geometry import CameraCalibration
from shadow.networks.decode import ImageBatch
from shadow.networks.onnx.manifest import OnnxManifest
from shadow.networks.onnx.outputs import Activation, Unit
from shadow.networks.onnx.wire import Array


@dataclass(frozen=True)
class Scene:
    """The images N x K that a decoder's arrays are about.

    Attributes:
        manifest: The network's.
        images: The images of the decoder's cameras.
        input_px: ``(K, 2)`` width and height of the graph's input.
        calibrations: By camera.
    """

    manifest: OnnxManifest
    images: ImageBatch
    input_px: Floats
    calibrations: Mapping[str, CameraCalibration]

    def listed(self, task: str, names: Sequence[str | None]) -> Bools:
        """``(K, L)`` which categories of which cameras are among the manifest's predictions."""
        return np.array(
            [
                [
                    name is not None and self.manifest.lists(f"{task}/{name}@{camera}")
                    for name in names
                ]
                for camera in self.images.cameras
            ],
            bool,
        ).reshape(len(self.images.cameras), len(names))

    def lists(self, template: str) -> Bools:
        """``(K,)`` whether a camera's prediction, such as ``depth@{}``, is listed."""
        cameras = self.images.cameras
        return np.array([self.manifest.lists(template.format(name)) for name in cameras], bool)

    def in_pixels(self, points: Floats, camera: Ints, unit: Unit) -> Floats:
        """Points in pixels of the clip's own images.

        Args:
            points: ``(M, 2)`` across and down.
            camera: ``(M,)`` index of the camera.
            unit: What they are measured in.
        """
        if unit is Unit.IMAGE_PIXELS:
            return points
        if unit is Unit.IMAGE_FRACTION:
            return points * self.images.sizes_px[camera]
        pixel = self.images.cell_px((1, 1))
        if unit is Unit.INPUT_PIXELS:
            pixel = pixel / self.input_px
        return points * pixel[camera] - self.images.margin_px[camera]


@dataclass(frozen=True)
class Decoded:
    """Outputs of some frames: rows, and dense arrays with an entry for each frame."""

    sparse: tuple[pa.Table, ...] = ()
    depth: Mapping[str, Floats32] = field(default_factory=dict)
    segmentation: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    bev: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


def probabilities(activation: Activation, values: Array, axis: int) -> Floats:
    """Scores from 0 to 1; classes are along the axis."""
    numbers = values.astype(np.float64)
    if activation is Activation.SIGMOID:
        found: Floats = expit(numbers)
        return found
    if activation is Activation.SOFTMAX:
        numbers = softmax(numbers, axis=axis)
    return numbers


def logits(activation: Activation, values: Array, axis: int) -> Floats32:
    """The logits of what `probabilities` gives, for decoders that compare logits."""
    if activation is Activation.SIGMOID:
        return values.astype(np.float32)
    found = probabilities(activation, values, axis).clip(1e-9, 1 - 1e-9)
    return np.asarray(np.log(found / (1 - found)), np.float32)


def as_names(names: Sequence[str | None]) -> list[str]:
    """Categories as text; what is left out has an empty name."""
    return [name or "" for name in names]
