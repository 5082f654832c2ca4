"""Intersection over union of class maps: segmentation per camera, top-down layers.

Pixels whose label is `UNLABELLED` are not judged. An output that is unknown there counts as any
other wrong class would: silence is no way around a metric.

Source: the Jaccard index over the data set's confusion, as scikit-learn's and torchmetrics'
MulticlassJaccardIndex (not the mean over images).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.tasks.dense import check_codes, check_frames, finer, joint_counts
from metrics.tasks.metric import Better, Metric, Reference, Result, Sums, over, shared_part
from metrics.tasks.prediction import Prediction
from metrics.tasks.views import View
from ridealong.arrays import Ints
from ridealong.perception.annotations import UNLABELLED, Surface, Task

BEV_CODES = 2  # 0 not occupied, 1 occupied
SURFACES = tuple(Surface)


def iou_metric(task: Task, what: str) -> Metric:
    """IoU against labels, of segmentation or of top-down layers."""
    return Metric(
        "iou",
        task,
        Better.HIGHER,
        "1",
        ("intersection", "union"),
        Reference.LABELS,
        f"intersection / union of the {what}, unlabelled ones left out",
        "Jaccard index over the summed confusion (scikit-learn, torchmetrics)",
        over("intersection", "union"),
        to_find=shared_part,
    )


def map_of(view: View, prediction: Prediction) -> tuple[NDArray[np.uint8], str]:
    """The class map that the prediction is part of, and its name."""
    dense = view.perception.bev if prediction.task is Task.BEV else view.perception.segmentation
    name = str(prediction.category if prediction.task is Task.BEV else prediction.camera)
    check_frames(dense[name], view.frames)
    return dense[name], name


def code_of(prediction: Prediction) -> int:
    """The id that the prediction's pixels have in its map."""
    if prediction.task is Task.BEV:
        return 1
    return SURFACES.index(Surface(str(prediction.category)))


def confusion(
    rows: NDArray[np.uint8],
    columns: NDArray[np.uint8],
    task: Task,
    size: tuple[int, int] | None = None,
) -> Ints:
    """``(256, 256)`` counts of code pairs on the grid ``size``, by default one that suits both.

    Raises:
        ValueError: A code is no class of the task.
    """
    counts = joint_counts(rows, columns, size or finer(rows, columns))
    check_codes(counts, BEV_CODES if task is Task.BEV else len(SURFACES), UNLABELLED)
    return counts


def shared_and_all(counts: Ints, code: int) -> tuple[int, int]:
    """Intersection and union of one class, from counts of code pairs."""
    intersection = counts[code, code]
    return int(intersection), int(counts[code].sum() + counts[:, code].sum() - intersection)


def labelled(counts: Ints) -> Ints:
    """The counts (rows are labels) without the pixels that nobody labelled."""
    judged = counts.copy()
    judged[UNLABELLED] = 0
    return judged


def iou_against_labels(
    metric: Metric, outputs: View, labels: View, predictions: Sequence[Prediction]
) -> Result:
    """Intersection and union of each prediction; one confusion serves all classes of a map."""
    confusions: dict[str, Ints] = {}
    sums = []
    for prediction in predictions:
        truth, name = map_of(labels, prediction)
        if name not in confusions:
            said, _ = map_of(outputs, prediction)
            size = (truth.shape[1], truth.shape[2])
            confusions[name] = labelled(confusion(truth, said, prediction.task, size))
        sums.append(shared_and_all(confusions[name], code_of(prediction)))
    return Result((overlap_sums(metric, predictions, sums),))


def overlap_sums(
    metric: Metric, predictions: Sequence[Prediction], sums: Sequence[tuple[int, int]]
) -> Sums:
    """Pairs of (intersection, union) as the metric's statistics."""
    intersection, union = np.array(sums, np.int64).reshape(-1, 2).T
    names = tuple(map(str, predictions))
    return Sums(metric, names, {"intersection": intersection, "union": union})
