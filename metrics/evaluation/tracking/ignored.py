"""Which results are neither right nor wrong, because they lie on labels that are ignored.

All labels of a class are first assigned to its results: as many pairs as possible, of these the
closest. A result on an ignored label is taken away. A result without a label is taken away if more
than half of its area is in one region of many objects, of whatever class. Then ignored labels and
regions are taken away too.

This is what the tools of MOTChallenge (distractors), KITTI (neighbouring classes, DontCare) and
BDD100K (crowds) have in common.
"""

import numpy as np

from metrics.evaluation.tracking.assignment import assign
from metrics.evaluation.tracking.tracks import (
    Tracks,
    close,
    corners,
    most_then_closest,
    overlaps,
    tracks_of,
)
from metrics.tasks.boxes import Boxes, overlapping
from ridealong.arrays import Bools, Ints
from ridealong.perception.result_files import NO_CATEGORY, Boxes2D

MOST_IN_REGION = 0.5  # of a result's area


def judged(truth: Boxes2D, results: Boxes2D, drive: Ints, classes: int) -> tuple[Tracks, Tracks]:
    """The labels and results that count.

    Args:
        truth: Labels. An ignored one that is no crowd may have `NO_CATEGORY`: it takes part in the
            first assignment of every class, but the result on it stays.
        results: Results.
        drive: ``(F,)`` the number of each frame's drive.
        classes: Number of classes.
    """
    keep = ~_set_aside(truth, results, drive, classes)
    labels = tracks_of(truth, np.flatnonzero(~truth.ignored), drive, classes)
    return labels, tracks_of(results, np.flatnonzero(keep), drive, classes)


def _set_aside(truth: Boxes2D, results: Boxes2D, drive: Ints, classes: int) -> Bools:
    """``(N,)`` results that do not count."""
    aside = np.zeros(len(results), np.bool_)
    touched = np.zeros(len(drive), np.bool_)
    touched[truth.frame[truth.ignored & (truth.crowd | (truth.category != NO_CATEGORY))]] = True
    which = np.flatnonzero(touched[results.frame])
    if not len(which):
        return aside
    # Boxes by cell lose their places in the file: the order is computed again for the way back.
    order = np.argsort(results.frame[which] * classes + results.category[which], kind="stable")
    which = which[order]
    found = tracks_of(results, which, drive, classes)
    labels, ignored = _all_labels(truth, touched, drive, classes)
    pairs = overlaps(labels, found)
    pairs = pairs.take(close(pairs.iou))
    pairs = pairs.take(assign(pairs, most_then_closest(pairs.iou), labels.cell[pairs.left]))
    free = np.ones(len(which), np.bool_)
    free[pairs.right] = False
    aside[which[pairs.right[ignored[pairs.left]]]] = True
    aside[which[free & _in_region(truth, results, which)]] = True
    return aside


def _all_labels(truth: Boxes2D, touched: Bools, drive: Ints, classes: int) -> tuple[Tracks, Bools]:
    """Labels that are no crowds, once for each class if they have none, and which are ignored."""
    take = touched[truth.frame] & ~truth.crowd
    own = np.flatnonzero(take & (truth.category != NO_CATEGORY))
    any_class = np.flatnonzero(take & (truth.category == NO_CATEGORY))
    index = np.r_[own, np.repeat(any_class, classes)]
    category = np.r_[truth.category[own], np.tile(np.arange(classes), len(any_class))]
    cell = truth.frame[index] * classes + category
    order = np.argsort(cell, kind="stable")
    index, cell = index[order], cell[order]
    ignored: Bools = truth.ignored[index] & (truth.category[index] != NO_CATEGORY)
    nobody = np.zeros(len(index), np.int64)
    return Tracks(cell, nobody, nobody[:1], corners(truth.xywh[index])), ignored


def _in_region(truth: Boxes2D, results: Boxes2D, which: Ints) -> Bools:
    """Whether more than half of a result is in one region."""
    lefts = Boxes(results.frame[which], corners(results.xywh[which]))
    rights = Boxes(truth.frame[truth.crowd], corners(truth.xywh[truth.crowd]))
    whole = np.ones(len(rights.group), np.bool_)  # compare with the result's area, not the union
    inside = np.zeros(len(which), np.bool_)
    inside[overlapping(lefts, rights, np.nextafter(MOST_IN_REGION, 1), whole).left] = True
    return inside
