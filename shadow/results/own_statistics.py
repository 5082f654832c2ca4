"""Statistics files as material: every metric of every prediction is required."""

from pathlib import Path

from ingest.results.statistics.pairs import DEFAULT_MARGIN
from ingest.results.statistics.read import Statistics, read_statistics
from metrics.evaluation.statistics import DEFINITION, evaluated_sums, own_metric
from metrics.tasks.metric import Metric
from shadow.results.material import Criteria, Material
from shadow.results.request import ScoreRequest


def statistics_material(request: ScoreRequest, scratch: Path) -> Material:
    """Read two statistics files.

    Raises:
        RidealongError: As for `ingest.results.statistics.read.read_statistics`.
    """
    found = read_statistics(request.deployed, request.candidate, request.slices or (), scratch)
    metrics = {
        one.name: own_metric(one.name, one.higher_is_better, one.share) for one in found.metrics
    }
    judged: dict[str, list[Metric]] = {}
    for prediction, metric in found.judged:
        judged.setdefault(prediction, []).append(metrics[metric])
    margins = {one.name: _margin_of(found, one.name) for one in found.metrics}
    own_margins = {
        key: margin for key, margin in found.margins.items() if margin != margins[key[1]]
    }
    criteria = Criteria(judged, found.judged, margins, own_margins)
    pairs = {"deployed": found.deployed, "candidate": found.candidate}
    return Material(
        frames=found.frames,
        evaluate=lambda role: evaluated_sums(pairs.pop(role)),
        criteria=lambda totals: criteria,
        definition=DEFINITION,
        drive_from="drive",
        rate_hz=request.options.rate_hz,
        notes=found.notes,
        one_sided=found.one_sided,
    )


def _margin_of(found: Statistics, metric: str) -> float:
    """The margin of a metric: the smallest that the files give any prediction of it."""
    return min(
        (m for (_, name), m in found.margins.items() if name == metric), default=DEFAULT_MARGIN
    )
