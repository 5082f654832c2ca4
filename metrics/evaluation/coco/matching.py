"""COCO's matching of boxes: all images, classes and levels of overlap at once.

Each detection, in the order of scores, takes the free label of its image and class with the highest
IoU, if that reaches the level. Labels that count come before ignored ones, and of equal overlaps
the later label wins. A crowd may be taken any number of times, and its overlap is the share of the
detection that it covers. At most 100 detections of an image and class are judged.

Most detections and labels overlap with one another alone, and are settled at once. Only the others
are settled in rounds: in each round, every detection whose best free label no earlier detection
could still take, takes it.

Source: `pycocotools.cocoeval`, whose results these are, ties included.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from metrics.tasks.boxes import MAX_DETECTIONS, spread
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import Boxes2D

LEVELS = np.linspace(0.5, 0.95, 10)  # pycocotools computes them in the same way
Taken = NDArray[np.int32]  # (levels, D): the row of the label that each detection took; -1: none

PAIRS_AT_ONCE = 1 << 17  # so that the arrays of a step stay in the cache


@dataclass(frozen=True)
class Ranked:
    """The D detections that are judged, by class and then by descending score.

    Of equal scores the earlier row comes first.

    Attributes:
        row: ``(D,)`` index into the results.
        category: ``(D,)``.
        cell: ``(D,)`` the image and class: ``category * frames + frame``.
        rank: ``(D,)`` place within the cell, 0 for the highest score.
        by_cell: ``(D,)`` indices into these arrays, by cell and then by rank.
    """

    row: Ints
    category: Ints
    cell: Ints
    rank: Ints
    by_cell: Ints

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Pairs:
    """Pairs of a detection (index into `Ranked`) and a label (row) that overlap enough."""

    found: Ints
    label: Ints
    iou: Floats

    def take(self, which: Bools | Ints) -> "Pairs":
        """Some of the pairs, or all in another order."""
        return Pairs(self.found[which], self.label[which], self.iou[which])


@dataclass(frozen=True)
class Matches:
    """What was matched, by level and then by detection.

    Attributes:
        level: ``(M,)`` index into `LEVELS`.
        found: ``(M,)`` index into `Ranked`.
        label: ``(M,)`` row of the label.
    """

    level: Ints
    found: Ints
    label: Ints


def cells_of(boxes: Boxes2D, frames: int) -> Ints:
    """``(N,)`` the image and class of each box, as one number."""
    return boxes.category.astype(np.int64) * frames + boxes.frame


def rank(results: Boxes2D, frames: int) -> Ranked:
    """The judged detections in the order of the precision-recall curves."""
    order = np.lexsort((-results.score, results.category))
    cell = cells_of(results, frames)[order]
    by_cell = np.argsort(cell, kind="stable")
    ordered = cell[by_cell]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    places = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    ranks = np.empty_like(order)
    ranks[by_cell] = places
    kept = ranks < MAX_DETECTIONS
    new = np.cumsum(kept) - 1
    row = order[kept]
    by_cell = new[by_cell[places < MAX_DETECTIONS]]
    return Ranked(row, results.category[row], cell[kept], ranks[kept], by_cell)


class Matcher:
    """Matches one network's detections with the labels, for any choice of ignored labels."""

    def __init__(self, truth: Boxes2D, results: Boxes2D, ranked: Ranked, frames: int) -> None:
        self._ranked = ranked
        self._crowd = truth.crowd
        pairs = overlapping(truth, results, ranked, frames)
        alone = np.bincount(pairs.found, minlength=len(ranked))[pairs.found] == 1
        wanted_once = np.bincount(pairs.label, minlength=len(truth))[pairs.label] == 1
        clear = alone & (wanted_once | truth.crowd[pairs.label])
        self._contested = pairs.take(~clear)
        self._taken: Taken = np.full((len(LEVELS), len(ranked)), -1, np.int32)
        _settle_clear(self._taken, pairs.take(clear))
        nothing = np.zeros(len(truth), np.bool_)
        _settle(self._taken, self._contested, nothing, self._crowd)

    def match(self, ignored: Bools) -> Matches:
        """The matches if these labels are ignored, ``(labels,)``.

        Ignored labels are taken last. So only cells in which some contested labels are ignored and
        some are not differ from the matching without any ignored label.
        """
        taken = self._taken
        mixed = self._contested.take(self._mixed(ignored))
        if len(mixed.found):
            taken = taken.copy()
            taken[:, mixed.found] = -1
            _settle(taken, mixed, ignored, self._crowd)
        level, found = np.nonzero(taken >= 0)
        return Matches(level, found, taken[level, found].astype(np.int64))

    def _mixed(self, ignored: Bools) -> Bools:
        spared = ignored[self._contested.label]
        _, cell = np.unique(self._ranked.cell[self._contested.found], return_inverse=True)
        share = np.bincount(cell, weights=spared) / np.bincount(cell)
        return ((share > 0) & (share < 1))[cell]


