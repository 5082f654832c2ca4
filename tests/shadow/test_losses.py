"""Which cells stand for a loss, by hand, and how the clips of a made-up fleet share it."""

from pathlib import Path
from typing import Any

import pytest

from metrics.slices import parse_slice
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.costs import cell_costs
from shadow.losses import EVERY_CELL, CellNames, clip_losses, losing_cells
from shadow.report import run_cells
from shadow.runs import find_run

CAR, ROAD = "objects/car@main", "bev/road"


def cell(name: str, where: str, verdict: str = "REGRESSED", **known: Any) -> dict[str, Any]:
    usual = {"metric": "f1", "reference": "labels", "required": False, "because_of": None}
    usual |= {"delta": -0.1, "p_value": 0.01}
    return usual | {"prediction": name, "slice": where, "verdict": verdict} | known


def names(cells: list[dict[str, Any]], wish: CellNames = EVERY_CELL) -> list[tuple[str, str]]:
    return [(c["prediction"], c["slice"]) for c in losing_cells(cells, wish)]


def test_watched_cells_count_only_where_no_required_one_regressed() -> None:
    cells = [cell(CAR, "all", required=True), cell(ROAD, "all")]
    assert names(cells) == [(CAR, "all")]
    cells[0]["verdict"] = "PASS"
    assert names(cells) == [(ROAD, "all")]
    cells[1]["verdict"] = "INCONCLUSIVE"
    assert names(cells) == []


def test_the_slice_that_a_loss_comes_from_stands_for_it_once() -> None:
    night = "light=night"
    cells = [
        cell(CAR, "all", required=True, because_of=night),
        cell(CAR, "road=city", required=True, because_of=night),
        cell(CAR, night, because_of=night),
        cell(ROAD, night, because_of=night),
    ]
    assert names(cells) == [(CAR, night)]
    assert names(cells, CellNames(slice="road=city")) == [(CAR, "road=city")]


def test_a_wider_slice_stands_for_those_in_it() -> None:
    """Neither the night nor the city holds the other; both hold the city at night."""
    slices = ["light=night", "light=night&road=city", "road=city"]
    assert names([cell(CAR, where) for where in slices]) == [(CAR, slices[0]), (CAR, slices[2])]
    assert names([cell(CAR, where) for where in ["all", *slices]]) == [(CAR, "all")]
    assert len(names([cell(CAR, "all"), cell(ROAD, "all", metric="iou")])) == 2


def test_of_named_cells_that_did_not_regress_the_surest_loss_counts() -> None:
    cells = [
        cell(CAR, "all", "INCONCLUSIVE", p_value=None),
        cell(CAR, "light=night", "INCONCLUSIVE", p_value=0.2),
        cell(CAR, "light=day", "PASS", delta=0.1),
        cell(CAR, "weather=fog", "INCONCLUSIVE", delta=None, p_value=None),
    ]
    assert names(cells, CellNames(CAR)) == [(CAR, "light=night")]
    assert names(cells, CellNames(slice="all")) == [(CAR, "all")]
    assert names(cells, CellNames(slice="light=day")) == []
    assert names(cells, CellNames(slice="weather=fog")) == []


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (
            CellNames("objects/cra@main"),
            "prediction 'objects/cra@main'; did you mean 'objects/car@",
        ),
        (CellNames(CAR, "iou"), "metric 'iou'; known: f1"),
        (CellNames(slice="light=nihgt"), "slice 'light=nihgt'; did you mean 'light=night'"),
        (CellNames(slice="lihgt=night"), "did you mean 'light=night'"),
        (CellNames(slice="night"), "cannot be read"),
    ],
)
def test_unknown_names_are_told(wish: CellNames, said: str) -> None:
    with pytest.raises(RidealongError, match=said):
        losing_cells([cell(CAR, "light=night"), cell(ROAD, "all", metric="iou")], wish)


def test_conditions_of_a_slice_may_stand_in_any_order() -> None:
    where = "light=night&road=city"
    assert names([cell(CAR, where)], CellNames(slice="road=city&light=night")) == [(CAR, where)]


def test_shares_are_means_of_what_the_cells_say(fleet_home: Path) -> None:
    snapshot = Lake.open(fleet_home).snapshot()
    run = find_run(snapshot, "latest")
    cells = losing_cells(run_cells(snapshot, run["run_id"]), EVERY_CELL)
    assert len(cells) > 1 and all(parse_slice(c["slice"]) == (("light", "night"),) for c in cells)
    expected: dict[str, float] = {}
    for each in cells:
        rows = cell_costs(snapshot, run, each).to_pylist()
        delta = sum(row["share"] for row in rows)
        for row in rows:
            part = row["share"] / delta / len(cells)
            expected[row["clip_id"]] = expected.get(row["clip_id"], 0.0) + part
    assert sum(expected.values()) == pytest.approx(1.0)
    found = clip_losses(snapshot, run, cells)
    order = [loss.share for loss in found.values()]
    assert order == sorted(order, reverse=True) and order[-1] > 0
    assert set(found) == {clip_id for clip_id, share in expected.items() if share > 0}
    for clip_id, loss in found.items():
        assert loss.share == pytest.approx(expected[clip_id])


def test_no_cells_have_no_clips(fleet_home: Path) -> None:
    snapshot = Lake.open(fleet_home).snapshot()
    assert clip_losses(snapshot, find_run(snapshot, "latest"), []) == {}
