"""Made-up clips, on which a network can be tried without a lake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Bools, Ints
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration, mounted_camera
from shadow.networks.network import Frames, Network

SETS = 4
STEP_NS = 200_000_000
HEIGHT, WIDTH = 120, 200  # such images must be resized for almost any network


@dataclass(frozen=True)
class ProbeClip:
    """Camera sets to try a network on, as `shadow.networks.network.Network.perceive` takes them."""

    name: str
    frames: Mapping[str, Frames]
    timestamps_ns: Ints
    calibrations: Mapping[str, CameraCalibration]

    def perceived_by(
        self, network: Network, present: Mapping[str, Bools] | None = None
    ) -> Perception:
        """The network's outputs on it."""
        return network.perceive(self.frames, self.timestamps_ns, self.calibrations, present=present)

    def alone(self, index: int) -> "ProbeClip":
        """One of its camera sets."""
        at = slice(index, index + 1)
        frames = {name: images[at] for name, images in self.frames.items()}
        return ProbeClip(self.name, frames, self.timestamps_ns[at], self.calibrations)


def made_up_clip(cameras: Sequence[str]) -> ProbeClip:
    """A few camera sets of noise, the same every time; all cameras look ahead."""
    generator = np.random.default_rng(0)
    shape = (SETS, HEIGHT, WIDTH, 3)
    frames = {name: generator.integers(0, 256, shape, dtype=np.uint8) for name in cameras}
    calibrations = {
        name: mounted_camera(name, WIDTH, HEIGHT, 90.0, 0.0, 5.0, (1.5, 0.0, 1.4))
        for name in cameras
    }
    times = np.arange(SETS, dtype=np.int64) * STEP_NS
    return ProbeClip(f"{SETS} made-up camera sets", frames, times, calibrations)
