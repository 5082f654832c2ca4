"""Every metric by task and name, and the hash of their definitions."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache

from metrics.tasks import (
    bev,
    depth,
    disagreement,
    lanes,
    lights,
    objects,
    segmentation,
    stability,
    views,
)
from metrics.tasks.metric import Metric
from metrics.tasks.prediction import Prediction
from ridealong.errors import RidealongError
from ridealong.perception.annotations import Task
from ridealong.specs import nearest

MODULES = (objects, lights, lanes, depth, segmentation, bev, stability, disagreement)

# To be raised when a change of the code changes what a statistic means: stored scores are reused
# only under an equal definition.
VERSION = 2


def by_task(metrics: Iterable[Metric]) -> dict[Task, dict[str, Metric]]:
    """Metrics by task and name.

    Raises:
        ValueError: Two of one task have the same name.
    """
    known: dict[Task, dict[str, Metric]] = {task: {} for task in Task}
    for metric in metrics:
        if metric.name in known[metric.task]:
            raise ValueError(f"{metric.task} has two metrics called {metric.name!r}")
        known[metric.task][metric.name] = metric
    return known


METRICS = by_task(metric for module in MODULES for metric in module.METRICS)


def lookup(task: Task, name: str) -> Metric:
    """The metric of that task and name.

    Raises:
        RidealongError: Unknown; the message suggests the nearest.
    """
    known = METRICS[task]
    if name not in known:
        raise RidealongError(f"{task} has no metric {name!r}", hint=nearest(name, list(known)))
    return known[name]


def metrics_of(prediction: Prediction) -> tuple[Metric, ...]:
    """The metrics that judge a prediction."""
    return tuple(m for m in METRICS[prediction.task].values() if m.judges(prediction))


@cache
def definition_sha256() -> str:
    """Hash over every metric's definition, its parameters, and `VERSION`."""
    document = {
        "version": VERSION,
        "default_threshold": views.DEFAULT_THRESHOLD,
        "metrics": [_definition(m) for task in METRICS.values() for m in task.values()],
        "parameters": {module.__name__: module.PARAMETERS for module in MODULES},
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@cache
def definition_of(task: str) -> str:
    """Hash (sha256) of all that the stored scores of a family depend on: ids, parameters, version.

    Prose is no part of it, so rewording a description voids no score.
    """
    metrics = METRICS[Task(task)].values()
    judging = [module for module in MODULES if any(m in metrics for m in module.METRICS)]
    document = {
        "task": task,
        "version": VERSION,
        "default_threshold": views.DEFAULT_THRESHOLD,
        "parameters": [module.PARAMETERS for module in judging],
        "metrics": [
            (m.name, m.better, m.unit, m.reference, m.statistics, sorted(m.categories))
            for m in metrics
        ],
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _definition(metric: Metric) -> list[object]:
    parts = (metric.name, metric.task, metric.better, metric.unit, metric.reference)
    return [*parts, metric.description, metric.statistics, sorted(metric.categories)]
