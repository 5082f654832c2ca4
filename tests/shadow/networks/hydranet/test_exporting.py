"""An exported HydraNet gives the same as the network, up to rounding."""

from contextlib import closing
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from ridealong.perception.geometry import mounted_camera, unknown_calibration
from shadow.networks.hydranet.config import HydraNetConfig, possible_predictions
from shadow.networks.hydranet.exporting import TOLERANCE, export_onnx
from shadow.networks.hydranet.loading import load_network
from shadow.networks.hydranet.topdown import make_sampling
from shadow.networks.onnx.filling import matrix_of
from shadow.networks.onnx.inputs import Matrix
from shadow.networks.onnx.loading import load_network as load_onnx
from shadow.networks.opening import load_manifest
from shadow.networks.registry import shipped_manifests
from tests.oracles.networks import open_folder

HEIGHT, WIDTH, STEPS = 64, 96, 6
TIMES = np.arange(STEPS, dtype=np.int64) * 200_000_000


def calibrations_of(cameras, height, width):
    yaws = {"rear": 180.0, "left_pillar": 60.0, "right_repeater": -150.0}
    return {
        name: mounted_camera(name, width, height, 90.0, yaws.get(name, 0.0), 5.0, (1.0, 0.0, 1.4))
        for name in cameras
    }


@pytest.mark.parametrize("known", [True, False], ids=["calibrated", "not calibrated"])
def test_the_same_perception(write_network, tmp_path, known):
    path = write_network()
    hydra = open_folder(path)
    exported = export_onnx(hydra.manifest, path.parent / "weights.safetensors", tmp_path)
    assert exported.id == "tiny-1.onnx" and exported.predictions == hydra.manifest.predictions
    generator = np.random.default_rng(3)
    shape = (STEPS, HEIGHT, WIDTH, 3)
    frames = {name: generator.integers(0, 256, shape, dtype=np.uint8) for name in ("main", "rear")}
    present = {"main": np.arange(STEPS) != 1, "rear": np.arange(STEPS) != 4}
    calibrations = calibrations_of(frames, HEIGHT, WIDTH)
    if not known:
        calibrations = {name: unknown_calibration(name, WIDTH, HEIGHT) for name in frames}
    wanted = hydra.perceive(frames, TIMES, calibrations, present=present)
    with closing(load_onnx(exported, tmp_path / exported.artifact, "cpu")) as network:
        found = network.perceive(frames, TIMES, calibrations, present=present)
    assert found.tasks == wanted.tasks and wanted.sparse.num_rows > 10
    for name in ("timestamp_ns", "camera", "task", "category"):
        assert found.sparse[name].equals(wanted.sparse[name])
    assert np.allclose(found.sparse["score"], wanted.sparse["score"], atol=TOLERANCE)
    for name, depth in wanted.depth.items():
        assert np.allclose(found.depth[name], depth, rtol=TOLERANCE, equal_nan=True)
    assert found.bev.keys() == wanted.bev.keys() and bool(wanted.bev) == known
    for kind in ("segmentation", "bev"):  # a cell near the threshold may change
        for name, cells in getattr(wanted, kind).items():
            assert (getattr(found, kind)[name] == cells).mean() > 0.999


@pytest.mark.parametrize(
    "changes", [{"bev": False}, {"lights": ()}, {"objects": (), "depth": False}]
)
def test_a_network_without_some_heads(write_network, tiny, tmp_path, changes):
    config = HydraNetConfig(**{**tiny.model_dump(), **changes})
    cameras = [camera for camera in load_manifest(write_network()).inputs.cameras]
    path = write_network(
        folder="part", config=config, predictions=possible_predictions(config, cameras)
    )
    hydra = open_folder(path)
    exported = export_onnx(hydra.manifest, path.parent / "weights.safetensors", tmp_path)
    frames = {"main": np.full((1, HEIGHT, WIDTH, 3), 90, np.uint8)}
    calibrations = calibrations_of(frames, HEIGHT, WIDTH)
    with closing(load_onnx(exported, tmp_path / exported.artifact, "cpu")) as network:
        found = network.perceive(frames, TIMES[:1], calibrations)
    assert found.tasks == hydra.perceive(frames, TIMES[:1], calibrations).tasks


def test_the_outputs_of_a_shipped_network_are_within_the_tolerance(tmp_path: Path) -> None:
    path = shipped_manifests()[-1]
    manifest = load_manifest(path)
    exported = export_onnx(manifest, path.parent / manifest.artifact, tmp_path)
    model, cameras = load_network(manifest, path.parent / manifest.artifact).model, manifest.cameras
    height, width = manifest.inputs.height, manifest.inputs.width
    calibrations = calibrations_of(cameras, height, width)
    images = np.random.default_rng(7).random((1, len(cameras), 3, height, width), np.float32)
    present = np.arange(len(cameras))[None] != 2
    clip = type("Clip", (), {"calibrations": calibrations, "frames": {}})()
    projection = [matrix_of(Matrix.PROJECTION, exported.inputs, clip, name) for name in cameras]
    session = ort.InferenceSession(str(tmp_path / exported.artifact))
    names = [port.name for port in session.get_outputs()]
    inputs = {"images": images, "present": present, "projection": np.float32(projection)}
    found = dict(zip(names, session.run(names, inputs), strict=True))
    with torch.inference_mode():
        sampling = make_sampling(cameras, calibrations)
        exact = model(torch.from_numpy(images), torch.from_numpy(present), cameras, sampling)
    seen = present[0]
    lights = [cameras.index(name) for name in exported.outputs[1].cameras]
    for name, wanted in (
        ("heatmap", exact.heatmap_BCKhw),
        ("box", exact.box_BC4hw),
        ("lanes", exact.lanes_BCLhw),
        ("log_depth", exact.log_depth_BChw),
        ("segmentation", exact.segmentation_BCUhw),
    ):
        assert np.abs(found[name] - wanted.numpy())[:, seen].max() < TOLERANCE, name
    gap = np.abs(found["lights"] - exact.lights_BCShw.numpy()[:, lights])
    assert gap[:, seen[lights]].max() < TOLERANCE
    assert np.abs(found["bev"] - exact.bev_BYyx.numpy()).max() < TOLERANCE


def test_the_same_network_gives_the_same_file(write_network, tmp_path):
    path = write_network()
    hashes = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        weights = path.parent / "weights.safetensors"
        hashes.append(export_onnx(load_manifest(path), weights, tmp_path / name).sha256)
    assert hashes[0] == hashes[1]
