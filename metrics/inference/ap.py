"""Average precision with influence values: the area under the precision-recall curve.

Detections in descending order of score give precision and recall at every cut. Precision is made
monotone from the right (the envelope). The area is ``AP = sum(matched * envelope) / labels``, exact
over the rows and without sampling points.

Average precision is not a ratio of sums, but it is a function of weighted sums over clusters. So
each cluster has an influence on it, in three parts:

1. its matches add area,
2. its labels lower the recall of all,
3. its rows above a cut change the precision at the cut. The cut at which the envelope touches the
   curve does not move for small changes (envelope theorem), so this is a sum over those cuts.

It takes one pass of cumulative sums, and no resampling.

The first part corresponds to the numerator of a ratio, the others to its denominator:
``influence = (gained - lost) / labels``, where a ratio has ``(num - R * den) / D``. So the weight
of a cluster is the area that can be lost by its labels and its rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Bools, Floats, Ints

Codes = NDArray[np.integer]

RECALL_POINTS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class PrecisionRecallArea:
    """An area, and the influence of every cluster on it.

    Attributes:
        area: In 0 to 1; NaN without labels.
        influence: ``(G,)`` influence values; NaN without labels.
        weight: ``(G,)`` each cluster's weight in the area, in labels: they sum to the labels, or to
            0 without an area.
    """

    area: float
    influence: Floats
    weight: Floats


def precision_recall_area(
    scores: Floats, matched: Bools, clusters: Codes, labels: Floats
) -> PrecisionRecallArea:
    """The area, its influence values, and the weight of each cluster.

    Args:
        scores: ``(n,)`` in descending order. Rows of one score enter together, because no
            threshold can separate them. So their order does not matter.
        matched: ``(n,)`` whether the detection found a label that no better one had found.
        clusters: ``(n,)`` each row's cluster, 0 to G - 1.
        labels: ``(G,)`` labels per cluster, found or not.
    """
    total = float(labels.sum())
    if total <= 0:
        return PrecisionRecallArea(float("nan"), np.full(labels.shape, np.nan), labels)
    if not matched.any():
        return PrecisionRecallArea(0.0, np.zeros(labels.shape), labels)
    cuts, hits = cuts_of(scores, matched)
    rows = cuts + 1.0
    precision = np.cumsum(hits) / rows
    touch = _touching(precision)
    envelope = precision[touch]
    area = float(hits @ envelope) / total
    pull = np.bincount(touch, weights=hits, minlength=len(cuts)) / rows
    cut = np.repeat(np.arange(len(cuts)), np.diff(cuts, prepend=-1))
    as_match = np.where(matched, (envelope + _from_right(pull))[cut], 0.0)
    as_row = _from_right(pull * precision)[cut]
    gained = np.bincount(clusters, weights=as_match, minlength=len(labels))
    lost = np.bincount(clusters, weights=as_row, minlength=len(labels)) + labels * area
    return PrecisionRecallArea(area, (gained - lost) / total, lost * (total / lost.sum()))


def coco_average_precision(score: Floats, matched: Bools, labels: int) -> float:
    """COCO's 101-point average precision.

    Rows of one score enter together, because no threshold can separate them. So the value does not
    depend on the order of the rows. pycocotools lets them enter one by one, in the order of the
    image ids; where no two scores are equal the two agree.

    Args:
        score: ``(N,)`` scores of all judged detections, in any order.
        matched: ``(N,)`` whether each found a label.
        labels: How many labels there were to find.

    Returns:
        From 0 to 1; NaN, unknown, if there was nothing to find.
    """
    if labels <= 0:
        return float("nan")
    if not len(score):
        return 0.0
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    cuts, hits = cuts_of(np.asarray(score)[order], np.asarray(matched, np.bool_)[order])
    tp = np.cumsum(hits)
    best_beyond = np.maximum.accumulate((tp / (cuts + 1))[::-1])[::-1]
    reached = np.searchsorted(tp / labels, RECALL_POINTS, side="left")
    return float(np.r_[best_beyond, 0.0][np.minimum(reached, len(tp))].mean())


def cuts_of(scores: Floats, matched: Bools) -> tuple[Ints, Floats]:
    """Where thresholds can separate rows: the last row of each score, and its matches, ``(k,)``.

    ``scores`` is in descending order; there is at least one row.
    """
    cuts = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    hits = np.add.reduceat(matched.astype(np.float64), np.append(0, cuts[:-1] + 1))
    return cuts, hits


def _touching(precision: Floats) -> Ints:
    """For every cut, the cut at or below it with the highest precision, the nearest such."""
    right = precision[::-1]
    highest = np.maximum.accumulate(right)
    new = right > np.append(-np.inf, highest[:-1])
    at = np.maximum.accumulate(np.where(new, np.arange(len(right)), 0))
    return np.asarray((len(right) - 1 - at)[::-1])


def _from_right(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values[::-1])[::-1])
