"""Dense outputs of networks, which the lake does not store: inferred when first needed.

A frame's outputs are kept in the server's folder, so nothing is inferred twice. One inference runs
at a time, in pieces, so that requests for different clips take turns.
"""

import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.routes.memory import Folder, Turns
from ingest.clips.read import DENSE, ClipReader
from ridealong.arrays import Ints
from ridealong.perception.annotations import ANNOTATIONS, Perception
from shadow.outputs import Infer, RunOutputs
from shadow.runs import ROLES

FRAMES_AT_ONCE = 16
SUFFIX = ".npz"


@dataclass(frozen=True)
class DenseOutputs:
    """Gives the outputs of a run's networks at some frames; see `shadow.outputs.Infer`.

    Attributes:
        folder: Keeps a file for each network and frame.
        infer: Runs the networks.
    """

    folder: Folder
    infer: Infer
    _turns: Turns = field(default_factory=Turns)
    _inferring: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self, outputs: RunOutputs, reader: ClipReader, times: Ints
    ) -> dict[str, Perception]:
        """The dense outputs by role, and the stored sparse ones, at these frames.

        Raises:
            RidealongError: As for `alone`.
        """
        kept = outputs.kept(reader, times)
        return {
            role: replace(dense, sparse=kept[role].sparse, tasks=kept[role].tasks | dense.tasks)
            for role, dense in self.alone(outputs, reader, times).items()
        }

    def alone(self, outputs: RunOutputs, reader: ClipReader, times: Ints) -> dict[str, Perception]:
        """The dense outputs alone, by role.

        Raises:
            RidealongError: The clip or a network's weights are damaged, or torch is not installed.
        """
        clip = str(reader.path)
        pair = tuple(str(outputs.run[f"{role}_sha256"]) for role in ROLES)
        with self._turns.of((clip, *pair)):
            missing = self._missing(clip, pair, times)
            while len(missing):
                with self._inferring:
                    found = self.infer(outputs, reader, missing[:FRAMES_AT_ONCE])
                for sha256, role in zip(pair, ROLES, strict=True):
                    self._keep(clip, sha256, found[role])
                missing = self._missing(clip, pair, missing[FRAMES_AT_ONCE:])
        return {
            role: self._read(clip, sha256, times) for sha256, role in zip(pair, ROLES, strict=True)
        }

    def _missing(self, clip: str, pair: tuple[str, ...], times: Ints) -> Ints:
        there = [
            all(self.folder.find((clip, sha256, str(time)), SUFFIX) for sha256 in pair)
            for time in times.tolist()
        ]
        return times[~np.array(there, np.bool_)]

    def _keep(self, clip: str, sha256: str, seen: Perception) -> None:
        for at, time in enumerate(seen.timestamps_ns.tolist()):
            arrays = {
                f"{kind}/{name}": values[at]
                for kind in DENSE
                for name, values in getattr(seen, kind).items()
            }
            self.folder.file((clip, sha256, str(time)), SUFFIX, partial(_packed, arrays))

    def _read(self, clip: str, sha256: str, times: Ints) -> Perception:
        files = [self.folder.find((clip, sha256, str(time)), SUFFIX) for time in times.tolist()]
        frames = [_unpacked(file) for file in files if file]
        arrays: dict[str, Any] = {kind: {} for kind in DENSE}
        for key in frames[0] if frames else ():
            kind, name = key.split("/", maxsplit=1)
            arrays[kind][name] = np.stack([frame[key] for frame in frames])
        tasks = frozenset(kind for kind in DENSE if arrays[kind])
        seen = Perception(times, ANNOTATIONS.empty_table(), tasks=tasks)
        return replace(seen, **arrays)


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def _unpacked(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
