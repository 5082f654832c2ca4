"""What of two networks' outputs is judged, and what of it only one of them has.

The rules are those of the metric `disagreement`: the marks alone of both sides are what it counts
as unpaired. So what the player shows as a difference is what the page Regressions gives a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from metrics.tasks import lights
from metrics.tasks.boxes import IOU_THRESHOLD, Pairs, most_matches, overlapping
from metrics.tasks.lanes import said_lines, same_lines
from metrics.tasks.objects import boxes_of, said_boxes
from metrics.tasks.prediction import Prediction
from metrics.tasks.views import Rows, View, rows_of
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.annotations import LightState, Task

ROW = "row"  # a column of our own: which row of its table a row was


@dataclass(frozen=True)
class Judged:
    """What counts of a network's sparse rows, in the table's order.

    Attributes:
        said: At or above its prediction's threshold; of lights, those that show the state.
        below: How far its score is below that threshold, 0 where it is not.
        alone: Said, and the other network does not have it at that instant.
    """

    said: Bools
    below: Floats
    alone: Bools


Found = tuple[Rows, Bools]  # what one network said, and which of it the other does not have


def judge(one: View, two: View) -> tuple[Judged, Judged]:
    """Hold what two networks said on the same frames against each other."""
    one, two = _numbered(one), _numbered(two)
    predictions = _predictions(one, two)
    sides = _nothing_said(one, predictions), _nothing_said(two, predictions)
    for task, compare in COMPARISONS.items():
        chosen = [p for p in predictions if p.task is task]
        if not chosen:
            continue
        for side, (rows, alone) in zip(sides, compare(one, two, chosen), strict=True):
            place = rows.table[ROW].to_numpy()
            side.said[place], side.alone[place] = True, alone
    return sides


def _numbered(view: View) -> View:
    rows = view.perception.sparse
    rows = rows.append_column(ROW, pa.array(np.arange(rows.num_rows)))
    return replace(view, perception=replace(view.perception, sparse=rows), drawn={})


def _predictions(*views: View) -> list[Prediction]:
    """What either side has a row of. A light that shows nothing is no mark."""
    names = [
        row
        for view in views
        for row in view.perception.sparse.select(["task", "category", "camera"])
        .group_by(["task", "category", "camera"])
        .aggregate([])
        .to_pylist()
    ]
    known = {
        Prediction(Task(row["task"]), row["category"], row["camera"])
        for row in names
        if row["task"] in COMPARISONS and row["category"] != LightState.NONE
    }
    return sorted(known)


def _nothing_said(view: View, predictions: Sequence[Prediction]) -> Judged:
    size = view.perception.sparse.num_rows
    judged = Judged(np.zeros(size, np.bool_), np.zeros(size), np.zeros(size, np.bool_))
    if predictions:
        rows = rows_of(view.perception, predictions)
        below = view.threshold_of(predictions)[rows.cell] - rows.floats("score")[:, 0]
        judged.below[rows.table[ROW].to_numpy()] = np.maximum(below, 0)
    return judged


def _boxes(one: View, two: View, predictions: Sequence[Prediction]) -> tuple[Found, Found]:
    a, b = said_boxes(one, predictions), said_boxes(two, predictions)
    pairs = overlapping(boxes_of(a, one.frames), boxes_of(b, two.frames), IOU_THRESHOLD)
    return _unpaired(a, b, pairs)


def _lines(one: View, two: View, predictions: Sequence[Prediction]) -> tuple[Found, Found]:
    (a, drawn_a), (b, drawn_b) = said_lines(one, predictions), said_lines(two, predictions)
    return _unpaired(a, b, same_lines(drawn_a, drawn_b))


def _unpaired(one: Rows, two: Rows, pairs: Pairs) -> tuple[Found, Found]:
    # What one matching pairs on the left and another on the right, a third pairs with each other
    # (Mendelsohn and Dulmage), so each side may be asked by itself.
    back = Pairs(pairs.right, pairs.left, pairs.iou)
    sizes = len(one.cell), len(two.cell)
    return (
        (one, _all_but(most_matches(pairs, *sizes), sizes[0])),
        (two, _all_but(most_matches(back, *sizes[::-1]), sizes[1])),
    )


def _all_but(places: Ints, size: int) -> Bools:
    mask = np.ones(size, np.bool_)
    mask[places] = False
    return mask


def _lights(one: View, two: View, predictions: Sequence[Prediction]) -> tuple[Found, Found]:
    cameras = lights.cameras_of(predictions)
    states = [lights.overall_states(view, cameras) for view in (one, two)]
    camera = np.array([cameras.index(str(p.camera)) for p in predictions])
    code = np.array([lights.code_of(p) for p in predictions])

    def shown(view: View, own: int) -> Found:
        rows = lights.said_lights(view, predictions)
        at = camera[rows.cell], rows.frame
        state = code[rows.cell]
        wins = states[own][at] == state
        return rows.take(wins), (states[1 - own][at] != state)[wins]

    return shown(one, 0), shown(two, 1)


COMPARISONS: dict[Task, Callable[[View, View, Sequence[Prediction]], tuple[Found, Found]]] = {
    Task.OBJECTS: _boxes,
    Task.LIGHTS: _lights,
    Task.LANES: _lines,
}
