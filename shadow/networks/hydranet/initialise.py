"""The first weights of a training: random, from a seed, and the same bytes on every processor.

They are uniform, and computed with integers and single multiplications. A logarithm, a cosine or a
long sum would differ in the last bit between processors.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shadow.networks.hydranet.config import HydraNetConfig
from shadow.networks.hydranet.model import HydraNet
from shadow.networks.hydranet.weights import shapes_of

# At first the heads output "nothing there", and a depth of twenty metres.
OBJECTS_BIAS = -5.6
LANES_BIAS = -1.5
DEPTH_BIAS = math.log(20.0)
HEAD_GAIN = 1.5  # of the last layer of a head, so that its output varies over the image
DAMPED = ".way.7.weight"  # the last normalisation of a residual block
DAMPING = 0.5
STEPS = 1 << 20  # kernels are drawn as integers, so that their sums are exact


def initialise(config: HydraNetConfig, seed: int) -> dict[str, Tensor]:
    """Random weights for a network of this config, in a fixed order."""
    generator = np.random.default_rng(seed)
    weights = {name: _start(name, shape, generator) for name, shape in shapes_of(config).items()}
    _bias_heads(weights, config)
    return weights


def initialised_network(config: HydraNetConfig, seed: int) -> HydraNet:
    """A network with the weights of `initialise`, ready for training."""
    network = HydraNet(config)
    network.load_state_dict(initialise(config, seed), strict=False)
    return network


def _start(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> Tensor:
    """Uniform kernels; one and zero for normalisation (damped in a block); zero for biases."""
    if len(shape) >= 2:
        return torch.from_numpy(_kernel(shape, generator))
    if name.endswith(DAMPED):
        return torch.full(shape, DAMPING)
    ones = name.endswith(("running_var", "weight"))
    return torch.ones(shape) if ones else torch.zeros(shape)


def _kernel(shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
    """Uniform within Kaiming's bound, with a mean of exactly zero over the inputs of each output.

    Activations are never negative. Without the zero mean they would shift every output by a random
    constant that grows from layer to layer, because there is no data yet to normalise by.
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
