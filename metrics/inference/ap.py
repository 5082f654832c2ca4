"""Average precision with influence values: the area under the precision-recall curve.

Detections in descending order of score give precision and recall at every cut; precision is made
monotone from the right (the envelope), and the area is ``AP = sum(matched * envelope) / labels``,
exact over the rows and without sampling points. Average precision is no ratio of sums, but it is a
function of weighted sums over clusters, so each cluster has an influence on it as on a ratio, in
three parts: its own matches gain area, its labels thin out everybody's recall, and its rows above
a cut move the precision there. The cut at which the envelope touches the curve stays put for small
changes (envelope theorem), so the third part is a sum over those cuts. One pass of cumulative
sums, no resampling.

The first part is what a ratio has above its line, the other two are what it has below:
``influence = (gained - lost) / labels``, where a ratio has ``(num - R * den) / D``. So what a
cluster can lose us, by its labels and by its rows, is its weight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Bools, Floats, Ints

Codes = NDArray[np.integer]


@dataclass(frozen=True)
class AveragePrecision:
    """An area, and what every cluster does to it.

    Attributes:
        area: In 0 to 1; NaN without labels.
        influence: ``(G,)`` influence values; NaN without labels.
        weight: ``(G,)`` each cluster's weight in the area, in labels: they sum to the labels, or
            to 0 where there is no area that a cluster could lose.
    """

    area: float
    influence: Floats
    weight: Floats


def average_precision(
    scores: Floats, matched: Bools, clusters: Codes, labels: Floats
) -> AveragePrecision:
    """The area, its influence values, and how much each cluster weighs.

    Args:
        scores: ``(n,)`` in descending order. Rows of one score enter together: no threshold could
            part them, so their order never matters.
        matched: ``(n,)`` whether the detection found a label that no better one had found.
        clusters: ``(n,)`` each row's cluster, 0 to G - 1.
        labels: ``(G,)`` labels per cluster, found or not.
    """
    total = float(labels.sum())
    if total <= 0:
        return AveragePrecision(float("nan"), np.full(labels.shape, np.nan), labels)
    if not matched.any():
        return AveragePrecision(0.0, np.zeros(labels.shape), labels)
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
    return AveragePrecision(area, (gained - lost) / total, lost * (total / lost.sum()))


def cuts_of(scores: Floats, matched: Bools) -> tuple[Ints, Floats]:
    """Where thresholds can part the rows: the last row of each score, and its matches, ``(k,)``.

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
