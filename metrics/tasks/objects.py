"""Boxes of road users against labels, by COCO's matching at IoU 0.5.

In each image and class the detections, in the order of their scores, take the best free label
that they overlap by at least 0.5; at most 100 detections an image and class are judged. Labels
that are hidden or cut off by more than 80% are ignored: who finds one is neither praised nor
blamed. F1, precision and recall count detections at or above the network's threshold; AP50 is
COCO's 101-point average precision over all of them, from the rows of the table matches.

Source: COCO detection evaluation (Lin et al. 2014), area all, maxDets 100, IoU 0.5.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from metrics.inference.ap import cuts_of
from metrics.tasks.boxes import IOU_THRESHOLD, MAX_DETECTIONS, Boxes, Matching, match_greedily
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
from metrics.tasks.prediction import Prediction
from metrics.tasks.views import Rows, View, by_cell, rows_of
from ridealong.perception.annotations import Task

MOST_OCCLUSION = 0.8  # a label hidden by more is ignored
MOST_TRUNCATION = 0.8  # and so is one cut off by more
RECALL_POINTS = np.linspace(0, 1, 101)

COUNTS = detection_metrics(Task.OBJECTS, "boxes", "COCO matching, IoU 0.5")
AP50 = Metric(
    "ap50",
    Task.OBJECTS,
    Better.HIGHER,
    "1",
    ("labels",),
    Reference.LABELS,
    "101-point average precision at IoU 0.5, from matched rows and the number of labels",
    "COCO AP50, area all, maxDets 100",
)
METRICS = (*COUNTS, AP50)
PARAMETERS = {
    "iou": IOU_THRESHOLD,
    "max_detections": MAX_DETECTIONS,
    "most_occlusion": MOST_OCCLUSION,
    "most_truncation": MOST_TRUNCATION,
}


def against_labels(outputs: View, labels: View, predictions: Sequence[Prediction]) -> Result:
    """Counts at the thresholds, the number of labels, and a matched row per detection."""
    found, wanted = (rows_of(view.perception, predictions) for view in (outputs, labels))
    ignored = ignored_labels(wanted.table)
    score = found.floats("score")[:, 0]
    frames = outputs.frames
    matching = match_greedily(boxes_of(found, frames), score, boxes_of(wanted, frames), ignored)
    cells, names = len(predictions), tuple(map(str, predictions))
    said = score >= outputs.threshold_of(predictions)[found.cell]
    total = by_cell(wanted.cell, ~ignored, cells)
    tp = by_cell(found.cell, said & matching.matched, cells)
    fp = by_cell(found.cell, said & matching.judged & ~matching.matched, cells)
    counts = detection_sums(COUNTS, names, tp, fp, total - tp)
    sums = (*counts, Sums(AP50, names, {"labels": total}))
    return Result(sums, _match_rows(found, matching, names))


def boxes_of(rows: Rows, frames: int) -> Boxes:
    """The rows as boxes, grouped by prediction and frame."""
    return Boxes(rows.cell * frames + rows.frame, rows.floats("x1", "y1", "x2", "y2"))


def said_boxes(view: View, predictions: Sequence[Prediction]) -> Rows:
    """The boxes at or above their thresholds."""
    rows = rows_of(view.perception, predictions)
    return rows.take(rows.floats("score")[:, 0] >= view.threshold_of(predictions)[rows.cell])


def ignored_labels(labels: pa.Table) -> NDArray[np.bool_]:
    """``(N,)``: which labels, rows of ``ANNOTATIONS``, are ignored."""
    hidden, cut_off = (
        np.asarray(pc.fill_null(labels[name], 0.0).to_numpy(), np.float64)
        for name in ("occlusion", "truncation")
    )
    # Fractions are stored in float32, and so is what they are compared with.
    return (hidden > np.float32(MOST_OCCLUSION)) | (cut_off > np.float32(MOST_TRUNCATION))


def _match_rows(found: Rows, matching: Matching, names: tuple[str, ...]) -> pa.Table:
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


def average_precision(
    score: NDArray[np.floating], matched: NDArray[np.bool_], labels: int
) -> float:
    """COCO's 101-point average precision.

    Rows of one score enter together, for no threshold could part them: the same content has the
    same value in whatever order it comes. pycocotools lets them enter one by one, in the order of
    the image ids; where no two scores are equal the two agree.

    Args:
        score: ``(N,)`` scores of all judged detections, in any order.
        matched: ``(N,)`` whether each found a label.
        labels: How many labels there were to find.

    Returns:
        In 0 to 1; NaN, unknown, where there was nothing to find.
    """
    if labels <= 0:
        return float("nan")
    if not len(score):
        return 0.0
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    cuts, hits = cuts_of(np.asarray(score)[order], np.asarray(matched, np.bool_)[order])
    tp = np.cumsum(hits)
    best_beyond = np.maximum.accumulate((tp / (cuts + 1))[::-1])[::-1]
    reached = np.searchsorted(tp / labels, RECALL_POINTS, side="left")
    return float(np.r_[best_beyond, 0.0][np.minimum(reached, len(tp))].mean())
