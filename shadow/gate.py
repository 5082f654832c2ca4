"""A stored run by any gate: judged again, and the drives that it still needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.gate.cells import Cell, cells_from
from metrics.gate.names import FLEET, RunNames
from metrics.gate.planning import GatePlan, PlannedCell, plan_gate
from metrics.gate.spec import GateSpec, load_gate
from metrics.gate.verdicts import RunVerdict
from metrics.schemas import SCORES
from metrics.slices import DIMENSIONS
from metrics.tasks.metric import Metric
from metrics.tasks.prediction import task_of
from ridealong.lake import Snapshot
from shadow.judged import attributes_of, metrics_of, of_items
from shadow.judging import judge_again
from shadow.keys import definitions_in
from shadow.report import run_document, summary_of
from shadow.results.gate import margins_used
from shadow.runs import Run, find_run


@dataclass(frozen=True)
class Rejudged:
    """A stored run as a gate judges it now; nothing of this is stored."""

    run: Run
    gate: GateSpec
    verdict: RunVerdict

    @property
    def cells(self) -> list[Cell]:
        """The cells by this gate."""
        return cells_from(self.verdict.cells)


def rejudged(snapshot: Snapshot, run: str, gate: Path) -> Rejudged:
    """Judge a run's stored scores by the gate in a file.

    Raises:
        RidealongError: No such run, the gate cannot be read, or it names what the run lacks.
    """
    row = find_run(snapshot, run)
    spec = load_gate(gate, names_of(snapshot, row))
    if of_items(row):
        spec = spec.watching(json.loads(row["results"])["slices"])
    return Rejudged(row, spec, judge_again(snapshot, row, spec))


class _ClipNames(RunNames):
    """The names of a run over clips. A gate may have margins of other metrics of the fleet."""

    def metrics_named(self, metric: str) -> Sequence[Metric]:
        """As in `metrics.gate.names.Names`."""
        return FLEET.metrics_named(metric)


def names_of(snapshot: Snapshot, run: Mapping[str, Any]) -> RunNames:
    """What a gate may name: the predictions and metrics that a run judged."""
    if of_items(run):
        # Scores do not tell: those of a prediction that found nothing are not stored.
        judged = json.loads(run["results"])["judged"]
        pairs = [(prediction, metric) for prediction, own in judged.items() for metric in own]
        return RunNames(_known(run, pairs), attributes_of(snapshot, run))
    scored = snapshot.query(
        """select distinct prediction, metric from scores
        where list_contains(?, network_sha256) and list_contains(?, definition) order by all""",
        SCORES,
        params=[
            [run["deployed_sha256"], run["candidate_sha256"]],
            definitions_in(run["definition"]),
        ],
    ).to_pylist()
    pairs = [(row["prediction"], row["metric"]) for row in scored]
    return _ClipNames(_known(run, pairs), DIMENSIONS)


def _known(
    run: Mapping[str, Any], pairs: Sequence[tuple[str, str]]
) -> dict[str, dict[str, Metric]]:
    """The metrics of these names, by prediction, apart from families that are not installed."""
    metric_of = metrics_of(run)
    metrics: dict[str, dict[str, Metric]] = {}
    for prediction, name in pairs:
        metric = metric_of(task_of(prediction), name)
        if metric is not None:
            metrics.setdefault(prediction, {})[name] = metric
    return metrics


def check_document(snapshot: Snapshot, found: Rejudged) -> dict[str, Any]:
    """The document of ``shadow report --json``, with the verdict and the cells of a gate."""
    cells = found.cells
    margins = {"margins": margins_used(found.gate)} if of_items(found.run) else {}
    return (
        run_document(snapshot, found.run["run_id"])
        | margins
        | {
            "verdict": found.verdict.verdict,
            "reason": found.verdict.reason,
            "summary": summary_of(cells),
            "cells": cells,
        }
    )


def plan_of(found: Rejudged) -> GatePlan:
    """What a run needs so that the gate decides."""
    return plan_gate(found.verdict.verdict, found.cells, found.gate)


def plan_document(found: Rejudged, plan: GatePlan) -> dict[str, Any]:
    """A plan as ``gate plan --json`` prints it."""
    return {
        "run": found.run["run_id"],
        "verdict": plan.verdict,
        "reason": found.verdict.reason,
        "decided": plan.decided,
        "chance": plan.chance,
        "drives_needed": 0 if plan.decided else plan.needed,
        "cells": [_cell(one) for one in plan.cells],
    }


def _cell(one: PlannedCell) -> dict[str, Any]:
    names = ("prediction", "metric", "slice", "margin", "clusters", "clusters_effective", "reason")
    known = {name: one.cell[name] for name in names}  # type: ignore[literal-required]
    return known | {"drives_needed": one.needed, "drives_needed_at_most": one.needed_at_most}
