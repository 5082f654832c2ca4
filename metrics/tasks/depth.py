"""Depth along the optical axis, per camera, after KITTI's Eigen split.

Pixels with a known label of at most 80 m are judged. Outputs are resampled to the labels' grid by
the nearest pixel and clamped to 0.001 to 80 m. There is no crop and no median scaling (which is for
networks without a scale). An unknown output (NaN) where the label is known counts as the smallest
depth, a relative error of about 1: giving no output does not improve the value.

Source: Eigen et al. 2014: AbsRel, squared error, the share within a factor of 1.25.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from metrics.tasks.clip_view import ClipView
from metrics.tasks.dense import check_frames, finer, in_chunks, nearest_grid
from metrics.tasks.disagreement import disagreement_metric
from metrics.tasks.family import Scorer, TaskFamily
from metrics.tasks.metric import Better, Metric, Reference, Result, Sums, over
from metrics.tasks.prediction import Prediction
from metrics.tasks.stability import PARAMETERS as STEADINESS
from metrics.tasks.stability import SOURCE, inner_frames
from ridealong.arrays import Bools, Floats, Floats32
from ridealong.perception.annotations import Task
from ridealong.perception.forms import Form

NAME = Task.DEPTH.value
CAP_M = 80.0
LEAST_M = 0.001
BIN_EDGES_M = (20.0, 50.0)
RANGES = ("0_20", "20_50", "50_up")
FACTOR = 1.25
EIGEN = "Eigen et al. 2014; cap 80 m, no crop, no median scaling"


def _abs_rel(suffix: str, where: str) -> Metric:
    return Metric(
        f"abs_rel{suffix}",
        NAME,
        Better.LOWER,
        "1",
        ("relative_error", "pixels"),
        Reference.LABELS,
        f"mean of |output - label| / label over the pixels {where}",
        EIGEN,
        over("relative_error", "pixels"),
        share=False,
    )


ABS_REL = _abs_rel("", "up to 80 m")
ABS_REL_BY_RANGE = (
    _abs_rel("_0_20", "below 20 m"),
    _abs_rel("_20_50", "from 20 m to below 50 m"),
    _abs_rel("_50_up", "from 50 m up to 80 m"),
)
MSE = Metric(
    "mse",
    NAME,
    Better.LOWER,
    "m^2",
    ("squared_error", "pixels"),
    Reference.LABELS,
    "mean of (output - label)^2; RMSE is its root",
    EIGEN,
    over("squared_error", "pixels"),
    share=False,
)
WITHIN = Metric(
    "within_1_25",
    NAME,
    Better.HIGHER,
    "1",
    ("within", "pixels"),
    Reference.LABELS,
    "share of the pixels with max(output / label, label / output) < 1.25",
    EIGEN,
    over("within", "pixels"),
)
JITTER = Metric(
    "jitter",
    NAME,
    Better.LOWER,
    "1",
    ("change", "pixels"),
    Reference.SELF,
    "mean of |before - 2 now + after| / (before + now + after) over three linked frames",
    SOURCE,
    over("change", "pixels"),
    share=False,
)
DISAGREEMENT = disagreement_metric(
    NAME,
    ("difference", "pixels"),
    "mean of |one - other| / the larger; 1 where only one of them knows",
    "ours",
    over("difference", "pixels"),
)


def against_labels(
    outputs: ClipView, labels: ClipView, predictions: Sequence[Prediction]
) -> Result:
    """Errors of each camera, by range."""
    sums = np.array([_camera_sums(outputs, labels, str(p.camera)) for p in predictions])
    names = tuple(map(str, predictions))
    pixels, relative, squared, within = sums.transpose(1, 2, 0)  # each (ranges, predictions)

    def of(metric: Metric, sums: Floats, count: Floats) -> Sums:
        return Sums(metric, names, dict(zip(metric.statistics, (sums, count), strict=True)))

    whole = ((ABS_REL, relative), (MSE, squared), (WITHIN, within))
    by_range = zip(ABS_REL_BY_RANGE, relative, pixels, strict=True)
    return Result(
        (
            *(of(metric, sums.sum(axis=0), pixels.sum(axis=0)) for metric, sums in whole),
            *(of(metric, sums, count) for metric, sums, count in by_range),
        )
    )


def _camera_sums(outputs: ClipView, labels: ClipView, camera: str) -> Floats:
    """``(4, ranges)``: pixels, relative error, squared error, pixels within the factor."""
    reported, truth = outputs.perception.depth[camera], labels.perception.depth[camera]
    check_frames(reported, outputs.frames)
    check_frames(truth, labels.frames)
    size, sums = (truth.shape[1], truth.shape[2]), np.zeros((4, len(RANGES)))
    for chunk in in_chunks(len(truth), size):
        sums += _errors(truth[chunk], nearest_grid(reported[chunk], size))
    return sums


def _errors(label: Floats32, output: Floats32) -> Floats:
    """``(4, ranges)`` sums over a few frames."""
    label, output, sums = label.ravel(), output.ravel(), np.zeros((4, len(RANGES)))
    for place, mask in enumerate(_by_range(label)):
        pixels = np.flatnonzero(mask)
        sums[:, place] = _range_errors(label.take(pixels), output.take(pixels))
    return sums


def _by_range(label: Floats32) -> Iterator[Bools]:
    """The pixels of each range, near to far; false for NaN."""
    near, far = BIN_EDGES_M
    yield (label > 0) & (label < near)
    yield (label >= near) & (label < far)
    yield (label >= far) & (label <= CAP_M)


def _range_errors(label: Floats32, output: Floats32) -> tuple[float, float, float, float]:
    """Number of pixels, relative error, squared error, and pixels within the factor."""
    output = np.fmin(np.fmax(output, np.float32(LEAST_M)), np.float32(CAP_M))
    error = np.abs(output - label)
    factor = np.float32(FACTOR)
    within = (output < factor * label) & (label < factor * output)
    relative, squared = (each.sum(dtype=np.float64) for each in (error / label, error * error))
    return len(label), float(relative), float(squared), int(np.count_nonzero(within))


def against_self(view: ClipView, predictions: Sequence[Prediction]) -> Result:
    """How far each pixel is from a steady change."""
    sums = np.array([_change(view, str(p.camera)) for p in predictions]).reshape(-1, 2)
    names = tuple(map(str, predictions))
    return Result((Sums(JITTER, names, {"change": sums[:, 0], "pixels": sums[:, 1]}),))


def _change(view: ClipView, camera: str) -> Floats:
    reported = view.perception.depth[camera]
    check_frames(reported, view.frames)
    inner, sums = np.flatnonzero(inner_frames(view)), np.zeros(2)
    for chunk in in_chunks(len(inner), (reported.shape[1], reported.shape[2])):
        before, now, after = (
            reported[inner[chunk] + step].astype(np.float64) for step in (0, 1, 2)
        )
        whole = before + now + after
        known = whole > 0  # false for NaN
        sums += (np.abs(before - 2 * now + after)[known] / whole[known]).sum(), known.sum()
    return sums


def against_other(one: ClipView, two: ClipView, predictions: Sequence[Prediction]) -> Result:
    """How far apart the depths are, relative to the larger."""
    sums = np.array([_difference(one, two, str(p.camera)) for p in predictions]).reshape(-1, 2)
    names = tuple(map(str, predictions))
    return Result((Sums(DISAGREEMENT, names, {"difference": sums[:, 0], "pixels": sums[:, 1]}),))


def _difference(one: ClipView, two: ClipView, camera: str) -> Floats:
    a, b = one.perception.depth[camera], two.perception.depth[camera]
    check_frames(a, one.frames)
    check_frames(b, two.frames)
    size, sums = finer(a, b), np.zeros(2)
    for chunk in in_chunks(len(a), size):
        x, y = (nearest_grid(side[chunk], size).astype(np.float64) for side in (a, b))
        larger, smaller = np.fmax(x, y), np.fmin(x, y)
        known = larger > 0  # false where neither knows
        alone = known & np.isnan(x + y)
        apart = np.where(alone, 1, 1 - smaller / np.where(known, larger, 1))
        sums += apart[known].sum(), known.sum()
    return sums


FAMILY = TaskFamily(
    name=NAME,
    form=Form.DEPTH,
    example="depth@rear",
    against_labels=Scorer((ABS_REL, *ABS_REL_BY_RANGE, MSE, WITHIN), against_labels),
    against_self=Scorer((JITTER,), against_self),
    against_other=Scorer((DISAGREEMENT,), against_other),
    parameters={
        "cap_m": CAP_M,
        "least_m": LEAST_M,
        "bin_edges_m": list(BIN_EDGES_M),
        "factor": FACTOR,
        "median_scaling": False,
        **STEADINESS,
    },
)
