"""Scores of families of boxes, by COCO's matching at IoU 0.5.

In each image and class, each detection takes the best free label with an IoU of at least 0.5, in
the order of scores. At most 100 detections per image and class are judged. A detection of a label
that the family ignores is neither a hit nor an error. F1, precision and recall count detections at
or above the network's threshold. AP50 is COCO's 101-point average precision over all detections,
from the rows of the table matches.

Source: COCO detection evaluation (Lin et al. 2014), area all, maxDets 100, IoU 0.5. Flicker and
disagreement are ours (`metrics.tasks.stability`, `metrics.tasks.disagreement`).
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from metrics.tasks.boxes import (
    IOU_THRESHOLD,
    MAX_DETECTIONS,
    Boxes,
    Matching,
    Pairs,
    match_greedily,
    overlapping,
)
from metrics.tasks.clip_view import ClipView, SparseRows, by_cell
from metrics.tasks.disagreement import pairing_metric, pairing_sums, unpaired
from metrics.tasks.family import PairScorer, Reported, Scorer, SelfScorer, TaskFamily
from metrics.tasks.metric import (
    MATCH_ROWS,
    Better,
    Metric,
    Reference,
    Result,
    Sums,
    detection_metrics,
    detection_sums,
)
from metrics.tasks.prediction import DEFAULT_THRESHOLD, Prediction
from metrics.tasks.stability import PARAMETERS as STEADINESS
from metrics.tasks.stability import flicker_metric, flicker_sums, inner_frames
from ridealong.arrays import Bools
from ridealong.perception.forms import Form

LINK_IOU = 0.3  # boxes of neighbouring frames with at least this IoU are one object
PARAMETERS = {
    "iou": IOU_THRESHOLD,
    "max_detections": MAX_DETECTIONS,
    "link_iou": LINK_IOU,
    "default_threshold": DEFAULT_THRESHOLD,
    **STEADINESS,
}


def box_family(
    name: str,
    categories: Sequence[str],
    example: str,
    ignored: Callable[[pa.Table], Bools] | None = None,
    parameters: dict[str, object] | None = None,
    supercategory: str | None = None,
) -> TaskFamily:
    """A family of boxes in images, with all metrics of this module.

    Args:
        name: The family's name.
        categories: Its categories.
        example: The name of one of its predictions.
        ignored: Which labels are ignored; None if all count.
        parameters: What ``ignored`` depends on.
        supercategory: COCO's supercategory of the categories; by default the name.
    """
    scores = BoxScores(name, ignored)
    return TaskFamily(
        name=name,
        form=Form.BOXES,
        example=example,
        categories=tuple(categories),
        against_labels=scores.against_labels,
        against_self=scores.against_self,
        against_other=scores.against_other,
        parameters=PARAMETERS | (parameters or {}),
        supercategory=supercategory,
        ignored=ignored,
        differences=box_differences,
    )


class BoxScores:
    """The scorers of one family of boxes."""

    def __init__(self, task: str, ignored: Callable[[pa.Table], Bools] | None) -> None:
        self._ignored = ignored
        self._counts = detection_metrics(task, "boxes", "COCO matching, IoU 0.5")
        self._ap50 = Metric(
            "ap50",
            task,
            Better.HIGHER,
            "1",
            ("labels",),
            Reference.LABELS,
            "101-point average precision at IoU 0.5, from matched rows and the number of labels",
            "COCO AP50, area all, maxDets 100",
        )
        self._flicker = flicker_metric(
            task,
            "boxes that only one frame has, or that are gone in the next frame alone (IoU 0.3)",
            "all boxes",
        )
        self._disagreement = pairing_metric(task, "boxes")
        self.against_labels: PairScorer = Scorer((*self._counts, self._ap50), self._found)
        self.against_self: SelfScorer = Scorer((self._flicker,), self._flickers)
        self.against_other: PairScorer = Scorer((self._disagreement,), self._paired)

    def _found(
        self, outputs: ClipView, labels: ClipView, predictions: Sequence[Prediction]
    ) -> Result:
        """Counts at the thresholds, the number of labels, and a matched row per detection."""
        found, wanted = (view.rows_of(predictions) for view in (outputs, labels))
        ignored = self._ignored_of(wanted.table)
        score, frames = found.floats("score")[:, 0], outputs.frames
        matching = match_greedily(boxes_of(found, frames), score, boxes_of(wanted, frames), ignored)
        cells, names = len(predictions), tuple(map(str, predictions))
        reported = score >= outputs.threshold_of(predictions)[found.cell]
        total = by_cell(wanted.cell, ~ignored, cells)
        tp = by_cell(found.cell, reported & matching.matched, cells)
        fp = by_cell(found.cell, reported & matching.judged & ~matching.matched, cells)
        counts = detection_sums(self._counts, names, tp, fp, total - tp)
        sums = (*counts, Sums(self._ap50, names, {"labels": total}))
        return Result(sums, _match_rows(found, matching, names))

    def _ignored_of(self, labels: pa.Table) -> Bools:
        if self._ignored is None:
            return np.zeros(labels.num_rows, np.bool_)
        return self._ignored(labels)

    def _flickers(self, view: ClipView, predictions: Sequence[Prediction]) -> Result:
        """Boxes that do not last."""
        rows = reported_boxes(view, predictions)
        unsteady = _blips(rows, view) | _gaps(rows, view)
        flickers = by_cell(rows.cell, unsteady, len(predictions))
        reported = by_cell(rows.cell, np.ones(len(rows.cell), np.bool_), len(predictions))
        return flicker_sums(self._flicker, predictions, flickers, reported)

    def _paired(self, one: ClipView, two: ClipView, predictions: Sequence[Prediction]) -> Result:
        """Boxes that the other network does not have."""
        a, b, pairs = _pairs(one, two, predictions)
        return pairing_sums(self._disagreement, predictions, pairs, a.cell, b.cell)


def box_differences(
    one: ClipView, two: ClipView, predictions: Sequence[Prediction]
) -> tuple[Reported, Reported]:
    """The boxes of both networks, and which of them the other one does not have."""
    return unpaired(*_pairs(one, two, predictions))


def boxes_of(rows: SparseRows, frames: int) -> Boxes:
    """The rows as boxes, grouped by prediction and frame."""
    return Boxes(rows.cell * frames + rows.frame, rows.floats("x1", "y1", "x2", "y2"))


def reported_boxes(view: ClipView, predictions: Sequence[Prediction]) -> SparseRows:
    """The boxes at or above their thresholds."""
    rows = view.rows_of(predictions)
    return rows.take(rows.floats("score")[:, 0] >= view.threshold_of(predictions)[rows.cell])


def _pairs(
    one: ClipView, two: ClipView, predictions: Sequence[Prediction]
) -> tuple[SparseRows, SparseRows, Pairs]:
    a, b = reported_boxes(one, predictions), reported_boxes(two, predictions)
    return a, b, overlapping(boxes_of(a, one.frames), boxes_of(b, two.frames), IOU_THRESHOLD)


def _match_rows(found: SparseRows, matching: Matching, names: tuple[str, ...]) -> pa.Table:
    judged = matching.judged
    matched, iou = matching.matched[judged], matching.iou[judged].astype(np.float32)
    rows = found.take(judged)
    prediction = pa.array(names, pa.string()).take(pa.array(rows.cell))
    columns = [
        prediction,
        rows.table["timestamp_ns"],
        rows.table["score"],
        pa.array(matched),
        pa.array(iou, mask=~matched),
    ]
    return pa.table(columns, schema=MATCH_ROWS)


def _blips(rows: SparseRows, view: ClipView) -> Bools:
    """Boxes between two linked frames of which neither has them."""
    alone = ~_seen(rows, view, 1) & ~_seen(rows, view, -1)
    inner = np.r_[False, inner_frames(view), False]
    return np.asarray(alone & inner[rows.frame], np.bool_)


def _gaps(rows: SparseRows, view: ClipView) -> Bools:
    """Boxes that the next frame lacks and the frame after it has again."""
    gone = _seen(rows, view, 2) & ~_seen(rows, view, 1)
    inner = np.r_[inner_frames(view), False, False]
    return np.asarray(gone & inner[rows.frame], np.bool_)


def _seen(rows: SparseRows, view: ClipView, step: int) -> Bools:
    """Whether the frame ``step`` later has the same box."""
    xyxy = rows.floats("x1", "y1", "x2", "y2")
    # Two spare frames on each side, so that a step cannot reach another cell.
    group = rows.cell * (view.frames + 4) + rows.frame + 2
    pairs = overlapping(Boxes(group, xyxy), Boxes(group - step, xyxy), LINK_IOU)
    seen = np.zeros(len(group), np.bool_)
    seen[pairs.left] = True
    return seen
