"""What the page Regressions asks of the lake: runs, their cells, and the clips behind a cell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ingest.lake import Snapshot
from ingest.schemas import DRIVES
from metrics.gate.evidence import task_of
from metrics.gate.schemas import VERDICTS
from shadow.costs import cell_costs, run_clips
from shadow.runs import list_runs

LEAST_P = 1e-9  # smaller p-values look the same on the heatmap
RANKS = {"REGRESSED": 0, "INCONCLUSIVE": 1, "PASS": 2}

Row = dict[str, Any]


class Measure(StrEnum):
    """What a cell's colour says."""

    MARGINS = "margins"  # delta as a multiple of the margin
    SIGNIFICANCE = "significance"  # decimal places of the p-value, with delta's sign


@dataclass(frozen=True)
class Tally:
    """How the cells of a run ended."""

    required: Mapping[str, int]
    alerts: int
    better: int


def runs(snapshot: Snapshot) -> list[Row]:
    """All runs, the newest first."""
    return list_runs(snapshot)


def cells(snapshot: Snapshot, run_id: str) -> list[Row]:
    """A run's cells by name, with their ``task``, and a number for each `Measure`."""
    rows = (
        snapshot.connect(VERDICTS)
        .sql(
            """select * from verdicts where run_id = ?
            order by prediction, metric, slice, reference""",
            params=[run_id],
        )
        .to_arrow_table()
        .to_pylist()
    )
    return [row | {"task": task_of(row["prediction"])} | _measures(row) for row in rows]


def _measures(cell: Row) -> Row:
    delta, margin, p = cell["delta"], cell["margin"], cell["p_value"]
    margins = None if delta is None or not margin else delta / margin
    significance = None
    if delta is not None and p is not None:
        tail = max(min(p, 1 - p), LEAST_P)
        significance = math.copysign(-math.log10(2 * tail), delta)
    return {str(Measure.MARGINS): margins, str(Measure.SIGNIFICANCE): significance}


def tally(found: Sequence[Row]) -> Tally:
    """Count verdicts among required cells, alerts among watched ones, and improvements."""
    required = [cell["verdict"] for cell in found if cell["required"]]
    return Tally(
        {verdict: required.count(verdict) for verdict in RANKS},
        sum(cell["alert"] for cell in found),
        sum(cell["better"] for cell in found),
    )


def gated_metrics(found: Sequence[Row]) -> list[str]:
    """The metrics that required cells use; what the heatmap shows at first."""
    return sorted({cell["metric"] for cell in found if cell["required"]})


def worst_rows(found: Sequence[Row], measure: Measure, most: int) -> list[Row]:
    """The cells of the ``most`` predictions and metrics that have the worst cell, worst first."""
    worst: dict[tuple[str, str], float] = {}
    for cell in found:
        key = cell["prediction"], cell["metric"]
        value = math.inf if cell[measure] is None else cell[measure]
        worst[key] = min(value, worst.get(key, math.inf))
    order = sorted(worst, key=lambda key: (worst[key], key))[:most]
    places = {key: place for place, key in enumerate(order)}
    kept = [cell for cell in found if (cell["prediction"], cell["metric"]) in places]
    return sorted(kept, key=lambda cell: places[cell["prediction"], cell["metric"]])


def worst_cell(found: Sequence[Row]) -> Row:
    """The cell to look at first: required before watched, REGRESSED first, most margins lost."""

    def rank(cell: Row) -> tuple[object, ...]:
        lost = math.inf if cell["margins"] is None else cell["margins"]
        return not cell["required"], RANKS[cell["verdict"]], lost

    return min(found, key=rank)


def find_cell(found: Sequence[Row], wanted: Mapping[str, str]) -> Row | None:
    """The cell of that prediction, metric and slice; None where there is none."""
    names = ("prediction", "metric", "slice")
    same = (c for c in found if all(c[name] == wanted.get(name) for name in names))
    return next(same, None)


def siblings(found: Sequence[Row], cell: Row) -> list[Row]:
    """The cell's prediction and metric on every slice, ``all`` first."""
    same = [c for c in found if all(c[k] == cell[k] for k in ("prediction", "metric"))]
    return sorted(same, key=lambda c: (c["slice"] != "all", c["slice"]))


def costs(snapshot: Snapshot, run: Row, cell: Row) -> list[Row]:
    """The clips behind a cell, the costliest first, with what they show and their drive."""
    if cell["reference"] is None:
        return []
    clip_of = {row["clip_id"]: row for row in run_clips(snapshot, run).to_pylist()}
    drive_of = {row["drive_id"]: row for row in snapshot.read(DRIVES).to_pylist()}
    return [
        row
        | {name: clip_of[row["clip_id"]][name] for name in ("triggers", "start_s", "end_s")}
        | {name: drive_of[row["drive_id"]][name] for name in ("light", "weather", "road")}
        for row in cell_costs(snapshot, run, cell).to_pylist()
    ]
