import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ingest.simulation.rig import RIG, rig_cameras
from ridealong.perception.geometry import mounted_camera, unknown_calibration
from shadow.networks.hydranet.config import HydraNetCamera
from shadow.networks.hydranet.topdown import BEV_CELLS, cell_centres, lift, make_sampling


def test_cells_go_from_far_to_near_and_from_left_to_right():
    centres = cell_centres().reshape(2, *BEV_CELLS, 3)
    assert BEV_CELLS == (32, 32)
    assert centres[0, 0, 0].tolist() == [47.0, 31.0, 0.0]
    assert centres[0, -1, -1].tolist() == [-15.0, -31.0, 0.0]
    assert centres[1, 0, 0].tolist() == [47.0, 31.0, 1.0]


def test_a_point_is_sampled_where_it_projects():
    # A level camera 1.4 m up looking forward with 90 degrees over 100 pixels: focal length 50.
    camera = mounted_camera("main", 100, 60, 90, 0, 0, (0.0, 0.0, 1.4))
    sampling = make_sampling(["main"], {"main": camera})
    centres = cell_centres()
    x, y = 21.0, -5.0
    at = int(np.flatnonzero((centres == [x, y, 0.0]).all(axis=1))[0])
    across = 50 * (-y / x) / 50  # of half the width
    down = 50 * (1.4 / x) / 30
    assert sampling.points_CP2[0, at].tolist() == pytest.approx([across, down])
    assert sampling.visible_CP[0, at]


def test_what_is_behind_or_beside_the_image_is_not_visible():
    camera = mounted_camera("main", 100, 60, 90, 0, 0, (0.0, 0.0, 1.4))
    visible = make_sampling(["main"], {"main": camera}).visible_CP[0].numpy()
    centres = cell_centres()
    assert not visible[centres[:, 0] < 0.5].any()
    assert not visible[np.abs(centres[:, 1]) > centres[:, 0]].any()
    assert visible.any()


def test_the_rig_sees_the_ground_all_around():
    cameras = rig_cameras(160, 96)
    visible = make_sampling(list(cameras), cameras).visible_CP.numpy()
    assert (visible.mean(axis=1) > 0.05).all()
    assert visible.any(axis=0).mean() > 0.99


def test_the_rig_is_mirrored():
    assert set(RIG) == set(HydraNetCamera)
    for left, right in (
        (HydraNetCamera.LEFT_PILLAR, HydraNetCamera.RIGHT_PILLAR),
        (HydraNetCamera.LEFT_REPEATER, HydraNetCamera.RIGHT_REPEATER),
    ):
        assert RIG[left].yaw_deg == -RIG[right].yaw_deg > 0
        assert RIG[left].xyz_ego_m[1] == -RIG[right].xyz_ego_m[1] > 0


def test_unknown_calibrations_take_no_part():
    known = rig_cameras(160, 96)["main"]
    mixed = {"main": known, "rear": unknown_calibration("rear", 160, 96)}
    visible = make_sampling(["main", "rear", "wide"], mixed).visible_CP
    assert visible[0].any() and not visible[1:].any()
    assert make_sampling(["rear"], mixed) is None


def sampled_by_torch(features, present, sampling):
    """The same average by `F.grid_sample`, which reads every point in every camera."""
    batch, cameras, channels = features.shape[0], features.shape[1], features.shape[4]
    sampled = F.grid_sample(
        features.flatten(0, 1).permute(0, 3, 1, 2),
        sampling.points_CP2.repeat(batch, 1, 1)[:, None],
        align_corners=False,
    )
    sampled = sampled[:, :, 0].reshape(batch, cameras, channels, -1)
    weight = (sampling.visible_CP[None] & present[:, :, None]).float()
    summed = torch.einsum("bcfp,bcp->bpf", sampled, weight)
    return summed / weight.sum(1).clamp(min=1)[:, :, None]


def test_features_are_lifted_as_torch_samples_them():
    cameras = rig_cameras(160, 96)
    sampling = make_sampling(list(cameras), cameras)
    generator = torch.Generator().manual_seed(3)
    present = torch.rand(3, 8, generator=generator) > 0.3
    features = torch.randn(3, 8, 6, 10, 4, generator=generator) * present[:, :, None, None, None]
    features.requires_grad_(True)
    ours, theirs = (f(features, present, sampling) for f in (lift, sampled_by_torch))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    wanted = torch.randn(ours.shape, generator=generator)
    slopes = [torch.autograd.grad((out * wanted).sum(), features)[0] for out in (ours, theirs)]
    # What an absent image is said to show is a constant: its slope goes nowhere.
    there = present[:, :, None, None, None]
    torch.testing.assert_close(*(slope * there for slope in slopes), atol=1e-4, rtol=1e-4)


def test_a_cell_that_nobody_sees_reads_nothing():
    camera = rig_cameras(160, 96)["main"]
    sampling = make_sampling(["main"], {"main": camera})
    features = torch.ones(1, 1, 6, 10, 2)
    lifted = lift(features, torch.tensor([[True]]), sampling)[0]
    seen = sampling.visible_CP[0]
    assert (lifted[~seen] == 0).all() and (lifted[seen] > 0).all()
    assert (lift(features * 0, torch.tensor([[False]]), sampling) == 0).all()
