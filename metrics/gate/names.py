"""The predictions, metrics and attributes that a gate may name.

A gate's names are exact, so a spelling mistake would be a cell without data. A fleet knows its
names before any replay: those of the families. A run from result files knows them once the files
are read: what they contain. The gate is checked while its file is read, so that a message names
the line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from metrics.slices import DIMENSIONS
from metrics.tasks.metric import Metric
from metrics.tasks.registry import families, lookup, parse_prediction, require_families
from ridealong.errors import RidealongError
from ridealong.specs import nearest


@runtime_checkable
class Names(Protocol):
    """What a gate may name."""

    @property
    def attributes(self) -> Sequence[str]:
        """The attributes to slice by."""

    def metric_of(self, prediction: str, metric: str) -> Metric:
        """The metric of a required cell.

        Raises:
            RidealongError: Unknown; the message suggests the nearest.
        """

    def metrics_named(self, metric: str) -> Sequence[Metric]:
        """All metrics of that name.

        Raises:
            RidealongError: There is none; the message suggests the nearest.
        """


class FleetNames:
    """The names of a fleet: every prediction of every family, by any camera."""

    attributes: Sequence[str] = DIMENSIONS

    def metric_of(self, prediction: str, metric: str) -> Metric:
        """As in `Names`."""
        return lookup(parse_prediction(prediction).task, metric)

    def metrics_named(self, metric: str) -> Sequence[Metric]:
        """As in `Names`."""
        found = [own.metrics[metric] for own in families().values() if metric in own.metrics]
        if not found:
            require_families()  # a family that cannot be loaded may have it
            known = {name for own in families().values() for name in own.metrics}
            raise _unknown("metric", metric, known)
        return found


@dataclass(frozen=True)
class RunNames:
    """The names of one run.

    Attributes:
        metrics: By prediction and name.
        attributes: The attributes of its items.
    """

    metrics: Mapping[str, Mapping[str, Metric]]
    attributes: Sequence[str]

    def metric_of(self, prediction: str, metric: str) -> Metric:
        """As in `Names`."""
        if prediction not in self.metrics:
            raise _unknown("prediction", prediction, self.metrics)
        own = self.metrics[prediction]
        if metric not in own:
            hint = nearest(metric, list(own))
            raise RidealongError(f"{prediction} has no metric {metric!r}", hint=hint)
        return own[metric]

    def metrics_named(self, metric: str) -> Sequence[Metric]:
        """As in `Names`."""
        found = [own[metric] for own in self.metrics.values() if metric in own]
        if not found:
            raise _unknown("metric", metric, set().union(*self.metrics.values()))
        return found


FLEET = FleetNames()


def _unknown(what: str, name: str, known: Iterable[str]) -> RidealongError:
    return RidealongError(f"unknown {what} {name!r}", hint=nearest(name, sorted(known)))
