"""The evaluation ``clear_mot``: what is judged of trackers, and the numbers their tools print.

Everything is associated within one class of one drive, over the whole drive, and then counted per
frame. So drives, slices and blocks of time are sums. Scores of boxes and thresholds play no part: a
tracker's output is final.
"""

from collections.abc import Mapping

import numpy as np

from metrics.evaluation.evaluation import DETECTION_ROWS, Evaluated, Evaluation
from metrics.evaluation.tracking import hota
from metrics.evaluation.tracking.clear import MOSTLY_LOST, MOSTLY_TRACKED
from metrics.evaluation.tracking.counts import Counts, count, score_rows, together
from metrics.evaluation.tracking.ignored import MOST_IN_REGION, judged
from metrics.evaluation.tracking.tracks import MOST_DISTANCE
from metrics.tasks.metric import (
    Better,
    Metric,
    Reference,
    Smooth,
    over,
    precision,
    recall,
)
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import Boxes2D, Frames

_CLEAR = "CLEAR MOT (Bernardin and Stiefelhagen 2008), IoU 0.5, as py-motmetrics"
_HOTA = "HOTA (Luiten et al. 2021), as TrackEval"
_IDENTITY = "identity (Ristani et al. 2016), IoU 0.5"

Summed = Mapping[str, Floats]


def _mota(sums: Summed) -> tuple[Floats, Floats]:
    return sums["labels"] - sums["fn"] - sums["fp"] - sums["idsw"], sums["labels"]


def _idf1(sums: Summed) -> tuple[Floats, Floats]:
    return 2 * sums["idtp"], 2 * sums["idtp"] + sums["idfp"] + sums["idfn"]


def _labels(sums: Summed) -> Floats:
    return sums["labels"]


MOTA = Metric(
    "mota", "tracks", Better.HIGHER, "1", ("labels", "fn", "fp", "idsw"), Reference.LABELS,
    "1 - (misses + false alarms + identity switches) / labels", _CLEAR, _mota, share=False,
)  # fmt: skip
IDF1 = Metric(
    "idf1", "tracks", Better.HIGHER, "1", ("idtp", "idfp", "idfn"), Reference.LABELS,
    "2 IDTP / (2 IDTP + IDFP + IDFN), tracks paired over the whole drive", _IDENTITY, _idf1,
    to_find=lambda sums: sums["idtp"] + sums["idfn"],
)  # fmt: skip
HOTA = Metric(
    "hota", "tracks", Better.HIGHER, "1", hota.STATISTICS, Reference.LABELS,
    "detection and association accuracy, the mean over 19 thresholds of the IoU", _HOTA,
    figure=Smooth(hota.hota, _labels), to_find=_labels,
)  # fmt: skip
MOTP = Metric(
    "motp", "tracks", Better.HIGHER, "1", ("iou", "tp"), Reference.LABELS,
    "mean IoU of matches", _CLEAR, over("iou", "tp"),
)  # fmt: skip
PRECISION = Metric(
    "precision", "tracks", Better.HIGHER, "1", ("tp", "fp"), Reference.LABELS,
    "matches / results, at any score", _CLEAR, precision,
)  # fmt: skip
RECALL = Metric(
    "recall", "tracks", Better.HIGHER, "1", ("tp", "fn"), Reference.LABELS,
    "matches / labels, at any score", _CLEAR, recall,
)  # fmt: skip
IDSW = Metric(
    "idsw", "tracks", Better.LOWER, "1", ("idsw", "labels"), Reference.LABELS,
    "identity switches per label", _CLEAR, over("idsw", "labels"),
)  # fmt: skip

METRICS = (MOTA, IDF1, HOTA, MOTP, PRECISION, RECALL, IDSW)
MARGIN = 0.03
BOXES_AT_ONCE = 1_000_000


