"""Inference: the frames of a clip in, perception in the standard forms out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor
from torch.nn import functional as F

from ridealong.arrays import Bools, Floats, Floats32, Ints
from ridealong.perception.annotations import (
    ANNOTATIONS,
    LightState,
    Perception,
    Surface,
    Task,
)
from ridealong.perception.geometry import CameraCalibration
from shadow.networks import decode
from shadow.networks.hydranet.config import SHOWN, HydraNetCamera
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.model import HydraNet, HydraOutput
from shadow.networks.hydranet.topdown import Sampling, make_sampling
from shadow.networks.network import Frames
from shadow.networks.polylines import Ridges, joined_ridges


@dataclass(frozen=True)
class HydraNetwork:
    """A HydraNet that is open; see `shadow.networks.network.Network`.

    Attributes:
        manifest: What it is, and which predictions it gives.
        model: The model, in evaluation mode, on the device.
        device: Where it runs.
    """

    manifest: HydraNetManifest
    model: HydraNet
    device: torch.device

    def perceive(
        self,
        frames: Mapping[str, Frames],
        timestamps_ns: Ints,
        calibrations: Mapping[str, CameraCalibration],
        *,
        present: Mapping[str, Bools] | None = None,
        batch: int = 8,
        bf16: bool = False,
    ) -> Perception:
        """The network's outputs on a clip; see `shadow.networks.network.Network.perceive`.

        Images are stretched to the network's input size. Another ``batch`` may use other kernels,
        and so change the last bits.

        Args:
            frames: By camera, ``(T, height, width, 3)`` uint8; cameras may differ in size.
            timestamps_ns: ``(T,)``, ascending.
            calibrations: By camera, for the size of its frames. A camera whose calibration is
                unknown is not used for the top-down layout.
            present: By camera ``(T,)``, False where the frame was lost; by default none was.
            batch: How many time steps are computed at once; it limits the memory.
            bf16: Whether to compute in bfloat16, which is faster and less exact.

        Raises:
            ValueError: Arrays of the wrong shape or type.
        """
        clip = _clip_of(self.manifest, frames, timestamps_ns, present)
        if not clip.cameras:
            return Perception(timestamps_ns, ANNOTATIONS.empty_table())
        sampling = make_sampling(clip.cameras, calibrations) if self._fuses else None
        sampling = sampling.to(self.device) if sampling else None
        listed = _listed(self.manifest, clip.cameras)
        room = self._room(min(batch, len(timestamps_ns)), len(clip.cameras))
        parts = []
        for start in range(0, len(timestamps_ns), batch):
            piece = clip.piece(slice(start, start + batch))
            output = self._forward(piece, room, sampling, bf16)
            parts.append(_decode(output, piece.images, listed, sampling))
        return _joined(clip.images, parts, listed, _tasks(listed, sampling))

    def close(self) -> None:
        """Do nothing: the weights are freed with the object."""

    @property
    def _fuses(self) -> bool:
        return any(name.startswith("bev/") for name in self.manifest.predictions)

    def _room(self, steps: int, cameras: int) -> Tensor:
        """``(B, C, H, W, 3)`` for the images of each batch: fresh memory is slower to fill."""
        inputs = self.manifest.inputs
        return torch.empty((steps, cameras, inputs.height, inputs.width, 3), device=self.device)

    def _forward(
        self, clip: "_Clip", room: Tensor, sampling: Sampling | None, bf16: bool
    ) -> HydraOutput:
        with torch.inference_mode(), _repeatable(), self._precision(bf16):
            present = torch.from_numpy(clip.images.present).to(self.device)
            images = self._images(clip, room)
            output: HydraOutput = self.model(images, present, clip.cameras, sampling)
            return output.float()

    def _images(self, clip: "_Clip", room: Tensor) -> Tensor:
        """``(B, C, 3, H, W)`` in 0 to 1; channels are last in memory, which suits convolutions."""
        size = (self.manifest.inputs.height, self.manifest.inputs.width)
        frames = clip.frames
        if any(each.shape[1:3] != size for each in frames):
            return torch.stack([self._resized(each, size) for each in frames], dim=1)
        stacked = torch.from_numpy(np.stack(frames, axis=1))
        return room[: len(stacked)].copy_(stacked).div_(255).permute(0, 1, 4, 2, 3)

    def _resized(self, frames: Frames, size: tuple[int, int]) -> Tensor:
        # Decoded video may be read-only memory, which torch cannot share, so it is copied.
        images = torch.tensor(frames, device=self.device).permute(0, 3, 1, 2).float() / 255
        return F.interpolate(images, size, mode="bilinear", antialias=True)

    def _precision(self, bf16: bool) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=bf16)


@dataclass(frozen=True)
class _Clip:
    images: decode.ImageBatch
    frames: tuple[Frames, ...]

    @property
    def cameras(self) -> tuple[str, ...]:
        return self.images.cameras

    def piece(self, when: slice) -> "_Clip":
        images = decode.ImageBatch(
            self.images.timestamps_ns[when],
            self.images.cameras,
            self.images.sizes_px,
            self.images.present[when],
        )
        return _Clip(images, tuple(frames[when] for frames in self.frames))


@dataclass(frozen=True)
class _Listed:
    """The manifest's predictions as arrays over cameras C and categories: True if listed."""

    categories: tuple[str, ...]
    lines: tuple[str, ...]
    objects_CK: Bools
    lights_C: Bools
    lanes_CL: Bools
    lane_threshold_CL: Floats
    depth_C: Bools
    segmentation_C: Bools
    layers: tuple[tuple[int, str, float], ...]  # index, name, threshold


