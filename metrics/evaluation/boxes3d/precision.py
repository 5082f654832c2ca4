"""Average precision by centre distance: of nuScenes, of Argoverse 2, and of every point.

All take ``hit``, ``(n,)``: whether each detection found a label, in descending order of scores.
"""

import numpy as np

from ridealong.arrays import Bools, Floats

RECALLS = np.linspace(0, 1, 101)


def nuscenes_precision(hit: Bools, labels: int) -> float:
    """Mean precision at recalls from 0.11 to 1, above a precision of 0.1; 0 without labels.

    Precision is interpolated between detections, and is not made monotone.
    """
    if not labels or not hit.any():
        return 0.0
    found = np.cumsum(hit)
    precision = found / np.arange(1, len(hit) + 1)
    curve = np.interp(RECALLS, found / labels, precision, right=0)[11:]
    return float(np.maximum(curve - 0.1, 0).mean() / (1 - 0.1))


def argoverse_precision(hit: Bools, labels: int) -> float:
    """Mean of the monotone precision, interpolated at 101 recalls; 0 without labels."""
    if not labels or not len(hit):
        return 0.0
    found = np.cumsum(hit)
    return float(np.interp(RECALLS, found / labels, _envelope(hit), right=0).mean())


def every_point_precision(hit: Bools, labels: int) -> float | None:
    """The area below the monotone precision-recall curve; None without labels."""
    return float(_envelope(hit)[hit].sum() / labels) if labels else None


def _envelope(hit: Bools) -> Floats:
    """For each cut, the highest precision there or at any later one."""
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    return np.asarray(np.maximum.accumulate(precision[::-1])[::-1])
