"""nuScenes' detection: average precision by centre distance, five errors of hits, and their score.

It follows nuscenes-devkit 1.2 with its configuration ``detection_cvpr_2019``. A detection finds the
nearest label of its class, in the plane, that no better one has found, within 0.5, 1, 2 or 4 m.
Boxes beyond the range of their class are left out. The errors are of the hits within 2 m: means
over the detections down to each recall, averaged over the recalls from 0.11 to the highest.

Two numbers are ours: the devkit has NDS only over all classes. ``nds`` of one class has the class's
own precision and errors, of which cones have two and barriers three.

Source: Caesar et al., nuScenes, CVPR 2020.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.evaluation.boxes3d.errors import TURN, heading_errors, scale_errors
from metrics.evaluation.boxes3d.matching import NOTHING, greedy, pairs_within
from metrics.evaluation.boxes3d.precision import nuscenes_precision, whole
from metrics.evaluation.boxes3d.remaining import Hits, Remaining, each_version
from metrics.evaluation.boxes3d.rows import (
    LEVELS_M,
    TASK,
    detection_rows,
    level_bits,
    per_frame,
    score_rows,
)
from metrics.evaluation.boxes3d.running_errors import NOT_OF_CLASS, RunningErrors
from metrics.evaluation.boxes3d.selection import taken, thresholds
from metrics.evaluation.evaluation import Evaluated, Evaluation
from metrics.tasks.metric import (
    Better,
    Curve,
    DetectionRows,
    Metric,
    OfRows,
    Precision,
    Reference,
    detection_metrics,
)
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import NO_ATTRIBUTE, Boxes3D, Frames

SOURCE = "nuScenes (CVPR 2020)"
RANGE_M = {
    "car": 50.0, "truck": 50.0, "bus": 50.0, "trailer": 50.0, "construction_vehicle": 50.0,
    "pedestrian": 40.0, "motorcycle": 40.0, "bicycle": 40.0, "traffic_cone": 30.0, "barrier": 30.0,
}  # fmt: skip
JUDGED = LEVELS_M.index(2.0)  # the level of F1 and of the errors
PRECISION_WEIGHT = 5  # of average precision in the detection score; each error's is 1
ERRORS = ("ate", "ase", "aoe", "ave", "aae")
NO_ERROR = {"traffic_cone": ("aoe", "ave", "aae"), "barrier": ("ave", "aae")}
HALF_TURN = "barrier"  # its front and back look alike


@dataclass(frozen=True)
class _Judged:
    """One network's detections, best first, and what they found.

    Attributes:
        truth: L labels.
        found: N detections.
        hits: Per level ``(N,)``.
        errors: ``(N, 5)`` of the hits within 2 m, in the order of `ERRORS`; NaN where unknown, and
            `NOT_OF_CLASS`.
    """

    truth: Boxes3D
    found: Boxes3D
    hits: tuple[Bools, ...]
    errors: Floats


def evaluate(
    frames: Frames,
    categories: tuple[str, ...],
    truth: Boxes3D,
    results: Boxes3D,
    threshold: Mapping[str, float],
) -> Evaluated:
    """Evaluate one network.

    Args:
        frames: F samples.
        categories: C classes, some of `RANGE_M`.
        truth: Labels.
        results: Detections; those that are ignored are left out, as are labels.
        threshold: The lowest score that counts in F1, precision and recall, by class.
    """
    judged = _judged(truth, results, categories)
    found = judged.found
    shape = (len(frames), len(categories))
    hits = level_bits(judged.hits)
    none = np.zeros(len(found), np.int64)
    rows = detection_rows(
        found.frame, found.category, categories, found.score, hits, none, judged.errors
    )
    enough = found.score >= thresholds(categories, threshold)[found.category]
    sums = _sums(judged, enough, shape)
    return Evaluated(score_rows(METRICS, categories, sums), rows, _summary(judged, categories))


def _judged(truth: Boxes3D, results: Boxes3D, categories: Sequence[str]) -> _Judged:
    truth, found = (_in_range(boxes, categories) for boxes in (truth, results))
    # Of equal scores, the devkit takes the later one first.
    found = taken(found, np.argsort(found.score, kind="stable")[::-1])
    groups = [boxes.frame * len(categories) + boxes.category for boxes in (found, truth)]
    pairs = pairs_within(
        found.center_m[:, :2], groups[0], truth.center_m[:, :2], groups[1], max(LEVELS_M)
    )
    matches = [greedy(pairs.within(limit), len(found), len(truth)) for limit in LEVELS_M]
    hits = tuple(match != NOTHING for match in matches)
    return _Judged(truth, found, hits, _errors(truth, found, matches[JUDGED], categories))


def _in_range(boxes: Boxes3D, categories: Sequence[str]) -> Boxes3D:
    """The boxes that count; one without a place is an error at any range."""
    limit_m = np.asarray([RANGE_M[name] for name in categories], np.float64)
    return taken(boxes, ~boxes.ignored & ~(boxes.range_m >= limit_m[boxes.category]))


def _errors(truth: Boxes3D, found: Boxes3D, match: Ints, categories: Sequence[str]) -> Floats:
    errors = np.full((len(found), len(ERRORS)), np.nan)
    hit = np.flatnonzero(match != NOTHING)
    one, other = taken(truth, match[hit]), taken(found, hit)
    half = np.asarray([name == HALF_TURN for name in categories], np.bool_)[one.category]
    turned = heading_errors(one.yaw_rad, other.yaw_rad)
    folded = heading_errors(one.yaw_rad, other.yaw_rad, TURN / 2)
    wrong = (one.attribute != other.attribute).astype(np.float64)
    errors[hit] = np.column_stack(
        [
            np.hypot(*(one.center_m - other.center_m)[:, :2].T),
            scale_errors(one.size_lwh_m, other.size_lwh_m),
            np.where(half, folded, turned),
            np.hypot(*(one.velocity_mps - other.velocity_mps).T),
            np.where(one.attribute == NO_ATTRIBUTE, np.nan, wrong),
        ]
    )
    for column, name in enumerate(ERRORS):
        without = [name in NO_ERROR.get(category, ()) for category in categories]
        errors[hit[np.asarray(without, np.bool_)[one.category]], column] = NOT_OF_CLASS
    return errors


def _sums(judged: _Judged, enough: Bools, shape: tuple[int, int]) -> dict[str, dict[str, Floats]]:
    """``{metric: {statistic: (F, C)}}``."""
    truth, found = judged.truth, judged.found
    hit = judged.hits[JUDGED]
    labels = per_frame(truth.frame, truth.category, np.ones(len(truth), np.bool_), shape)
    right = per_frame(found.frame, found.category, enough & hit, shape)
    wrong = per_frame(found.frame, found.category, enough & ~hit, shape)
    counts = {"tp": right, "fp": wrong, "fn": labels - right, "labels": labels}
    return {metric.name: {s: counts[s] for s in metric.statistics} for metric in METRICS}


def _summary(judged: _Judged, categories: Sequence[str]) -> dict[str, Any]:
    per_class = {name: _of_class(judged, code, name) for code, name in enumerate(categories)}
    precision = float(np.mean([row["AP"] for row in per_class.values()]))
    columns = {
        name.upper(): [v for row in per_class.values() if (v := row[name.upper()]) is not None]
        for name in ERRORS
    }
    means = {name: float(np.mean(values)) if values else 1.0 for name, values in columns.items()}
    return {
        "mAP": precision,
        **{f"m{name}": value for name, value in means.items()},
        "NDS": detection_score(precision, np.asarray(list(means.values()))),
        "per_class": per_class,
    }


def _of_class(judged: _Judged, code: int, name: str) -> dict[str, Any]:
    found = judged.found.category == code
    labels = int((judged.truth.category == code).sum())
    hits = [whole(hit[found]) for hit in judged.hits]
    precisions = [nuscenes_precision(left, labels) for left in hits]
    running = RunningErrors(
        judged.found.score[found], judged.hits[JUDGED][found], judged.errors[found]
    )
    errors = running.mean(hits[JUDGED], labels)
    kept = [error not in NO_ERROR.get(name, ()) for error in ERRORS]
    return {
        "AP": float(np.mean(precisions)),
        **{f"AP@{m:g}m": value for m, value in zip(LEVELS_M, precisions, strict=True)},
        **{
            error.upper(): float(value) if known else None
            for error, value, known in zip(ERRORS, errors, kept, strict=True)
        },
        "NDS": detection_score(float(np.mean(precisions)), errors[np.asarray(kept)]),
    }


def detection_score(precision: float, errors: Floats) -> float:
    """The weighted mean of a precision and of what each error, ``(E,)``, leaves of 1."""
    left = np.maximum(1 - errors, 0).sum()
    score = (PRECISION_WEIGHT * precision + left) / (PRECISION_WEIGHT + len(errors))
    return min(float(score), 1.0)  # rounding may leave a perfect precision a little above 1


# Metrics: of each class, for all slices and for versions without one drive


def _hits(rows: DetectionRows, level: int) -> Bools:
    return np.asarray((rows.hits >> level) & 1, np.bool_)


def _error_figure(column: int) -> OfRows:
    def value(rows: DetectionRows, keep: Bools, labels: Floats) -> Floats:
        errors = RunningErrors(rows.score, _hits(rows, JUDGED), rows.error(column))

        def of(removed: Ints, count: float) -> float:
            return float(errors.mean(Remaining(errors.hits, removed), count)[0])

        return each_version(of, keep, labels)

    return OfRows(value, (JUDGED,))


def _score_figure(rows: DetectionRows, keep: Bools, labels: Floats) -> Floats:
    hits = [Hits(_hits(rows, level)) for level in range(len(LEVELS_M))]
    errors = RunningErrors(rows.score, _hits(rows, JUDGED), rows.errors)

    def of(removed: Ints, count: float) -> float:
        left = [Remaining(some, removed) for some in hits]
        precision = float(np.mean([nuscenes_precision(some, count) for some in left]))
        means = errors.mean(left[JUDGED], count)
        return detection_score(precision, means[~np.isposinf(means)])

    return each_version(of, keep, labels)


def _error_metric(name: str, unit: str, description: str) -> Metric:
    judged = [category for category in RANGE_M if name not in NO_ERROR.get(category, ())]
    return Metric(
        name, TASK, Better.LOWER, unit, ("labels",), Reference.LABELS,
        f"{description} of hits within 2 m, mean over recalls", SOURCE,
        figure=_error_figure(ERRORS.index(name)), categories=frozenset(judged),
        share=name in {"ase", "aae"},
    )  # fmt: skip


METRICS = (
    Metric(
        "ap", TASK, Better.HIGHER, "1", ("labels",), Reference.LABELS,
        "average precision, mean over matching within 0.5, 1, 2 and 4 m", SOURCE,
        figure=Precision((0, 1, 2, 3), Curve.NUSCENES),
    ),
    Metric(
        "nds", TASK, Better.HIGHER, "1", ("labels",), Reference.LABELS,
        "detection score: weighted mean of AP and of max(0, 1 - error)", SOURCE,
        figure=OfRows(_score_figure, (0, 1, 2, 3)),
    ),
    _error_metric("ate", "m", "distance of the centres in the plane"),
    _error_metric("ase", "1", "1 - IoU of the sizes"),
    _error_metric("aoe", "rad", "angle between the headings"),
    _error_metric("ave", "m/s", "difference of the velocities"),
    _error_metric("aae", "1", "share of wrong attributes"),
    *detection_metrics(TASK, "boxes found within 2 m", SOURCE),
)  # fmt: skip

EVALUATION = Evaluation(
    name="nuscenes",
    task=TASK,
    metrics=METRICS,
    margins={
        "ap": 0.03, "nds": 0.03, "ate": 0.05, "ase": 0.03, "aoe": 0.1, "ave": 0.1, "aae": 0.05,
        "f1": 0.03, "precision": 0.03, "recall": 0.03,
    },
    evaluate=evaluate,
    parameters={"levels_m": list(LEVELS_M), "range_m": dict(RANGE_M)},
    errors=ERRORS,
)  # fmt: skip
