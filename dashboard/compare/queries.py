"""Queries for the page Regressions: runs, their cells, and the clips behind a cell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ingest.schemas import DRIVES
from metrics.gate.cells import RANKS, Cell
from metrics.tasks.prediction import task_of
from ridealong.lake import Snapshot
from shadow.costs import cell_costs, run_clips
from shadow.judged import judged_of, of_items
from shadow.report import run_cells
from shadow.runs import list_runs

LEAST_P = 1e-9  # smaller p-values have the same colour
KEY = ("prediction", "metric", "slice")  # the key of a cell

Row = dict[str, Any]


class ShownCell(Cell):
    """A cell with its task, and a number for each `Measure`."""

    task: str
    margins: float | None
    significance: float | None


class Measure(StrEnum):
    """What the colour of a cell shows."""

    MARGINS = "margins"  # delta as a multiple of the margin
    SIGNIFICANCE = "significance"  # decimal places of the p-value, with delta's sign


@dataclass(frozen=True)
class Tally:
    """Counts of a run's cells by result."""

    required: Mapping[str, int]
    alerts: int
    better: int


def runs(snapshot: Snapshot) -> list[Row]:
    """All runs, the newest first."""
    return list_runs(snapshot)


def cells(snapshot: Snapshot, run_id: str) -> list[ShownCell]:
    """A run's cells by name, with their ``task``, and a number for each `Measure`."""
    return [_shown(cell) for cell in run_cells(snapshot, run_id)]


def _shown(cell: Cell) -> ShownCell:
    delta, margin, p = cell["delta"], cell["margin"], cell["p_value"]
    significance = None
    if delta is not None and p is not None:
        tail = max(min(p, 1 - p), LEAST_P)
        significance = math.copysign(-math.log10(2 * tail), delta)
    return {
        **cell,
        "task": task_of(cell["prediction"]),
        "margins": None if delta is None or not margin else delta / margin,
        "significance": significance,
    }


def measured(cell: ShownCell, measure: Measure) -> float | None:
    """The number that a cell's colour shows; None if it is unknown."""
    return cell["margins"] if measure is Measure.MARGINS else cell["significance"]


def tally(found: Sequence[ShownCell]) -> Tally:
    """Count verdicts among required cells, alerts among watched ones, and improvements."""
    required = [cell["verdict"] for cell in found if cell["required"]]
    return Tally(
        {verdict: required.count(verdict) for verdict in RANKS},
        sum(cell["alert"] for cell in found),
        sum(cell["better"] for cell in found),
    )


def gated_metrics(found: Sequence[ShownCell]) -> list[str]:
    """The metrics of required cells; the heatmap starts with them."""
    return sorted({cell["metric"] for cell in found if cell["required"]})


def rows_in_order(
    found: Sequence[ShownCell], measure: Measure, most: int | None
) -> list[ShownCell]:
    """Cells by rows (a prediction and a metric), the row with the worst cell first.

    All rows with a required cell come first. Of the others, the ``most`` worst are kept, or all.
    """
    worst: dict[tuple[str, str], float] = {}
    for cell in found:
        value = measured(cell, measure)
        known = math.inf if value is None else value
        worst[_row(cell)] = min(known, worst.get(_row(cell), math.inf))
    pinned = {_row(cell) for cell in found if cell["required"]}
    order = sorted(worst, key=lambda row: (row not in pinned, worst[row], row))
    shown = order if most is None else order[: len(pinned) + most]
    places = {row: place for place, row in enumerate(shown)}
    return sorted((c for c in found if _row(c) in places), key=lambda c: places[_row(c)])


def _row(cell: ShownCell) -> tuple[str, str]:
    return cell["prediction"], cell["metric"]


def ranked(found: Sequence[ShownCell]) -> list[ShownCell]:
    """Cells in the order of the tables: REGRESSED first, largest loss in margins first."""
    return sorted(found, key=_rank)


def _rank(cell: ShownCell) -> tuple[bool, int, float]:
    lost = math.inf if cell["margins"] is None else cell["margins"]
    return not cell["required"], RANKS[cell["verdict"]], lost


def worst_cell(found: Sequence[ShownCell]) -> ShownCell:
    """The worst cell: required before watched, then REGRESSED, then the largest loss in margins."""
    return min(found, key=_rank)


def name_of(cell: Mapping[str, object]) -> dict[str, str]:
    """The key of a cell, by the parts of `KEY`."""
    return {name: str(cell[name]) for name in KEY}


def nearest_cell(
    found: Sequence[ShownCell], asked: Mapping[str, str]
) -> tuple[ShownCell, str | None]:
    """The cell that matches the given parts of `KEY`, and the first part that is unknown.

    An unknown part filters nothing: the result is the worst cell that is left.
    """
    missing = None
    for name in KEY:
        if name in asked:
            same = [cell for cell in found if name_of(cell)[name] == asked[name]]
            missing = missing or (None if same else name)
            found = same or found
    return worst_cell(found), missing


def siblings(found: Sequence[ShownCell], cell: ShownCell) -> list[ShownCell]:
    """The cell's prediction and metric on every slice, ``all`` first."""
    same = [other for other in found if _row(other) == _row(cell)]
    return sorted(same, key=lambda c: (c["slice"] != "all", c["slice"]))


def costs(snapshot: Snapshot, run: Row, cell: ShownCell) -> list[Row]:
    """The clips or items behind a cell, the costliest first, with what is known about them.

    Of a clip these are its triggers and its drive's conditions, of an item its attributes.
    """
    if cell["reference"] is None:
        return []
    if of_items(run):
        items = judged_of(snapshot, run).clips.drop_columns(["by_disagreement"])
        of_item = {row["clip_id"]: row for row in items.to_pylist()}
        return [
            of_item[row["clip_id"]] | row for row in cell_costs(snapshot, run, cell).to_pylist()
        ]
    clip_of = {row["clip_id"]: row for row in run_clips(snapshot, run).to_pylist()}
    drive_of = {row["drive_id"]: row for row in snapshot.read(DRIVES).to_pylist()}
    return [
        row
        | {name: clip_of[row["clip_id"]][name] for name in ("triggers", "start_s", "end_s")}
        | {name: drive_of[row["drive_id"]][name] for name in ("light", "weather", "road")}
        for row in cell_costs(snapshot, run, cell).to_pylist()
    ]
