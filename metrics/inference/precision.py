"""Average precision with influence values: the area under a precision-recall curve.

Detections in descending order of score give precision and recall at every cut. Rows of one score
enter together, because no threshold can separate them: so the order of rows does not matter. (Other
tools let them enter one by one, in the order of the images; without equal scores all agree.)

A *curve* says how precision and recall become one number:

- ``coco``: the mean of the highest precision at or beyond 101 recalls, from 0 to 1 (Lin et al.
  2014).
- ``r40``: the same at 40 recalls, from 1/40 to 1 (KITTI; Simonelli et al. 2019).
- ``every_point``: the area below the highest precision at or beyond each recall, without sampling.
- ``nuscenes``: the mean of precision at 101 recalls, by linear interpolation. Recalls up to 0.1 do
  not count, and 0.1 is subtracted from precision (Caesar et al. 2020).

Average precision is not a ratio of sums, but the area is a function of weighted sums over clusters.
So each cluster has an influence on it, in three parts:

1. its matches add area,
2. its labels lower the recall of all,
3. its rows above a cut change the precision at the cut. The cut at which the envelope touches the
   curve does not move for small changes (envelope theorem), so this is a sum over those cuts.

It takes one pass of cumulative sums, and no resampling. The values of sampled curves are those of
their sampling points, and their influence is that of the area that they sample.

The first part corresponds to the numerator of a ratio, the others to its denominator:
``influence = (gained - lost) / labels``, where a ratio has ``(num - R * den) / D``. So the weight
of a cluster is the area that can be lost by its labels and its rows.

Legend: n rows, k cuts, L levels of matching, G clusters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Bools, Floats, Ints

Codes = NDArray[np.integer]

COCO_RECALLS = np.linspace(0, 1, 101)
R40_RECALLS = np.arange(1, 41) / 40
NUSCENES_RECALLS = COCO_RECALLS[11:]  # above the lowest that counts
NUSCENES_FLOOR = 0.1  # of recall and of precision
NUSCENES_SCALE = 1 - NUSCENES_FLOOR


@dataclass(frozen=True)
class AveragePrecision:
    """An average precision at L levels, and the influence of every cluster.

    Attributes:
        value: ``(L,)`` from 0 to 1; NaN without labels.
        area: ``(L,)`` the area that the value samples.
        influence: ``(L, G)`` influence values on the area; NaN without labels.
        weight: ``(L, G)`` each cluster's weight in the area, in labels: they sum to the labels.
    """

    value: Floats
    area: Floats
    influence: Floats
    weight: Floats


@dataclass(frozen=True)
class Ranking:
    """Detections in descending order of score, as counts at the cuts that thresholds can make.

    Attributes:
        cut: ``(n,)`` the cut at which each row enters, 0 to k - 1.
        hits: ``(L, k)`` matches that enter at each cut.
        rows: ``(L, k)`` rows at or above each cut.
        labels: How many labels there were to find, more than 0.
    """

    cut: Ints
    hits: Floats
    rows: Floats
    labels: float

    @cached_property
    def found(self) -> Floats:
        """``(L, k)`` matches at or above each cut."""
        return np.asarray(np.cumsum(self.hits, axis=1))

    @cached_property
    def precision(self) -> Floats:
        """``(L, k)``; 0 before the first row."""
        precision = np.zeros(self.rows.shape)
        return np.divide(self.found, self.rows, out=precision, where=self.rows > 0)


@dataclass(frozen=True)
class _Area:
    """An area in labels, and what adds to it and takes from it; all but the first per cut.

    Attributes:
        size: ``(L,)``.
        match: ``(L, k)`` gained by a match that enters there, by its own area alone.
        pull: ``(L, k)`` how much the area depends on the precision at the cut.
        label: ``(L,)`` lost by a label.
    """

    size: Floats
    match: Floats
    pull: Floats
    label: Floats


@dataclass(frozen=True)
class _Curve:
    """How a ranking becomes one number a level, ``(L,)``, and the area behind it."""

    value: Callable[[Ranking], Floats]
    area: Callable[[Ranking], _Area]


def average_precision(
    score: Floats, matched: Bools, exists: Bools, clusters: Codes, labels: Floats, curve: str
) -> AveragePrecision:
    """Average precision at each level, its influence values, and the weight of each cluster.

    Args:
        score: ``(n,)`` in descending order.
        matched: ``(L, n)`` whether the detection found a label that no better one had found.
        exists: ``(L, n)`` false for rows that are neither a hit nor an error at the level.
        clusters: ``(n,)`` each row's cluster, 0 to G - 1.
        labels: ``(G,)`` labels per cluster, found or not.
        curve: One of the curves above, by name.
    """
    levels, total = len(matched), float(labels.sum())
    flat = np.broadcast_to(labels, (levels, len(labels)))
    if total <= 0:
        unknown = np.full(levels, np.nan)
        return AveragePrecision(unknown, unknown, np.full(flat.shape, np.nan), flat)
    if not len(score):
        return AveragePrecision(np.zeros(levels), np.zeros(levels), np.zeros(flat.shape), flat)
    ranking = ranked(score, matched, exists, total)
    area = CURVES[curve].area(ranking)
    pull = np.divide(area.pull, ranking.rows, out=np.zeros(area.pull.shape), where=area.pull != 0)
    as_match = area.match + _from_right(pull)
    as_row = _from_right(pull * ranking.precision)
    gained = _by_cluster(as_match, ranking.cut, matched & exists, clusters, len(labels))
    lost = _by_cluster(as_row, ranking.cut, exists, clusters, len(labels))
    lost += labels * area.label[:, None]
    in_all = lost.sum(axis=1, keepdims=True)
    weight = np.divide(lost * total, in_all, out=flat.copy(), where=in_all > 0)
    value = CURVES[curve].value(ranking)
    return AveragePrecision(value, area.size / total, (gained - lost) / total, weight)


def ranked(score: Floats, matched: Bools, exists: Bools, labels: float) -> Ranking:
    """Rows in descending order of score, at least one, as counts at their cuts.

    The arguments are as for `average_precision`.
    """
    new = np.append(True, score[1:] != score[:-1])
    starts = np.flatnonzero(new)
    hits = np.add.reduceat(matched & exists, starts, axis=1, dtype=np.float64)
    rows = np.add.reduceat(exists, starts, axis=1, dtype=np.float64)
    return Ranking(np.cumsum(new) - 1, hits, np.cumsum(rows, axis=1), labels)


def _by_cluster(per_cut: Floats, cut: Ints, which: Bools, clusters: Codes, count: int) -> Floats:
    """The sum of ``per_cut`` over the rows of each cluster, ``(L, G)``."""
    place = np.arange(len(which))[:, None] * count + clusters
    weights = np.where(which, per_cut[:, cut], 0.0)  # faster than to leave rows out
    sums = np.bincount(place.ravel(), weights=weights.ravel(), minlength=len(which) * count)
    return np.asarray(sums.reshape(len(which), count), np.float64)


def coco_average_precision(score: Floats, matched: Bools, labels: int) -> float:
    """COCO's 101-point average precision.

    Args:
        score: ``(n,)`` scores of all judged detections, in any order.
        matched: ``(n,)`` whether each found a label.
        labels: How many labels there were to find.

    Returns:
        From 0 to 1; NaN, unknown, if there was nothing to find.
    """
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    hits = np.asarray(matched, np.bool_)[None, order]
    clusters, whole = np.zeros(len(order), np.int64), np.array([float(labels)])
    score = np.asarray(score, np.float64)[order]
    found = average_precision(score, hits, np.ones_like(hits), clusters, whole, "coco")
    return float(found.value[0])


# --- the highest precision at or beyond each recall


def _at_recalls(ranking: Ranking, recalls: Floats) -> Floats:
    best = np.zeros((len(ranking.hits), ranking.hits.shape[1] + 1))  # at last, where none is: 0
    np.maximum.accumulate(ranking.precision[:, ::-1], axis=1, out=best[:, -2::-1])
    reached = [np.searchsorted(found / ranking.labels, recalls) for found in ranking.found]
    return np.asarray(np.take_along_axis(best, np.array(reached), axis=1).mean(axis=1))


def _below_envelope(ranking: Ranking) -> _Area:
    touch = _touching(ranking.precision)
    envelope = np.take_along_axis(ranking.precision, touch, axis=1)
    size = (ranking.hits * envelope).sum(axis=1)
    place = touch + np.arange(len(touch))[:, None] * touch.shape[1]
    counts = np.bincount(place.ravel(), weights=ranking.hits.ravel(), minlength=place.size)
    pull = np.asarray(counts, np.float64).reshape(touch.shape)
    return _Area(size, envelope, pull, size / ranking.labels)


def _touching(precision: Floats) -> Ints:
    """For every cut, the cut at or below it with the highest precision, the nearest such."""
    right = precision[:, ::-1]
    new = np.ones(right.shape, np.bool_)
    np.greater(right[:, 1:], np.maximum.accumulate(right, axis=1)[:, :-1], out=new[:, 1:])
    at = np.maximum.accumulate(np.where(new, np.arange(right.shape[1]), 0), axis=1)
    return np.asarray((right.shape[1] - 1 - at)[:, ::-1])


def _from_right(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values[:, ::-1], axis=1)[:, ::-1])


# --- nuScenes: precision by linear interpolation, without low recall and low precision


def _interpolated(ranking: Ranking) -> Floats:
    values = [
        _interpolated_level(found[rows > 0] / ranking.labels, precision[rows > 0])
        for found, rows, precision in zip(
            ranking.found, ranking.rows, ranking.precision, strict=True
        )
    ]
    return np.array(values)


def _interpolated_level(recall: Floats, precision: Floats) -> float:
    if not len(recall):
        return 0.0
    at = np.interp(NUSCENES_RECALLS, recall, precision, right=0.0)
    return float(_over_floor(at).mean() / NUSCENES_SCALE)


def _over_floor(precision: Floats) -> Floats:
    return np.clip(precision - NUSCENES_FLOOR, 0, None)


def _above_floor(ranking: Ranking) -> _Area:
    """The area between the interpolated curve and both floors.

    A cut that adds ``h`` matches adds a trapezoid between the precisions before and at it. The one
    at the floor of recall adds a part, and moves as matches and labels are added.
    """
    precision = ranking.precision
    first = (ranking.rows > 0).argmax(axis=1)
    before = np.zeros(precision.shape)
    before[:, 1:] = precision[:, :-1]
    every = np.arange(len(first))
    before[every, first] = precision[every, first]
    scale = NUSCENES_SCALE**2  # of precision, and of recall
    mean = (_over_floor(before) + _over_floor(precision)) / (2 * scale)
    floor = NUSCENES_FLOOR * ranking.labels
    lowest = np.maximum(ranking.found - ranking.hits, floor)
    counted = np.clip(ranking.found - lowest, 0, None)
    pull = counted / 2
    pull[:, :-1] += counted[:, 1:] / 2
    pull[every, first] += counted[every, first] / 2
    size = (counted * mean).sum(axis=1)
    edge = (ranking.found > floor).argmax(axis=1)  # the first cut that counts
    reached = ranking.found[:, -1] > floor
    at_edge = np.where(reached, mean[every, edge], 0.0)
    match = np.where(ranking.found > floor, mean, at_edge[:, None])
    pull = np.where(precision > NUSCENES_FLOOR, pull, 0.0) / scale
    return _Area(size, match, pull, size / ranking.labels + NUSCENES_FLOOR * at_edge)


CURVES: Mapping[str, _Curve] = {
    "coco": _Curve(lambda ranking: _at_recalls(ranking, COCO_RECALLS), _below_envelope),
    "r40": _Curve(lambda ranking: _at_recalls(ranking, R40_RECALLS), _below_envelope),
    "every_point": _Curve(
        lambda ranking: _below_envelope(ranking).size / ranking.labels, _below_envelope
    ),
    "nuscenes": _Curve(_interpolated, _above_floor),
}
