import pytest
import torch

from ingest.simulation.rig import rig_cameras
from shadow.networks.hydranet.config import HydraNetCamera, HydraNetConfig, possible_predictions
from shadow.networks.hydranet.initialise import initialised_network
from shadow.networks.hydranet.model import NEVER, HydraNet, parameter_count
from shadow.networks.hydranet.topdown import make_sampling

pytestmark = pytest.mark.slow


BIG = HydraNetConfig(widths=(32, 64, 128, 192), depths=(1, 2, 3, 2), pyramid=64)
SMALL = HydraNetConfig(stem=16, widths=(16, 16, 16, 32), depths=(1, 1, 1, 1), pyramid=16)
ALL = [camera.value for camera in HydraNetCamera]


def images(batch, cameras, seed=0):
    return torch.rand(batch, cameras, 3, 64, 96, generator=torch.Generator().manual_seed(seed))


def everywhere(batch, cameras):
    return torch.ones(batch, cameras, dtype=torch.bool)


@torch.inference_mode()
def test_every_head_has_its_shape():
    sampling = make_sampling(ALL, rig_cameras(96, 64))
    out = initialised_network(SMALL, 1).eval()(images(2, 8), everywhere(2, 8), ALL, sampling)
    assert out.heatmap_BCKhw.shape == (2, 8, 6, 16, 24)
    assert out.box_BC4hw.shape == (2, 8, 4, 16, 24)
    assert out.lights_BCShw.shape == (2, 8, 3, 16, 24)
    assert out.lanes_BCLhw.shape == (2, 8, 2, 16, 24)
    assert out.log_depth_BChw.shape == (2, 8, 16, 24)
    assert out.segmentation_BCUhw.shape == (2, 8, 10, 16, 24)
    assert out.bev_BYyx.shape == (2, 6, 64, 64)


@torch.inference_mode()
def test_heads_that_are_not_configured_are_not_there():
    config = SMALL.model_copy(
        update={"objects": (), "lights": (), "lanes": (), "segmentation": False, "bev": False}
    )
    out = HydraNet(config).eval()(images(1, 1), everywhere(1, 1), ["main"])
    assert out.log_depth_BChw is not None
    others = (out.heatmap_BCKhw, out.box_BC4hw, out.lights_BCShw, out.lanes_BCLhw, out.bev_BYyx)
    assert others == (None,) * 5 and out.segmentation_BCUhw is None


@torch.inference_mode()
def test_an_absent_image_is_never_looked_at():
    model = initialised_network(SMALL, 1).eval()
    sampling = make_sampling(ALL, rig_cameras(96, 64))
    present = everywhere(2, 8)
    present[1, 3] = False
    first = images(2, 8)
    second = first.clone()
    second[1, 3] = float("nan")
    a, b = model(first, present, ALL, sampling), model(second, present, ALL, sampling)
    assert torch.equal(a.heatmap_BCKhw, b.heatmap_BCKhw)
    assert torch.equal(a.bev_BYyx, b.bev_BYyx)
    assert not a.heatmap_BCKhw[1, 3].any()
    whole = model(first, everywhere(2, 8), ALL, sampling)
    torch.testing.assert_close(whole.heatmap_BCKhw[0], a.heatmap_BCKhw[0])
    assert not torch.allclose(whole.bev_BYyx[1], a.bev_BYyx[1])


@torch.inference_mode()
def test_no_image_at_all_gives_empty_outputs():
    model = initialised_network(SMALL, 1).eval()
    out = model(images(1, 2), ~everywhere(1, 2), ["main", "rear"])
    assert out.heatmap_BCKhw.shape == (1, 2, 6, 16, 24)
    assert not out.heatmap_BCKhw.any()


@torch.inference_mode()
def test_a_network_knows_which_camera_it_looks_through():
    model = initialised_network(SMALL, 1).eval()
    picture = images(1, 1)
    depths = [model(picture, everywhere(1, 1), [name]).log_depth_BChw for name in ("main", "wide")]
    assert not torch.equal(*depths)


@pytest.mark.parametrize(
    ("config", "low", "high"),
    [
        pytest.param(HydraNetConfig(), 500_000, 600_000, id="default"),
        pytest.param(BIG, 500_000, 1_000_000, id="big"),
    ],
)
def test_parameter_count(config, low, high):
    assert low <= parameter_count(HydraNet(config)) <= high


def test_parameter_count_by_hand():
    config = HydraNetConfig(
        stem=16, widths=(16, 16, 16, 16), depths=(1, 1, 1, 1), pyramid=16, trunk=16,
        objects=(), lights=(), lanes=(), segmentation=False, bev=False,
    )  # fmt: skip
    three = 16 * 16 * 9 + 2 * 16  # a 3x3 convolution and its normalisation
    stem = 3 * 16 * 9 + 2 * 16 + 8 * 16
    block = 16 * 16 + 16 * 16 * 9 + 16 * 16 + 3 * 2 * 16
    shortcut = 16 * 16 + 2 * 16  # the first stage keeps its size and needs none
    pyramid = 4 * (16 * 16 + 16) + three
    expected = stem + three + 4 * block + 3 * shortcut + pyramid + three + (16 + 1)
    assert parameter_count(HydraNet(config)) == expected


@torch.inference_mode()
def test_lights_are_looked_for_in_their_cameras_alone():
    config = SMALL.model_copy(update={"lights": (HydraNetCamera.MAIN,)})
    out = HydraNet(config).eval()(images(1, 2), everywhere(1, 2), ["main", "rear"])
    assert (out.lights_BCShw[0, 1] == NEVER).all()
    assert (out.lights_BCShw[0, 0] > NEVER).all()


def test_a_hundred_predictions_and_more():
    names = possible_predictions(HydraNetConfig(), HydraNetCamera)
    assert len(names) == len(set(names)) == 8 * (6 + 2 + 1 + 10) + 3 * 4 + 6
