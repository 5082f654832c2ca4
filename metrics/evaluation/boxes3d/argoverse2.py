"""Argoverse 2's detection: average precision by centre distance, errors of hits, and their score.

There are two ways of matching, and both have their numbers:

- *By class or over all classes*, at any range: from the highest score to the lowest, a detection
  finds the nearest label, in the plane, that no better one has found. Average precision is the
  area below the monotone curve. F1, precision, recall and ``ap`` are judged by it.
- *Official* (av2-api, ``av2.evaluation.detection``): boxes within 150 m, at most 100 detections of
  a class in a sweep; a detection belongs to its nearest label in space, and only the best one that
  belongs to a label finds it. ``AP``, ``ATE``, ``ASE``, ``AOE``, ``CDS`` and ``cds`` follow it.

Labels without points inside are left out of both. The official evaluation can also leave out what
is outside the region of interest of the map; this one reads no maps, and does not.

Source: Wilson et al., Argoverse 2, NeurIPS Datasets and Benchmarks 2021.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.evaluation.boxes3d.errors import enclosed_scale_errors, heading_errors
from metrics.evaluation.boxes3d.matching import (
    NOTHING,
    Pairs,
    first_of_nearest,
    greedy,
    pairs_within,
)
from metrics.evaluation.boxes3d.precision import (
    argoverse_precision,
    every_point_precision,
    whole,
)
from metrics.evaluation.boxes3d.remaining import Hits, Remaining, each_version
from metrics.evaluation.boxes3d.rows import (
    LEVELS_M,
    TASK,
    detection_rows,
    level_bits,
    per_frame,
    score_rows,
)
from metrics.evaluation.boxes3d.selection import place_in_group, taken, thresholds
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
    over,
)
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import Boxes3D, Frames

SOURCE = "Argoverse 2 (NeurIPS 2021)"
JUDGED = LEVELS_M.index(2.0)  # the level of F1 and of the errors
OFFICIAL = len(LEVELS_M)  # bits from here on are of the official matching
MAX_RANGE_M = 150.0
MAX_DETECTIONS = 100  # of a class in a sweep
BANDS_M = ((0.0, 50.0), (50.0, 100.0), (100.0, 150.0))
ERRORS = ("ate", "ase", "aoe")
WORST = np.array([LEVELS_M[JUDGED], 1.0, np.pi])  # the errors of a class of which nothing is found


@dataclass(frozen=True)
class _Judged:
    """One network's detections in descending order of score, and what they found.

    Attributes:
        truth: L labels that can be found.
        found: N detections.
        hits: Per level ``(N,)``: found a label of its class.
        any_hits: Per level ``(N,)``: found a label of any class.
        official: What the official evaluation looks at.
    """

    truth: Boxes3D
    found: Boxes3D
    hits: tuple[Bools, ...]
    any_hits: tuple[Bools, ...]
    official: "_Official"


@dataclass(frozen=True)
class _Official:
    """The official matching.

    Attributes:
        label, detection: ``(L,)`` and ``(N,)``: which boxes it looks at.
        hits: Per level ``(N,)``.
        errors: ``(N, 3)`` translation in metres, scale, and orientation in radians, of the hits
            within 2 m; NaN elsewhere.
    """

    label: Bools
    detection: Bools
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
        frames: F sweeps.
        categories: C classes.
        truth: Labels.
        results: Detections. The centres of all boxes are relative to the ego vehicle.
        threshold: The lowest score that counts in F1, precision and recall, by class.
    """
    judged = _judged(truth, results, len(categories))
    shape = (len(frames), len(categories))
    bits = level_bits([*judged.hits, *judged.official.hits])
    unseen = np.where(judged.official.detection, 0, ((1 << OFFICIAL) - 1) << OFFICIAL)
    found = judged.found
    rows = detection_rows(
        found.frame, found.category, categories, found.score, bits, unseen, judged.official.errors
    )
    enough = found.score >= thresholds(categories, threshold)[found.category]
    sums = _sums(judged, enough, shape)
    summary = _summary(judged, categories)
    return Evaluated(score_rows(METRICS, categories, sums), rows, summary)


def _judged(truth: Boxes3D, results: Boxes3D, categories: int) -> _Judged:
    truth = taken(truth, ~truth.ignored)
    found = taken(results, np.lexsort((results.frame, -results.score)))
    pairs = pairs_within(
        found.center_m[:, :2], found.frame, truth.center_m[:, :2], truth.frame, max(LEVELS_M)
    )
    same = found.category[pairs.found] == truth.category[pairs.label]
    of_class = Pairs(pairs.found[same], pairs.label[same], pairs.distance_m[same])
    hits, any_hits = (_hits(some, len(found), len(truth)) for some in (of_class, pairs))
    return _Judged(truth, found, hits, any_hits, _official(truth, found, categories))


def _hits(pairs: Pairs, detections: int, labels: int) -> tuple[Bools, ...]:
    return tuple(greedy(pairs.within(m), detections, labels) != NOTHING for m in LEVELS_M)


