"""Which of two networks' outputs count, which only one network has, and what the candidate lost.

The rules are those of each family's metric `disagreement`: it counts as unpaired the marks that
only one side has. So the player shows as a difference what the page Compare counts. What is right
is judged by the same rules, with the labels as one side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.tasks.clip_view import ClipView, common_frames
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


def lost(
    labels: ClipView, deployed: ClipView, candidate: ClipView, only_candidate: Bools
) -> tuple[Bools, Bools]:
    """What the deployed network has right and the candidate has wrong, at the labelled frames.

    Args:
        labels: The labels.
        deployed: The outputs of the deployed network.
        candidate: Those of the candidate, on the same frames.
        only_candidate: Which of the candidate's rows the deployed network does not have.

    Returns:
        Which labels only the deployed network finds; labels that the metrics ignore are left out.
        And which of the candidate's rows are neither labelled nor of the deployed network.
    """
    missed, extra = _alone(labels, candidate)
    missed_before, _ = _alone(labels, deployed)
    judged = pc.is_in(candidate.perception.sparse["task"], pa.array([*labels.perception.tasks]))
    return (
        missed & ~missed_before & ~_ignored(labels.perception.sparse),
        extra & only_candidate & judged.to_numpy(zero_copy_only=False),
    )


def _alone(labels: ClipView, network: ClipView) -> tuple[Bools, Bools]:
    """The rows of each side that the other does not have; none at frames that only one side has."""
    cut = common_frames(labels.perception, network.perception)
    sides = judge(*(view.on(part) for view, part in zip((labels, network), cut, strict=True)))
    found = []
    for view, part, side in zip((labels, network), cut, sides, strict=True):
        times = view.perception.sparse["timestamp_ns"].to_numpy()
        alone = np.zeros(len(times), np.bool_)
        alone[np.isin(times, part.timestamps_ns)] = side.alone
        found.append(alone)
    return found[0], found[1]


def _ignored(labels: pa.Table) -> Bools:
    """Which labels the metrics of their family ignore."""
    found = np.zeros(labels.num_rows, np.bool_)
    for family in families().values():
        if family.ignored is not None:
            own = pc.equal(labels["task"], family.name).to_numpy(zero_copy_only=False)
            found[own] = family.ignored(labels.filter(pa.array(own)))
    return found


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
        rows = view.rows_of(predictions)
        below = view.threshold_of(predictions)[rows.cell] - rows.floats("score")[:, 0]
        judged.below[rows.table[ROW].to_numpy()] = np.maximum(below, 0)
    return judged
