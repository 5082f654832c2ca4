"""Overlap and matching of boxes, over all images of a clip at once.

Each box has a group, which is one class in one image. Only boxes of the same group are compared.
Boxes are x1, y1, x2, y2 in pixels, x2 and y2 exclusive.
"""

from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Bools, Floats, Ints

IOU_THRESHOLD = 0.5
MAX_DETECTIONS = 100  # per group, those of the highest score


@dataclass(frozen=True)
class Boxes:
    """Boxes of many images and classes: ``(N,)`` groups and ``(N, 4)`` corners."""

    group: Ints
    xyxy: Floats


@dataclass(frozen=True)
class Matching:
    """The match of each detection, in the given order.

    Attributes:
        label: ``(N,)`` index of the label it took; -1 for none.
        iou: ``(N,)`` overlap with that label; NaN for none.
        judged: ``(N,)`` false if it took an ignored label or is beyond `MAX_DETECTIONS`: then it
            is neither a hit nor an error.
    """

    label: Ints
    iou: Floats
    judged: Bools

    @property
    def matched(self) -> Bools:
        """``(N,)`` true positives."""
        return self.judged & (self.label >= 0)


@dataclass(frozen=True)
class Pairs:
    """Pairs of a left and a right box of the same group, with their overlap."""

    left: Ints
    right: Ints
    iou: Floats

    def take(self, which: Bools | Ints) -> "Pairs":
        """Some of the pairs, or all in another order."""
        return Pairs(self.left[which], self.right[which], self.iou[which])


def spread(counts: Ints) -> tuple[Ints, Ints]:
    """For counts (2, 0, 3): the owners (0, 0, 2, 2, 2) and the places (0, 1, 0, 1, 2)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, place


def same_group(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Every pair of indices into ``left`` and ``right`` whose groups are equal."""
    order = np.argsort(right, kind="stable")
    first = np.searchsorted(right[order], left, "left")
    counts = np.searchsorted(right[order], left, "right") - first
    owner, place = spread(counts)
    return owner, order[first[owner] + place]


def overlapping(lefts: Boxes, rights: Boxes, at_least: float, crowd: Bools | None = None) -> Pairs:
    """The pairs of a group whose IoU is at least ``at_least``.

    For a right box that is a crowd, the union is replaced by the area of the left box.
    """
    left, right = same_group(lefts.group, rights.group)
    one, two = lefts.xyxy[left], rights.xyxy[right]
    size = np.minimum(one[:, 2:], two[:, 2:]) - np.maximum(one[:, :2], two[:, :2])
    intersection = np.clip(size, 0, None).prod(axis=1)
    union = _area(one) + _area(two) - intersection
    if crowd is not None:
        union = np.where(crowd[right], _area(one), union)
    iou = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    keep = iou >= at_least
    return Pairs(left[keep], right[keep], iou[keep])


def _area(xyxy: Floats) -> Floats:
    return (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])


def match_greedily(
    found: Boxes, score: Floats, labels: Boxes, ignored: Bools, crowd: Bools | None = None
) -> Matching:
    """COCO's matching: in the order of scores, each detection takes the best free label.

    Judged labels come before ignored ones. Of equal overlaps the later label wins. A crowd can be
    taken any number of times. Detections of equal score keep their order. A match does not depend
    on detections of lower score, so one matching serves every threshold.
    """
    rank = _rank_within(found.group, score)
    pairs = overlapping(found, labels, IOU_THRESHOLD, crowd)
    pairs = pairs.take(rank[pairs.left] < MAX_DETECTIONS)
    crowd = np.zeros(len(ignored), np.bool_) if crowd is None else crowd
    label, iou = _take_in_turn(pairs, rank, ignored, crowd)
    spared = np.r_[ignored, False][label]  # index -1 (no label) reads the appended entry
    return Matching(label, iou, (rank < MAX_DETECTIONS) & ~spared)


def _rank_within(group: Ints, score: Floats) -> Ints:
    """The place of each row in its group, 0 for the highest score."""
    order = np.lexsort((-score, group))
    ordered = group[order]
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(ordered, ordered, "left")
    return rank


def _take_in_turn(pairs: Pairs, rank: Ints, ignored: Bools, crowd: Bools) -> tuple[Ints, Floats]:
    """In all groups at once the best detection takes its label, then the second, and so on."""
    label, iou = np.full(len(rank), -1), np.full(len(rank), np.nan)
    used = np.zeros(len(ignored), np.bool_)
    turn = rank[pairs.left]
    # The pairs of a detection are adjacent; the one that it would take comes last.
    order = np.lexsort((pairs.right, pairs.iou, ~ignored[pairs.right], pairs.left, turn))
    pairs, turn = pairs.take(order), turn[order]
    ends = np.r_[np.flatnonzero(np.diff(turn)) + 1, len(turn)]
    start = 0
    for end in ends:
        free = start + np.flatnonzero(~used[pairs.right[start:end]])
        start = end
        best = free[np.diff(pairs.left[free], append=-1) != 0]
        label[pairs.left[best]] = pairs.right[best]
        iou[pairs.left[best]] = pairs.iou[best]
        used[pairs.right[best]] = ~crowd[pairs.right[best]]
    return label, iou


def most_matches(pairs: Pairs, lefts: int, rights: int) -> Ints:
    """The left members of a largest one-to-one matching among ``pairs``.

    In every group their number does not change if the sides are swapped.
    """
    if not len(pairs.left):
        return np.empty(0, np.int64)
    # scipy takes long to import, and is not needed to read the names of predictions.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    ones = np.ones(len(pairs.left), np.int8)
    graph = csr_array((ones, (pairs.left, pairs.right)), shape=(lefts, rights))
    return np.flatnonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0)
