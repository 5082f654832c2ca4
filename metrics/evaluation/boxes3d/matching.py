"""Which detection finds which label, by the distance of their centres.

Boxes are compared within groups: a frame, or one category of a frame. Detections are in descending
order of their scores, so the first of two is the better one. There are two rules:

- `greedy` (nuScenes): from the highest score to the lowest, a detection finds the nearest label
  that no better one has found.
- `first_of_nearest` (Argoverse 2): a detection belongs to its nearest label, found or not, and a
  label is found by the best detection that belongs to it.

Nothing here goes through boxes one by one. `greedy` is a stable matching, in which all labels
prefer the same detections, so all detections propose at once, in rounds (Gale and Shapley, 1962).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Bools, Floats, Ints

NOTHING = -1
CHUNK = 2**20  # pairs of a detection and a label that are looked at together


@dataclass(frozen=True)
class Pairs:
    """Detections and labels near each other, by detection, distance and label.

    Attributes:
        found: ``(P,)`` index of the detection.
        label: ``(P,)`` index of the label.
        distance_m: ``(P,)``.
    """

    found: Ints
    label: Ints
    distance_m: Floats

    def within(self, limit_m: float) -> "Pairs":
        """Those that are closer than that."""
        near = self.distance_m < limit_m
        return Pairs(self.found[near], self.label[near], self.distance_m[near])

    def among(self, found: Bools, label: Bools) -> "Pairs":
        """Those of some detections and some labels."""
        kept = found[self.found] & label[self.label]
        return Pairs(self.found[kept], self.label[kept], self.distance_m[kept])


def pairs_within(
    found_xy: Floats, found_group: Ints, label_xy: Floats, label_group: Ints, limit_m: float
) -> Pairs:
    """All pairs of a group that are closer than the limit.

    Args:
        found_xy: ``(N, 2)`` detections, in metres; NaN is near nothing.
        found_group: ``(N,)``, from 0.
        label_xy: ``(M, 2)`` labels, in metres.
        label_group: ``(M,)``.
        limit_m: The limit.
    """
    # Labels are in the order of their group and x, so a detection has a range of candidates. The
    # key is of whole numbers, because a sum of group and x would lose digits.
    x = np.sort(label_xy[:, 0])
    width = len(x) + 1
    label_key = label_group * width + np.searchsorted(x, label_xy[:, 0])
    order = np.argsort(label_key, kind="stable")
    label_key = label_key[order]
    known = np.isfinite(found_xy).all(axis=1)
    position = np.where(known, found_xy[:, 0], 0.0)
    first = np.searchsorted(x, position - limit_m, side="left")
    last = np.searchsorted(x, position + limit_m, side="right")
    low = np.searchsorted(label_key, found_group * width + first, side="left")
    high = np.searchsorted(label_key, found_group * width + last, side="left")
    parts = []
    for found, at in _candidates(low, np.where(known, high, low)):
        label = order[at]
        distance = _distance(found_xy[found], label_xy[label])
        near = distance < limit_m
        parts.append((found[near], label[near], distance[near]))
    found, label, distance = _joined(parts)
    ordered = np.lexsort((label, distance, found))
    return Pairs(found[ordered], label[ordered], distance[ordered])


def greedy(pairs: Pairs, detections: int, labels: int) -> Ints:
    """The label that each detection finds, ``(N,)``; `NOTHING` if none.

    Args:
        pairs: Who could find what.
        detections: N.
        labels: How many labels there are.
    """
    finder = np.full(labels, detections)  # who has found each label so far
    at = np.searchsorted(pairs.found, np.arange(detections), side="left")
    end = np.searchsorted(pairs.found, np.arange(detections), side="right")
    asking = np.flatnonzero(at < end)
    while len(asking):
        label = pairs.label[at[asking]]
        before = finder[label]
        np.minimum.at(finder, label, asking)
        lost = asking[finder[label] != asking]
        displaced = np.unique(before[(before < detections) & (finder[label] < before)])
        again = np.concatenate([lost, displaced])
        at[again] += 1  # the next label, a little farther away
        asking = again[at[again] < end[again]]
    match = np.full(detections, NOTHING)
    taken = np.flatnonzero(finder < detections)
    match[finder[taken]] = taken
    return match


def first_of_nearest(
    found_xyz: Floats, found_group: Ints, label_xyz: Floats, label_group: Ints
) -> tuple[Ints, Floats]:
    """The label that each detection finds at any distance, and that distance.

    Args:
        found_xyz: ``(N, D)`` detections, in metres; NaN finds nothing.
        found_group: ``(N,)``, from 0.
        label_xyz: ``(M, D)`` labels, in metres.
        label_group: ``(M,)``.

    Returns:
        ``(N,)`` label, `NOTHING` if none; ``(N,)`` distance in metres, infinite if none.
    """
    order = np.argsort(label_group, kind="stable")
    groups = label_group[order]
    low = np.searchsorted(groups, found_group, side="left")
    high = np.searchsorted(groups, found_group, side="right")
    known = np.isfinite(found_xyz).all(axis=1)
    nearest = np.full(len(found_xyz), NOTHING)
    distance_m = np.full(len(found_xyz), np.inf)
    for found, at in _candidates(low, np.where(known, high, low)):
        label = order[at]
        distance = _distance(found_xyz[found], label_xyz[label])
        starts = np.flatnonzero(np.diff(found, prepend=NOTHING))
        least = np.minimum.reduceat(distance, starts)
        least_here = np.repeat(least, np.diff(np.append(starts, len(found))))
        hits = np.flatnonzero(distance == least_here)
        one, first = np.unique(found[hits], return_index=True)
        nearest[one], distance_m[one] = label[hits[first]], least
    owners = np.flatnonzero(nearest != NOTHING)
    _, first = np.unique(nearest[owners], return_index=True)
    best = np.zeros(len(nearest), np.bool_)
    best[owners[first]] = True
    return np.where(best, nearest, NOTHING), np.where(best, distance_m, np.inf)


def _candidates(low: Ints, high: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Each index with every number from its low to its high, in pieces of whole indices."""
    counts = high - low
    if not counts.any():
        return
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = ends[start] - counts[start]
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK, side="right")))
        here = counts[start:stop]
        if here.any():
            within = np.arange(int(here.sum())) - np.repeat(np.cumsum(here) - here, here)
            index = np.repeat(np.arange(start, stop), here)
            yield index, low[index] + within
        start = stop


def _distance(one: Floats, other: Floats) -> Floats:
    squares = (one - other) ** 2
    return np.asarray(np.sqrt(squares.sum(axis=1)))


def _joined(parts: list[tuple[Ints, Ints, Floats]]) -> tuple[Ints, Ints, Floats]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    found, label, distance = zip(*parts, strict=True)
    return np.concatenate(found), np.concatenate(label), np.concatenate(distance)
