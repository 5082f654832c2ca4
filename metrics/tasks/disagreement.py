"""Label-free: how much two networks disagree on the same frames, 0 not at all, 1 entirely.

It takes no side: swapping the networks changes nothing. So it says where to look, and never which
of the two is better.

Source: ours; 1 - Dice for boxes and lines, 1 - Jaccard for states, classes and cells.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.tasks import lights
from metrics.tasks.boxes import IOU_THRESHOLD, Pairs, most_matches, overlapping
from metrics.tasks.dense import check_frames, finer, in_chunks, nearest_grid
from metrics.tasks.lanes import drawn_lines, same_lines
from metrics.tasks.metric import Better, Metric, Ratio, Reference, Result, Sums, over, unshared
from metrics.tasks.objects import boxes_of, said_boxes
from metrics.tasks.overlap import code_of, confusion, map_of, overlap_sums, shared_and_all
from metrics.tasks.prediction import Prediction
from metrics.tasks.views import View
from ridealong.arrays import Floats, Ints
from ridealong.perception.annotations import Task

PARAMETERS = {"iou": IOU_THRESHOLD}


def _unpaired(sums: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """The share of both sides' items that are in no pair."""
    return sums["items"] - 2 * sums["pairs"], sums["items"]


def _disagreement(
    task: Task, statistics: tuple[str, str], what: str, source: str, ratio: Ratio
) -> Metric:
    description = f"{what}; symmetrical"
    other, lower = Reference.OTHER, Better.LOWER
    return Metric("disagreement", task, lower, "1", statistics, other, description, source, ratio)


def _paired(task: Task, what: str) -> Metric:
    statistics = ("pairs", "items")
    text = f"1 - 2 pairs / all {what} of both networks, at their thresholds, paired by IoU"
    return _disagreement(task, statistics, text, "1 - Dice", _unpaired)


def _jaccard(task: Task, what: str) -> Metric:
    statistics = ("intersection", "union")
    return _disagreement(task, statistics, f"1 - IoU of the {what}", "1 - Jaccard", unshared)


OBJECTS = _paired(Task.OBJECTS, "boxes")
LANES = _paired(Task.LANES, "lines")
LIGHTS = _jaccard(Task.LIGHTS, "frames in the state")
SEGMENTATION = _jaccard(Task.SEGMENTATION, "pixels of the class")
BEV = _jaccard(Task.BEV, "occupied cells")
DEPTH = _disagreement(
    Task.DEPTH,
    ("difference", "pixels"),
    "mean of |one - other| / the larger; 1 where only one of them knows",
    "ours",
    over("difference", "pixels"),
)
METRICS = (OBJECTS, LIGHTS, LANES, DEPTH, SEGMENTATION, BEV)


def objects(one: View, two: View, predictions: Sequence[Prediction]) -> Result:
    """Boxes that the other network does not have."""
    a, b = said_boxes(one, predictions), said_boxes(two, predictions)
    pairs = overlapping(boxes_of(a, one.frames), boxes_of(b, two.frames), IOU_THRESHOLD)
    return _paired_items(OBJECTS, predictions, pairs, a.cell, b.cell)


def lanes(one: View, two: View, predictions: Sequence[Prediction]) -> Result:
    """Lines that the other network does not have."""
    a, b = drawn_lines(one, predictions), drawn_lines(two, predictions)
    frames = one.frames
    return _paired_items(LANES, predictions, same_lines(a, b), a.group // frames, b.group // frames)


def _paired_items(
    metric: Metric, predictions: Sequence[Prediction], pairs: Pairs, left: Ints, right: Ints
) -> Result:
    """The largest one-to-one matching is the same from both sides; a greedy one is not."""
    cells = len(predictions)
    paired = np.bincount(left[most_matches(pairs, len(left), len(right))], minlength=cells)
    items = np.bincount(left, minlength=cells) + np.bincount(right, minlength=cells)
    names = tuple(map(str, predictions))
    return Result((Sums(metric, names, {"pairs": paired, "items": items}),))


def light_states(one: View, two: View, predictions: Sequence[Prediction]) -> Result:
    """Frames in which only one of the networks sees the state."""
    cameras = lights.cameras_of(predictions)
    states = [lights.overall_states(view, cameras) for view in (one, two)]
    sums = []
    for prediction in predictions:
        camera = cameras.index(str(prediction.camera))
        a, b = (s[camera] == lights.code_of(prediction) for s in states)
        sums.append((int((a & b).sum()), int((a | b).sum())))
    return Result((overlap_sums(LIGHTS, predictions, sums),))


def depth(one: View, two: View, predictions: Sequence[Prediction]) -> Result:
    """How far apart the depths are, relative to the larger."""
    sums = np.array([_difference(one, two, str(p.camera)) for p in predictions]).reshape(-1, 2)
    names = tuple(map(str, predictions))
    return Result((Sums(DEPTH, names, {"difference": sums[:, 0], "pixels": sums[:, 1]}),))


def _difference(one: View, two: View, camera: str) -> Floats:
    a, b = one.perception.depth[camera], two.perception.depth[camera]
    check_frames(a, one.frames)
    check_frames(b, two.frames)
    size, sums = finer(a, b), np.zeros(2)
    for chunk in in_chunks(len(a), size):
        x, y = (nearest_grid(side[chunk], size).astype(np.float64) for side in (a, b))
        larger, smaller = np.fmax(x, y), np.fmin(x, y)
        known = larger > 0  # false where neither knows
        alone = known & np.isnan(x + y)
        apart = np.where(alone, 1, 1 - smaller / np.where(known, larger, 1))
        sums += apart[known].sum(), known.sum()
    return sums


def segmentation(one: View, two: View, predictions: Sequence[Prediction]) -> Result:
    """Pixels that only one of the networks gives the class."""
    return _maps(SEGMENTATION, one, two, predictions)


def bev(one: View, two: View, predictions: Sequence[Prediction]) -> Result:
    """Cells that only one of the networks calls occupied."""
    return _maps(BEV, one, two, predictions)


def _maps(metric: Metric, one: View, two: View, predictions: Sequence[Prediction]) -> Result:
    confusions: dict[str, NDArray[np.int64]] = {}
    sums = []
    for prediction in predictions:
        a, name = map_of(one, prediction)
        if name not in confusions:
            confusions[name] = confusion(a, map_of(two, prediction)[0], prediction.task)
        sums.append(shared_and_all(confusions[name], code_of(prediction)))
    return Result((overlap_sums(metric, predictions, sums),))
