"""The evaluation `kitti`: what is judged, and by which parameters."""

from dataclasses import asdict, replace

from metrics.evaluation.evaluation import Evaluation
from metrics.evaluation.kitti.difficulty import CLASSES, DIFFICULTIES
from metrics.evaluation.kitti.evaluate import METRIC_OF, SUFFIX, TASKS, evaluate
from metrics.evaluation.kitti.fields import Overlap
from metrics.evaluation.kitti.matching import MOST_THRESHOLDS
from metrics.tasks.metric import Better, Curve, Metric, Precision, Reference, detection_metrics

MARGIN = 0.03
SOURCE = "the devkit of KITTI's object benchmark (Geiger et al. 2012)"
WHERE = {
    Overlap.IMAGE: "boxes in the image",
    Overlap.TOP_DOWN: "boxes seen from above",
    Overlap.SPACE: "boxes in space",
}
JUDGED = frozenset(judged.name for judged in CLASSES)
LEVELS = tuple(level.name for level in DIFFICULTIES)


def _average_precision(task: str, kind: Overlap, level: str) -> Metric:
    bit = TASKS[task].index(kind) * len(LEVELS) + LEVELS.index(level)
    return Metric(
        f"{METRIC_OF[kind]}_{level}",
        task,
        Better.HIGHER,
        "1",
        ("labels",),
        Reference.LABELS,
        f"average precision at 40 recalls of {WHERE[kind]}, {level}",
        SOURCE,
        figure=Precision((bit,), Curve.R40),
        categories=JUDGED,
    )


def _metrics(task: str) -> tuple[Metric, ...]:
    """The metrics of a task; the main one first."""
    order = sorted(LEVELS, key=lambda level: level != "moderate")
    precisions = (_average_precision(task, kind, level) for kind in TASKS[task] for level in order)
    counts = (
        replace(metric, name=metric.name + SUFFIX[task], categories=JUDGED)
        for metric in detection_metrics(task, "boxes", f"{SOURCE}, moderate")
    )
    return *precisions, *counts


METRICS = tuple(metric for task in TASKS for metric in _metrics(task))

EVALUATION = Evaluation(
    name="kitti",
    task="objects",
    metrics=METRICS,
    margins={metric.name: MARGIN for metric in METRICS},
    evaluate=evaluate,
    parameters={
        "classes": [asdict(judged) for judged in CLASSES],
        "difficulties": [asdict(level) for level in DIFFICULTIES],
        "recalls": MOST_THRESHOLDS,
    },
)
