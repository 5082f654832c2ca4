"""A fit on made-up sets: it learns, resumes to the same bytes, and stops at NaN."""

import numpy as np
import pytest
import torch

from ingest.simulation.rig import rig_cameras
from ridealong.errors import RidealongError
from ridealong.perception.annotations import BevLayer
from shadow.networks.hydranet.topdown import make_sampling
from shadow.networks.hydranet.training.fit import CHECKPOINT, fit, make_lessons, rate_at
from shadow.networks.hydranet.training.sets import LabelledSets

pytestmark = pytest.mark.slow


class Silent:
    def advance(self, count=1):
        pass

    def at(self, done):
        pass


def sets(count=4, seed=0):
    """Pictures whose brightness says how far away everything is."""
    random = np.random.default_rng(seed)
    shade = random.integers(20, 200, (count, 2, 1, 1, 1), np.uint8)
    shape = (count, 2, 16, 24)
    far = (shade[..., 0] / 4 + 2).astype(np.float16)
    return LabelledSets(
        images=np.broadcast_to(shade, (count, 2, 64, 96, 3)).copy(),
        present=np.ones((count, 2), bool),
        boxes=np.array([[t, 0, 0, 10, 10, 50, 40, 0] for t in range(count)], np.float32),
        lights=np.array([[t, 0, 1, 30, 4, 36, 16] for t in range(count)], np.float32),
        lanes=np.zeros(shape, np.uint8),
        depth_m=np.broadcast_to(far, shape).copy(),
        segmentation=np.zeros(shape, np.uint8),
        bev=np.zeros((count, len(BevLayer), 64, 64), np.uint8),
    )


@pytest.fixture
def lessons(recipe):
    sampling = make_sampling(["main", "rear"], rig_cameras(96, 64))
    return make_lessons([sets(4, 1), sets(3, 2)], recipe, sampling)


def with_fit(recipe, **changes):
    return recipe.model_copy(update={"fit": recipe.fit.model_copy(update=changes)})


def test_it_learns(recipe, lessons, tmp_path):
    done = fit(with_fit(recipe, epochs=6), lessons, tmp_path, "cpu", Silent())
    assert done.epoch == 6 and len(done.history) == 6
    assert sum(done.history[-1].values()) < 0.8 * sum(done.history[0].values())


def test_an_interrupted_fit_ends_with_the_same_weights(recipe, lessons, tmp_path):
    longer, whole, parts = with_fit(recipe, epochs=3), tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    straight = fit(longer, lessons, whole, "cpu", Silent())

    class Kill(Silent):
        def advance(self, count=1):
            if count == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(longer, lessons, parts, "cpu", Kill())
    resumed = fit(longer, lessons, parts, "cpu", Silent())
    assert resumed.history == straight.history
    for name, tensor in straight.average.items():
        assert torch.equal(tensor, resumed.average[name]), name
    assert (whole / CHECKPOINT).read_bytes() == (parts / CHECKPOINT).read_bytes()


def test_nan_stops_names_the_head_and_keeps_the_last_epoch(recipe, lessons, tmp_path):
    fit(with_fit(recipe, epochs=1), lessons, tmp_path, "cpu", Silent())
    kept = (tmp_path / CHECKPOINT).read_bytes()
    lessons.drives[0].depth_m[:] = np.inf
    broken = with_fit(recipe, epochs=2, learning_rate=1e30)
    with pytest.raises(RidealongError, match=r"the loss of the head '\w+' is .* in epoch 2"):
        fit(broken, lessons, tmp_path, "cpu", Silent())
    assert (tmp_path / CHECKPOINT).read_bytes() == kept


def test_a_broken_checkpoint_is_told(recipe, lessons, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"nothing")
    with pytest.raises(RidealongError, match="not a checkpoint of this recipe"):
        fit(recipe, lessons, tmp_path, "cpu", Silent())


def test_nothing_to_learn_from(recipe):
    with pytest.raises(RidealongError, match="no camera set"):
        make_lessons([sets(0)], recipe, None)


def test_the_rate_rises_and_falls(recipe):
    spec = recipe.fit.model_copy(update={"warm_up": 0.1, "learning_rate": 1.0})
    rates = [rate_at(spec, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 11) and rates[10] == 1.0
    assert rates == sorted(rates[:11]) + sorted(rates[11:], reverse=True)
    assert rate_at(spec, 100, 100) == pytest.approx(0.01)
