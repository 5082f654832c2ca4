"""HOTA: detection and association together, over 19 thresholds of the IoU (alpha).

Boxes are matched frame by frame so that the sum of IoU times the alignment of their tracks over the
whole drive is greatest. At each alpha, a match with less IoU does not count. A match's association
is the share of its two tracks' boxes that the two tracks share: TPA / (TPA + FNA + FPA).
HOTA is the mean over alpha of sqrt(DetA * AssA).

Source: Luiten et al., HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking (2021), as
TrackEval computes it (`trackeval.metrics.HOTA`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from metrics.evaluation.tracking.assignment import assign
from metrics.evaluation.tracking.tracks import Tracks
from metrics.tasks.boxes import Pairs
from ridealong.arrays import Bools, Floats, Ints

ALPHAS = tuple(round(0.05 * step, 2) for step in range(1, 20))
TP = tuple(f"tp_{round(100 * alpha):02d}" for alpha in ALPHAS)
ASSOCIATION = tuple(f"association_{round(100 * alpha):02d}" for alpha in ALPHAS)
STATISTICS = ("labels", "results", *TP, *ASSOCIATION)

_ROUNDING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Aligned:
    """Boxes matched by the alignment of their tracks.

    Attributes:
        pairs: ``(M,)`` matches at any IoU.
        tracks: ``(M,)`` the number of each match's pair of tracks.
        boxes: Labels and results of each pair of tracks, ``(pairs of tracks,)``.
    """

    pairs: Pairs
    tracks: Ints
    boxes: Ints

    def hits(self, alpha: float) -> Bools:
        """``(M,)`` the matches at that alpha."""
        return np.asarray(self.pairs.iou >= alpha - _ROUNDING, np.bool_)

    def association(self, hits: Bools) -> Floats:
        """The association of the given matches, TPA / (TPA + FNA + FPA)."""
        together = np.bincount(self.tracks[hits], minlength=len(self.boxes))
        share = together / np.maximum(1, self.boxes - together)
        return np.asarray(share[self.tracks[hits]], np.float64)


def align(labels: Tracks, results: Tracks, pairs: Pairs) -> Aligned:
    """Match all drives.

    Args:
        labels: Boxes to find, without ignored ones.
        results: Boxes found, without ignored ones.
        pairs: All their overlaps above 0.
    """
    span = max(len(results.block), 1)
    both = labels.track[pairs.left] * span + results.track[pairs.right]
    codes, member = np.unique(both, return_inverse=True)
    boxes = labels.lengths[codes // span] + results.lengths[codes % span]
    potential = np.bincount(member, _share(labels, results, pairs), minlength=len(codes))
    weight = (potential / (boxes - potential))[member] * pairs.iou
    chosen = assign(pairs, weight, labels.cell[pairs.left])
    return Aligned(pairs.take(chosen), member[chosen], boxes)


def deta(sums: Mapping[str, Floats]) -> Floats:
    """Detection accuracy, TP / (TP + FN + FP), the mean over alpha."""
    return _mean([_detection(sums, tp) for tp in TP])


def assa(sums: Mapping[str, Floats]) -> Floats:
    """Association accuracy, the mean over matches, then over alpha."""
    return _mean([_association(sums, *names) for names in zip(TP, ASSOCIATION, strict=True)])


def hota(sums: Mapping[str, Floats]) -> Floats:
    """The mean over alpha of sqrt(DetA * AssA); NaN if there is no label and no result."""
    return _mean(
        [
            np.sqrt(_detection(sums, tp) * _association(sums, tp, association))
            for tp, association in zip(TP, ASSOCIATION, strict=True)
        ]
    )


def _detection(sums: Mapping[str, Floats], tp: str) -> Floats:
    everything = sums["labels"] + sums["results"] - sums[tp]
    unknown = np.full(np.shape(everything), np.nan)
    share = np.divide(sums[tp], everything, out=unknown, where=np.asarray(everything) > 0)
    return np.asarray(share, np.float64)


def _association(sums: Mapping[str, Floats], tp: str, association: str) -> Floats:
    return np.asarray(sums[association] / np.maximum(1, sums[tp]), np.float64)


def _mean(values: list[Floats]) -> Floats:
    return np.asarray(np.mean(values, axis=0), np.float64)


def _share(labels: Tracks, results: Tracks, pairs: Pairs) -> Floats:
    """A pair's part of the overlaps that its two boxes have in their frame."""
    left = np.bincount(pairs.left, pairs.iou, minlength=len(labels))[pairs.left]
    right = np.bincount(pairs.right, pairs.iou, minlength=len(results))[pairs.right]
    return np.asarray(pairs.iou / (left + right - pairs.iou), np.float64)
