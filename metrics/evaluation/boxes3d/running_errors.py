"""nuScenes' errors of hits: running means, averaged over recalls, also without some rows."""

import numpy as np

from metrics.evaluation.boxes3d.precision import confidences
from metrics.evaluation.boxes3d.remaining import Hits, Remaining
from ridealong.arrays import Bools, Floats, Ints

NOT_OF_CLASS = np.inf  # an error that the class does not have


class RunningErrors:
    """The errors of one class.

    Args:
        score: ``(n,)`` in descending order.
        hit: ``(n,)``.
        errors: ``(n, E)``; those of hits are used. NaN is unknown; `NOT_OF_CLASS`, in a whole
            column, has no mean.
    """

    def __init__(self, score: Floats, hit: Bools, errors: Floats) -> None:
        self.hits = Hits(hit)
        self._score = score
        self._falling = -score[hit]
        values = errors[hit]
        self._absent = np.isposinf(values).all(axis=0) & (len(values) > 0)
        known = np.isfinite(values)
        self._values, self._known = np.where(known, values, 0.0), known.astype(np.float64)
        self._sums, self._counts = _prefixes(self._values), _prefixes(self._known)

    def mean(self, left: Remaining, labels: float) -> Floats:
        """The mean of each error, ``(E,)``.

        It is 1 where nothing is found or the highest recall is below 0.11, and where an error is
        not known of any hit.

        Args:
            left: The hits without some rows.
            labels: How many labels there are.
        """
        worst = np.ones(self._values.shape[1])
        if not labels or not left.count:
            return worst
        confidence = confidences(left, self._score, labels)
        reached = np.flatnonzero(confidence)
        if not len(reached):
            return np.where(self._absent, NOT_OF_CLASS, worst)
        means = self._at_scores(left, confidence[: reached[-1] + 1]).mean(axis=0)
        known = self._counts[-1] - self._known[left.gone].sum(axis=0) > 0
        return np.where(self._absent, NOT_OF_CLASS, np.where(known, means, 1.0))

    def _at_scores(self, left: Remaining, score: Floats) -> Floats:
        """``(S, E)`` running means, interpolated by score between the remaining hits."""
        # Of the hits with at most that score, the first; and the one before it.
        index = left.index(np.searchsorted(self._falling, -score))
        low = left.number(np.minimum(index, left.count - 1))
        high = left.number(np.maximum(index - 1, 0))
        at_low, at_high = self._running(left, low), self._running(left, high)
        width = self._falling[low] - self._falling[high]
        share = np.divide(
            score + self._falling[low], width, out=np.zeros(len(score)), where=width > 0
        )
        inner = (index > 0) & (index < left.count)
        return np.where(inner[:, None], at_low + share[:, None] * (at_high - at_low), at_low)

    def _running(self, left: Remaining, number: Ints) -> Floats:
        """``(S, E)`` means down to hits, given by their numbers; 0 before the first known one."""
        gone = np.searchsorted(left.gone, number, side="right")
        sums = self._sums[number + 1] - _prefixes(self._values[left.gone])[gone]
        counts = self._counts[number + 1] - _prefixes(self._known[left.gone])[gone]
        return np.asarray(np.divide(sums, counts, out=np.zeros(sums.shape), where=counts > 0))


def _prefixes(values: Floats) -> Floats:
    """``(n + 1, E)`` sums of the first rows."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