def evaluate(
    frames: Frames,
    categories: tuple[str, ...],
    truth: Boxes2D,
    results: Boxes2D,
    threshold: Mapping[str, float],
) -> Evaluated:
    """Evaluate one tracker.

    Args:
        frames: All frames of all drives.
        categories: Names of the classes.
        truth: Labels. Crowds are regions that concern all classes.
        results: Results; an identity occurs once in a frame and class.
        threshold: Not used: a tracker's output is final.
    """
    drive = np.asarray(frames.drive.dictionary_encode().indices).astype(np.int64)
    parts = [
        count(*judged(_of(truth, some), _of(results, some), drive, max(len(categories), 1)))
        for some in _blocks(truth, results, drive)
    ]
    counts = together(parts)
    predictions = tuple(f"tracks/{name}" for name in categories)
    statistics = {metric.name: metric.statistics for metric in METRICS}
    return Evaluated(
        score_rows(counts, statistics, predictions),
        DETECTION_ROWS.empty_table(),
        summary(counts, categories),
    )


def _blocks(truth: Boxes2D, results: Boxes2D, drive: Ints) -> list[Bools]:
    """The frames of some drives, ``(F,)`` each, with about `BOXES_AT_ONCE` boxes.

    Drives are independent of each other, so this bounds the memory, and changes no number.
    """
    every = drive[np.concatenate([truth.frame, results.frame])]
    block = np.cumsum(np.bincount(every, minlength=drive.max(initial=0) + 1)) // BOXES_AT_ONCE
    return [block[drive] == number for number in np.unique(block)]


def _of(boxes: Boxes2D, frames: Bools) -> Boxes2D:
    """The boxes of some frames."""
    if frames.all():
        return boxes
    which = frames[boxes.frame]
    return Boxes2D(**{name: column[which] for name, column in vars(boxes).items()})


def summary(counts: Counts, categories: tuple[str, ...]) -> dict[str, object]:
    """The numbers of trackers' tools: summed over classes, and of each class.

    MOTP is the mean IoU of matches, as MOTChallenge, KITTI and BDD100K print it; py-motmetrics
    prints the mean distance, MOTP_dist = 1 - MOTP.
    """
    classes = max(len(categories), 1)
    of_cell, of_life = counts.cell % classes, counts.life_block % classes
    per_class = {
        name: _numbers(counts, of_cell == index, of_life == index)
        for index, name in enumerate(categories)
    }
    everything = np.ones(len(of_cell), np.bool_), np.ones(len(of_life), np.bool_)
    return {**_numbers(counts, *everything), "per_class": per_class}


def _numbers(counts: Counts, cells: Bools, objects: Bools) -> dict[str, float | int | None]:
    sums = {name: np.asarray(values[cells].sum()) for name, values in counts.values.items()}
    life = counts.life
    tracked, lost = life.mostly_tracked[objects], life.mostly_lost[objects]
    motp = _number(MOTP.value(sums))
    return {
        "MOTA": _number(MOTA.value(sums)),
        "MOTP": motp,
        "IDF1": _number(IDF1.value(sums)),
        "HOTA": _number(hota.hota(sums)),
        "DetA": _number(hota.deta(sums)),
        "AssA": _number(hota.assa(sums)),
        "MOTP_dist": None if motp is None else 1 - motp,
        "precision": _number(PRECISION.value(sums)),
        "recall": _number(RECALL.value(sums)),
        "FP": int(sums["fp"]),
        "FN": int(sums["fn"]),
        "IDSw": int(sums["idsw"]),
        "Frag": int(life.fragments[objects].sum()),
        "MT": int(tracked.sum()),
        "PT": int((~tracked & ~lost).sum()),
        "ML": int(lost.sum()),
        "IDTP": int(sums["idtp"]),
        "IDFP": int(sums["idfp"]),
        "IDFN": int(sums["idfn"]),
        "labels": int(sums["labels"]),
        "results": int(sums["results"]),
    }


def _number(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)


EVALUATION = Evaluation(
    name="clear_mot",
    task="tracks",
    metrics=METRICS,
    margins={metric.name: MARGIN for metric in METRICS},
    evaluate=evaluate,
    parameters={
        "most_distance": MOST_DISTANCE,
        "most_in_region": MOST_IN_REGION,
        "mostly_tracked": MOSTLY_TRACKED,
        "mostly_lost": MOSTLY_LOST,
        "alphas": list(hota.ALPHAS),
    },
    has_threshold=False,
)
