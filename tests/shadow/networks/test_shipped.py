"""The two networks that come with ridealong, as files; what they can do is judged elsewhere."""

from pathlib import Path

import numpy as np
import pytest
import torch

from shadow.networks.hydranet.config import HydraNetCamera
from shadow.networks.hydranet.training.recipe import load_recipe
from shadow.networks.hydranet.training.train import recipe_sha256
from shadow.networks.hydranet.weights import load_model
from shadow.networks.opening import load_manifest
from shadow.networks.registry import shipped_manifests
from tests.oracles.networks import open_folder

MOST_BYTES = 6_000_000
RECIPES = Path(__file__).parents[3] / "examples/recipes"


def test_two_networks_ship():
    assert [load_manifest(path).id for path in shipped_manifests()] == ["hydra-1.0", "hydra-1.1"]


@pytest.mark.parametrize("path", shipped_manifests(), ids=lambda path: path.parent.name)
def test_a_shipped_network_was_made_by_the_recipe_that_is_there(path):
    manifest, recipe = load_manifest(path), load_recipe(RECIPES / f"{path.parent.name}.yaml")
    assert recipe_sha256(recipe)[:12] in manifest.trained
    assert (manifest.config, manifest.inputs) == (recipe.config, recipe.inputs)
    assert manifest.inputs.cameras == tuple(HydraNetCamera)
    assert len(manifest.predictions) >= 100
    assert (path.parent / "weights.safetensors").stat().st_size <= MOST_BYTES
    card = (path.parent / "card.md").read_text("utf-8")
    assert manifest.id in card and manifest.description in card


def test_the_candidate_never_saw_the_night():
    fleets = [load_recipe(RECIPES / f"hydra-1.{n}.yaml").train.fleet for n in (0, 1, 2)]
    assert [fleet.light.get("night", 0) > 0 for fleet in fleets] == [True, False, True]
    assert len({fleet.map for fleet in fleets}) == 1


@pytest.mark.parametrize("path", shipped_manifests(), ids=lambda path: path.parent.name)
def test_a_grey_picture_is_looked_at_without_a_crash(path):
    frames = {"main": np.full((2, 96, 160, 3), 120, np.uint8)}
    seen = open_folder(path).perceive(frames, np.arange(2), {})
    assert np.isfinite(seen.depth["main"]).all()
    assert not seen.bev, "no calibration, no top-down layout"


def test_perceive_is_the_model_and_nothing_else():
    """The outputs are those of a direct call of torch, but for the rounding of folded layers."""
    path = shipped_manifests()[0]
    manifest = load_manifest(path)
    images = np.random.default_rng(3).integers(0, 256, (2, 96, 160, 3), dtype=np.uint8)
    seen = open_folder(path).perceive({"main": images}, np.arange(2), {})
    model = load_model(manifest, path.parent / manifest.artifact).eval()
    with torch.inference_mode():
        inputs = torch.from_numpy(images).permute(0, 3, 1, 2)[:, None].float() / 255
        output = model(inputs, torch.ones(2, 1, dtype=torch.bool), ["main"])
    depth = np.clip(np.exp(output.log_depth_BChw[:, 0].numpy()), 0.5, 500)
    assert np.allclose(seen.depth["main"], depth, rtol=1e-3)
    surfaces = output.segmentation_BCUhw[:, 0].argmax(dim=1).numpy()
    assert (seen.segmentation["main"] == surfaces).mean() > 0.999
