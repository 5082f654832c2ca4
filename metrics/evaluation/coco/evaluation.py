"""The evaluation ``coco``: average precision, counts at the thresholds, and calibration.

What is judged ignores all labels that the ground truth marks as ignored or as crowds. The summary
has the numbers of pycocotools, which ignores crowds alone.

Source: COCO detection evaluation (Lin et al. 2014), area all, at most 100 detections per image and
class.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pyarrow as pa

from metrics.evaluation.calibration import BINS, are_probabilities, calibration_metric
from metrics.evaluation.coco.matching import LEVELS, Matcher, rank
from metrics.evaluation.coco.rows import Judged, detection_rows, judged, score_rows
from metrics.evaluation.coco.summary import (
    AREAS,
    AT_50,
    AT_75,
    ByArea,
    curves_of,
    joined,
    outside,
    summary_of,
)
from metrics.evaluation.evaluation import Evaluated, Evaluation
from metrics.tasks.boxes import MAX_DETECTIONS
from metrics.tasks.metric import Better, Metric, Precision, Reference, detection_metrics
from ridealong.perception.result_files import Boxes2D, Frames

TASK = "objects"
SOURCE = "COCO, area all, maxDets 100"
BOXES_AT_ONCE = 1 << 18  # of consecutive classes


def _average_precision(name: str, levels: tuple[int, ...], at: str) -> Metric:
    return Metric(
        name,
        TASK,
        Better.HIGHER,
        "1",
        ("labels",),
        Reference.LABELS,
        f"101-point average precision at IoU {at}",
        SOURCE,
        figure=Precision(levels),
    )


METRICS = (
    _average_precision("ap", tuple(range(len(LEVELS))), "0.50 to 0.95, the mean of ten"),
    _average_precision("ap50", (AT_50,), "0.50"),
    _average_precision("ap75", (AT_75,), "0.75"),
    *detection_metrics(TASK, "boxes", f"{SOURCE}, IoU 0.50"),
    calibration_metric(TASK),
)


def evaluate(
    frames: Frames,
    categories: tuple[str, ...],
    truth: Boxes2D,
    results: Boxes2D,
    thresholds: Mapping[str, float],
) -> Evaluated:
    """Evaluate one network.

    Of equal scores the earlier row comes first. So for the numbers of pycocotools, the rows of the
    results are in the order of its image ids.
    """
    names = [f"{TASK}/{category}" for category in categories]
    at = np.array([thresholds[category] for category in categories], np.float64)
    calibrated = are_probabilities(results.score)
    scores, detections, curves = [], [], []
    for classes in _blocks(truth, results, len(categories)):
        found = _match(_some(truth, classes), _some(results, classes), len(frames), len(classes))
        first = classes.start
        scores.append(score_rows(found.judged, METRICS, names, first, at, calibrated))
        detections.append(detection_rows(found.judged, names, first))
        curves.append(found.curves)
    return Evaluated(
        scores=pa.concat_tables(scores),
        detections=pa.concat_tables(detections),
        summary=summary_of(categories, joined(curves)),
    )


@dataclass(frozen=True)
class _Found:
    judged: Judged
    curves: ByArea


def _match(truth: Boxes2D, results: Boxes2D, frames: int, classes: int) -> _Found:
    ranked = rank(results, frames)
    matcher = Matcher(truth, results, ranked, frames)
    ignored = truth.ignored | truth.crowd | outside(truth.area, AREAS[""])
    beyond = outside(results.area[ranked.row], AREAS[""])
    of = judged(truth, results, ranked, matcher.match(ignored), ignored, beyond, frames)
    return _Found(of, curves_of(truth, results, ranked, matcher, classes))


def _blocks(truth: Boxes2D, results: Boxes2D, classes: int) -> list[range]:
    """Consecutive classes that have at most `BOXES_AT_ONCE` boxes, or one class that has more.

    Classes are independent of each other, so this bounds the memory, and changes no number.
    """
    boxes = np.bincount(truth.category, minlength=classes)
    boxes += np.bincount(results.category, minlength=classes)
    blocks, start, inside = [], 0, 0
    for number, count in enumerate(boxes.tolist()):
        if inside and inside + count > BOXES_AT_ONCE:
            blocks.append(range(start, number))
            start, inside = number, 0
        inside += count
    return [*blocks, range(start, classes)]


def _some(boxes: Boxes2D, classes: range) -> Boxes2D:
    """The boxes of consecutive classes, which are counted from 0 then."""
    category = boxes.category - classes.start
    which = (category >= 0) & (category < len(classes))
    if which.all():
        return boxes
    columns = {each.name: getattr(boxes, each.name)[which] for each in fields(boxes)}
    return Boxes2D(**columns | {"category": category[which]})


EVALUATION: Final = Evaluation(
    name="coco",
    task=TASK,
    metrics=METRICS,
    margins={
        "ap": 0.03,
        "ap50": 0.03,
        "ap75": 0.03,
        "f1": 0.03,
        "precision": 0.05,
        "recall": 0.05,
        "ece": 0.03,
    },
    evaluate=evaluate,
    parameters={
        "levels": LEVELS.tolist(),
        "max_detections": MAX_DETECTIONS,
        "area": list(AREAS[""]),
        "calibration_bins": BINS,
    },
)
