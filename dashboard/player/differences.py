"""Which of two networks' outputs count, and which of them only one network has.

The rules are those of each family's metric `disagreement`: it counts as unpaired the marks that
only one side has. So the player shows as a difference what the page Regressions counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from metrics.tasks.clip_view import ClipView, rows_of
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import families, parse_prediction
from ridealong.arrays import Bools, Floats

ROW = "row"  # an additional column: the row's number in its table


@dataclass(frozen=True)
class Judged:
    """Which of a network's sparse rows count, in the table's order.

    Attributes:
        counts: At or above the prediction's threshold; for lights, those that show the state.
        below: How far the score is below that threshold; 0 if it is not below.
        alone: It counts, and the other network does not have it at that instant.
    """

    counts: Bools
    below: Floats
    alone: Bools


def judge(one: ClipView, two: ClipView) -> tuple[Judged, Judged]:
    """Compare what two networks report on the same frames.

    Only families whose differences can be drawn (`TaskFamily.differences`) are compared.
    """
    one, two = _numbered(one), _numbered(two)
    predictions = _predictions(one, two)
    sides = _none_counts(one, predictions), _none_counts(two, predictions)
    for family in families().values():
        chosen = [p for p in predictions if p.task == family.name]
        if not chosen or family.differences is None:
            continue
        for side, (rows, alone) in zip(sides, family.differences(one, two, chosen), strict=True):
            place = rows.table[ROW].to_numpy()
            side.counts[place], side.alone[place] = True, alone
    return sides


def _numbered(view: ClipView) -> ClipView:
    rows = view.perception.sparse
    rows = rows.append_column(ROW, pa.array(np.arange(rows.num_rows)))
    return replace(view, perception=replace(view.perception, sparse=rows), drawn={})


def _predictions(*views: ClipView) -> list[Prediction]:
    """The predictions that either side has a row of, without those that report nothing."""
    rows = [
        row
        for view in views
        for row in view.perception.sparse.select(["task", "category", "camera"])
        .group_by(["task", "category", "camera"])
        .aggregate([])
        .to_pylist()
    ]
    known = families()
    found = {
        Prediction(row["task"], row["category"], row["camera"])
        for row in rows
        if row["task"] in known
        and known[row["task"]].differences is not None
        and row["category"] != known[row["task"]].nothing
    }
    return sorted(parse_prediction(str(prediction)) for prediction in found)


def _none_counts(view: ClipView, predictions: Sequence[Prediction]) -> Judged:
    size = view.perception.sparse.num_rows
    judged = Judged(np.zeros(size, np.bool_), np.zeros(size), np.zeros(size, np.bool_))
    if predictions:
        rows = rows_of(view.perception, predictions)
        below = view.threshold_of(predictions)[rows.cell] - rows.floats("score")[:, 0]
        judged.below[rows.table[ROW].to_numpy()] = np.maximum(below, 0)
    return judged