@dataclass(frozen=True)
class _Part:
    """The outputs for one batch."""

    objects: decode.Peaks | None
    lights_BCS: Floats | None
    lanes: Ridges | None
    depth: dict[str, Floats32]
    segmentation: dict[str, NDArray[np.uint8]]
    bev: dict[str, NDArray[np.uint8]]


@contextmanager
def _repeatable() -> Iterator[None]:
    """Make results independent of the machine's number of cores and its load.

    On a CPU, a convolution that is split over threads rounds differently for each number of
    threads. So each worker uses one thread. With one worker per core this is also faster, because
    threads that wait for each other use the processor. On CUDA, kernels are not chosen by a
    benchmark, whose result would vary.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield
    finally:
        torch.set_num_threads(threads)


def _clip_of(
    manifest: HydraNetManifest,
    frames: Mapping[str, Frames],
    timestamps_ns: Ints,
    present: Mapping[str, Bools] | None,
) -> _Clip:
    names_used = [c.value for c in HydraNetCamera if c in manifest.inputs.cameras and c in frames]
    names = tuple(n for n in names_used if present is None or n not in present or present[n].any())
    steps = len(timestamps_ns)
    for name in names:
        if frames[name].dtype != np.uint8 or frames[name].ndim != 4:
            raise ValueError(f"{name}: frames are (T, height, width, 3) uint8")
        if len(frames[name]) != steps:
            raise ValueError(f"{name}: {len(frames[name])} frames for {steps} timestamps")
    sizes = np.array([frames[name].shape[2:0:-1] for name in names], np.float64).reshape(-1, 2)
    there = np.ones((steps, len(names)), bool)
    for index, name in enumerate(names):
        if present is not None and name in present:
            there[:, index] = present[name]
    images = decode.ImageBatch(np.asarray(timestamps_ns, np.int64), names, sizes, there)
    return _Clip(images, tuple(frames[name] for name in names))


def _listed(manifest: HydraNetManifest, cameras: tuple[str, ...]) -> _Listed:
    config, has = manifest.config, frozenset(manifest.predictions)

    def grid(template: str, names: tuple[str, ...]) -> Bools:
        cells = [[template.format(name, camera) in has for name in names] for camera in cameras]
        return np.array(cells, bool).reshape(len(cameras), len(names))

    lines = tuple(line.value for line in config.lanes)
    thresholds = [[manifest.threshold(f"lanes/{a}@{camera}") for a in lines] for camera in cameras]
    layers = [(index, layer.value) for index, layer in enumerate(config.bev_layers)]
    return _Listed(
        categories=tuple(category.value for category in config.objects),
        lines=lines,
        objects_CK=grid("objects/{}@{}", tuple(config.objects)),
        lights_C=np.any(grid("lights/{}@{}", tuple(LightState)), axis=1),
        lanes_CL=grid("lanes/{}@{}", lines),
        lane_threshold_CL=np.array(thresholds, np.float64).reshape(len(cameras), len(lines)),
        depth_C=grid("depth@{1}", ("",))[:, 0],
        segmentation_C=np.any(grid("segmentation/{}@{}", tuple(Surface)), axis=1),
        layers=tuple(
            (i, layer, manifest.threshold(f"bev/{layer}"))
            for i, layer in layers
            if f"bev/{layer}" in has
        ),
    )


def _tasks(listed: _Listed, sampling: Sampling | None) -> frozenset[str]:
    """The tasks that were judged in the cameras that the clip has."""
    judged = {
        Task.OBJECTS: listed.objects_CK.any(),
        Task.LIGHTS: listed.lights_C.any(),
        Task.LANES: listed.lanes_CL.any(),
        Task.DEPTH: listed.depth_C.any(),
        Task.SEGMENTATION: listed.segmentation_C.any(),
        Task.BEV: bool(listed.layers) and sampling is not None,
    }
    return frozenset(task for task, is_judged in judged.items() if is_judged)


def _decode(
    output: HydraOutput, images: decode.ImageBatch, listed: _Listed, sampling: Sampling | None
) -> _Part:
    return _Part(
        _objects(output, images, listed),
        _lights(output),
        _lanes(output, images, listed),
        _depth(output, images, listed),
        _segmentation(output, images, listed),
        _bev(output, images, listed, sampling),
    )


def _objects(
    output: HydraOutput, images: decode.ImageBatch, listed: _Listed
) -> decode.Peaks | None:
    if output.heatmap_BCKhw is None or output.box_BC4hw is None:
        return None
    maps = _array(output.heatmap_BCKhw), _array(output.box_BC4hw)
    return decode.find_objects(*maps, images, listed.objects_CK)


def _lights(output: HydraOutput) -> Floats | None:
    """The probability of each state's best cell."""
    if output.lights_BCShw is None:
        return None
    best: Floats = expit(_array(output.lights_BCShw.flatten(3).amax(dim=-1)).astype(np.float64))
    return best


