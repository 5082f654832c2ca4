"""Overlaps of boxes by hand, and against a convex hull of corners and crossings."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.evaluation.kitti.overlaps import (
    covered,
    image_iou,
    iou_in_space,
    near,
    shared_area,
    top_down_iou,
)
from tests.oracles import kitti as oracle

UNIT = (0, 0, 0, 1, 1, 1, 0)


def rows(*boxes):
    return np.array(boxes, np.float64)


@pytest.mark.parametrize(
    ("other", "area"),
    [
        pytest.param(UNIT, 1, id="the same"),
        pytest.param((0, 0, 0, 1, 1, 1, math.pi), 1, id="facing back"),
        pytest.param((0.5, 0, 0, 1, 1, 1, 0), 0.5, id="half"),
        pytest.param((1, 0, 0, 1, 1, 1, 0), 0, id="touching"),
        pytest.param((5, 5, 0, 1, 1, 1, 1), 0, id="apart"),
        pytest.param((0, 0, 0, 1, 1, 1, math.pi / 4), 2 * math.sqrt(2) - 2, id="octagon"),
        pytest.param((0, 0, 0, 4, 4, 1, 0.3), 1, id="inside"),
        pytest.param((0, 0, 0, 10, 0.1, 1, math.pi / 2), 0.1, id="a bar across"),
        pytest.param((0.5, 0.5, 0, math.sqrt(2), math.sqrt(2), 1, math.pi / 4), 0.5, id="corner"),
    ],
)
def test_shared_area_by_hand(other, area) -> None:
    assert shared_area(rows(UNIT), rows(other))[0] == pytest.approx(area, abs=1e-12)
    assert shared_area(rows(other), rows(UNIT))[0] == pytest.approx(area, abs=1e-12)


def test_overlaps_by_hand() -> None:
    a, b = rows((0, 0, 10, 10)), rows((5, 0, 10, 20))
    assert image_iou(a, b)[0] == pytest.approx(50 / 250)
    assert covered(a, b)[0] == pytest.approx(0.5)
    assert image_iou(a, rows((20, 0, 5, 5)))[0] == 0
    assert image_iou(a, rows((5, 5, -2, -2)))[0] == 0
    higher = rows((0, 0, 0.5, 1, 1, 1, 0))
    assert top_down_iou(rows(UNIT), higher)[0] == 1
    assert iou_in_space(rows(UNIT), higher)[0] == pytest.approx(0.5 / 1.5)
    assert iou_in_space(rows(UNIT), rows((0, 0, 3, 1, 1, 1, 0)))[0] == 0


def test_boxes_that_cannot_meet() -> None:
    boxes = rows(UNIT, (1.4, 0, 0, 1, 1, 1, 0), (1.5, 0, 0, 1, 1, 1, 0), (0, 0, 0, -1, 1, 1, 0))
    assert near(np.repeat(rows(UNIT), 4, axis=0), boxes).tolist() == [True, True, False, False]
    nowhere = np.full((1, 7), np.nan)
    assert not near(rows(UNIT), nowhere)[0]


def test_nothing() -> None:
    assert len(shared_area(np.empty((0, 7)), np.empty((0, 7)))) == 0


numbers = st.floats(-3, 3).map(lambda x: round(x, 3))
sizes = st.floats(0.1, 6).map(lambda x: round(x, 3))
angles = st.sampled_from([0, math.pi / 2, -math.pi, 1e-9]) | st.floats(-4, 4)
boxes = st.tuples(numbers, numbers, numbers, sizes, sizes, sizes, angles)


@given(st.lists(st.tuples(boxes, boxes), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_shared_area_equals_the_oracle(pairs) -> None:
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    expected = [oracle.shared_area(_line(a), _line(b)) for a, b in pairs]
    np.testing.assert_allclose(shared_area(left, right), expected, atol=1e-7)
    iou = top_down_iou(left, right)
    assert ((iou >= 0) & (iou <= 1 + 1e-12)).all()
    np.testing.assert_allclose(iou, top_down_iou(right, left), atol=1e-9)


def _line(box):
    """As the camera has it: x right, z forward, and the angle the other way round."""
    x, y, _, length, width, height, yaw = box
    ry = -yaw - math.pi / 2
    return oracle.Line("Car", 0, 0, 0, 0, 1, 1, height, width, length, -y, 0, x, ry)
