"""Result files with boxes as material: read by their format, evaluated as its tool does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.results.format import ResultPaths
from ingest.results.registry import FORMATS
from metrics.evaluation.evaluation import Evaluated, Evaluation
from metrics.evaluation.registry import EVALUATIONS
from metrics.tasks.metric import Metric
from ridealong.perception.result_files import Comparison
from ridealong.terminal.progress import Steps
from shadow.results.material import Material
from shadow.results.request import ScoreRequest
from shadow.results.thresholds import Thresholds, thresholds_of
from shadow.runs import ROLES


def boxes_material(request: ScoreRequest, steps: Steps) -> Material:
    """Read ground truth and results, and evaluate both networks.

    Raises:
        RidealongError: The format is unknown, a file has another one or cannot be read, or an
            option does not fit.
    """
    own = FORMATS.find(request.format)
    assert request.truth is not None
    paths = ResultPaths(request.truth, request.deployed, request.candidate)
    with FORMATS.running(own.name, "cannot read the files"):
        comparison = own.read(paths, request.options)
    steps.advance()
    evaluation = EVALUATIONS.find(comparison.evaluation)
    thresholds = thresholds_of(request.threshold, comparison.categories)
    boxes = {role: getattr(comparison, role) for role in ROLES}
    comparison = replace(comparison, deployed=None, candidate=None)
    evaluated = {}
    for role in ROLES:
        at = thresholds.by_class[role]
        # The boxes have no other name, so they are let go.
        evaluated[role] = _evaluated(evaluation, comparison, boxes.pop(role), at)
        steps.advance()
    judged = _judged(evaluation, comparison.categories, evaluated.values())
    main = {name: own[0].name for name, own in judged.items()}
    found = _with_something(judged, evaluated.values())
    return Material(
        frames=comparison.frames,
        evaluated=evaluated,
        judged=judged,
        required=[(name, main[name]) for name in judged if name in found],
        margins=evaluation.margins,
        own_margins={},
        definition=evaluation.definition,
        drive_from=comparison.drive_from,
        notes=comparison.notes,
        rate_hz=comparison.rate_hz or request.options.rate_hz,
        thresholds=thresholds.by_class,
        recorded={
            "evaluation": evaluation.name,
            "threshold": _told(thresholds) if evaluation.has_threshold else None,
        },
    )


def _told(thresholds: Thresholds) -> dict[str, object]:
    return {"text": thresholds.text, **thresholds.by_class}


def _evaluated(
    evaluation: Evaluation, comparison: Comparison[Any], boxes: Any, thresholds: Mapping[str, float]
) -> Evaluated:
    frames, categories, truth = comparison.frames, comparison.categories, comparison.truth
    with EVALUATIONS.running(evaluation.name, "cannot evaluate the files"):
        found = evaluation.evaluate(frames, categories, truth, boxes, thresholds)
        # Arrow cannot sum by name over parts that have dictionaries of their own.
        return replace(
            found,
            scores=found.scores.unify_dictionaries(),
            detections=found.detections.unify_dictionaries(),
        )


def _judged(
    evaluation: Evaluation, categories: Iterable[str], evaluated: Iterable[Evaluated]
) -> dict[str, tuple[Metric, ...]]:
    """The metrics of every prediction: of each class, and of whatever else has a score."""
    names = [f"{evaluation.task}/{category}" for category in categories]
    scored = {name for one in evaluated for name in pc.unique(one.scores["prediction"]).to_pylist()}
    every = [*names, *sorted(scored - set(names))]
    found = {name: evaluation.metrics_of(name) for name in every}
    return {name: metrics for name, metrics in found.items() if metrics}


def _with_something(
    judged: Mapping[str, Sequence[Metric]], evaluated: Iterable[Evaluated]
) -> set[str]:
    """The predictions for which either network had something to find, by their main metric."""
    return {
        name
        for one in evaluated
        for name, sums in _totals(judged, one.scores).items()
        if judged[name][0].to_find_in(sums) > 0
    }


def _totals(
    judged: Mapping[str, Sequence[Metric]], scores: pa.Table
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """The sums of each prediction's main metric over all items."""
    rows = scores.group_by(["prediction", "metric", "statistic"]).aggregate([("value", "sum")])
    totals: dict[str, dict[str, NDArray[np.float64]]] = {}
    for row in rows.to_pylist():
        main = judged[row["prediction"]][0] if row["prediction"] in judged else None
        if main is not None and row["metric"] == main.name:
            nothing = {name: np.zeros(()) for name in main.statistics}
            totals.setdefault(row["prediction"], nothing)[row["statistic"]] = np.asarray(
                row["value_sum"]
            )
    return totals