@np.errstate(over="ignore", invalid="ignore")  # boxes may be absurdly large: they overlap nothing
def overlapping(truth: Boxes2D, results: Boxes2D, ranked: Ranked, frames: int) -> Pairs:
    """The pairs of a detection and a label of its cell whose IoU reaches the lowest level.

    They are by cell, then by the rank of the detection, then by the label's row.
    """
    label_cell = cells_of(truth, frames)
    by_cell = np.argsort(label_cell, kind="stable")
    wanted = ranked.cell[ranked.by_cell]
    first = np.searchsorted(label_cell[by_cell], wanted, "left")
    counts = np.searchsorted(label_cell[by_cell], wanted, "right") - first
    one = _Corners.of(results.xywh[ranked.row[ranked.by_cell]])
    two = _Corners.of(truth.xywh[by_cell])
    crowd = truth.crowd[by_cell]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(PAIRS_AT_ONCE, total, PAIRS_AT_ONCE), "left")
    parts = []
    for start, end in pairwise([0, *cuts, len(counts)]):
        owner, place = spread(counts[start:end])
        found = owner + start
        label = first[found] + place
        kept, iou = _overlap(one, two, crowd, found, label)
        parts.append(Pairs(ranked.by_cell[found[kept]], by_cell[label[kept]], iou))
    return _joined(parts)


@dataclass(frozen=True)
class _Corners:
    left: Floats
    top: Floats
    right: Floats
    bottom: Floats
    area: Floats

    @classmethod
    def of(cls, xywh: Floats) -> "_Corners":
        x, y, width, height = (np.ascontiguousarray(column) for column in xywh.T)
        return cls(x, y, x + width, y + height, width * height)


def _overlap(
    one: _Corners, two: _Corners, crowd: Bools, found: Ints, label: Ints
) -> tuple[Ints, Floats]:
    """Which of the pairs reach the lowest level, and their IoU."""
    width = np.minimum(one.right[found], two.right[label])
    width -= np.maximum(one.left[found], two.left[label])
    kept = np.flatnonzero(width > 0)
    found, label, width = found[kept], label[kept], width[kept]
    height = np.minimum(one.bottom[found], two.bottom[label])
    height -= np.maximum(one.top[found], two.top[label])
    shared = width * np.maximum(height, 0)
    own = one.area[found]
    union = np.where(crowd[label], own, own + two.area[label] - shared)
    high = (shared > 0) & (shared >= LEVELS[0] * 0.99 * union)  # spares most of the divisions
    kept, iou = kept[high], shared[high] / union[high]
    enough = iou >= LEVELS[0]
    return kept[enough], iou[enough]


def _joined(parts: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([part.found for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.iou for part in parts]),
    )


def _settle_clear(taken: Taken, pairs: Pairs) -> None:
    """Match pairs whose detection has no other label, and whose label has no other detection."""
    level, at = np.nonzero(pairs.iou >= LEVELS[:, None])
    taken[level, pairs.found[at]] = pairs.label[at]


def _settle(taken: Taken, pairs: Pairs, ignored: Bools, crowd: Bools) -> None:
    """Match pairs in rounds, at all levels at once; a label is a separate label at each level."""
    # The pairs of a detection are adjacent, and the one that it would take comes last.
    order = np.lexsort((pairs.label, pairs.iou, ~ignored[pairs.label], pairs.found))
    pairs = pairs.take(order)
    labels, code = np.unique(pairs.label, return_inverse=True)
    level, at = np.nonzero(pairs.iou >= LEVELS[:, None])
    found = level * taken.shape[1] + pairs.found[at]
    label = level * len(labels) + code[at]
    many = crowd[pairs.label[at]]
    flat = taken.reshape(-1)
    used = np.zeros(len(LEVELS) * len(labels), np.bool_)
    while len(found):
        earliest = np.full(len(used), taken.size)
        np.minimum.at(earliest, label, found)
        best = np.flatnonzero(np.diff(found, append=-1))
        won = best[many[best] | (earliest[label[best]] == found[best])]
        flat[found[won]] = pairs.label[at[won]]
        used[label[won]] = ~many[won]
        left = (flat[found] < 0) & ~used[label]
        found, label, at, many = found[left], label[left], at[left], many[left]
