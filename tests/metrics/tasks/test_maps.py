"""Segmentation and top-down layers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score
from torchmetrics.classification import MulticlassJaccardIndex

from metrics.tasks import bev, segmentation
from metrics.tasks.clip_view import ClipView
from metrics.tasks.dense import nearest_grid
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import lookup
from ridealong.perception.annotations import UNLABELLED, Surface, Task

SURFACES = tuple(Prediction(Task.SEGMENTATION, surface, "main") for surface in Surface)
ROAD = (Prediction(Task.BEV, "road"),)
X = UNLABELLED


def scored(make, said, truth, predictions=SURFACES):
    task = predictions[0].task
    sides = []
    for values in (said, truth):
        array = np.asarray(values, np.uint8)
        dense = {"bev": {"road": array}} if task is Task.BEV else {"segmentation": {"main": array}}
        sides.append(ClipView(make.perception(len(array), **dense)))
    module = bev if task is Task.BEV else segmentation
    return module.FAMILY.against_labels(*sides, predictions)


@pytest.mark.parametrize(
    ("said", "truth", "surface", "expected"),
    [
        ([0, 0, 1, 1], [0, 1, 1, 1], "road", (1, 2)),
        ([0, 0, 1, 1], [0, 1, 1, 1], "lane_marking", (2, 3)),
        ([0, 0, 0, 0], [0, X, X, 1], "road", (1, 2)),
        ([X, 0, 0, 0], [0, 0, 0, 0], "road", (3, 4)),
        ([1, 1, 1, 1], [1, 1, 1, 1], "road", (0, 0)),
        ([9, 9, 9, 9], [9, 9, 9, 9], "sky", (4, 4)),
    ],
    ids=["one wrong", "the other side", "unlabelled", "output unknown", "absent", "perfect"],
)
def test_segmentation_by_hand(make, sums_of, said, truth, surface, expected):
    result = scored(make, [[said]], [[truth]])
    sums = sums_of(result, f"segmentation/{surface}@main", "iou")
    assert tuple(sums.values()) == expected


def test_top_down_by_hand(make, sums_of):
    result = scored(make, [[[1, 1, 0, X, 1]]], [[[1, 0, 1, 1, X]]], ROAD)
    assert sums_of(result, "bev/road", "iou") == {"intersection": 1, "union": 4}


def test_outputs_are_resampled_to_the_labels_grid(make, sums_of):
    coarse = np.array([[[0, 1], [2, 3]]], np.uint8)
    fine = np.kron(coarse, np.ones((1, 4, 4), np.uint8))
    result = scored(make, coarse, fine)
    assert sums_of(result, "segmentation/road@main", "iou") == {"intersection": 16, "union": 16}


def test_nearest_grid_takes_the_pixel_that_the_centre_is_in():
    array = np.arange(4).reshape(1, 1, 4)
    assert nearest_grid(array, (1, 2)).tolist() == [[[1, 3]]]
    assert nearest_grid(array, (2, 8)).tolist() == [[[0, 0, 1, 1, 2, 2, 3, 3]] * 2]


@pytest.mark.parametrize("task", [Task.SEGMENTATION, Task.BEV])
def test_an_id_that_is_no_class_surfaces(make, task):
    predictions = ROAD if task is Task.BEV else SURFACES
    with pytest.raises(ValueError, match="a class id is neither"):
        scored(make, [[[11]]], [[[0]]], predictions)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_equals_scikit_learn_and_torchmetrics(make, sums_of, seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 10, (3, 12, 16)).astype(np.uint8)
    said = np.where(rng.uniform(size=truth.shape) < 0.6, truth, rng.integers(0, 10, truth.shape))
    truth[rng.uniform(size=truth.shape) < 0.2] = UNLABELLED
    result = scored(make, said, truth)
    iou = lookup(Task.SEGMENTATION, "iou")
    values = [float(iou.value(sums_of(result, str(p), "iou"))) for p in SURFACES]
    known = truth != UNLABELLED
    by_sklearn = jaccard_score(truth[known], said[known], labels=range(10), average=None)
    judge = MulticlassJaccardIndex(10, average="none", ignore_index=UNLABELLED)
    by_torch = judge(torch.from_numpy(said.astype(int)), torch.from_numpy(truth.astype(int)))
    assert values == pytest.approx(by_sklearn.tolist(), nan_ok=True)
    assert values == pytest.approx(by_torch.tolist(), rel=1e-6)
