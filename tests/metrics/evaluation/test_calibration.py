"""Expected calibration error, by hand and compared with two libraries."""

import numpy as np
import pytest
import torch
from hotcoco.metrics import calibration_error
from torchmetrics.classification import BinaryCalibrationError

from metrics.evaluation.calibration import (
    BINS,
    DETECTIONS,
    are_probabilities,
    bin_of,
    bin_sums,
    expected_calibration_error,
)


def error_of(score, right):
    sums = bin_sums(score, right, np.zeros(len(score), np.int64), 1)
    sums[DETECTIONS] = np.array([float(len(score))])
    return float(expected_calibration_error(sums)[0])


def test_two_bins_by_hand():
    score = np.array([0.95, 0.95, 0.95, 0.95, 0.1, 0.1])
    right = np.array([True, True, False, False, False, False])
    # 4 detections claim 0.95 and are right half the time; 2 claim 0.1 and are never right.
    assert error_of(score, right) == pytest.approx((4 * 0.45 + 2 * 0.1) / 6)


def test_nothing_said_is_undefined():
    assert np.isnan(error_of(np.empty(0), np.empty(0, np.bool_)))


@pytest.mark.parametrize("seed", range(3))
def test_two_libraries_agree(seed):
    rng = np.random.default_rng(seed)
    score = rng.random(500)
    right = rng.random(500) < score**2
    theirs, _ = calibration_error(score.tolist(), right.tolist(), n_bins=BINS)
    assert error_of(score, right) == pytest.approx(theirs, abs=1e-12)
    metric = BinaryCalibrationError(n_bins=BINS, norm="l1")
    metric.update(torch.tensor(score), torch.tensor(right).int())
    # torchmetrics takes the confidence in the class that is chosen; here that is the score.
    assert error_of(score, right) == pytest.approx(float(metric.compute()), abs=1e-6)


def test_the_ends_are_in_the_first_and_last_bin():
    assert bin_of(np.array([0.0, 1.0, 1 / 15, 0.9999])).tolist() == [0, 14, 1, 14]


def test_probabilities():
    assert are_probabilities(np.array([0.0, 1.0]))
    assert are_probabilities(np.empty(0))
    assert not are_probabilities(np.array([0.5, 1.5]))
    assert not are_probabilities(np.array([-0.1]))
