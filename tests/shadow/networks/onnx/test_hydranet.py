"""The manifest of an exported HydraNet says all that it gives, and its outputs are the same.

The graph's place is taken by the model itself, so that nothing but the manifest and the decoders
differs.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ridealong.perception.geometry import mounted_camera, unknown_calibration
from shadow.networks.hydranet.exporting import describe
from shadow.networks.hydranet.topdown import NEAREST_M, Sampling, cell_centres
from shadow.networks.onnx.graph import Graph, Port
from shadow.networks.onnx.manifest import OnnxManifest
from shadow.networks.onnx.network import OnnxNetwork
from tests.oracles.networks import open_folder

CAMERAS = ("main", "rear")
HEIGHT, WIDTH = 64, 96
STEPS = 6


def sampling_of(projection):
    """Where the cells lie in the images, from the matrices that the graph gets."""
    centres = np.concatenate([cell_centres(), np.ones((len(cell_centres()), 1))], axis=1)
    across, down, depth = np.moveaxis(centres @ projection.astype(np.float64).swapaxes(1, 2), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        points = np.stack([across / depth / WIDTH, down / depth / HEIGHT], axis=-1) * 2 - 1
        seen = (np.abs(points) < 1).all(axis=-1) & (depth > NEAREST_M)
    points = np.where(seen[..., None], points, 0).astype(np.float32)
    return Sampling(torch.from_numpy(points), torch.from_numpy(seen))


class Model:
    """The model in place of the graph's process."""

    graph = Graph(
        {
            "present": Port("present", "bool", (None, 2)),
            "projection": Port("projection", "float32", (2, 3, 4)),
        },
        {},
        0,
        17,
        {},
        (),
    )

    def __init__(self, model):
        self.model = model

    def run(self, arrays, outputs):
        # The layout in memory decides the kernels, too.
        channels_last = np.ascontiguousarray(np.moveaxis(arrays["images"], 2, -1))
        with torch.inference_mode():
            found = self.model(
                torch.from_numpy(channels_last).permute(0, 1, 4, 2, 3),
                torch.from_numpy(arrays["present"]),
                CAMERAS,
                sampling_of(arrays["projection"]),
            )
        return {
            "heatmap": found.heatmap_BCKhw.numpy(),
            "box": found.box_BC4hw.numpy(),
            "lights": found.lights_BCShw[:, :1].numpy(),
            "lanes": found.lanes_BCLhw.numpy(),
            "log_depth": found.log_depth_BChw.numpy(),
            "segmentation": found.segmentation_BCUhw.numpy(),
            "bev": found.bev_BYyx.numpy(),
        }


@pytest.mark.parametrize("known", [True, False], ids=["calibrated", "not calibrated"])
def test_the_same_outputs(write_network, known):
    hydra = open_folder(write_network())
    assert [c.value for c in hydra.manifest.config.lights if c in CAMERAS] == ["main"]
    generator = np.random.default_rng(3)
    shape = (STEPS, HEIGHT, WIDTH, 3)
    frames = {name: generator.integers(0, 256, shape, dtype=np.uint8) for name in CAMERAS}
    present = {"main": np.arange(STEPS) != 1, "rear": np.arange(STEPS) != 4}
    calibrations = {
        "main": mounted_camera("main", WIDTH, HEIGHT, 90.0, 0.0, 5.0, (1.5, 0.0, 1.4)),
        "rear": mounted_camera("rear", WIDTH, HEIGHT, 90.0, 180.0, 5.0, (-1.0, 0.0, 1.4)),
    }
    if not known:
        calibrations = {name: unknown_calibration(name, WIDTH, HEIGHT) for name in CAMERAS}
    times = np.arange(STEPS, dtype=np.int64) * 200_000_000
    wanted = hydra.perceive(frames, times, calibrations, present=present, batch=1)
    network = OnnxNetwork(describe(hydra.manifest, "0" * 64), Model(hydra.model))
    found = network.perceive(frames, times, calibrations, present=present)
    assert found.tasks == wanted.tasks and wanted.sparse.num_rows > 10
    assert found.sparse.equals(wanted.sparse)
    for kind in ("depth", "segmentation"):
        one, other = getattr(found, kind), getattr(wanted, kind)
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[n], other[n], equal_nan=kind == "depth") for n in one)
    assert found.bev.keys() == wanted.bev.keys() and bool(wanted.bev) == known
    for name, cells in wanted.bev.items():  # rounding of the projection may move a cell
        assert (found.bev[name] == cells).mean() > 0.999


def test_its_manifest_says_what_it_is(write_network):
    hydra = open_folder(write_network()).manifest
    manifest = describe(hydra, "0" * 64)
    again = OnnxManifest.model_validate_json(manifest.as_json())
    assert again == manifest and set(again.predictions) == set(hydra.predictions)
    assert SimpleNamespace(cameras=again.cameras, rate=again.rate_hz) == SimpleNamespace(
        cameras=hydra.cameras, rate=hydra.rate_hz
    )
