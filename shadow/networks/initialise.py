"""Networks that have learnt nothing: weights from a seed, the same bytes everywhere.

Weights are drawn with integers and single multiplications (a uniform distribution), never with a
logarithm, a cosine or a long sum, whose last bit differs between processors.

    python -m shadow.networks.initialise FOLDER NAME VERSION SEED

writes FOLDER/manifest.yaml and FOLDER/weights.safetensors: how the two networks that ship with
ridealong were made.
"""

import hashlib
import math
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor

from ingest.annotations import Camera, LightState
from shadow.networks.config import HydraNetConfig, possible_predictions
from shadow.networks.hydranet import HydraNet
from shadow.networks.weights import shapes_of

# Heads start out saying "nothing there", and "twenty metres" for depth.
OBJECTS_BIAS = -5.6
LANES_BIAS = -1.5
DEPTH_BIAS = math.log(20.0)
HEAD_GAIN = 1.5  # of a head's last layer, so that what it says varies over the image
DAMPED = ".way.7.weight"  # the last normalisation of a residual block
DAMPING = 0.5
# What has learnt nothing is sure of nothing: at 0.5 it would say nothing to compare.
UNSURE = {"objects/": 0.1, "lights/": 0.3}
# Small: what has learnt nothing need not be large.
CONFIG = HydraNetConfig(widths=(32, 48, 64, 96), depths=(1, 1, 2, 1), trunk=32)
STEPS = 1 << 20  # kernels are drawn as whole numbers: sums of them are exact


def initialise(config: HydraNetConfig, seed: int) -> dict[str, Tensor]:
    """Weights for a network of this config, in a fixed order, from a seed."""
    generator = np.random.default_rng(seed)
    weights = {name: _start(name, shape, generator) for name, shape in shapes_of(config).items()}
    _bias_heads(weights, config)
    return weights


def initialised_network(config: HydraNetConfig, seed: int) -> HydraNet:
    """A network ready to be trained from `initialise`'s weights."""
    network = HydraNet(config)
    network.load_state_dict(initialise(config, seed), strict=False)
    return network


def untrained_manifest(name: str, version: str, seed: int, sha256: str) -> dict[str, object]:
    """The manifest of a seeded network of `CONFIG`, for all cameras."""
    possible = possible_predictions(CONFIG, Camera)
    untold = f"lights/{LightState.NONE}@"  # no light is the absence of the other states
    said = [name for name in possible if not name.startswith(untold)]
    return {
        "name": name,
        "version": version,
        "description": f"Not trained: weights initialised from seed {seed}, so that the way from a "
        "drive to a verdict can be walked before there is a trained network. "
        "What it says means nothing.",
        "licence": "Apache-2.0",
        "trained": f"no; shadow.networks.initialise with seed {seed}",
        "artifact": "weights.safetensors",
        "sha256": sha256,
        "kind": "safetensors",
        "architecture": "hydranet",
        "config": CONFIG.model_dump(mode="json"),
        "inputs": {
            "cameras": [camera.value for camera in Camera],
            "height": 96,
            "width": 160,
            "rate_hz": 5.0,
            "recurrent": False,
        },
        "predictions": said,
        "thresholds": {p: UNSURE[task] for p in said for task in UNSURE if p.startswith(task)},
    }


def write_untrained(folder: Path, name: str, version: str, seed: int) -> None:
    """Write manifest and weights of a seeded network."""
    artifact = safetensors.torch.save(initialise(CONFIG, seed))
    manifest = untrained_manifest(name, version, seed, hashlib.sha256(artifact).hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.safetensors").write_bytes(artifact)
    text = yaml.safe_dump(manifest, sort_keys=False, width=100)
    (folder / "manifest.yaml").write_text(text, "utf-8")


def _start(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> Tensor:
    """Uniform kernels; one and zero for normalisation (a block's way damped); zero for biases."""
    if len(shape) >= 2:
        return torch.from_numpy(_kernel(shape, generator))
    if name.endswith(DAMPED):
        return torch.full(shape, DAMPING)
    ones = name.endswith(("running_var", "weight"))
    return torch.ones(shape) if ones else torch.zeros(shape)


def _kernel(shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
    """Kaiming's uniform bound, and a mean of exactly zero over what each output reads.

    Without the zero mean, activations (which are never negative) would shift every output by a
    random constant that grows from layer to layer, as there is no data here to normalise by.
    """
    fan_in = math.prod(shape[1:])
    drawn = generator.integers(-STEPS, STEPS, (shape[0], fan_in), endpoint=True)
    centred = drawn * fan_in - drawn.sum(axis=1, keepdims=True)
    scale = math.sqrt(6.0 / fan_in) / (STEPS * fan_in)
    kernel: NDArray[np.float32] = (centred * scale).astype(np.float32).reshape(shape)
    return kernel


def _bias_heads(weights: dict[str, Tensor], config: HydraNetConfig) -> None:
    for name in weights:
        if name.startswith("heads.") and name.endswith(".weight"):
            weights[name] *= HEAD_GAIN
    if config.objects:
        weights["heads.objects.bias"][: len(config.objects)] = OBJECTS_BIAS
        weights["heads.objects.bias"][-2:] = math.log(4.0)  # sixteen pixels
    if config.lights:
        weights["lights.state.bias"][:] = OBJECTS_BIAS
    if config.lanes:
        weights["heads.lanes.bias"][:] = LANES_BIAS
    if config.depth:
        weights["heads.depth.bias"][:] = DEPTH_BIAS


if __name__ == "__main__":
    write_untrained(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
