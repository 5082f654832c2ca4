"""A run as people and machines read it: the verdict, and its cells in the order they matter."""

from typing import Any

import pyarrow.compute as pc

from ingest.lake import Snapshot
from metrics.gate.schemas import VERDICTS
from metrics.gate.verdicts import Verdict
from metrics.slices import parse_slice
from shadow.runs import find_run


def run_cells(snapshot: Snapshot, run_id: str) -> list[dict[str, Any]]:
    """A run's cells, by name."""
    rows = snapshot.read(VERDICTS)
    cells = rows.filter(pc.equal(rows["run_id"], run_id)).drop_columns(["run_id"])
    found: list[dict[str, Any]] = cells.to_pylist()
    return found


def run_document(snapshot: Snapshot, run: str) -> dict[str, Any]:
    """The document that ``shadow report --json`` prints.

    Raises:
        RidealongError: No such run.
    """
    row = find_run(snapshot, run)
    cells = run_cells(snapshot, row["run_id"])
    head = {"run": row["run_id"]}
    head |= {key: row[key] for key in ("name", "note", "deployed", "candidate", "against_itself")}
    return head | {
        "verdict": row["verdict"],
        "reason": row["reason"],
        "clips": len(row["clip_ids"]),
        "clips_left_out": row["clips_left_out"],
        "latency": {key: row[key] for key in ("deployed_ms", "candidate_ms", "latency_ratio")},
        "summary": summary_of(cells),
        "cells": cells,
    }


def summary_of(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """What a run's cells come to.

    ``verdicts`` counts them by verdict; ``by_cause`` counts, for each slice in which alone some
    prediction lost, the REGRESSED cells at it or because of it, most first; ``better`` names the
    predictions with a metric that is significantly better, by slice.
    """
    lost = [cell for cell in cells if cell["verdict"] == "REGRESSED"]
    causes = {cell["because_of"] for cell in lost} - {None}
    by_cause = {cause: sum(_at_or_because_of(cell, cause) for cell in lost) for cause in causes}
    better: dict[str, set[str]] = {}
    for cell in cells:
        if cell["better"]:
            better.setdefault(cell["slice"], set()).add(cell["prediction"])
    return {
        "verdicts": {name: [c["verdict"] for c in cells].count(name) for name in Verdict},
        "by_cause": dict(sorted(by_cause.items(), key=lambda pair: (-pair[1], pair[0]))),
        "better": {name: sorted(better[name]) for name in sorted(better)},
    }


def _at_or_because_of(cell: dict[str, Any], cause: str) -> bool:
    inside = set(parse_slice(cause)) <= set(parse_slice(cell["slice"]))
    return inside or cell["because_of"] == cause


def cause_sentence(summary: dict[str, Any]) -> str | None:
    """Where most of what regressed comes from; None where no one slice accounts for anything."""
    cause, count = next(iter(summary["by_cause"].items()), (None, 0))
    if cause is None:
        return None
    lost = f"{count} of {summary['verdicts']['REGRESSED']} regressed cells"
    return f"{lost} {'is' if count == 1 else 'are'} at {cause} or only because of it"


def cells_that_matter(cells: list[dict[str, Any]], watched: int = 20) -> list[dict[str, Any]]:
    """The cells to show first: the required ones, the worst first, then some that are watched.

    Of the watched ones the surest losses come first, then the surest gains, at most half of
    ``watched`` each; where those are few, the largest differences over all clips follow. Cells
    without data are left to `cells_without_data`.
    """
    known = [cell for cell in cells if cell["delta"] is not None]
    rank = {"REGRESSED": 0, "INCONCLUSIVE": 1, "PASS": 2}
    required = sorted(
        (c for c in known if c["required"]),
        key=lambda c: (rank[c["verdict"]], c["prediction"], c["slice"]),
    )
    others = [c for c in known if not c["required"] and c["delta"] != 0]
    losses = sorted((c for c in others if c["verdict"] == "REGRESSED"), key=_surest)
    gains = sorted((c for c in others if c["better"]), key=_surest)
    shown = losses[: watched // 2] + gains[: watched // 2]
    rest = [c for c in others if c["slice"] == "all" and c not in shown]
    rest = sorted(rest, key=lambda c: -abs(c["delta"]))[: watched - len(shown)]
    return required + shown + sorted(rest, key=lambda c: (c["delta"], c["prediction"]))


def _surest(cell: dict[str, Any]) -> tuple[float, str, str]:
    """Orders cells by how far their difference is from nothing, in its own standard errors."""
    width = (cell["high"] - cell["low"]) if cell["low"] is not None else float("inf")
    certainty = abs(cell["delta"]) / width if width > 0 else float("inf")
    return -certainty, cell["prediction"], cell["slice"]


def cells_without_data(cells: list[dict[str, Any]]) -> list[str]:
    """Names of the required cells that nothing is known of: they can never pass."""
    return [cell_name(cell) for cell in cells if cell["required"] and cell["delta"] is None]


def cell_name(cell: dict[str, Any]) -> str:
    """A cell in words."""
    return f"{cell['prediction']} {cell['metric']} at {cell['slice']}"
