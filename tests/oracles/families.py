"""Families of predictions that are not installed: known for a while, in this process alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from metrics.tasks import registry
from metrics.tasks.family import TaskFamily
from metrics.tasks.metric import Metric
from metrics.tasks.prediction import Prediction


@contextmanager
def registered(family: TaskFamily) -> Iterator[None]:
    """Know one more family inside a ``with`` block, or a known one in another form."""
    before = registry.FAMILIES
    named = {own.name: own for own in before.built_in} | {family.name: family}
    registry.FAMILIES = replace(before, built_in=tuple(named.values()))
    try:
        yield
    finally:
        registry.FAMILIES = before


def metrics_of(prediction: Prediction) -> tuple[Metric, ...]:
    """The metrics that judge a prediction."""
    family = registry.family(prediction.task)
    return tuple(metric for metric in family.metrics.values() if metric.judges(prediction))
