"""Label-free: how steady one network is over time, compared with itself a frame earlier or later.

*Flicker* is the share of what is said that does not last: a detection (or a light's state) that
neither the frame before nor the frame after has, or that is missing in the next frame and back in
the one after. What does both counts once, so the share is at most 1. It is unknown where nothing
is said: silence is not steady.

*Jitter* is how much dense outputs and lines change: for depth the second difference over time,
which the car's own steady motion leaves small; for the others what the classes of two consecutive
frames do not share. Frames more than 0.5 s apart are not linked.

Source: ours; the trigger library's flicker and box_jitter watch the same while driving.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.tasks import lights
from metrics.tasks.boxes import Boxes, overlapping, same_group
from metrics.tasks.dense import check_frames, in_chunks
from metrics.tasks.lanes import drawn_lines, merged
from metrics.tasks.metric import Better, Metric, Reference, Result, Sums, over, unshared
from metrics.tasks.objects import said_boxes
from metrics.tasks.overlap import code_of, confusion, map_of, overlap_sums, shared_and_all
from metrics.tasks.prediction import Prediction
from metrics.tasks.strokes import shared_pixels
from metrics.tasks.views import (
    MAX_STEP_NS,
    Rows,
    View,
    by_cell,
    linked,
    sum_by_cell,
)
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.annotations import Task

LINK_IOU = 0.3  # boxes of neighbouring frames that overlap so much are one object
SOURCE = "ours"
PARAMETERS = {"link_iou": LINK_IOU, "max_step_ns": MAX_STEP_NS}


def _flicker(task: Task, what: str, said: str) -> Metric:
    return Metric(
        "flicker",
        task,
        Better.LOWER,
        "1",
        ("flickers", "said"),
        Reference.SELF,
        f"{what}, over {said}",
        SOURCE,
        over("flickers", "said"),
    )


def _jitter(task: Task, what: str) -> Metric:
    return Metric(
        "jitter",
        task,
        Better.LOWER,
        "1",
        ("intersection", "union"),
        Reference.SELF,
        f"1 - IoU of the {what} between consecutive frames",
        SOURCE,
        unshared,
    )


BOX_FLICKER = _flicker(
    Task.OBJECTS,
    "boxes that only one frame has, or that are gone in the next frame alone (IoU 0.3)",
    "all boxes",
)
LIGHT_FLICKER = _flicker(
    Task.LIGHTS,
    "frames that alone are in the state, or that the next frame alone is not in it",
    "all frames in the state",
)
DEPTH_JITTER = Metric(
    "jitter",
    Task.DEPTH,
    Better.LOWER,
    "1",
    ("change", "pixels"),
    Reference.SELF,
    "mean of |before - 2 now + after| / (before + now + after) over three linked frames",
    SOURCE,
    over("change", "pixels"),
    share=False,
)
LANE_JITTER = _jitter(Task.LANES, "drawn lines' pixels")
SEGMENTATION_JITTER = _jitter(Task.SEGMENTATION, "pixels of the class")
BEV_JITTER = _jitter(Task.BEV, "occupied cells")
METRICS = (
    BOX_FLICKER,
    LIGHT_FLICKER,
    LANE_JITTER,
    DEPTH_JITTER,
    SEGMENTATION_JITTER,
    BEV_JITTER,
)


def objects(view: View, predictions: Sequence[Prediction]) -> Result:
    """Boxes that come and go."""
    rows = said_boxes(view, predictions)
    unsteady = _blips(rows, view) | _gaps(rows, view)
    flickers = by_cell(rows.cell, unsteady, len(predictions))
    said = by_cell(rows.cell, np.ones(len(rows.cell), np.bool_), len(predictions))
    return _flickers(BOX_FLICKER, predictions, flickers, said)


def _blips(rows: Rows, view: View) -> Bools:
    """Boxes between two linked frames of which neither has them."""
    alone = ~_seen(rows, view, 1) & ~_seen(rows, view, -1)
    inner = np.r_[False, _inner(view), False]
    return np.asarray(alone & inner[rows.frame], np.bool_)


def _gaps(rows: Rows, view: View) -> Bools:
    """Boxes that the next frame lacks and the one after has again."""
    gone = _seen(rows, view, 2) & ~_seen(rows, view, 1)
    inner = np.r_[_inner(view), False, False]
    return np.asarray(gone & inner[rows.frame], np.bool_)


def _inner(view: View) -> Bools:
    """``(T - 2,)``: whether a frame's two steps, from before and to after, are both linked."""
    steps = linked(view.perception)
    return steps[:-1] & steps[1:]


