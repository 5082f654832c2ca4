"""Each loss by hand, and that a network that says the targets has next to none."""

import numpy as np
import pytest
import torch

from ridealong.perception.annotations import UNLABELLED, BevLayer, Surface
from shadow.networks.hydranet.model import HydraOutput
from shadow.networks.hydranet.training.losses import (
    LOSSES,
    Rarity,
    Targets,
    bumps,
    losses_of,
    rarity_of,
)

SHAPE = (1, 1, 6, 4, 6)  # B C K h w
RARITY = Rarity(torch.ones(len(Surface)), torch.ones(len(BevLayer)))
BOX = [0, 0, 2, 4.0, 4.0, 12.0, 12.0, 0]  # a bus, its centre in row 2, column 2


def targets(**changes):
    given = {
        "present_BC": torch.ones(1, 1, dtype=torch.bool),
        "boxes_M8": np.array([BOX], np.float32),
        "lights_M7": np.zeros((0, 7), np.float32),
        "lanes_BChw": torch.zeros(1, 1, 4, 6, dtype=torch.uint8),
        "depth_BChw": torch.full((1, 1, 4, 6), 20.0),
        "segmentation_BChw": torch.full((1, 1, 4, 6), 9, dtype=torch.uint8),
        "bev_BYyx": torch.zeros(1, len(BevLayer), 4, 4, dtype=torch.uint8),
    } | changes
    return Targets(**given)


def output(**changes):
    given = {
        "present_BC": torch.ones(1, 1, dtype=torch.bool),
        "heatmap_BCKhw": torch.full(SHAPE, -20.0),
        "box_BC4hw": torch.zeros(1, 1, 4, 4, 6),
        "lights_BCShw": torch.full((1, 1, 3, 4, 6), -20.0),
        "lanes_BCLhw": torch.full((1, 1, 2, 4, 6), -20.0),
        "log_depth_BChw": torch.full((1, 1, 4, 6), float(np.log(20))),
        "segmentation_BCUhw": torch.full((1, 1, 10, 4, 6), -20.0),
        "bev_BYyx": torch.full((1, len(BevLayer), 4, 4), -20.0),
    } | changes
    return HydraOutput(**given)


def right():
    """An output that says the targets."""
    said = output()
    said.heatmap_BCKhw[0, 0, 2, 2, 2] = 20
    said.box_BC4hw[0, 0, :, 2, 2] = torch.tensor([0, 0, np.log(2), np.log(2)])
    said.segmentation_BCUhw[0, 0, 9] = 20
    return said


def test_who_says_the_targets_loses_nothing():
    for head, loss in losses_of(right(), targets(), RARITY, list(LOSSES)).items():
        assert loss.item() == pytest.approx(0, abs=1e-5), head


@pytest.mark.parametrize("head", LOSSES)
def test_what_is_absent_teaches_nothing(head):
    nowhere = targets(
        present_BC=torch.zeros(1, 1, dtype=torch.bool),
        boxes_M8=np.zeros((0, 8), np.float32),
        depth_BChw=torch.full((1, 1, 4, 6), float("nan")),
        segmentation_BChw=torch.full((1, 1, 4, 6), UNLABELLED, dtype=torch.uint8),
        bev_BYyx=torch.full((1, len(BevLayer), 4, 4), UNLABELLED, dtype=torch.uint8),
    )
    random = torch.Generator().manual_seed(1)
    said = output(
        **{
            name: torch.randn(getattr(output(), name).shape, generator=random)
            for name in ("heatmap_BCKhw", "lights_BCShw", "lanes_BCLhw", "log_depth_BChw",
                         "segmentation_BCUhw", "bev_BYyx")
        }
    )  # fmt: skip
    assert LOSSES[head](said, nowhere, RARITY).item() == 0


def test_a_missed_centre_costs_its_logarithm():
    said = right()
    said.heatmap_BCKhw[0, 0, 2, 2, 2] = 0.0
    # (1 - 0.5)^2 * -ln 0.5, over one object
    loss = LOSSES["objects"](said, targets(), RARITY)
    assert loss.item() == pytest.approx(0.25 * np.log(2), rel=1e-4)


def test_boxes_are_compared_at_their_centres_alone():
    said = right()
    said.box_BC4hw[0, 0, :, 0, 0] = 100.0
    assert LOSSES["objects"](said, targets(), RARITY).item() == pytest.approx(0, abs=1e-5)
    said.box_BC4hw[0, 0, 0, 2, 2] += 0.4  # one of four numbers is off by 0.4
    assert LOSSES["objects"](said, targets(), RARITY).item() == pytest.approx(0.1, rel=1e-4)


def test_hidden_objects_are_neither_asked_for_nor_forbidden():
    hidden = targets(boxes_M8=np.array([[*BOX[:7], 1]], np.float32))
    said = output()
    said.heatmap_BCKhw[0, 0, 2, 1:3, 1:3] = 20
    assert LOSSES["objects"](said, hidden, RARITY).item() == pytest.approx(0, abs=1e-5)


def test_bumps_stand_on_the_centre_and_fall_off():
    goal, weight = bumps(SHAPE, np.array([BOX[:7]], np.float32), np.array([False]))
    assert goal[0, 0, 2, 2, 2] == 1 and goal.max() == 1
    assert 0 < goal[0, 0, 2, 2, 3] < 0.1
    assert goal[0, 0, 1].max() == 0 and weight.min() == 1


def test_a_lane_cell_by_hand():
    lanes = torch.zeros(1, 1, 4, 6, dtype=torch.uint8)
    lanes[0, 0, 1, 1] = 0b10  # a road edge
    said = output(lanes_BCLhw=torch.zeros(1, 1, 2, 4, 6))
    # Every cell says one half: ln 2 each, and three times that where the line is; 48 cells.
    expected = 4 * np.log(2) * (47 + 3) / 48
    loss = LOSSES["lanes"](said, targets(lanes_BChw=lanes), RARITY)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_depth_by_hand():
    said = right()
    said.log_depth_BChw[0, 0, 0, 0] += np.log(2)  # twice as far in one of 24 cells
    assert LOSSES["depth"](said, targets(), RARITY).item() == pytest.approx(3 * np.log(2) / 24)


def test_rare_classes_weigh_more_by_the_root_of_how_rare_they_are():
    ids = np.zeros((1, 1, 10, 10), np.uint8)
    ids[0, 0, 0, :4] = 7  # 4 of 100: 96 / 4 = 24 times as rare
    ids[0, 0, 1, 0] = UNLABELLED
    grid = np.zeros((1, len(BevLayer), 10, 10), np.uint8)
    grid[0, 1, :, :2] = 1  # a fifth: four empty cells to each
    rarity = rarity_of([ids], [grid])
    assert rarity.surfaces_U[0] == 1 and rarity.surfaces_U[3] == 0
    assert rarity.surfaces_U[7].item() == pytest.approx(np.sqrt(95 / 4), rel=1e-5)
    assert rarity.layers_Y[1].item() == pytest.approx(2)
    assert rarity.layers_Y[0] == 10
