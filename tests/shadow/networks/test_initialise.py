import hashlib
from collections import Counter

import numpy as np
import pytest
import safetensors.torch
import yaml

from ingest.annotations import Camera
from ingest.rig import rig_cameras
from shadow.networks.config import HydraNetConfig
from shadow.networks.hydranet import HydraNet
from shadow.networks.initialise import initialise, write_untrained
from shadow.networks.loading import load_folder
from shadow.networks.manifest import load_manifest
from shadow.networks.registry import shipped_manifests

SEEDS = {"hydra-0.1": 1, "hydra-0.2": 2}


def test_two_networks_ship():
    assert [load_manifest(path).id for path in shipped_manifests()] == list(SEEDS)


@pytest.mark.parametrize("path", shipped_manifests(), ids=lambda path: path.parent.name)
def test_a_shipped_network_is_its_seed(tmp_path, path):
    manifest = load_manifest(path)
    write_untrained(tmp_path, manifest.name, manifest.version, SEEDS[manifest.id])
    for name in ("manifest.yaml", "weights.safetensors"):
        assert (tmp_path / name).read_bytes() == (path.parent / name).read_bytes()
    assert (path.parent / "weights.safetensors").stat().st_size < 1_000_000
    assert manifest.inputs.cameras == tuple(Camera)
    assert len(manifest.predictions) >= 100
    assert "Not trained" in manifest.description


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


@pytest.mark.parametrize("path", shipped_manifests(), ids=lambda path: path.parent.name)
def test_an_untrained_network_says_a_handful(path):
    # A grey road under a bright sky, with some noise: a picture, if a poor one.
    generator = np.random.default_rng(0)
    picture = np.where(np.arange(96) < 40, 200, 90)[:, None, None]
    noise = generator.integers(-25, 26, (3, 96, 160, 3))
    frames = {"main": np.clip(picture + noise, 0, 255).astype(np.uint8)}
    seen = load_folder(path).perceive(frames, np.arange(3), rig_cameras(160, 96))
    count = Counter(row["task"] for row in seen.sparse.to_pylist())
    assert 3 <= count["objects"] <= 3 * 40 and 1 <= count["lanes"] <= 3 * 20
    assert 2 < np.median(seen.depth["main"]) < 200
    assert len(np.unique(seen.segmentation["main"])) >= 4


def test_the_manifest_is_plain_yaml(tmp_path):
    write_untrained(tmp_path, "hydra", "9", 9)
    document = yaml.safe_load((tmp_path / "manifest.yaml").read_text())
    assert document["trained"] == "no; shadow.networks.initialise with seed 9"
