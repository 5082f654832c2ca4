"""Fills a graph's inputs: images, calibration, constants."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from ridealong.arrays import Floats, Floats32
from shadow.networks.network import Frames
from shadow.networks.onnx.clip import Clip, input_of, placed
from shadow.networks.onnx.graph import Port
from shadow.networks.onnx.inputs import (
    Colour,
    ConstantInput,
    ImageInput,
    ImageSizeInput,
    Matrix,
    MatrixInput,
    OnnxInputs,
    PresentInput,
    StateInput,
)
from shadow.networks.onnx.wire import Array

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as OpenCV and Pillow


def fill(
    inputs: OnnxInputs, ports: Mapping[str, Port], clip: Clip, cameras: tuple[str, ...]
) -> dict[str, Array]:
    """All inputs but recurrent states.

    Args:
        inputs: How they are filled.
        ports: The graph's inputs.
        clip: The frames of one run.
        cameras: The cameras of one run: all of them, or the one that goes through alone.
    """
    filled: dict[str, Array] = {}
    for name, spec in inputs.graph.items():
        if isinstance(spec, ImageInput):
            chosen = tuple(camera for camera in spec.cameras if camera in cameras)
            filled[name] = images(spec, clip, chosen)
        elif not isinstance(spec, StateInput):
            value = _other(spec, inputs, ports[name], clip, cameras)
            filled[name] = value.astype(ports[name].dtype)
    return filled


def start_states(inputs: OnnxInputs, ports: Mapping[str, Port]) -> dict[str, Array]:
    """The recurrent states before the first frame; a free size is 1."""
    return {
        name: np.full([size or 1 for size in ports[name].shape], spec.start, ports[name].dtype)
        for name, spec in inputs.states.items()
    }


def images(spec: ImageInput, clip: Clip, cameras: tuple[str, ...]) -> Array:
    """The images of some cameras in the input's layout; an image that is absent is black."""
    stacks = [_stack(spec, clip, camera) for camera in cameras]
    pixels = np.stack(stacks, axis=1)  # N K H W C
    if spec.dtype != "uint8":
        pixels = _scaled(spec, pixels)
    letters = [letter for letter in "NKHWC" if letter in spec.layout]
    dropped = tuple(at for at, letter in enumerate("NKHWC") if letter not in spec.layout)
    order = [letters.index(letter) for letter in spec.layout]
    return np.ascontiguousarray(pixels.squeeze(dropped).transpose(order).astype(spec.dtype))


def _scaled(spec: ImageInput, pixels: Array) -> Floats32:
    values: Floats32 = pixels.astype(np.float32)
    values /= np.float32(spec.divide_by)
    count = pixels.shape[-1]
    if any(spec.mean):
        values -= np.array(spec.mean[:count], np.float32)
    if spec.deviation != (1, 1, 1):
        values /= np.array(spec.deviation[:count], np.float32)
    return values


def _stack(spec: ImageInput, clip: Clip, camera: str) -> Array:
    """``(N, H, W, C)`` uint8, float32 if grey, at the size of the input."""
    frames = clip.frames.get(camera)
    if frames is None:
        shape = (len(clip.times_ns), spec.height, spec.width, 3)
        frames = np.zeros(shape, np.uint8)
    resized = frames
    if frames.shape[1:3] != (spec.height, spec.width):
        resized = np.stack([_fitted(spec, frame) for frame in frames])
    if not clip.present.get(camera, np.ones(1, bool)).all():
        resized = np.where(clip.present[camera][:, None, None, None], resized, np.uint8(0))
    if spec.colour is Colour.BGR:
        return resized[..., ::-1]
    if spec.colour is Colour.GREY:
        grey: Array = (resized @ GREY)[..., None]
        return grey.round().astype(np.uint8)
    return resized


