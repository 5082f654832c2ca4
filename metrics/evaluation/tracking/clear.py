"""CLEAR MOT: matches frame by frame, which hold on to the identities of earlier frames.

In each frame a label first keeps the result that it last matched, however long ago, if the two
still overlap (1 - IoU <= 0.5). The others are assigned so that there are as many matches as
possible, and of these the closest. A label whose result has another identity than at its last match
is a switch of identity.

This follows py-motmetrics (`motmetrics.mot.MOTAccumulator`), and through it scalabel, BDD100K's
tool. TrackEval differs: it holds on only to a match in the frame before, it weighs the others by
the total IoU alone, and an object tracked for exactly 80% of its life is only partly tracked there.

Source: Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance (2008).
"""

from dataclasses import dataclass

import numpy as np

from metrics.evaluation.tracking.assignment import heaviest, runs
from metrics.evaluation.tracking.tracks import Tracks, close, most_then_closest
from metrics.tasks.boxes import Pairs
from ridealong.arrays import Bools, Floats, Ints

MOSTLY_TRACKED = 0.8  # of an object's frames, at least
MOSTLY_LOST = 0.2  # of an object's frames, below


@dataclass(frozen=True)
class Matches:
    """What CLEAR MOT matched.

    Attributes:
        pairs: ``(M,)`` matches, in the order of labels.
        switch: ``(M,)`` whether the label's identity switched.
    """

    pairs: Pairs
    switch: Bools


@dataclass(frozen=True)
class Lives:
    """How each labelled object was tracked over its life, ``(T,)`` each.

    Attributes:
        fragments: How often it was lost and found again.
        share: The share of its boxes that matched.
    """

    fragments: Ints
    share: Floats

    @property
    def mostly_tracked(self) -> Bools:
        """Tracked in at least 80% of its boxes."""
        return np.asarray(self.share >= MOSTLY_TRACKED, np.bool_)

    @property
    def mostly_lost(self) -> Bools:
        """Tracked in less than 20% of its boxes."""
        return np.asarray(self.share < MOSTLY_LOST, np.bool_)


def follow(labels: Tracks, results: Tracks, pairs: Pairs) -> Matches:
    """Match all drives, frame by frame.

    Args:
        labels: Boxes to find, without ignored ones.
        results: Boxes found, without ignored ones.
        pairs: Their overlaps, by label, then result.
    """
    pairs = pairs.take(close(pairs.iou))
    label, result = labels.track[pairs.left], results.track[pairs.right]
    held = np.full(len(labels.block), -1)
    taken_left, taken_right = np.zeros(len(labels), np.bool_), np.zeros(len(results), np.bool_)
    chosen = np.zeros(len(pairs.left), np.bool_)
    for start, end in runs(labels.cell[pairs.left]):
        frame = slice(start, end)
        left, right = pairs.left[frame], pairs.right[frame]
        kept = start + _kept(right, held[label[frame]] == result[frame])
        chosen[kept] = True
        taken_left[pairs.left[kept]] = taken_right[pairs.right[kept]] = True
        free = start + np.flatnonzero(~(taken_left[left] | taken_right[right]))
        if len(free):
            weight = most_then_closest(pairs.iou[free])
            chosen[free] = heaviest(pairs.left[free], pairs.right[free], weight)
        new = start + np.flatnonzero(chosen[frame])
        held[label[new]] = result[new]
    return Matches(pairs.take(chosen), _switches(label[chosen], result[chosen]))


def lives(labels: Tracks, matches: Matches) -> Lives:
    """How each object was tracked; a fragment ends with a miss and is followed by a later match."""
    matched = np.zeros(len(labels), np.bool_)
    matched[matches.pairs.left] = True
    order = np.argsort(labels.track, kind="stable")
    track, found = labels.track[order], matched[order]
    begins = found & ~(np.r_[False, found[:-1]] & (np.diff(track, prepend=-1) == 0))
    stretches = np.bincount(track[begins], minlength=len(labels.block))
    share = np.bincount(track[found], minlength=len(labels.block)) / labels.lengths
    return Lives(np.maximum(stretches - 1, 0), share)


def _kept(right: Ints, same: Bools) -> Ints:
    """The pairs that hold on; of two labels that held the same result, the first one keeps it."""
    places = np.flatnonzero(same)
    if len(places) > 1:
        _, first = np.unique(right[places], return_index=True)
        places = places[first]
    return places


def _switches(label: Ints, result: Ints) -> Bools:
    """Whether a match (in the order of time) has another result than the label's match before."""
    order = np.argsort(label, kind="stable")
    same = np.diff(label[order], prepend=-1) == 0
    other = np.diff(result[order], prepend=-1) != 0
    switch = np.zeros(len(label), np.bool_)
    switch[order] = same & other
    return switch
