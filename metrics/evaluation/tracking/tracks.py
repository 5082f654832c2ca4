"""Boxes with identities, of all drives and classes together, and which of them overlap.

A *cell* is one class in one frame: ``frame * classes + class``. A *block* is one class in one
drive. An identity belongs to one block, so nothing is ever associated across drives or classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from metrics.tasks.boxes import Boxes, Pairs, overlapping
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import NO_TRACK, Boxes2D

CHUNK_PAIRS = 500_000  # pairs that are compared at once; bounds memory at about 100 MB
MOST_DISTANCE = 0.5  # 1 - IoU, for CLEAR MOT and identity
MOST_FIRST = 4096.0  # one more match outweighs any IoU, in frames of up to twice as many matches


@dataclass(frozen=True)
class Tracks:
    """N boxes in ascending order of cells; boxes of a cell keep their order in the file.

    Attributes:
        cell: ``(N,)``.
        track: ``(N,)`` identity, from 0; those of a block are adjacent numbers.
        block: ``(T,)`` the block of each identity.
        xyxy: ``(N, 4)`` corners in pixels.
    """

    cell: Ints
    track: Ints
    block: Ints
    xyxy: Floats

    def __len__(self) -> int:
        return len(self.cell)

    @property
    def lengths(self) -> Ints:
        """``(T,)`` boxes of each identity."""
        return np.bincount(self.track, minlength=len(self.block))

    def boxes(self, start: int = 0, end: int | None = None) -> Boxes:
        """Some adjacent boxes, to be compared with others of their cell."""
        return Boxes(self.cell[start:end], self.xyxy[start:end])


def corners(xywh: Floats) -> Floats:
    """``(N, 4)`` x1, y1, x2, y2 of left, top, width, height."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def tracks_of(boxes: Boxes2D, which: Ints, drive: Ints, classes: int) -> Tracks:
    """Some boxes by cell, with identities as numbers.

    A box without an identity is a track of its own. So is any but the first box of an identity in
    one frame and class, or one label could be identified twice.

    Args:
        boxes: The boxes.
        which: Indices of those to take.
        drive: ``(F,)`` the number of each frame's drive.
        classes: Number of classes.
    """
    cell = boxes.frame[which] * classes + boxes.category[which]
    order = np.argsort(cell, kind="stable")
    cell, which = cell[order], which[order]
    block = drive[cell // classes] * classes + cell % classes
    known, track = np.unique(boxes.track[which], return_inverse=True)
    alone = (boxes.track[which] == NO_TRACK) | _again(cell, track)
    track = np.where(alone, len(known) + np.arange(len(which)), track)
    span = len(known) + len(which)
    identities, track = np.unique(block * span + track, return_inverse=True)
    return Tracks(cell, track, identities // max(span, 1), corners(boxes.xywh[which]))


def _again(cell: Ints, track: Ints) -> Bools:
    """Whether an earlier box of the cell has the same identity."""
    order = np.lexsort((track, cell))
    again = np.zeros(len(cell), np.bool_)
    same = (np.diff(cell[order]) == 0) & (np.diff(track[order]) == 0)
    again[order[1:]] = same
    return again


def overlaps(labels: Tracks, results: Tracks) -> Pairs:
    """All pairs of a label and a result of one cell with an IoU above 0, by label, then result."""
    parts = [_nothing()]
    for start, end in _chunks(labels, results):
        first, last = np.searchsorted(results.cell, [labels.cell[start], labels.cell[end - 1] + 1])
        part = overlapping(labels.boxes(start, end), results.boxes(first, last), _ABOVE_0)
        parts.append(Pairs(part.left + start, part.right + first, part.iou))
    columns = zip(*((part.left, part.right, part.iou) for part in parts), strict=True)
    left, right, iou = (np.concatenate(column) for column in columns)
    return Pairs(left, right, iou)


def close(iou: Floats) -> Bools:
    """Whether a pair may match in CLEAR MOT and identity: ``1 - IoU <= 0.5``, as in motmetrics."""
    near: Bools = 1 - iou <= MOST_DISTANCE
    return near


def most_then_closest(iou: Floats) -> Floats:
    """Weights by which the most pairs are chosen, and of equally many those of least distance."""
    return MOST_FIRST + iou


_ABOVE_0 = float(np.finfo(np.float64).tiny)


def _nothing() -> Pairs:
    return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _chunks(labels: Tracks, results: Tracks) -> Iterator[tuple[int, int]]:
    counts = np.searchsorted(results.cell, labels.cell, "right")
    counts -= np.searchsorted(results.cell, labels.cell, "left")
    chunk = np.cumsum(counts) // CHUNK_PAIRS
    edges = np.flatnonzero(np.diff(chunk)) + 1
    bounds = [0, *edges.tolist(), len(labels)]
    return ((s, e) for s, e in pairwise(bounds) if e > s)