def _official(truth: Boxes3D, found: Boxes3D, categories: int) -> _Official:
    group = found.frame * categories + found.category
    # A detection without a place in space is an error at any range.
    near = ~(np.linalg.norm(found.center_m, axis=1) >= MAX_RANGE_M)
    looked_at = np.zeros(len(found), np.bool_)
    looked_at[np.flatnonzero(near)[place_in_group(group[near]) < MAX_DETECTIONS]] = True
    labels = np.linalg.norm(truth.center_m, axis=1) < MAX_RANGE_M
    match, distance_m = _official_match(truth, found, labels, looked_at, categories)
    errors = np.full((len(found), len(ERRORS)), np.nan)
    hit = np.flatnonzero(distance_m < LEVELS_M[JUDGED])
    label = match[hit]
    errors[hit] = np.column_stack(
        [
            distance_m[hit],
            enclosed_scale_errors(found.size_lwh_m[hit], truth.size_lwh_m[label]),
            heading_errors(found.yaw_rad[hit], truth.yaw_rad[label]),
        ]
    )
    return _Official(labels, looked_at, tuple(distance_m < m for m in LEVELS_M), errors)


def _official_match(
    truth: Boxes3D, found: Boxes3D, label: Bools, detection: Bools, categories: int
) -> tuple[Ints, Floats]:
    """Label and distance of each detection, among those labels and those detections."""
    labels, detections = np.flatnonzero(label), np.flatnonzero(detection)
    near, distance = first_of_nearest(
        found.center_m[detections],
        (found.frame * categories + found.category)[detections],
        truth.center_m[labels],
        (truth.frame * categories + truth.category)[labels],
    )
    match, distance_m = np.full(len(found), NOTHING), np.full(len(found), np.inf)
    hit = near != NOTHING
    match[detections[hit]], distance_m[detections] = labels[near[hit]], distance
    return match, distance_m


def _sums(judged: _Judged, enough: Bools, shape: tuple[int, int]) -> dict[str, dict[str, Floats]]:
    """``{metric: {statistic: (F, C)}}``."""
    truth, found, official = judged.truth, judged.found, judged.official
    hit = judged.hits[JUDGED]
    labels = per_frame(truth.frame, truth.category, np.ones(len(truth), np.bool_), shape)
    in_reach = per_frame(truth.frame, truth.category, official.label, shape)
    right = per_frame(found.frame, found.category, enough & hit, shape)
    wrong = per_frame(found.frame, found.category, enough & ~hit, shape)
    counts = {"tp": right, "fp": wrong, "fn": labels - right}
    hits = per_frame(found.frame, found.category, official.hits[JUDGED], shape)
    errors = {
        name: {
            "error": per_frame(
                found.frame, found.category, np.nan_to_num(official.errors[:, column]), shape
            ),
            "hits": hits,
        }
        for column, name in enumerate(ERRORS)
    }
    of_counts = {m.name: {s: counts[s] for s in m.statistics} for m in COUNTED}
    return {"ap": {"labels": labels}, "cds": {"labels": in_reach}, **errors, **of_counts}


def _summary(judged: _Judged, categories: tuple[str, ...]) -> dict[str, Any]:
    truth, found = judged.truth, judged.found
    everything = _at_levels(judged.any_hits, np.ones(len(found), np.bool_), len(truth))
    for low, high in BANDS_M:
        everything[f"AP@2m_{low:g}-{high:g}m"] = _any_class_within(judged, low, high)
    per_class = {name: _of_class(judged, code) for code, name in enumerate(categories)}
    bands = _official_bands(judged, len(categories))
    for code, name in enumerate(categories):
        per_class[name].update({band: values[code] for band, values in bands.items()})
    means = {
        f"m{name}": float(np.mean([row[name] for row in per_class.values()])) if per_class else None
        for name in ("AP", "ATE", "ASE", "AOE", "CDS")
    }
    mean_bands = {
        f"m{band}": float(np.mean(known))
        if (known := [v for v in values if v is not None])
        else None
        for band, values in bands.items()
    }
    return {**everything, **means, **mean_bands, "per_class": per_class}