def _lanes(output: HydraOutput, images: decode.ImageBatch, listed: _Listed) -> Ridges | None:
    if output.lanes_BCLhw is None:
        return None
    logits = _array(output.lanes_BCLhw)
    return decode.find_lanes(logits, images, listed.lanes_CL, listed.lane_threshold_CL)


def _array(tensor: Tensor) -> Floats32:
    array: Floats32 = tensor.cpu().numpy()
    return array


def _depth(output: HydraOutput, images: decode.ImageBatch, listed: _Listed) -> dict[str, Floats32]:
    if output.log_depth_BChw is None:
        return {}
    return {
        name: decode.decode_depth(_array(output.log_depth_BChw[:, c]), images.present[:, c])
        for c, name in enumerate(images.cameras)
        if listed.depth_C[c]
    }


def _segmentation(
    output: HydraOutput, images: decode.ImageBatch, listed: _Listed
) -> dict[str, NDArray[np.uint8]]:
    if output.segmentation_BCUhw is None:
        return {}
    return {
        name: decode.decode_segmentation(
            _array(output.segmentation_BCUhw[:, c]), images.present[:, c]
        )
        for c, name in enumerate(images.cameras)
        if listed.segmentation_C[c]
    }


def _bev(
    output: HydraOutput, images: decode.ImageBatch, listed: _Listed, sampling: Sampling | None
) -> dict[str, NDArray[np.uint8]]:
    if output.bev_BYyx is None or sampling is None:
        return {}
    calibrated = sampling.visible_CP.any(dim=1).cpu().numpy()
    known = (images.present & calibrated[None]).any(axis=1)
    return {
        layer: decode.decode_layer(_array(output.bev_BYyx[:, index]), threshold, known)
        for index, layer, threshold in listed.layers
    }


def _joined(
    images: decode.ImageBatch, parts: list[_Part], listed: _Listed, tasks: frozenset[str]
) -> Perception:
    times = images.timestamps_ns
    if not parts:
        return Perception(times, ANNOTATIONS.empty_table(), tasks=tasks)
    sparse = pa.concat_tables([ANNOTATIONS.empty_table(), *_sparse(images, parts, listed)])
    return Perception(
        times,
        decode.in_reading_order(sparse.combine_chunks()),
        depth={n: np.concatenate([p.depth[n] for p in parts]) for n in parts[0].depth},
        segmentation={
            n: np.concatenate([p.segmentation[n] for p in parts]) for n in parts[0].segmentation
        },
        bev={n: np.concatenate([p.bev[n] for p in parts]) for n in parts[0].bev},
        tasks=tasks,
    )


def _sparse(images: decode.ImageBatch, parts: list[_Part], listed: _Listed) -> Iterator[pa.Table]:
    """The rows of each head, for all batches together: most steps have a fixed cost."""
    if peaks := [part.objects for part in parts if part.objects]:
        yield decode.decode_objects(decode.joined_peaks(peaks), images, listed.categories)
    if lights := [part.lights_BCS for part in parts if part.lights_BCS is not None]:
        every = np.repeat(listed.lights_C[:, None], len(SHOWN), axis=1)
        states = [state.value for state in SHOWN]
        yield decode.decode_states(np.concatenate(lights), images, states, every)
    if ridges := [part.lanes for part in parts if part.lanes]:
        yield decode.decode_lanes(joined_ridges(ridges), images, listed.lines)
