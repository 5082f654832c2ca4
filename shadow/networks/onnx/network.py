"""An open ONNX network: the frames of a clip in, perception in the standard forms out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from metrics.tasks.registry import parse_prediction
from ridealong.arrays import Bools, Ints
from ridealong.errors import RidealongError
from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED, Perception, Task
from ridealong.perception.geometry import CameraCalibration
from shadow.networks.decode import in_reading_order
from shadow.networks.network import Frames
from shadow.networks.onnx.clip import Clip, clip_of, image_batch, input_of
from shadow.networks.onnx.decoders.decode import decode
from shadow.networks.onnx.decoders.scene import Decoded, Scene
from shadow.networks.onnx.filling import fill, start_states
from shadow.networks.onnx.inputs import MatrixInput
from shadow.networks.onnx.manifest import OnnxManifest
from shadow.networks.onnx.outputs import GraphOutput
from shadow.networks.onnx.process import GraphProcess
from shadow.networks.onnx.taps import tapped
from shadow.networks.onnx.wire import Array


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX network that is open; see `shadow.networks.network.Network`.

    Attributes:
        manifest: What it is, and which predictions it gives.
        process: The graph.
    """

    manifest: OnnxManifest
    process: GraphProcess

    def perceive(
        self,
        frames: Mapping[str, Frames],
        timestamps_ns: NDArray[np.int64],
        calibrations: Mapping[str, CameraCalibration],
        *,
        present: Mapping[str, Bools] | None = None,
    ) -> Perception:
        """The network's outputs on a clip; see `shadow.networks.network.Network.perceive`.

        Raises:
            ValueError: Arrays of the wrong shape or type.
            RidealongError: The graph fails or dies, an output does not fit its decoder, or an
                output is NaN.
        """
        clip = clip_of(self.manifest.cameras, frames, timestamps_ns, calibrations, present)
        if not clip.frames:
            return Perception(timestamps_ns, ANNOTATIONS.empty_table())
        parts: list[tuple[Ints, Decoded]] = []
        for cameras in self._groups(clip):
            there = np.any([clip.present[name] for name in cameras if name in clip.present], axis=0)
            parts += self._group(clip.of(cameras).at(np.flatnonzero(there)), cameras)
        return _joined(clip, parts, self._tasks(clip))

    def close(self) -> None:
        """End the graph's process."""
        self.process.close()

    def _groups(self, clip: Clip) -> list[tuple[str, ...]]:
        """The cameras of each run: all together, or each alone."""
        if self.manifest.inputs.together:
            return [self.manifest.cameras]
        return [(name,) for name in self.manifest.cameras if name in clip.frames]

    def _group(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[tuple[Ints, Decoded]]:
        """The outputs of some cameras, with the indices of their frames."""
        states = start_states(self.manifest.inputs, self.process.graph.inputs)
        batch = self.manifest.inputs.batch
        for start in range(0, len(clip.times_ns), batch):
            piece = clip.at(np.arange(start, min(start + batch, len(clip.times_ns))))
            found = self._run(piece, cameras, states)
            states = {n: found[s.output] for n, s in self.manifest.inputs.states.items()}
            for output in self.manifest.outputs:
                decoded = self._decoded(output, found, piece, cameras)
                if decoded is not None:
                    yield piece.index, decoded

    def _run(
        self, piece: Clip, cameras: tuple[str, ...], states: Mapping[str, Array]
    ) -> dict[str, Array]:
        inputs = self.manifest.inputs
        steps, batch = len(piece.times_ns), inputs.batch
        whole = piece.at(np.minimum(np.arange(batch), steps - 1))  # the last batch is filled up
        arrays = fill(inputs, self.process.graph.inputs, whole, cameras)
        taps = (tap.output for output in self.manifest.outputs for tap in output.taps.values())
        wanted = dict.fromkeys([*taps, *(state.output for state in inputs.states.values())])
        return self.process.run({**arrays, **states}, list(wanted))

    def _decoded(
        self, output: GraphOutput, found: Mapping[str, Array], piece: Clip, cameras: tuple[str, ...]
    ) -> Decoded | None:
        chosen = tuple(n for n in output.cameras or cameras if n in cameras)
        if not chosen or (output.decoder == "layers" and not self._sees_ground(piece)):
            return None
        try:
            arrays = tapped(output, output.decoder, found)
            for name, array in arrays.items():
                self._check_sizes(output, name, array, len(chosen))
            arrays = {name: array[: len(piece.times_ns)] for name, array in arrays.items()}
            self._check_numbers(output, arrays, piece)
            sizes = [input_of(self.manifest.inputs, name) for name in chosen]
            scene = Scene(
                self.manifest,
                image_batch(self.manifest.inputs, piece, chosen),
                np.array([(each.width, each.height) for each in sizes], np.float64),
                piece.calibrations,
            )
            return decode(output, arrays, scene)
        except RidealongError as error:
            if error.where is not None:
                raise
            raise RidealongError(
                error.what, where=self.manifest.id, expected=error.expected, hint=error.hint
            ) from error

    def _check_sizes(self, output: GraphOutput, name: str, array: Array, cameras: int) -> None:
        axes, tap = output.AXES[name], output.taps[name]
        for letter, size in (("N", self.manifest.inputs.batch), ("K", cameras)):
            if letter in tap.layout and array.shape[axes.index(letter)] != size:
                what = f"output {tap.output!r} has {array.shape[axes.index(letter)]} along {letter}"
                raise RidealongError(what, expected=f"{size}, for {output.decoder}.{name}")
        for letter, count in zip(axes, array.shape, strict=True):
            if not count and letter != "M":
                what = f"output {tap.output!r} has 0 along {letter}"
                raise RidealongError(what, expected=f"at least 1, for {output.decoder}.{name}")

    def _check_numbers(self, output: GraphOutput, arrays: Mapping[str, Array], piece: Clip) -> None:
        """Refuse NaN: it would be taken for "nothing there"."""
        for name, array in arrays.items():
            if array.dtype.kind != "f":
                continue
            bad = np.isnan(array).any(axis=tuple(range(1, array.ndim)))
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                raise RidealongError(
                    f"output {output.taps[name].output!r} is NaN in frame {piece.index[first]}"
                    f" (timestamp {piece.times_ns[first]} ns)"
                )

    def _sees_ground(self, clip: Clip) -> bool:
        """Whether top-down layers can be known: a graph that takes calibrations needs one."""
        takes = any(isinstance(s, MatrixInput) for s in self.manifest.inputs.graph.values())
        known = (clip.calibrations[n].known for n in clip.frames if n in clip.calibrations)
        return not takes or any(known)

    def _tasks(self, clip: Clip) -> frozenset[str]:
        """The families that were judged in the cameras that the clip has."""
        named = [parse_prediction(name) for name in self.manifest.predictions]
        seen = {p.task for p in named if p.camera is None or p.camera in clip.frames}
        return frozenset(seen - ({Task.BEV.value} if not self._sees_ground(clip) else set()))


def _joined(clip: Clip, parts: list[tuple[Ints, Decoded]], tasks: frozenset[str]) -> Perception:
    tables = [table for _, part in parts for table in part.sparse]
    sparse = pa.concat_tables([ANNOTATIONS.empty_table(), *tables]).combine_chunks()
    return Perception(
        clip.times_ns,
        in_reading_order(sparse),
        depth=_whole(clip, [(at, part.depth) for at, part in parts], np.nan),
        segmentation=_whole(clip, [(at, part.segmentation) for at, part in parts], UNLABELLED),
        bev=_whole(clip, [(at, part.bev) for at, part in parts], UNLABELLED),
        tasks=tasks,
    )


def _whole(
    clip: Clip, parts: list[tuple[Ints, Mapping[str, Array]]], unknown: float
) -> dict[str, Array]:
    """Dense arrays over all frames of the clip; frames that were not run are unknown."""
    found: dict[str, Array] = {}
    for at, arrays in parts:
        for name, array in arrays.items():
            if name not in found:
                shape = (len(clip.times_ns), *array.shape[1:])
                found[name] = np.full(shape, unknown, array.dtype)
            if found[name].shape[1:] != array.shape[1:]:
                raise RidealongError(f"dense outputs of {name!r} change their size in a clip")
            found[name][at] = array
    return found
