"""Average precision with influence values: the area under the precision-recall curve.

Detections in descending order of score give precision and recall at every cut; precision is made
monotone from the right (the envelope), and the area is ``AP = sum(matched * envelope) / labels``,
exact over the rows and without sampling points. Average precision is no ratio of sums, but it is a
function of weighted sums over clusters, so each cluster has an influence on it as on a ratio, in
three parts: its own matches gain area, its labels thin out everybody's recall, and its rows above
a cut move the precision there. The cut at which the envelope touches the curve stays put for small
changes (envelope theorem), so the third part is a sum over those cuts. One pass of cumulative
sums, no resampling.
"""

import numpy as np
from numpy.typing import NDArray

from metrics.inference.influence import Bools, Floats, Ints

Codes = NDArray[np.integer]


def average_precision(
    scores: Floats, matched: Bools, clusters: Codes, labels: Floats
) -> tuple[float, Floats]:
    """The area and its influence values ``(G,)``; NaN without labels.

    Args:
        scores: ``(n,)`` in descending order. Rows of one score enter together: no threshold could
            part them, so their order never matters.
        matched: ``(n,)`` whether the detection found a label that no better one had found.
        clusters: ``(n,)`` each row's cluster, 0 to G - 1.
        labels: ``(G,)`` labels per cluster, found or not.
    """
    total = float(labels.sum())
    if total <= 0:
        return float("nan"), np.full(labels.shape, np.nan)
    if not len(scores):
        return 0.0, np.zeros(labels.shape)
    cuts = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    hits = np.add.reduceat(matched.astype(np.float64), np.append(0, cuts[:-1] + 1))
    rows = cuts + 1.0
    precision = np.cumsum(hits) / rows
    touch = _touching(precision)
    envelope = precision[touch]
    area = float(hits @ envelope) / total
    pull = np.bincount(touch, weights=hits, minlength=len(cuts)) / rows
    per_row = _per_row(matched, cuts, envelope, _from_right(pull), _from_right(pull * precision))
    gained = np.bincount(clusters, weights=per_row, minlength=len(labels))
    return area, (gained - labels * area) / total


def _per_row(matched: Bools, cuts: Ints, envelope: Floats, match: Floats, row: Floats) -> Floats:
    """What each row adds: as a match its envelope, and its effect on the cuts below it."""
    cut = np.repeat(np.arange(len(cuts)), np.diff(cuts, prepend=-1))
    return np.asarray(np.where(matched, (envelope + match)[cut], 0.0) - row[cut])


def _touching(precision: Floats) -> Ints:
    """For every cut, the cut at or below it with the highest precision, the nearest such."""
    right = precision[::-1]
    highest = np.maximum.accumulate(right)
    new = right > np.append(-np.inf, highest[:-1])
    at = np.maximum.accumulate(np.where(new, np.arange(len(right)), 0))
    return np.asarray((len(right) - 1 - at)[::-1])


def _from_right(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values[::-1])[::-1])
