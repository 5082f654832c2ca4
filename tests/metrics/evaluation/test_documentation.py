"""docs/metrics.md has every metric of every evaluation, with its shipped margin."""

from pathlib import Path

import pytest

from metrics.evaluation.evaluation import Evaluation
from metrics.evaluation.registry import EVALUATIONS


def rows_of(evaluation: Evaluation) -> list[str]:
    """The rows of the page's table."""
    return [
        f"| `{evaluation.name}` | `{metric.task}` | `{metric.name}` | {metric.description} "
        f"| {metric.unit} | {metric.better} | {evaluation.margins[metric.name]:g} "
        f"| {metric.source} |"
        for metric in evaluation.metrics
    ]


@pytest.mark.parametrize("name", EVALUATIONS.names())
def test_the_page_lists_every_metric_as_it_is(name: str, repository: Path) -> None:
    page = (repository / "docs" / "metrics.md").read_text("utf-8").splitlines()
    missing = [row for row in rows_of(EVALUATIONS.find(name)) if row not in page]
    assert not missing
