"""Queries of the page Compare about one check: the nearest to an address, and its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.compare.filters import Filters
from dashboard.compare.queries import WORST, Checks
from metrics.gate.cells import Cell, cells_from
from metrics.gate.schemas import CELLS
from metrics.slices import ALL
from metrics.tasks.metric import Metric
from metrics.tasks.prediction import task_of
from shadow.judged import metrics_of

KEY = ("prediction", "metric", "slice")  # names a check


def key_of(cell: Cell) -> dict[str, str]:
    """The parts of `KEY` of a check."""
    return {
        "prediction": cell["prediction"],
        "metric": cell["metric"],
        "slice": cell["slice"],
    }


@dataclass(frozen=True)
class Looked:
    """A check and its neighbours.

    Attributes:
        cell: The check.
        siblings: Its prediction and metric on every slice, ``all`` first; it is one of them.
        missing: The first part of the address that the run does not have; None if it has all.
    """

    cell: Cell
    siblings: list[Cell]
    missing: str | None


def nearest_key(
    checks: Checks, asked: Mapping[str, str], filters: Filters
) -> tuple[dict[str, str], str | None] | None:
    """The check that matches the given parts of `KEY`, and the first part that is unknown.

    Required checks come before watched ones, then the worst comes first. An unknown part filters
    nothing. The filters decide only if no part is given. None if the run has no checks.
    """
    condition, given = filters.condition() if not asked else ("true", {})
    with checks.cursor() as connection:

        def worst(condition: str, given: Mapping[str, Any]) -> dict[str, str] | None:
            found = connection.execute(
                f"""select prediction, metric, slice from checks where {condition}
                order by required desc, {WORST} limit 1""",
                dict(given) or None,
            ).fetchone()
            return dict(zip(KEY, found, strict=True)) if found else None

        best = worst(condition, given) or worst("true", {})
        missing = None
        known: dict[str, str] = {}
        for name in KEY:
            if name not in asked:
                continue
            wanted = known | {name: asked[name]}
            found = worst(" and ".join(f"{part} = ${part}" for part in wanted), wanted)
            if found:
                best, known = found, wanted
            else:
                missing = missing or name
    return (best, missing) if best else None


def siblings(checks: Checks, prediction: str, metric: str) -> list[Cell]:
    """A prediction and a metric of a run on every slice, ``all`` first."""
    with checks.cursor() as connection:
        rows = connection.sql(
            f"""select {", ".join(CELLS.names)} from checks
            where prediction = ? and metric = ? order by slice <> ?, slice""",
            params=[prediction, metric, ALL],
        ).to_arrow_table()
    return cells_from(rows)


def look(checks: Checks, asked: Mapping[str, str], filters: Filters) -> Looked | None:
    """The check that fits an address best, with its neighbours; None if the run has no checks."""
    if len(asked) == len(KEY) and (exact := _looked(checks, asked, None)):
        return exact  # as after a click, which should take one query
    found = nearest_key(checks, asked, filters)
    return _looked(checks, *found) if found else None


def _looked(checks: Checks, key: Mapping[str, str], missing: str | None) -> Looked | None:
    """The check of a key; None if there is none."""
    cells = siblings(checks, key["prediction"], key["metric"])
    chosen = next((cell for cell in cells if cell["slice"] == key["slice"]), None)
    return Looked(chosen, cells, missing) if chosen else None


def metric_of(run: Mapping[str, Any], cell: Cell) -> Metric | None:
    """The cell's metric; None if this installation does not know its family, or the metric."""
    return metrics_of(run)(task_of(cell["prediction"]), cell["metric"])
