"""A family of predictions: what it consists of, how it is stored, and how it is scored.

A family is one object, assembled in one module. `metrics.tasks.registry` lists the built-in
families; an installed package adds its own through the entry point group ``ridealong.tasks``.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, ParamSpec

import pyarrow as pa

from metrics.tasks.clip_view import ClipView, SparseRows
from metrics.tasks.metric import Metric, Reference, Result
from metrics.tasks.prediction import Prediction
from ridealong.arrays import Bools
from ridealong.perception.forms import Form

P = ParamSpec("P")


@dataclass(frozen=True)
class Scorer(Generic[P]):
    """Metrics that are computed together, and the function that computes their statistics.

    The function takes the views that are compared (see `PairScorer` and `SelfScorer`) and the
    predictions to score, all of one family, and returns the statistics of each.
    """

    metrics: tuple[Metric, ...]
    statistics: Callable[P, Result]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result:
        """The statistics of some predictions on one clip."""
        return self.statistics(*args, **kwargs)


# The network's outputs, and what they are compared with, cut to the same frames.
PairScorer = Scorer[[ClipView, ClipView, Sequence[Prediction]]]
# One network's outputs alone.
SelfScorer = Scorer[[ClipView, Sequence[Prediction]]]

# The rows that one network reports, and ``(N,)`` which of them the other does not have.
Reported = tuple[SparseRows, Bools]


@dataclass(frozen=True)
class TaskFamily:
    """A family of predictions.

    Attributes:
        name: The first part of its predictions' names, and the ``task`` of its sparse rows.
        form: How its predictions are stored, drawn and exported.
        example: The name of one of its predictions, for error messages.
        categories: In their fixed order; empty if a camera has one prediction of the family.
        has_camera: Whether a prediction belongs to a camera.
        against_labels, against_self, against_other: Its metrics, by what they compare outputs
            with; None where there are none. ``against_other`` is symmetrical: it gives the same
            for the networks in either order, and is computed once for both.
        parameters: All numbers and choices that its statistics depend on, as JSON values.
        version: Raise it when a change of the code changes what a statistic means.
        nothing: The category for "nothing is there"; such rows are not drawn.
        supercategory: COCO's supercategory of its categories; by default the family's name.
        ignored: ``(N,)`` which labels, rows of ``ANNOTATIONS``, are ignored: a detection of one is
            neither a hit nor an error. None if all count.
        differences: For the player: what two networks report on the same frames, and which of it
            the other one does not have, by the rule of the metrics in ``against_other``. None if
            differences cannot be drawn.

    Raises:
        ValueError: A metric belongs to another family or reference, or two have the same name.
    """

    name: str
    form: Form
    example: str
    categories: tuple[str, ...] = ()
    has_camera: bool = True
    against_labels: PairScorer | None = None
    against_self: SelfScorer | None = None
    against_other: PairScorer | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    version: int = 1
    nothing: str | None = None
    supercategory: str | None = None
    ignored: Callable[[pa.Table], Bools] | None = None
    differences: (
        Callable[[ClipView, ClipView, Sequence[Prediction]], tuple[Reported, Reported]] | None
    ) = None

    def __post_init__(self) -> None:
        names = set()
        for reference, metric in self._listed():
            if metric.task != self.name or metric.reference is not reference:
                raise ValueError(
                    f"{self.name} has a metric of {metric.task} against {metric.reference} among "
                    f"those against {reference}: {metric.name!r}"
                )
            if metric.name in names:
                raise ValueError(f"{self.name} has two metrics called {metric.name!r}")
            names.add(metric.name)

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Its metrics by name: against labels, itself, the other network."""
        return {metric.name: metric for _, metric in self._listed()}

    @cached_property
    def definition(self) -> str:
        """Hash (sha256) of all that its stored scores depend on.

        It covers stable ids, parameters and the version. It does not cover prose, so a reworded
        description voids no score.
        """
        document = {
            "family": self.name,
            "version": self.version,
            "parameters": dict(self.parameters),
            "metrics": [_definition(metric) for metric in self.metrics.values()],
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def scorer(self, reference: Reference) -> Scorer[...] | None:
        """The metrics against that reference; None where there are none."""
        scorers: dict[Reference, Scorer[...] | None] = {
            Reference.LABELS: self.against_labels,
            Reference.SELF: self.against_self,
            Reference.OTHER: self.against_other,
        }
        return scorers[reference]

    def _listed(self) -> Iterator[tuple[Reference, Metric]]:
        for reference in Reference:
            scorer = self.scorer(reference)
            yield from ((reference, metric) for metric in (scorer.metrics if scorer else ()))


def _definition(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "better": metric.better,
        "unit": metric.unit,
        "reference": metric.reference,
        "statistics": metric.statistics,
        "categories": sorted(metric.categories),
    }