def _fitted(spec: ImageInput, frame: Frames) -> Frames:
    at = placed(spec, frame.shape[1], frame.shape[0])
    small = Image.fromarray(frame).resize((at.width, at.height), Image.Resampling.BILINEAR)
    if (at.width, at.height) == (spec.width, spec.height):
        return np.asarray(small)
    canvas = np.full((spec.height, spec.width, 3), spec.fill, np.uint8)
    canvas[at.top : at.top + at.height, at.left : at.left + at.width] = np.asarray(small)
    return canvas


def _other(
    spec: PresentInput | MatrixInput | ImageSizeInput | ConstantInput | StateInput,
    inputs: OnnxInputs,
    port: Port,
    clip: Clip,
    cameras: tuple[str, ...],
) -> Array:
    steps = len(clip.times_ns)
    if isinstance(spec, PresentInput):
        none = np.zeros(steps, bool)
        there = np.stack([clip.present.get(name, none) for name in cameras], axis=1)
        return _laid_out(there, "NK", spec.layout)
    if isinstance(spec, MatrixInput):
        one = np.stack([matrix_of(spec.matrix, inputs, clip, name) for name in cameras])
        return _laid_out(np.repeat(one[None], steps, axis=0), "NKHW", spec.layout)
    if isinstance(spec, ImageSizeInput):
        size = np.array([_size(inputs, clip, name) for name in cameras])
        size = size if spec.order == "width_height" else size[:, ::-1]
        return _laid_out(np.repeat(size[None], steps, axis=0), "NKC", spec.layout)
    assert isinstance(spec, ConstantInput)
    return _constant(spec, port)


def _laid_out(array: Array, axes: str, layout: str) -> Array:
    """The array in a layout; an axis that it lacks loses all but its first value."""
    kept = [letter for letter in axes if letter in layout]
    array = array[tuple(slice(None) if letter in layout else 0 for letter in axes)]
    return array.transpose([kept.index(letter) for letter in layout])


def _constant(spec: ConstantInput, port: Port) -> Array:
    value = np.array(spec.value)
    sizes = port.shape if spec.shape is None else spec.shape
    if all(size is not None for size in sizes):
        fixed = [size for size in sizes if size is not None]
        return np.broadcast_to(value.reshape(-1) if value.ndim else value, fixed).copy()
    return value.reshape([1] * (len(port.shape) - value.ndim) + list(value.shape))


def _size(inputs: OnnxInputs, clip: Clip, camera: str) -> tuple[int, int]:
    if camera in clip.frames:
        height, width = clip.frames[camera].shape[1:3]
        return width, height
    spec = input_of(inputs, camera)
    return spec.width, spec.height


def matrix_of(kind: Matrix, inputs: OnnxInputs, clip: Clip, camera: str) -> Floats:
    """One camera's matrix; zeros if its calibration is unknown."""
    calibration = clip.calibrations.get(camera)
    if calibration is None or not calibration.known:
        return np.zeros({"intrinsics": (3, 3), "projection": (3, 4)}.get(kind.value, (4, 4)))
    if kind is Matrix.EGO_SE3_CAMERA:
        return calibration.ego_SE3_camera
    camera_SE3_ego = np.linalg.inv(calibration.ego_SE3_camera).astype(np.float64)
    if kind is Matrix.CAMERA_SE3_EGO:
        return camera_SE3_ego
    spec = input_of(inputs, camera)
    at = placed(spec, calibration.width, calibration.height)
    across, down = at.width / calibration.width, at.height / calibration.height
    intrinsics = np.array(
        [
            [calibration.fx * across, 0, calibration.cx * across + at.left],
            [0, calibration.fy * down, calibration.cy * down + at.top],
            [0, 0, 1],
        ]
    )
    if kind is Matrix.INTRINSICS:
        return intrinsics
    projection: Floats = intrinsics @ camera_SE3_ego[:3]
    return projection if kind is Matrix.PROJECTION else np.vstack([projection, [0, 0, 0, 1]])
