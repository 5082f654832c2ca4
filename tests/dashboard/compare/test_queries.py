"""Queries of the page Compare: what is shown of many checks, and the check that fits an address."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard.compare import cell_queries, queries
from dashboard.compare.filters import Filters, read_filters
from dashboard.compare.queries import ROWS, SLICES, Change, Checks, Counts
from ridealong.lake import Lake, Snapshot
from tests.dashboard.compare.made import check, many, write_runs

Make = Callable[..., Checks]


@pytest.fixture
def checks(tmp_path: Path) -> Make:
    """Makes runs of these checks, and gives those of the first beside the second's."""

    def make(*runs: list[dict[str, Any]]) -> Checks:
        ids = write_runs(tmp_path / "home", *runs)
        snapshot = Lake.open(tmp_path / "home").snapshot()
        return queries.read_checks(snapshot, ids[0], ids[1] if len(ids) > 1 else None)

    return make


@pytest.fixture(scope="module")
def thousands(tmp_path_factory: pytest.TempPathFactory) -> Checks:
    home = tmp_path_factory.mktemp("thousands") / "home"
    new, old = write_runs(home, many(200, 40), many(200, 40, shift=7))
    return queries.read_checks(Lake.open(home).snapshot(), new, old)


def order(grid: queries.Grid) -> str:
    return "".join(row.prediction for row in grid.rows)


def test_the_worst_rows_come_first_and_the_unknown_last(checks: Make) -> None:
    made = [check("a", margins=-0.5), check("b"), check("c", margins=-2.0)]
    made += [check("c", "light=night", margins=2.0), check("d", margins=-0.9)]
    grid = queries.grid(checks(made), Filters())
    assert order(grid) == "cdab" and grid.slices == ("all", "light=night")
    assert [(c.row, c.column) for c in grid.checks if c.verdict == "REGRESSED"] == [(0, 0)]


def test_rows_with_a_required_check_are_on_top(checks: Make) -> None:
    made = [
        check("a", margins=-9.0),
        check("b", "light=night", margins=0.5, required=True),
        check("b", margins=-5.0),
        check("c", required=True),
        check("d", margins=-3.0, required=True),
        check("e", margins=-8.0),
    ]
    grid = queries.grid(checks(made), Filters())
    assert order(grid) == "dcbae"  # by the verdicts of the required ones
    assert [row.required for row in grid.rows] == [True] * 3 + [False] * 2


def test_many_checks_are_paged_and_their_slices_capped(thousands: Checks) -> None:
    first = queries.grid(thousands, Filters())
    assert first.count_rows == Counts(200, 200, ROWS)
    assert first.count_slices == Counts(40, 40, SLICES)
    assert first.count_checks.of == 8000 and len(first.checks) == ROWS * SLICES
    assert all(row.required for row in first.rows[:20]) and first.slices[0] == "all"
    pages = [queries.grid(thousands, Filters(), page).rows for page in (1, 2, 3, 4, 5)]
    assert [len(rows) for rows in pages] == [60, 60, 60, 20, 0]
    assert len({row for rows in pages for row in rows}) == 200
    listed = queries.listed(thousands, Filters())
    assert len(listed) == queries.LISTED and all(row["required"] for row in listed[:20])


@pytest.mark.parametrize(
    ("filters", "rows", "fit"),
    [
        (Filters(show="required"), 2, 2),
        (Filters(show="watched", verdicts=("REGRESSED",)), 1, 1),
        (Filters(tasks=("bev",)), 1, 2),
        (Filters(cameras=("main",)), 1, 2),
        (Filters(fields=("light",)), 2, 2),
        (Filters(fields=("all", "light")), 3, 5),
        (Filters(text="CAR night"), 1, 1),
        (Filters(text="no such word"), 0, 0),
        (Filters(metrics=("iou",)), 0, 0),
        (Filters(text="100%_'"), 0, 0),
    ],
)
def test_filters(checks: Make, filters: Filters, rows: int, fit: int) -> None:
    made = [
        check("objects/car@main", required=True),
        check("objects/car@main", "light=night", margins=-2.0),
        check("bev/road", margins=1.0, required=True),
        check("bev/road", "light=night&road=city", margins=1.0),
        check("stop signs", margins=1.0),
    ]
    grid = queries.grid(checks(made), filters)
    assert (grid.count_rows, grid.count_checks.fit) == (Counts(3, rows, rows), fit)


