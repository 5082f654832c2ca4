"""Queries of the page Clip, against what the made-up fleet holds."""

from pathlib import Path

import pytest

from dashboard.clip import queries
from dashboard.clip.queries import Origin
from ridealong.lake import Lake, Snapshot
from shadow.costs import cell_costs
from shadow.runs import Run, list_runs

CELL = {"prediction": "objects/pedestrian@main", "metric": "f1", "slice": "light=night"}


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


@pytest.fixture(scope="module")
def run(fleet: Snapshot) -> Run:
    return list_runs(fleet)[0]


def test_a_clip_has_its_drives_conditions(fleet: Snapshot) -> None:
    found = queries.clip(fleet, "drive-003-clip-1")
    assert found is not None
    assert (found["drive_id"], found["light"]) == ("drive-003", "night")
    assert queries.clip(fleet, "gone") is None


def test_without_video_the_first_clip_is_that_of_the_first_drive(fleet: Snapshot) -> None:
    found = queries.first_clip(fleet)
    assert found is not None and found["clip_id"] == "drive-000-clip-0"


def test_the_run_of_a_clip_is_the_named_one_or_the_newest(fleet: Snapshot) -> None:
    runs = list_runs(fleet)
    judged = runs[0]["clip_ids"][0]
    assert queries.run_of(runs, judged, None) is runs[0]
    assert queries.run_of(runs, judged, runs[1]["run_id"]) is runs[1]
    assert queries.run_of(runs, judged, "gone") is runs[0]
    assert queries.run_of(runs, "another", None) is None


def test_the_origin_is_the_cell_that_the_address_names(fleet: Snapshot, run: Run) -> None:
    found = queries.origin(fleet, run, CELL)
    assert (found.prediction, found.metric, found.slice) == tuple(CELL.values())
    assert found.cell is not None and found.cell["reference"] == "labels"
    assert queries.origin(fleet, run, {}) == Origin()


@pytest.mark.parametrize(
    ("part", "value", "kept"),
    [
        ("prediction", "objects/ufo@main", None),
        ("metric", "beauty", "objects/pedestrian@main"),
        ("slice", "light=dusk", "objects/pedestrian@main"),
    ],
)
def test_what_the_run_does_not_have_is_named(
    fleet: Snapshot, run: Run, part: str, value: str, kept: str | None
) -> None:
    found = queries.origin(fleet, run, CELL | {part: value})
    assert found.unknown == (part, value)
    assert (found.prediction, found.cell) == (kept, None)


def test_the_clips_behind_a_regression_are_by_cost(fleet: Snapshot, run: Run) -> None:
    cell = queries.origin(fleet, run, CELL).cell
    assert cell is not None
    found = queries.costliest(fleet, run, cell)
    shares = {row["clip_id"]: row["share"] for row in cell_costs(fleet, run, cell).to_pylist()}
    assert len(found) > 1 and found == sorted(found, key=lambda one: shares[one])


def test_steps_end_at_the_ends() -> None:
    assert queries.step_from(["a", "b"], "a", 1) == "b"
    assert queries.step_from(["a", "b"], "a", -1) is None
    assert queries.step_from(["a", "b"], "b", 1) is None
    assert queries.step_from(["a", "b"], "other", 1) == "a"
    assert queries.step_from([], "other", 1) is None
