"""Queries of the page Compare, against what the made-up fleet holds."""

from pathlib import Path
from typing import Any

import pytest

from dashboard.compare import queries as queries_regressions
from dashboard.compare.charts import REQUIRED, heatmap
from dashboard.compare.queries import Measure
from ridealong.lake import Lake, Snapshot


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


def cell(name: str, **known: Any) -> dict[str, Any]:
    unknown = {"margins": None, "significance": None, "required": False, "verdict": "PASS"}
    return {"prediction": name, "metric": "f1", "slice": "all"} | unknown | known


def test_runs_are_newest_first_and_cells_have_measures(fleet: Snapshot) -> None:
    newest, older = queries_regressions.runs(fleet)
    assert (newest["candidate"], newest["verdict"]) == ("hydra-1.1", "REGRESSED")
    assert (older["candidate"], older["verdict"]) == ("hydra-1.0b", "INCONCLUSIVE")
    cells = queries_regressions.cells(fleet, newest["run_id"])
    tally = queries_regressions.tally(cells)
    assert sum(tally.required.values()) == 21 and tally.required["REGRESSED"] >= 5
    worst = queries_regressions.worst_cell(cells)
    assert (worst["verdict"], worst["required"], worst["slice"]) == (
        "REGRESSED",
        True,
        "light=night",
    )
    assert worst["margins"] == pytest.approx(worst["delta"] / worst["margin"])
    assert worst["significance"] < -3


def test_the_worst_rows_come_first_and_the_unknown_last() -> None:
    cells = [
        cell("a", margins=0.5),
        cell("b"),
        cell("c", margins=-1.0),
        cell("c", slice="light=night", margins=2.0),
        cell("d", margins=-0.5),
    ]
    found = queries_regressions.rows_in_order(cells, Measure.MARGINS, None)
    assert [row["prediction"] for row in found] == ["c", "c", "d", "a", "b"]
    found = queries_regressions.rows_in_order(cells, Measure.MARGINS, 2)
    assert [row["prediction"] for row in found] == ["c", "c", "d"]


def test_rows_with_a_required_cell_are_all_there_and_on_top() -> None:
    cells = [
        cell("a", margins=-9.0, significance=1.0),
        cell("b", margins=0.5, significance=-1.0, slice="light=night", required=True),
        cell("b", margins=0.6, significance=0.0),
        cell("c", required=True),
        cell("d", margins=-0.5, significance=-2.0, required=True),
        cell("e", margins=-8.0, significance=-3.0),
    ]
    for measure, order in ((Measure.MARGINS, "dbbcae"), (Measure.SIGNIFICANCE, "dbbcea")):
        found = queries_regressions.rows_in_order(cells, measure, None)
        assert "".join(row["prediction"] for row in found) == order
        found = queries_regressions.rows_in_order(cells, measure, 1)
        assert "".join(row["prediction"] for row in found) == order[:5]
        assert len(queries_regressions.rows_in_order(cells, measure, 0)) == 4


@pytest.mark.parametrize(
    ("asked", "found", "missing"),
    [
        ({}, ("a", "all"), None),
        ({"prediction": "b", "metric": "f1", "slice": "all"}, ("b", "all"), None),
        ({"prediction": "b"}, ("b", "light=night"), None),
        ({"slice": "light=night"}, ("b", "light=night"), None),
        ({"prediction": "x", "slice": "light=night"}, ("b", "light=night"), "prediction"),
        ({"prediction": "b", "slice": "dusk"}, ("b", "light=night"), "slice"),
        ({"prediction": "a", "slice": "light=night"}, ("a", "all"), "slice"),
        ({"prediction": "a", "metric": "", "slice": "x"}, ("a", "all"), "metric"),
    ],
)
def test_the_cell_that_fits_best(asked: Any, found: tuple[str, str], missing: str | None) -> None:
    cells = [
        cell("a", margins=-3.0, required=True),
        cell("b", margins=-1.0),
        cell("b", slice="light=night", margins=-2.0),
    ]
    best, unknown = queries_regressions.nearest_cell(cells, asked)
    assert ((best["prediction"], best["slice"]), unknown) == (found, missing)


def test_shares_sum_to_the_cells_delta(fleet: Snapshot) -> None:
    run = queries_regressions.runs(fleet)[0]
    cells = queries_regressions.cells(fleet, run["run_id"])
    names = [("depth@main", "abs_rel"), ("objects/car@main", "f1"), ("bev/vehicle", "iou")]
    for prediction, metric in names:
        wanted = {"prediction": prediction, "metric": metric, "slice": "light=night"}
        found, missing = queries_regressions.nearest_cell(cells, wanted)
        assert missing is None
        rows = queries_regressions.costs(fleet, run, found)
        shares = [row["share"] for row in rows]
        assert sum(shares) == pytest.approx(found["delta"]) and shares == sorted(shares)
        assert len(rows) == found["clips"] and {row["light"] for row in rows} == {"night"}


def test_a_cell_without_a_number_is_drawn_and_not_pale() -> None:
    known = {"required": True, "delta": None, "margin": 0.02, "verdict": "INCONCLUSIVE"}
    unknown = cell("a", **known)
    drawn = heatmap([unknown], Measure.MARGINS, unknown).to_dict()
    (row,) = drawn["data"]["values"]
    assert (row["value"], row["unsure"], row["chosen"]) == (None, False, True)
    assert drawn["layer"][1]["mark"]["invalid"] == "show"
    assert "color" in drawn["config"]["scale"]["invalid"]  # else Vega draws it as a zero


def test_required_cells_are_framed_in_every_colouring(fleet: Snapshot) -> None:
    cells = queries_regressions.cells(fleet, queries_regressions.runs(fleet)[0]["run_id"])
    for measure in Measure:
        rows = queries_regressions.rows_in_order(cells, measure, 5)
        drawn = heatmap(rows, measure, rows[0]).to_dict()
        frames = [part for part in drawn["layer"] if part["mark"].get("stroke") == REQUIRED]
        assert [part["transform"] for part in frames] == [[{"filter": "datum.required"}]]
        assert sum(row["required"] for row in drawn["data"]["values"]) == 21
        order = drawn["layer"][0]["encoding"]["y"]["sort"]
        framed = {row["row"] for row in drawn["data"]["values"] if row["required"]}
        assert set(order[: len(framed)]) == framed and len(order) == len(framed) + 5
