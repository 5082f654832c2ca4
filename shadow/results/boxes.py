"""Result files with boxes as material: read by their format, evaluated as its tool does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ingest.results.format import ResultPaths
from ingest.results.oddities import note
from ingest.results.registry import FORMATS
from metrics.evaluation.evaluation import Evaluated, Evaluation, Totals
from metrics.evaluation.registry import EVALUATIONS
from metrics.tasks.metric import Metric
from ridealong.errors import RidealongError
from ridealong.perception.result_files import SIDES, Boxes2D, Boxes3D, BoxesInBoth, Comparison, Note
from shadow.results.material import Criteria, Material
from shadow.results.request import ScoreRequest
from shadow.results.thresholds import Thresholds, thresholds_of
from shadow.runs import ROLES


def boxes_material(request: ScoreRequest) -> Material:
    """Read ground truth and results.

    Raises:
        RidealongError: The format is unknown, a file has another one or cannot be read, or an
            option does not fit.
    """
    own = FORMATS.find(request.format)
    assert request.truth is not None
    paths = ResultPaths(request.truth, request.deployed, request.candidate)
    with FORMATS.running(own.name, "cannot read the files"):
        comparison = own.read(paths, request.options)
    evaluation = EVALUATIONS.find(comparison.evaluation)
    thresholds = thresholds_of(request.threshold, comparison.categories)
    boxes = {role: getattr(comparison, role) for role in ROLES}
    notes = list(comparison.notes)
    if evaluation.has_threshold and request.threshold is not None:
        notes += _unreached(boxes, thresholds, comparison.categories)
    comparison = replace(comparison, deployed=None, candidate=None)

    def evaluate(role: str) -> Evaluated:
        # The boxes have no other name, so they are let go.
        return _evaluated(evaluation, comparison, boxes.pop(role), thresholds.by_class[role])

    return Material(
        frames=comparison.frames,
        evaluate=evaluate,
        criteria=lambda totals: _criteria(evaluation, comparison.categories, totals),
        definition=evaluation.definition,
        drive_from=comparison.drive_from,
        notes=tuple(notes),
        rate_hz=comparison.rate_hz or request.options.rate_hz,
        thresholds=thresholds.by_class,
        recorded={
            "evaluation": evaluation.name,
            "threshold": _told(thresholds) if evaluation.has_threshold else None,
        },
    )


def _unreached(
    boxes: Mapping[str, Any], thresholds: Thresholds, categories: Sequence[str]
) -> list[Note]:
    """Notes about classes whose threshold is above all their scores: their boxes never count.

    Raises:
        RidealongError: No box of either network counts, so no loss could show.
    """
    notes: list[Note] = []
    counting, highest = 0, -np.inf
    for role in SIDES:
        own = _image_or_space(boxes[role])
        if own is None:
            return []  # boxes of a format of somebody's own
        levels = np.array([thresholds.by_class[role][name] for name in categories])
        judged = own.category >= 0
        score, category = own.score[judged], own.category[judged]
        reached = score >= levels[category]
        counting += int(np.count_nonzero(reached))
        highest = score.max(initial=highest)
        never = np.setdiff1d(category, category[reached])
        text = "classes have no score that reaches their threshold; none of their boxes counts"
        notes += note(
            "thresholds-unreached", role, len(never), text, [categories[k] for k in never]
        )
    if np.isfinite(highest) and not counting:
        raise RidealongError(
            f"no score of either file reaches its threshold ({thresholds.text})",
            expected=f"at most {float(highest)!r}, the highest score",
            hint="set --threshold",
        )
    return notes


def _image_or_space(boxes: Any) -> Boxes2D | Boxes3D | None:
    """Boxes with scores and classes; None if they have another type."""
    own = boxes.image if isinstance(boxes, BoxesInBoth) else boxes
    return own if isinstance(own, Boxes2D | Boxes3D) else None


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


def _criteria(
    evaluation: Evaluation, categories: Iterable[str], totals: Sequence[Totals]
) -> Criteria:
    """The main metric is required of every prediction for which there was something to find."""
    judged = _judged(evaluation, categories, totals)
    main = {name: own[0] for name, own in judged.items()}
    required = [
        (name, metric.name)
        for name, metric in main.items()
        if any(_is_to_find(name, metric, sums) for sums in totals)
    ]
    return Criteria(judged, required, evaluation.margins)


def _judged(
    evaluation: Evaluation, categories: Iterable[str], totals: Sequence[Totals]
) -> dict[str, tuple[Metric, ...]]:
    """The metrics of every prediction: of each class, and of whatever else has a score."""
    names = [f"{evaluation.task}/{category}" for category in categories]
    scored = {prediction for sums in totals for prediction, _, _ in sums}
    every = [*names, *sorted(scored - set(names))]
    found = {name: evaluation.metrics_of(name) for name in every}
    return {name: metrics for name, metrics in found.items() if metrics}


def _is_to_find(prediction: str, metric: Metric, totals: Totals) -> bool:
    """Whether a network had something to find."""
    own = {name: totals.get((prediction, metric.name, name), 0.0) for name in metric.statistics}
    return bool(metric.to_find_in({name: np.asarray(value) for name, value in own.items()}) > 0)
