"""Runs a network on a few made-up frames, so that what does not fit is found before it counts."""

import numpy as np

from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import mounted_camera
from shadow.networks.onnx.clip import input_of
from shadow.networks.onnx.network import OnnxNetwork

FRAMES = 3
STEP_NS = 200_000_000


def try_out(network: OnnxNetwork) -> Perception:
    """The outputs on a few frames of noise.

    Raises:
        RidealongError: As for `OnnxNetwork.perceive`.
    """
    inputs = network.manifest.inputs
    generator = np.random.default_rng(0)
    frames, calibrations = {}, {}
    for name in network.manifest.cameras:
        spec = input_of(inputs, name)
        shape = (FRAMES, spec.height, spec.width, 3)
        frames[name] = generator.integers(0, 256, shape, dtype=np.uint8)
        calibrations[name] = mounted_camera(
            name, spec.width, spec.height, 90.0, 0.0, 5.0, (1.5, 0.0, 1.4)
        )
    times = np.arange(FRAMES, dtype=np.int64) * STEP_NS
    return network.perceive(frames, times, calibrations)
