"""An open network of a user's own Python: what it gives is checked before anybody uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.tasks.registry import parse_prediction
from ridealong.arrays import Bools
from ridealong.errors import RidealongError
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from shadow.networks.forms import Asked, form_faults, name_faults, range_faults
from shadow.networks.network import Frames
from shadow.networks.python.entry import naming
from shadow.networks.python.manifest import PythonManifest

SHOWN = 3  # faults of one clip that are named


@dataclass(frozen=True)
class PythonNetwork:
    """A user's network that is open; see `shadow.networks.network.Network`.

    Threads may share it: the user's code is called by one at a time.

    Attributes:
        manifest: What it is, and which predictions it gives.
        point: Where it comes from.
        network: What the user's code made: it has ``perceive``, and perhaps ``close``.
    """

    manifest: PythonManifest
    point: EntryPoint
    network: Any
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def perceive(
        self,
        frames: Mapping[str, Frames],
        timestamps_ns: NDArray[np.int64],
        calibrations: Mapping[str, CameraCalibration],
        *,
        present: Mapping[str, Bools] | None = None,
    ) -> Perception:
        """The network's outputs on a clip; see `shadow.networks.network.Network.perceive`.

        Only the cameras of the manifest are given to it.

        Raises:
            NotInstalledError: The user's code raises an error.
            RidealongError: The outputs do not have the standard forms, or a number is NaN.
        """
        own = {name: frames[name] for name in self.manifest.cameras if name in frames}
        asked = Asked(own, timestamps_ns, present)
        with self._lock, naming(self.point, f"cannot run {self.manifest.id}"):
            found: Perception = self.network.perceive(
                own, timestamps_ns, calibrations, present=present
            )
        self._check(found, asked)
        return replace(found, tasks=found.tasks | self._tasks(found, own))

    def close(self) -> None:
        """Release what the network holds."""
        close = getattr(self.network, "close", None)
        with self._lock, naming(self.point, f"cannot close {self.manifest.id}"):
            if close is not None:
                close()

    def _check(self, found: object, asked: Asked) -> None:
        with naming(self.point, f"cannot check the outputs of {self.manifest.id}"):
            faults = list(islice(form_faults(found, asked), SHOWN))
            if not faults:
                assert isinstance(found, Perception)
                named = name_faults(found, self.manifest.predictions)
                faults = list(islice([*named, *range_faults(found, asked)], SHOWN))
        if faults:
            raise RidealongError("; ".join(faults), where=self.manifest.id)

    def _tasks(self, found: Perception, frames: Mapping[str, Frames]) -> frozenset[str]:
        """The families that were judged: dense ones are given, sparse ones could have been."""
        dense = {"depth", "segmentation", "bev"}
        named = [parse_prediction(name) for name in self.manifest.predictions]
        seen = {str(p.task) for p in named if (p.camera in frames if p.camera else frames)}
        given = {task for task in dense if getattr(found, task)}
        return frozenset((seen - dense) | given)
