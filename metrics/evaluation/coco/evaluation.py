"""The evaluation ``coco``: average precision, counts at the thresholds, and calibration.

What is judged ignores all labels that the ground truth marks as ignored or as crowds. The summary
has the numbers of pycocotools, which ignores crowds alone.

Source: COCO detection evaluation (Lin et al. 2014), area all, at most 100 detections per image and
class.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from metrics.evaluation.calibration import BINS, calibration_metric
from metrics.evaluation.coco.matching import LEVELS, Matcher, rank
from metrics.evaluation.coco.rows import detection_rows, judged, score_rows
from metrics.evaluation.coco.summary import AREAS, AT_50, AT_75, outside, summary_of
from metrics.evaluation.evaluation import Evaluated, Evaluation
from metrics.tasks.boxes import MAX_DETECTIONS
from metrics.tasks.metric import Better, Metric, Precision, Reference, detection_metrics
from ridealong.perception.result_files import Boxes2D, Frames

TASK = "objects"
SOURCE = "COCO, area all, maxDets 100"


def _average_precision(name: str, levels: tuple[int, ...], at: str) -> Metric:
    return Metric(
        name,
        TASK,
        Better.HIGHER,
        "1",
        ("labels",),
        Reference.LABELS,
        f"101-point average precision at IoU {at}, from the rows of detections",
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
    count = len(frames)
    ranked = rank(results, count)
    matcher = Matcher(truth, results, ranked, count)
    ignored = truth.ignored | truth.crowd | outside(truth.area, AREAS[""])
    beyond = outside(results.area[ranked.row], AREAS[""])
    of = judged(truth, results, ranked, matcher.match(ignored), ignored, beyond, count)
    names = [f"{TASK}/{category}" for category in categories]
    at = np.array([thresholds[category] for category in categories], np.float64)
    return Evaluated(
        scores=score_rows(of, METRICS, names, at),
        detections=detection_rows(of, names),
        summary=summary_of(categories, truth, results, ranked, matcher),
    )


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