def test_a_row_and_a_column_of_a_check_that_fits_are_shown_whole(checks: Make) -> None:
    made = [check("a", margins=-2.0), check("a", "light=night", margins=1.0)]
    made += [check("b", margins=1.0), check("b", "light=day", margins=-3.0)]
    grid = queries.grid(checks(made), Filters(verdicts=("REGRESSED",)))
    assert order(grid) == "ba" and grid.slices == ("all", "light=day")
    assert [(c.row, c.column, c.matches) for c in grid.checks] == [
        (1, 0, True),
        (0, 0, False),
        (0, 1, True),
    ]


def test_an_address_has_only_filters_that_the_run_knows(checks: Make) -> None:
    known = queries.known(checks([check("objects/car@main"), check("depth", "road%26=x")]))
    assert (known.tasks, known.cameras, known.fields) == (
        ("depth", "objects"),
        ("main",),
        ("all", "road&"),
    )
    asked = {"tasks": ["objects", "<b>"], "show": ["both"], "text": ["car"], "changed": ["fixed"]}
    filters, lost = read_filters(asked, known)
    assert filters == Filters(tasks=("objects",), text="car")
    assert lost == ["no checks of the kind both", "no task <b>", "no change fixed"]


def test_what_changed_between_two_runs(checks: Make) -> None:
    new = [check("a", margins=-2.0), check("b", margins=-2.0), check("c", margins=1.0)]
    new += [check("d", margins=1.0), check("e", margins=1.0), check("f", margins=1.0)]
    old = [check("a", margins=1.0), check("b", margins=-3.0), check("c", margins=-2.0)]
    old += [check("d", margins=-0.5), check("e", margins=2.0)]
    both = checks(new, old)
    assert queries.changes(both) == dict.fromkeys(Change, 1)
    shown = queries.listed(both, Filters())
    assert {row["prediction"]: row["change"] for row in shown} == {
        "a": Change.NEW,
        "b": Change.STILL,
        "c": Change.FIXED,
        "d": Change.OTHER,
        "e": None,
        "f": None,
    }
    assert [row["other_delta"] for row in shown if row["prediction"] == "b"] == [-0.06]
    grid = queries.grid(both, Filters(changed=(Change.NEW, Change.FIXED)))
    assert order(grid) == "ac"


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
def test_the_check_that_fits_best(
    checks: Make, asked: Any, found: tuple[str, str], missing: str | None
) -> None:
    made = [
        check("a", margins=-3.0, required=True),
        check("b", margins=-1.0),
        check("b", "light=night", margins=-2.0),
    ]
    look = cell_queries.look(checks(made), asked, Filters())
    assert look is not None
    assert ((look.cell["prediction"], look.cell["slice"]), look.missing) == (found, missing)
    assert look.siblings[0]["slice"] == "all" and look.cell in look.siblings


def test_without_an_address_the_filters_choose_the_check(checks: Make) -> None:
    made = checks([check("a", margins=-3.0, required=True), check("b", margins=-1.0)])
    look = cell_queries.look(made, {}, Filters(show="watched"))
    assert look is not None and look.cell["prediction"] == "b"
    look = cell_queries.look(made, {}, Filters(text="nothing"))
    assert look is not None and look.cell["prediction"] == "a"


def test_the_cause_of_most_losses(checks: Make) -> None:
    night = {"margins": -2.0, "because_of": "light=night"}
    made = [check(name, **night) for name in "ab"]
    made += [check("c", "light=night&road=city", margins=-2.0), check("d", margins=-2.0)]
    assert queries.cause(checks(made)) == (
        "3 of 4 regressed checks are at light=night or only because of it"
    )


def test_a_run_without_checks(checks: Make) -> None:
    none = checks([])
    assert queries.tally(none).total == 0 and queries.known(none).tasks == ()
    assert cell_queries.look(none, {}, Filters()) is None
    assert queries.cause(none) is None and queries.grid(none, Filters()).rows == ()


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


def test_counts_of_a_run(fleet: Snapshot) -> None:
    newest, older = queries.runs(fleet)
    assert (newest["candidate"], older["candidate"]) == ("hydra-1.1", "hydra-1.0b")
    tally = queries.tally(queries.read_checks(fleet, newest["run_id"], None))
    assert sum(tally.required.values()) == 21 and tally.required["REGRESSED"] >= 5
    assert tally.total > 400 and tally.alerts and tally.better
