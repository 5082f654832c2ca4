"""Dense layers as bytes, by hand."""

from typing import Any

import numpy as np
import pytest

from dashboard.player.dense import DenseTask, depth_bytes
from ridealong.errors import RidealongError
from ridealong.perception.annotations import Perception, annotation_table

NAN = np.nan


def array(*values: Any) -> Any:
    return np.array(values, np.float32 if NAN in values else None)[None, None]


def test_depths_as_bytes() -> None:
    depths = np.array([0, 40, 80, 1000, np.inf, NAN], np.float32)
    assert depth_bytes(depths).tolist() == [0, 127, 254, 254, 254, 255]


@pytest.mark.parametrize(
    ("category", "expected"), [(None, [0, 1, 0, 0, 1]), ("sidewalk", [0, 2, 0, 0, 1])]
)
def test_classes_that_differ(category: str | None, expected: list[int]) -> None:
    one, two = array(0, 0, 255, 2, 2).astype("u1"), array(0, 2, 2, 2, 1).astype("u1")
    found = DenseTask("segmentation", "main", category).difference(one, two)
    assert found.kind == "mask" and found.pixels.ravel().tolist() == expected


@pytest.mark.parametrize(
    ("category", "expected"), [(None, [0, 1, 1, 0, 0, 1]), ("sidewalk", [0, 1, 2, 0, 0, 0])]
)
def test_classes_that_were_lost(category: str | None, expected: list[int]) -> None:
    label, deployed, candidate = (
        array(*row).astype("u1")
        for row in ((2, 2, 0, 255, 2, 1), (2, 2, 0, 2, 0, 1), (2, 0, 2, 0, 0, 255))
    )
    found = DenseTask("segmentation", "main", category).lost(label, deployed, candidate)
    assert found.pixels.ravel().tolist() == expected


def test_depths_that_differ_or_were_lost_by_the_factor_of_the_metric() -> None:
    task = DenseTask("depth", "main")
    one, two = array(10, 10, 10, NAN), array(12, 8, 12.5, 3)
    assert task.difference(one, two).pixels.ravel().tolist() == [0, 1, 2, 0]
    label = array(10, 10, 10, NAN, 90)
    before, now = array(10, 11, 20, 10, 90), array(12.5, 8, 8, 1, 1)
    assert task.lost(label, before, now).pixels.ravel().tolist() == [1, 2, 0, 0, 0]


def test_outputs_are_compared_on_the_labels_grid() -> None:
    label = np.zeros((1, 4, 4), np.uint8)
    coarse = np.zeros((1, 2, 2), np.uint8)
    found = DenseTask("segmentation", "main").lost(label, coarse, coarse + 1)
    assert found.pixels.shape == (1, 4, 4) and found.pixels.all()


def test_layers_are_bits() -> None:
    cells = {"road": array(1, 0, 255), "person": array(1, 1, 255)}
    seen = Perception(
        np.array([1]), annotation_table([]), bev={k: v.astype("u1") for k, v in cells.items()}
    )
    task = DenseTask("bev", "top")
    bits = task.array(seen, "it")
    assert bits.ravel().tolist() == [1 | 16, 16, 255]
    other = array(1, 0, 0).astype("u1")
    assert task.difference(bits, other).pixels.ravel().tolist() == [16, 16, 0]
    assert task.lost(bits, bits, other).pixels.ravel().tolist() == [16, 16, 0]
    assert task.as_is(bits).kind == "layers"


@pytest.mark.parametrize(
    "wrong", [("lanes", "main"), ("bev", "main"), ("depth", "top"), ("segmentation", "main", "x")]
)
def test_what_there_is_not_is_refused(wrong: tuple[str, ...]) -> None:
    with pytest.raises(RidealongError):
        DenseTask(*wrong)
