"""Matching of labels and detections as the KITTI devkit does it, in all frames at once.

In each frame, the labels choose in the order of the file, each among the detections that are still
free and overlap it by more than the class demands. The devkit lets them choose in two ways:

- once over all detections, each label the one of the *highest score*: the scores of the hits give
  the 41 thresholds;
- at each threshold, among detections at or above it, each label the one of the *largest overlap*.

The first way has a property that the second lacks: what a label chooses does not depend on
detections of lower score. So one matching gives the hits at every threshold. It makes the rows that
are stored (`rows_of_matching`).

A detection that is too small at a difficulty may be chosen, and is then neither a hit nor an error;
at a threshold, a label prefers any other. The devkit also lets labels choose small detections of
*other* classes; so does this, but not for the rows.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ridealong.arrays import Bools, Floats, Ints

MOST_THRESHOLDS = 41  # recalls 0, 1/40, ..., 1


@dataclass(frozen=True)
class Field:
    """Labels and detections of one class, at one difficulty, by one kind of overlap.

    Attributes:
        label, detection: ``(P,)`` pairs that overlap enough: indices into labels and detections.
        overlap: ``(P,)`` their overlap.
        frame: ``(L,)`` frames of the labels, in the order of the files.
        counted: ``(L,)`` labels that have to be found; finding another is neither right nor wrong.
        score: ``(D,)`` of detections, in the order of the files.
        mine: ``(D,)`` detections of the class.
        small: ``(D,)`` detections that are too small to be judged.
        spared: ``(D,)`` detections in a region that nobody labelled.
    """

    label: Ints
    detection: Ints
    overlap: Floats
    frame: Ints
    counted: Bools
    score: Floats
    mine: Bools
    small: Bools
    spared: Bools

    def at(self, easy_enough: Bools, small: Bools) -> "Field":
        """The field at a difficulty: labels ``(L,)`` that count, detections ``(D,)`` too small."""
        possible = np.flatnonzero((self.mine | small)[self.detection])
        return replace(
            self,
            label=self.label[possible],
            detection=self.detection[possible],
            overlap=self.overlap[possible],
            counted=self.counted & easy_enough,
            small=small,
        )

    @property
    def judged(self) -> Bools:
        """``(D,)`` detections that can be hits or errors."""
        return self.mine & ~self.small


@dataclass(frozen=True)
class Matched:
    """Detections of a class that were matched, ``(D,)``.

    Attributes:
        hits: They found a label that counts.
        ignored: They are neither hits nor errors.
    """

    hits: Bools
    ignored: Bools


def rows_of_matching(field: Field) -> Matched:
    """Hits of a matching that serves every threshold: labels choose by score."""
    pairs = np.flatnonzero(field.judged[field.detection])
    pairs = _in_turn(field, pairs, (-field.score[field.detection[pairs]],))
    chosen = pairs[_choose(field, pairs, np.ones((1, len(pairs)), np.bool_))[0]]
    hits = np.zeros(len(field.score), np.bool_)
    excused = np.zeros(len(field.score), np.bool_)
    counts = field.counted[field.label[chosen]]
    hits[field.detection[chosen[counts]]] = True
    excused[field.detection[chosen[~counts]]] = True
    return Matched(hits, ~hits & (field.small | excused | field.spared))


def average_precision(field: Field) -> float | None:
    """The devkit's average precision over 40 recalls; None without labels to find.

    The devkit samples precision at one threshold for each recall 0, 1/40, ..., 1: the score of the
    hit that comes nearest to it. It makes precision monotone over those samples, and averages all
    but the first. With n < 41 labels it finds only n thresholds, so its figure is at most
    ``(n - 1) / 40``.

    Source: "Disentangling Monocular 3D Object Detection" (Simonelli et al. 2019), and the devkit
    since October 2019. A threshold without hits and errors, a division by zero there, gives 0.
    """
    labels = int(field.counted.sum())
    if not labels:
        return None
    thresholds = recall_thresholds(_scores_of_hits(field), labels)
    hits, errors = _at_thresholds(field, thresholds)
    precision = np.zeros(MOST_THRESHOLDS)
    found = hits + errors
    precision[: len(found)] = np.divide(hits, found, out=np.zeros(len(found)), where=found > 0)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[1:].sum() / (MOST_THRESHOLDS - 1))


def recall_thresholds(scores: Floats, labels: int) -> Floats:
    """The scores at which recall comes nearest to 0, 1/40, ..., 1, at most 41 of them.

    Args:
        scores: ``(n,)`` of the hits, in any order.
        labels: How many labels there are to find, at least n.
    """
    scores = np.sort(scores)[::-1]
    last = len(scores) - 1
    thresholds: list[float] = []
    recall, place = 0.0, 0
    while place <= last:
        # Hits far below the recall are all skipped; the devkit's rule decides near it.
        place = max(place, min(int(recall * labels) - 4, last))
        while place < last and (place + 2) / labels - recall < recall - (place + 1) / labels:
            place += 1
        thresholds.append(float(scores[place]))
        recall += 1 / (MOST_THRESHOLDS - 1)
        place += 1
    return np.array(thresholds, np.float64)


def _scores_of_hits(field: Field) -> Floats:
    """The scores of the hits if labels choose by score, small detections among them."""
    pairs = np.arange(len(field.label))
    pairs = _in_turn(field, pairs, (-field.score[field.detection],))
    chosen = pairs[_choose(field, pairs, np.ones((1, len(pairs)), np.bool_))[0]]
    label, detection = field.label[chosen], field.detection[chosen]
    hits: Floats = field.score[detection[field.counted[label] & field.judged[detection]]]
    return hits


def _at_thresholds(field: Field, thresholds: Floats) -> tuple[Floats, Floats]:
    """Hits and errors ``(K,)`` at each threshold, where labels choose by overlap."""
    judged = field.judged
    fit = judged[field.detection]
    pairs = np.arange(len(field.label))
    pairs = _in_turn(field, pairs, (np.where(fit, -field.overlap, 0.0), ~fit))
    label, detection = field.label[pairs], field.detection[pairs]
    chosen = _choose(field, pairs, field.score[detection] >= thresholds[:, None])
    hits = (chosen & (field.counted[label] & judged[detection])).sum(axis=1)
    wrong = judged & ~field.spared
    scores = np.sort(field.score[wrong])
    above = len(scores) - np.searchsorted(scores, thresholds, "left")
    return hits.astype(np.float64), above - (chosen & wrong[detection]).sum(axis=1).astype(float)


def _in_turn(field: Field, pairs: Ints, preference: tuple[Floats | Bools, ...]) -> Ints:
    """The pairs in the order in which they are tried; of equal ones the earlier detection wins."""
    label, detection = field.label[pairs], field.detection[pairs]
    return pairs[np.lexsort((detection, *preference, label, _turn(field, label)))]


def _turn(field: Field, label: Ints) -> Ints:
    """When each label chooses: 0 for the first of its frame that has a pair."""
    choosing = np.unique(label)
    frame = field.frame[choosing]
    order = np.lexsort((choosing, frame))
    turn = np.empty(len(choosing), np.int64)
    turn[order] = np.arange(len(order)) - np.searchsorted(frame[order], frame[order], "left")
    return turn[np.searchsorted(choosing, label)]


def _choose(field: Field, pairs: Ints, usable: Bools) -> Bools:
    """Which pairs are made ``(K, P)``, in K matchings at once; ``usable`` are those allowed."""
    label, detection = field.label[pairs], field.detection[pairs]
    which, place = np.unique(detection, return_inverse=True)
    taken = np.zeros((len(usable), len(which)), np.bool_)
    chosen = np.zeros_like(usable)
    turn = _turn(field, label)
    bounds = np.flatnonzero(np.diff(turn, prepend=-1, append=turn[-1:].max(initial=0) + 1))
    for start, end in pairwise(bounds):
        free = usable[:, start:end] & ~taken[:, place[start:end]]
        groups = np.flatnonzero(np.diff(label[start:end], prepend=-1))
        tried = np.where(free, np.arange(end - start), end - start)
        first = np.minimum.reduceat(tried, groups, axis=1)
        matching, group = np.nonzero(first < end - start)
        made = start + first[matching, group]
        chosen[matching, made] = True
        taken[matching, place[made]] = True
    return chosen
