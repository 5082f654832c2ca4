"""Average precision by centre distance: of nuScenes, of Argoverse 2, and of every point.

The first two sample the curve at fixed recalls, between which ``np.interp`` would interpolate over
all rows. Here they look only at the rows beside these recalls, so the values without a drive are
cheap (`metrics.evaluation.boxes3d.remaining`).
"""

import numpy as np

from metrics.evaluation.boxes3d.remaining import Hits, Remaining, found_until
from ridealong.arrays import Bools, Floats

RECALLS = np.linspace(0, 1, 101)
JUDGED_RECALLS = RECALLS[11:]  # nuScenes leaves out recalls up to 0.1
LEAST_PRECISION = 0.1


def nuscenes_precision(left: Remaining, labels: float) -> float:
    """Mean precision at recalls from 0.11 to 1, above a precision of 0.1; 0 without labels.

    Precision is interpolated between rows, and is not made monotone.
    """
    if not labels or not left.count:
        return 0.0
    found = found_until(JUDGED_RECALLS, labels, left.count)
    curve = np.zeros(len(found))
    inside = found < left.count
    some = found[inside]
    before = left.rows_before(left.number(some))
    # From the row before the next hit, to that hit.
    here = np.divide(some, before, out=np.ones(len(some)), where=before > 0)
    there = (some + 1) / (before + 1)
    curve[inside] = here + (JUDGED_RECALLS[inside] * labels - some) * (there - here)
    curve[~inside & (left.count / labels == JUDGED_RECALLS)] = left.count / left.rows
    return float(np.maximum(curve - LEAST_PRECISION, 0).mean() / (1 - LEAST_PRECISION))


def argoverse_precision(left: Remaining, labels: float) -> float:
    """Mean of the monotone precision, interpolated at 101 recalls; 0 without labels."""
    if not labels or not left.count:
        return 0.0
    before = left.rows_before_each()
    precision = np.arange(1, left.count + 1) / (before + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    found = found_until(RECALLS, labels, left.count)
    curve = np.zeros(len(found))
    inside = found < left.count
    some = found[inside]
    there = envelope[some]
    at_row = np.divide(some, before[some], out=np.ones(len(some)), where=before[some] > 0)
    here = np.maximum(at_row, there)
    curve[inside] = here + (RECALLS[inside] * labels - some) * (there - here)
    curve[~inside & (left.count / labels == RECALLS)] = left.count / left.rows
    return float(curve.mean())


def every_point_precision(hit: Bools, labels: int) -> float | None:
    """The area below the monotone precision-recall curve; None without labels.

    Args:
        hit: ``(n,)`` whether each row found a label, in descending order of score.
        labels: How many labels there are.
    """
    if not labels:
        return None
    at = np.flatnonzero(hit)
    precision = np.arange(1, len(at) + 1) / (at + 1)
    return float(np.maximum.accumulate(precision[::-1]).sum() / labels)


def whole(hit: Bools) -> Remaining:
    """The hits with all rows."""
    return Remaining(Hits(hit), np.zeros(0, np.int64))


def confidences(left: Remaining, score: Floats, labels: float) -> Floats:
    """``(90,)`` score at each of the judged recalls; 0 beyond the highest.

    Args:
        left: At least one hit.
        score: ``(n,)`` of all rows.
        labels: How many labels there are.
    """
    found = found_until(JUDGED_RECALLS, labels, left.count)
    curve = np.zeros(len(found))
    inside = found < left.count
    some = found[inside]
    number = left.number(some)
    there = score[left.row(number)]
    row = left.row_before(number)
    here = np.where(row >= 0, score[row], there)
    curve[inside] = here + (JUDGED_RECALLS[inside] * labels - some) * (there - here)
    curve[~inside & (left.count / labels == JUDGED_RECALLS)] = score[left.last_row]
    return curve
