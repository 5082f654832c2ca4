"""Calibration: whether scores are the probabilities that detections are right.

Detections are put into 15 equal bins by score. The expected calibration error is the mean, over the
detections, of the gap of their bin: the mean score minus the share that is right, without sign.

    ECE = sum over bins of |sum of scores - number that are right| / number of detections

So it is a function of two sums per bin, and of the number of detections.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", with 15 bins as there.
"""

from collections.abc import Mapping

import numpy as np

from metrics.tasks.metric import Better, Metric, Reference, Smooth
from ridealong.arrays import Bools, Floats, Ints

BINS = 15
SCORES = tuple(f"score_{number:02}" for number in range(BINS))  # sums of scores
RIGHT = tuple(f"right_{number:02}" for number in range(BINS))  # how many are right
DETECTIONS = "detections"


def calibration_metric(task: str) -> Metric:
    """The expected calibration error of a family of scored detections."""
    return Metric(
        "ece",
        task,
        Better.LOWER,
        "1",
        (DETECTIONS, *SCORES, *RIGHT),
        Reference.LABELS,
        "expected calibration error over 15 equal bins of scores; correct is IoU 0.5",
        "Guo et al. 2017",
        figure=Smooth(expected_calibration_error, detections_of),
    )


def expected_calibration_error(sums: Mapping[str, Floats]) -> Floats:
    """From the sums of all bins and the number of detections; NaN without detections."""
    pairs = zip(SCORES, RIGHT, strict=True)
    apart = np.add.reduce([np.abs(sums[score] - sums[right]) for score, right in pairs])
    said = np.asarray(sums[DETECTIONS], np.float64)
    error: Floats = np.divide(apart, said, out=np.full(said.shape, np.nan), where=said > 0)
    return error


def detections_of(sums: Mapping[str, Floats]) -> Floats:
    """How many detections there are."""
    return sums[DETECTIONS]


def bin_of(score: Floats) -> Ints:
    """The bin of each score; a bin has its lower limit, the last one both."""
    return np.clip((score * BINS).astype(np.int64), 0, BINS - 1)


def bin_sums(score: Floats, right: Bools, cell: Ints, cells: int) -> dict[str, Floats]:
    """The sums of every bin in each of some cells.

    Args:
        score: ``(n,)`` scores of detections.
        right: ``(n,)`` which are right.
        cell: ``(n,)`` the cell of each, such as a frame and class.
        cells: How many cells there are.
    """
    at, size = bin_of(score) * cells + cell, BINS * cells
    sums: dict[str, Floats] = {}
    for names, weights in ((SCORES, score), (RIGHT, right)):
        found = np.bincount(at, weights=weights, minlength=size)
        sums |= dict(zip(names, found.reshape(BINS, cells), strict=True))
    return sums


def are_probabilities(score: Floats) -> bool:
    """Whether all scores are from 0 to 1; the calibration of others is undefined."""
    return bool(((score >= 0) & (score <= 1)).all())
