"""Queries of the page Release, against what the made-up fleet holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.release import queries
from metrics.gate.cells import Verdict, surest_losses
from ridealong.lake import Lake, Snapshot
from shadow.losses import EVERY_CELL, losing_cells
from shadow.report import cause_sentence, run_cells, summary_of


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


def test_runs_are_newest_first_and_carry_no_lists(fleet: Snapshot) -> None:
    newest, older = queries.runs(fleet)
    assert (newest.candidate, newest.verdict, newest.judged) == ("hydra-1.1", "REGRESSED", 96)
    assert (older.candidate, older.verdict, older.judged) == ("hydra-1.0b", "INCONCLUSIVE", 24)
    assert (newest.noun, newest.against_itself, newest.left_out) == ("clip", False, 0)


def test_a_summary_says_what_all_cells_say(fleet: Snapshot) -> None:
    run = queries.runs(fleet)[0]
    cells, found = run_cells(fleet, run.run_id), queries.summary(fleet, run.run_id)
    required = [cell for cell in cells if cell["required"]]
    for verdict in Verdict:
        expected = sum(cell["verdict"] == verdict for cell in required)
        assert len(found.required[verdict]) == expected
    assert found.cells == len(cells)
    assert found.alerts == sum(cell["alert"] for cell in cells)
    assert found.alerting == surest_losses([cell for cell in cells if cell["alert"]])[0]
    assert found.cause == cause_sentence(summary_of(cells))
    assert found.worst in losing_cells(cells, EVERY_CELL)


def test_checks_are_in_the_order_of_their_loss(fleet: Snapshot) -> None:
    found = queries.summary(fleet, queries.runs(fleet)[0].run_id)
    failed = [queries.margins(cell, unknown=0) for cell in found.required[Verdict.REGRESSED]]
    assert failed == sorted(failed)
    assert found.worst is not None
    assert queries.margins(found.worst, unknown=0) == failed[0]


def test_an_undecided_run_has_its_largest_loss_as_the_worst(fleet: Snapshot) -> None:
    found = queries.summary(fleet, queries.runs(fleet)[1].run_id)
    undecided = [c for c in found.required[Verdict.INCONCLUSIVE] if (c["delta"] or 0) < 0]
    assert found.worst == undecided[0]


def test_a_run_without_cells_has_an_empty_summary(fleet: Snapshot) -> None:
    found = queries.summary(fleet, "gone")
    assert (found.cells, found.alerts, found.cause, found.worst) == (0, 0, None, None)
    assert not any(found.required.values())


def test_the_trend_has_the_worst_required_cell_of_each_run(fleet: Snapshot) -> None:
    runs = queries.runs(fleet)
    older, newest = queries.trend(fleet, runs)
    assert [older["run_id"], newest["run_id"]] == [runs[1].run_id, runs[0].run_id]
    worst = queries.summary(fleet, runs[0].run_id).worst
    assert worst is not None and newest["worst"] == pytest.approx(queries.margins(worst, unknown=0))
    assert newest["low"] < newest["worst"] < newest["high"]
    assert newest["cell"] == f"{worst['prediction']} {worst['metric']} at {worst['slice']}"
    assert newest["REGRESSED"] >= 5 and older["REGRESSED"] == 0 and older["release"] is None


def test_the_trend_leaves_out_what_is_compared_with_itself(fleet: Snapshot) -> None:
    runs = queries.runs(fleet)
    runs = [replace(runs[0], against_itself=True), runs[1]]
    assert [point["run_id"] for point in queries.trend(fleet, runs)] == [runs[1].run_id]
