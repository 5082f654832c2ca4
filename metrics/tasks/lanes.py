"""Lane lines and road edges as thick lines, after CULane.

Each line at or above its threshold is drawn 30 pixels wide in an image stretched to 1640 x 590
(here at a fifth of that, see `metrics.tasks.strokes`). In each image and class the lines of both
sides are paired one to one, for the largest sum of IoU. A pair with an IoU above 0.5 is a hit. F1,
precision and recall count hits; ``iou`` compares the pixels of all lines of a class. A line without
a pixel in the image does not count.

Source: CULane's evaluation (Pan et al. 2018): 30 px, IoU 0.5, Hungarian assignment.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from metrics.tasks import strokes
from metrics.tasks.boxes import Pairs
from metrics.tasks.clip_view import ClipView, SparseRows, linked
from metrics.tasks.disagreement import pairing_metric, pairing_sums, unpaired
from metrics.tasks.family import Reported, Scorer, TaskFamily
from metrics.tasks.maps import overlap_sums
from metrics.tasks.metric import (
    Better,
    Metric,
    Reference,
    Result,
    Sums,
    detection_metrics,
    detection_sums,
    over,
    shared_part,
)
from metrics.tasks.prediction import DEFAULT_THRESHOLD, Prediction
from metrics.tasks.stability import PARAMETERS as STEADINESS
from metrics.tasks.stability import jitter_metric
from metrics.tasks.strokes import StrokeSet
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.annotations import LaneCategory, Task
from ridealong.perception.forms import Form

NAME = Task.LANES.value
IOU_THRESHOLD = 0.5

COUNTS = detection_metrics(NAME, "lines", "CULane: 30 px wide, IoU over 0.5, Hungarian")
IOU = Metric(
    "iou",
    NAME,
    Better.HIGHER,
    "1",
    ("intersection", "union"),
    Reference.LABELS,
    "intersection / union of the pixels of all drawn lines of the class",
    "Jaccard index on CULane's drawing",
    over("intersection", "union"),
    to_find=shared_part,
)
JITTER = jitter_metric(NAME, "drawn lines' pixels")
DISAGREEMENT = pairing_metric(NAME, "lines")


def against_labels(
    outputs: ClipView, labels: ClipView, predictions: Sequence[Prediction]
) -> Result:
    """Hits and misses of lines, and the overlap of their pixels."""
    found, wanted = drawn_lines(outputs, predictions), drawn_lines(labels, predictions)
    hits = _assigned_groups(overlaps(found, wanted), found.group)
    cells, frames, names = len(predictions), outputs.frames, tuple(map(str, predictions))
    tp, reported, total = (
        _by_cell(group, cells, frames) for group in (hits, found.group, wanted.group)
    )
    counts = detection_sums(COUNTS, names, tp, reported - tp, total - tp)
    intersection, union = pixel_overlap(found.merged, wanted.merged, cells, frames)
    return Result((*counts, Sums(IOU, names, {"intersection": intersection, "union": union})))


def drawn_lines(view: ClipView, predictions: Sequence[Prediction]) -> StrokeSet:
    """The lines at or above their thresholds that have a pixel; drawn once per view."""
    key = tuple(predictions)
    if key not in view.drawn:
        view.drawn[key] = reported_lines(view, predictions)[1]
    return view.drawn[key]


def reported_lines(
    view: ClipView, predictions: Sequence[Prediction]
) -> tuple[SparseRows, StrokeSet]:
    """The lines at or above their thresholds that have a pixel: as rows, and drawn."""
    rows = view.rows_of(predictions)
    reported = rows.floats("score")[:, 0] >= view.threshold_of(predictions)[rows.cell]
    rows = rows.take(reported)
    rows = rows.in_order(np.argsort(rows.cell * view.frames + rows.frame, kind="stable"))
    drawn = strokes.draw(*_on_raster(rows, view, predictions), rows.cell * view.frames + rows.frame)
    seen = drawn.pixels > 0
    return rows.take(seen), drawn.take(seen)


def _on_raster(
    rows: SparseRows, view: ClipView, predictions: Sequence[Prediction]
) -> tuple[Floats, Ints]:
    points = rows.table["points"].combine_chunks()
    counts = np.diff(points.offsets.to_numpy())
    values = points.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    if points.null_count or (counts % 2).any() or not np.isfinite(values).all():
        raise ValueError("points are missing, not in pairs of x and y, or not finite")
    sizes = np.array([view.image_sizes[str(p.camera)] for p in predictions], np.float64)
    scale = np.array([strokes.WIDTH, strokes.HEIGHT]) / sizes.reshape(-1, 2)
    xy = values.reshape(-1, 2) * np.repeat(scale[rows.cell], counts // 2, axis=0)
    return xy, counts // 2


def overlaps(left: StrokeSet, right: StrokeSet) -> Pairs:
    """The pairs of lines of a group that share a pixel, with their IoU."""
    one, two, shared = strokes.shared_pixels(left, right)
    return Pairs(one, two, shared / (left.pixels[one] + right.pixels[two] - shared))


def same_lines(left: StrokeSet, right: StrokeSet) -> Pairs:
    """The pairs of lines of a group that are close enough to be the same line."""
    pairs = overlaps(left, right)
    return pairs.take(pairs.iou > IOU_THRESHOLD)


def _assigned_groups(pairs: Pairs, group: Ints) -> Ints:
    """The group of each hit: assigned for the largest sum of IoU, and over the threshold."""
    where, over = group[pairs.left], pairs.iou > IOU_THRESHOLD
    # Most groups have nothing to decide: no line is in two of their pairs, or none is over it.
    contested = np.isin(where, where[_repeated(pairs.left) | _repeated(pairs.right)])
    decided = where[over & ~contested]
    pairs = pairs.take(contested & np.isin(where, where[over]))
    groups, start = np.unique(group[pairs.left], return_index=True)
    ends = np.append(start, len(pairs.left))[1:]
    hits = [_hits(pairs.take(np.arange(a, b))) for a, b in zip(start, ends, strict=True)]
    return np.concatenate([decided, np.repeat(groups, np.array(hits, np.int64))])


def _repeated(index: Ints) -> Bools:
    return np.bincount(index, minlength=1)[index] > 1


def _hits(pairs: Pairs) -> int:
    """Hits in one group."""
    # As in `metrics.tasks.boxes`: scipy takes long to import.
    from scipy.optimize import linear_sum_assignment

    (lefts, left), (rights, right) = (
        np.unique(side, return_inverse=True) for side in (pairs.left, pairs.right)
    )
    table = np.zeros((len(lefts), len(rights)))  # lines that share nothing have an IoU of 0
    table[left, right] = pairs.iou
    chosen = linear_sum_assignment(table, maximize=True)
    return int((table[chosen] > IOU_THRESHOLD).sum())


def pixel_overlap(one: StrokeSet, two: StrokeSet, cells: int, frames: int) -> tuple[Ints, Ints]:
    """``(cells,)`` intersection and union of the pixels of merged lines, summed over frames."""
    a, _, shared = strokes.shared_pixels(one, two)
    intersection = strokes.summed(one.group[a] // frames, shared, cells)
    whole = [strokes.summed(side.group // frames, side.pixels, cells) for side in (one, two)]
    return intersection, whole[0] + whole[1] - intersection


def _by_cell(group: Ints, cells: int, frames: int) -> Ints:
    return np.bincount(group // frames, minlength=cells)


def against_self(view: ClipView, predictions: Sequence[Prediction]) -> Result:
    """What the drawn lines of consecutive frames do not share."""
    lines, frames, cells = drawn_lines(view, predictions).merged, view.frames, len(predictions)
    steps, frame = linked(view.perception), lines.group % max(frames, 1)
    before = lines.take(np.r_[steps, False][frame])
    after = lines.take(np.r_[False, steps][frame])
    after = replace(after, group=after.group - 1)
    intersection, union = pixel_overlap(before, after, cells, max(frames, 1))
    sums = np.stack([intersection, union], axis=1)
    return Result((overlap_sums(JITTER, predictions, sums),))


def against_other(one: ClipView, two: ClipView, predictions: Sequence[Prediction]) -> Result:
    """Lines that the other network does not have."""
    a, b = drawn_lines(one, predictions), drawn_lines(two, predictions)
    cells = a.group // one.frames, b.group // one.frames
    return pairing_sums(DISAGREEMENT, predictions, same_lines(a, b), *cells)


def differences(
    one: ClipView, two: ClipView, predictions: Sequence[Prediction]
) -> tuple[Reported, Reported]:
    """The lines of both networks, and which of them the other one does not have."""
    (a, drawn_a), (b, drawn_b) = reported_lines(one, predictions), reported_lines(two, predictions)
    return unpaired(a, b, same_lines(drawn_a, drawn_b))


FAMILY = TaskFamily(
    name=NAME,
    form=Form.POLYLINES,
    example="lanes/road_edge@main",
    categories=tuple(category.value for category in LaneCategory),
    against_labels=Scorer((*COUNTS, IOU), against_labels),
    against_self=Scorer((JITTER,), against_self),
    against_other=Scorer((DISAGREEMENT,), against_other),
    parameters={
        "iou": IOU_THRESHOLD,
        "width": strokes.WIDTH,
        "height": strokes.HEIGHT,
        "stroke": strokes.STROKE,
        "default_threshold": DEFAULT_THRESHOLD,
        **STEADINESS,
    },
    differences=differences,
)
