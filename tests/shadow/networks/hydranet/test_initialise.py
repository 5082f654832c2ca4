import hashlib

import numpy as np
import pytest
import safetensors.torch

from shadow.networks.hydranet.config import HydraNetConfig
from shadow.networks.hydranet.initialise import initialise
from shadow.networks.hydranet.model import HydraNet


def test_the_bytes_of_a_seed_do_not_change(tiny):
    digest = hashlib.sha256(safetensors.torch.save(initialise(tiny, 7))).hexdigest()
    assert digest == hashlib.sha256(safetensors.torch.save(initialise(tiny, 7))).hexdigest()
    assert digest != hashlib.sha256(safetensors.torch.save(initialise(tiny, 8))).hexdigest()


def test_every_weight_is_set(tiny):
    weights = initialise(tiny, 1)
    state = HydraNet(tiny).state_dict()
    assert [n for n in state if not n.endswith("num_batches_tracked")] == list(weights)
    assert all(weights[name].shape == state[name].shape for name in weights)


def test_kernels_read_with_mean_zero_and_the_variance_of_kaiming():
    weights = initialise(HydraNetConfig(), 1)
    kernel = weights["pyramid.smooth.0.weight"].double().numpy().reshape(32, -1)
    assert np.abs(kernel.sum(axis=1)).max() < 1e-5
    assert kernel.std() == pytest.approx(np.sqrt(2 / (32 * 9)), rel=0.05)
