"""A stored run by any gate: judged again, and the drives that it still needs."""

from typing import Any

from metrics.gate.cells import cells_from
from metrics.gate.planning import GatePlan, PlannedCell, plan_gate
from metrics.gate.spec import GateSpec
from ridealong.lake import Snapshot
from shadow.judging import judge_again
from shadow.report import run_document, summary_of
from shadow.runs import Run, find_run


def check_document(snapshot: Snapshot, run: str, gate: GateSpec) -> dict[str, Any]:
    """The document of ``shadow report --json``, with the verdict and the cells of this gate.

    Raises:
        RidealongError: No such run, or the gate names what the run lacks.
    """
    row = find_run(snapshot, run)
    found = judge_again(snapshot, row, gate)
    cells = cells_from(found.cells)
    return run_document(snapshot, row["run_id"]) | {
        "verdict": found.verdict,
        "reason": found.reason,
        "summary": summary_of(cells),
        "cells": cells,
    }


def plan_run(snapshot: Snapshot, run: str, gate: GateSpec) -> tuple[Run, GatePlan]:
    """A run's row, and what it needs so that this gate decides.

    Raises:
        RidealongError: As for `check_document`.
    """
    row = find_run(snapshot, run)
    found = judge_again(snapshot, row, gate)
    return row, plan_gate(found.verdict, cells_from(found.cells), gate)


def plan_document(plan: GatePlan) -> dict[str, Any]:
    """A plan as ``gate plan --json`` prints it."""
    return {
        "verdict": plan.verdict,
        "decided": plan.decided,
        "chance": plan.chance,
        "drives_needed": 0 if plan.decided else plan.needed,
        "cells": [_cell(one) for one in plan.cells],
    }


def _cell(one: PlannedCell) -> dict[str, Any]:
    names = ("prediction", "metric", "slice", "margin", "clusters", "clusters_effective", "reason")
    known = {name: one.cell[name] for name in names}  # type: ignore[literal-required]
    return known | {"drives_needed": one.needed, "drives_needed_at_most": one.needed_at_most}