def _seen(rows: Rows, view: View, step: int) -> Bools:
    """Whether the frame ``step`` later has the same box."""
    xyxy = rows.floats("x1", "y1", "x2", "y2")
    # Two spare frames on either side keep a step from reaching into another cell.
    group = rows.cell * (view.frames + 4) + rows.frame + 2
    pairs = overlapping(Boxes(group, xyxy), Boxes(group - step, xyxy), LINK_IOU)
    seen = np.zeros(len(group), np.bool_)
    seen[pairs.left] = True
    return seen


def light_states(view: View, predictions: Sequence[Prediction]) -> Result:
    """States that last one frame, and states that are left for one frame."""
    cameras = lights.cameras_of(predictions)
    states = lights.overall_states(view, cameras)
    camera = [cameras.index(str(p.camera)) for p in predictions]
    state = np.array([lights.code_of(p) for p in predictions])
    shows = states[camera] == state[:, None]
    before, now, after = shows[:, :-2], shows[:, 1:-1], shows[:, 2:]
    unsteady = np.zeros_like(shows)
    unsteady[:, 1:-1] |= ~before & now & ~after & _inner(view)
    unsteady[:, :-2] |= before & ~now & after & _inner(view)
    return _flickers(LIGHT_FLICKER, predictions, unsteady.sum(axis=1), shows.sum(axis=1))


def _flickers(
    metric: Metric, predictions: Sequence[Prediction], flickers: Ints, said: Ints
) -> Result:
    names = tuple(map(str, predictions))
    return Result((Sums(metric, names, {"flickers": flickers, "said": said}),))


def depth(view: View, predictions: Sequence[Prediction]) -> Result:
    """How far each pixel is from changing steadily."""
    sums = np.array([_change(view, str(p.camera)) for p in predictions]).reshape(-1, 2)
    names = tuple(map(str, predictions))
    return Result((Sums(DEPTH_JITTER, names, {"change": sums[:, 0], "pixels": sums[:, 1]}),))


def _change(view: View, camera: str) -> Floats:
    said = view.perception.depth[camera]
    check_frames(said, view.frames)
    inner, sums = np.flatnonzero(_inner(view)), np.zeros(2)
    for chunk in in_chunks(len(inner), (said.shape[1], said.shape[2])):
        before, now, after = (said[inner[chunk] + step].astype(np.float64) for step in (0, 1, 2))
        whole = before + now + after
        known = whole > 0  # false for NaN
        sums += (np.abs(before - 2 * now + after)[known] / whole[known]).sum(), known.sum()
    return sums


def lanes(view: View, predictions: Sequence[Prediction]) -> Result:
    """What the drawn lines of consecutive frames do not share."""
    lines, frames = merged(drawn_lines(view, predictions)), view.frames
    steps, frame = linked(view.perception), lines.group % max(frames, 1)
    first = np.flatnonzero(np.r_[steps, False][frame])
    second = np.flatnonzero(np.r_[False, steps][frame])
    one, two = same_group(lines.group[first], lines.group[second] - 1)
    shared = shared_pixels(lines.bits, first[one], lines.bits, second[two])
    cell, cells = lines.group // max(frames, 1), len(predictions)
    intersection = sum_by_cell(cell[first[one]], shared, cells)
    whole = [sum_by_cell(cell[side], lines.pixels[side], cells) for side in (first, second)]
    union = whole[0] + whole[1] - intersection
    pairs = list(zip(intersection, union, strict=True))
    return Result((overlap_sums(LANE_JITTER, predictions, pairs),))


def segmentation(view: View, predictions: Sequence[Prediction]) -> Result:
    """What the pixels of a class in consecutive frames do not share."""
    return _map_jitter(SEGMENTATION_JITTER, view, predictions)


def bev(view: View, predictions: Sequence[Prediction]) -> Result:
    """What the occupied cells of consecutive frames do not share."""
    return _map_jitter(BEV_JITTER, view, predictions)


def _map_jitter(metric: Metric, view: View, predictions: Sequence[Prediction]) -> Result:
    steps = np.flatnonzero(linked(view.perception))
    confusions: dict[str, NDArray[np.int64]] = {}
    sums = []
    for prediction in predictions:
        said, name = map_of(view, prediction)
        if name not in confusions:
            confusions[name] = confusion(said[steps], said[steps + 1], prediction.task)
        sums.append(shared_and_all(confusions[name], code_of(prediction)))
    return Result((overlap_sums(metric, predictions, sums),))
