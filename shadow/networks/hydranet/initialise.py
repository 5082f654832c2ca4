"""Where training begins: weights from a seed, the same bytes everywhere.

Weights are drawn with integers and single multiplications (a uniform distribution), never with a
logarithm, a cosine or a long sum, whose last bit differs between processors.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shadow.networks.hydranet.config import HydraNetConfig
from shadow.networks.hydranet.model import HydraNet
from shadow.networks.hydranet.weights import shapes_of

# Heads start out saying "nothing there", and "twenty metres" for depth.
OBJECTS_BIAS = -5.6
LANES_BIAS = -1.5
DEPTH_BIAS = math.log(20.0)
HEAD_GAIN = 1.5  # of a head's last layer, so that what it says varies over the image
DAMPED = ".way.7.weight"  # the last normalisation of a residual block
DAMPING = 0.5
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
