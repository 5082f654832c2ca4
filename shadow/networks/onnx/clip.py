"""The frames of a clip, and how each image lies in the graph's input."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.geometry import CameraCalibration
from shadow.networks.decode import ImageBatch
from shadow.networks.network import Frames
from shadow.networks.onnx.inputs import Fit, ImageInput, OnnxInputs


@dataclass(frozen=True)
class Clip:
    """Some frames of a clip.

    Attributes:
        frames: By camera ``(T, height, width, 3)`` uint8 RGB; cameras without any are left out.
        times_ns: ``(T,)``.
        index: ``(T,)`` their indices in the whole clip.
        present: By camera ``(T,)``.
        calibrations: By camera.
    """

    frames: Mapping[str, Frames]
    times_ns: Ints
    index: Ints
    present: Mapping[str, Bools]
    calibrations: Mapping[str, CameraCalibration]

    def of(self, cameras: tuple[str, ...]) -> "Clip":
        """Only these cameras."""
        frames = {name: each for name, each in self.frames.items() if name in cameras}
        return replace(self, frames=frames)

    def at(self, index: Ints) -> "Clip":
        """Only these frames; neighbouring ones are not copied."""
        near = len(index) > 0 and bool((np.diff(index) == 1).all())
        part = slice(int(index[0]), int(index[-1]) + 1) if near else index
        return replace(
            self,
            frames={name: each[part] for name, each in self.frames.items()},
            times_ns=self.times_ns[part],
            index=self.index[part],
            present={name: there[part] for name, there in self.present.items()},
        )


def clip_of(
    cameras: tuple[str, ...],
    frames: Mapping[str, Frames],
    timestamps_ns: Ints,
    calibrations: Mapping[str, CameraCalibration],
    present: Mapping[str, Bools] | None,
) -> Clip:
    """The frames of those cameras that have any.

    Raises:
        ValueError: Arrays of the wrong shape or type.
    """
    steps = len(timestamps_ns)
    there = {}
    for name in (name for name in cameras if name in frames):
        if frames[name].dtype != np.uint8 or frames[name].ndim != 4:
            raise ValueError(f"{name}: frames are (T, height, width, 3) uint8")
        if len(frames[name]) != steps:
            raise ValueError(f"{name}: {len(frames[name])} frames for {steps} timestamps")
        given = (present or {}).get(name)
        there[name] = np.ones(steps, bool) if given is None else np.asarray(given, bool)
    there = {name: each for name, each in there.items() if each.any()}
    return Clip(
        {name: frames[name] for name in there},
        np.asarray(timestamps_ns, np.int64),
        np.arange(steps),
        there,
        calibrations,
    )


@dataclass(frozen=True)
class Placement:
    """Where an image lies in the graph's input, in whole pixels of the input."""

    left: int
    top: int
    width: int
    height: int


def placed(spec: ImageInput, width: int, height: int) -> Placement:
    """Where an image of this size goes."""
    if spec.fit is Fit.STRETCH:
        return Placement(0, 0, spec.width, spec.height)
    scale = min(spec.width / width, spec.height / height)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    if spec.fit is Fit.LETTERBOX_CORNER:
        return Placement(0, 0, across, down)
    return Placement((spec.width - across) // 2, (spec.height - down) // 2, across, down)


def image_batch(inputs: OnnxInputs, clip: Clip, cameras: tuple[str, ...]) -> ImageBatch:
    """Sizes, places and presence of the images of some cameras, for decoders.

    The size of a camera that the clip lacks is that of the graph's input.
    """
    sizes, shown, there = [], [], []
    for name in cameras:
        spec = input_of(inputs, name)
        frames = clip.frames.get(name)
        width, height = (
            (spec.width, spec.height) if frames is None else (frames.shape[2], frames.shape[1])
        )
        at = placed(spec, width, height)
        sizes.append((width, height))
        shown.append(
            (
                at.left / spec.width,
                at.top / spec.height,
                at.width / spec.width,
                at.height / spec.height,
            )
        )
        there.append(clip.present.get(name, np.zeros(len(clip.times_ns), bool)))
    floats: Floats = np.array(shown, np.float64).reshape(-1, 4)
    return ImageBatch(
        clip.times_ns,
        cameras,
        np.array(sizes, np.float64).reshape(-1, 2),
        np.stack(there, axis=1),
        floats,
    )


def input_of(inputs: OnnxInputs, camera: str) -> ImageInput:
    """The graph's input that has a camera's image."""
    return next(each for each in inputs.images.values() if camera in each.cameras)