def _at_levels(hits: tuple[Bools, ...], of: Bools, labels: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for level, hit in zip(LEVELS_M, hits, strict=True):
        right, detections = int(hit[of].sum()), int(of.sum())
        values[f"recall@{level:g}m"] = right / labels if labels else None
        values[f"precision@{level:g}m"] = right / detections if detections else None
        values[f"AP@{level:g}m"] = every_point_precision(hit[of], labels)
    return values


def _any_class_within(judged: _Judged, low: float, high: float) -> float | None:
    """Average precision at 2 m over all classes, of the boxes in a band of range."""
    truth, found = (_in_band(boxes, low, high) for boxes in (judged.truth, judged.found))
    pairs = pairs_within(
        found.center_m[:, :2], found.frame, truth.center_m[:, :2], truth.frame, LEVELS_M[JUDGED]
    )
    return every_point_precision(greedy(pairs, len(found), len(truth)) != NOTHING, len(truth))


def _in_band(boxes: Boxes3D, low: float, high: float) -> Boxes3D:
    return taken(boxes, (boxes.range_m >= low) & (boxes.range_m < high))


def _of_class(judged: _Judged, code: int) -> dict[str, Any]:
    found, official = judged.found.category == code, judged.official
    labels = judged.truth.category == code
    values = _at_levels(judged.hits, found, int(labels.sum()))
    looked_at = found & official.detection
    left = [whole(hit[looked_at]) for hit in official.hits]
    sums = np.nansum(official.errors[looked_at], axis=0)
    ap, errors, cds = _official_figures(left, sums, int((labels & official.label).sum()))
    named = zip(("ATE", "ASE", "AOE"), errors.tolist(), strict=True)
    return {**values, "AP": ap, **dict(named), "CDS": cds}


def _official_figures(
    left: Sequence[Remaining], errors: Floats, labels: float
) -> tuple[float, Floats, float]:
    """Average precision, ``(3,)`` errors, and the composite score of one class.

    A class without labels has the values of one of which nothing is found, as in av2-api.

    Args:
        left: The hits at each level.
        errors: ``(3,)`` sums over the hits at 2 m.
        labels: How many labels there are.
    """
    ap = float(np.mean([argoverse_precision(some, labels) for some in left]))
    hits = left[JUDGED].count
    means = errors / hits if labels and hits else WORST
    return ap, means, ap * float(np.mean(1 - means / WORST))


def _official_bands(judged: _Judged, categories: int) -> dict[str, list[float | None]]:
    """Official average precision by class, among the boxes of each band of range."""
    truth, found, official = judged.truth, judged.found, judged.official
    bands = {}
    for low, high in BANDS_M:
        label = official.label & (truth.range_m >= low) & (truth.range_m < high)
        detection = official.detection & (found.range_m >= low) & (found.range_m < high)
        _, distance_m = _official_match(truth, found, label, detection, categories)
        labels = np.bincount(truth.category[label], minlength=categories)
        bands[f"AP_{low:g}-{high:g}m"] = [
            _precision_of(distance_m[detection & (found.category == code)], int(labels[code]))
            for code in range(categories)
        ]
    return bands


def _precision_of(distance_m: Floats, labels: int) -> float | None:
    """Mean official average precision of one class from the distances of its hits."""
    if not labels:
        return None
    levels = [argoverse_precision(whole(distance_m < m), labels) for m in LEVELS_M]
    return float(np.mean(levels))


def _composite(rows: DetectionRows, keep: Bools, labels: Floats) -> Floats:
    """The composite detection score of each version; NaN without labels."""
    # The official evaluation does not see rows that it ignores.
    seen = np.flatnonzero((rows.ignored >> OFFICIAL) & 1 == 0)
    hits = [
        Hits(np.asarray((rows.hits[seen] >> level) & 1, np.bool_))
        for level in range(OFFICIAL, 2 * OFFICIAL)
    ]
    errors = np.nan_to_num(rows.errors[seen])
    total = errors.sum(axis=0)

    def of(removed: Ints, count: float) -> float:
        left = [Remaining(some, removed) for some in hits]
        return _official_figures(left, total - errors[removed].sum(axis=0), count)[2]

    return each_version(of, keep[:, seen], labels)


def _error_metric(name: str, unit: str, description: str) -> Metric:
    return Metric(
        name, TASK, Better.LOWER, unit, ("error", "hits"), Reference.LABELS,
        f"{description}, mean over the official hits within 2 m", SOURCE,
        over("error", "hits"), share=name == "ase",
    )  # fmt: skip


COUNTED = detection_metrics(TASK, "boxes found within 2 m", SOURCE)
METRICS = (
    Metric(
        "ap", TASK, Better.HIGHER, "1", ("labels",), Reference.LABELS,
        "area below the monotone precision-recall curve, mean over 0.5, 1, 2 and 4 m", SOURCE,
        figure=Precision((0, 1, 2, 3), Curve.EVERY_POINT),
    ),
    Metric(
        "cds", TASK, Better.HIGHER, "1", ("labels",), Reference.LABELS,
        "official AP times the mean of 1 - error / worst error", SOURCE,
        figure=OfRows(_composite, tuple(range(OFFICIAL, 2 * OFFICIAL))),
    ),
    _error_metric("ate", "m", "distance of the centres"),
    _error_metric("ase", "1", "1 - IoU of the sizes"),
    _error_metric("aoe", "rad", "angle between the headings"),
    *COUNTED,
)  # fmt: skip

EVALUATION = Evaluation(
    name="argoverse2",
    task=TASK,
    metrics=METRICS,
    margins={
        "ap": 0.03, "cds": 0.03, "ate": 0.05, "ase": 0.03, "aoe": 0.1,
        "f1": 0.03, "precision": 0.03, "recall": 0.03,
    },
    evaluate=evaluate,
    parameters={
        "levels_m": list(LEVELS_M),
        "max_range_m": MAX_RANGE_M,
        "max_detections": MAX_DETECTIONS,
    },
    errors=ERRORS,
)  # fmt: skip
