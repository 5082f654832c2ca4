"""What the page Compare draws: colours and marks of checks, intervals, facts, and addresses."""

from typing import Any

import pytest

from dashboard.compare import charts, markup
from dashboard.compare.check_markup import check as check_markup
from dashboard.compare.check_markup import facts
from dashboard.compare.filters import Filters
from dashboard.compare.interval_markup import intervals
from dashboard.compare.list_markup import listed
from dashboard.compare.queries import Check, Counts, Grid, GridRow
from dashboard.compare.state import State, view_in, wrong_in
from dashboard.page_numbers import page_in
from dashboard.theme import DARK, LIGHT, Palette, ink_on
from metrics.gate.cells import Cell, Verdict
from tests.dashboard.compare.made import check

RUN: dict[str, Any] = {"deployed": "one", "candidate": "two", "baseline": None}


def cell(prediction: str = "a", slice_: str = "all", **known: Any) -> Cell:
    row = check(prediction, slice_, **known)
    return row | {"verdict": Verdict(row["verdict"])}  # type: ignore[return-value]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_marks_are_readable_on_every_colour(palette: Palette) -> None:
    for colour in (*palette.effect, palette.unknown):
        assert contrast(colour, ink_on(colour)) >= 4.5
    assert contrast(palette.chosen, palette.surface) >= 3
    assert contrast(palette.text, palette.surface) >= 7  # the margin and the frames


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_the_effect_reads_in_grey(palette: Palette) -> None:
    """Away from no change each step differs in lightness; the sign beside the mark has the rest."""
    lights = [luminance(colour) for colour in palette.effect]
    away = lights[charts.NEUTRAL :], lights[charts.NEUTRAL :: -1]
    for side in away:
        assert side == sorted(side, reverse=palette is LIGHT)


@pytest.mark.parametrize(
    ("margins", "step", "sign"),
    [(None, None, ""), (-9.0, 0, "−"), (-1.5, 1, "−"), (-0.2, 3, ""), (0.0, 3, ""), (2.0, 6, "+")],
)
def test_the_step_of_an_effect(margins: float | None, step: int | None, sign: str) -> None:
    assert (charts.step_of(margins), charts.sign_of(margins)) == (step, sign)
    assert len(charts.step_names()) == len(LIGHT.effect) == len(charts.STEPS) + 1


def test_an_uncertain_check_has_the_colour_of_its_effect() -> None:
    known: dict[str, Any] = {"required": True, "low": None, "high": None, "margin": 0.02}
    checks = (
        Check(0, 0, "INCONCLUSIVE", delta=-0.06, margins=-3.0, change=None, matches=True, **known),
        Check(0, 1, "REGRESSED", delta=-0.06, margins=-3.0, change="fixed", matches=False, **known),
        Check(0, 2, "INCONCLUSIVE", delta=None, margins=None, change=None, matches=True, **known),
    )
    none = Counts(0, 0, 0)
    grid = Grid((GridRow("a", "f1", True),), ("all", "x=y", "z=1"), checks, 0, none, none, none)
    drawn = charts.grid_data(grid, "/compare?run=r", ["(higher is better)"])
    assert [one[3] for one in drawn["checks"]] == [0, 0, -1]
    assert [one[4] for one in drawn["checks"]] == ["−", "", ""]
    assert [one[7] for one in drawn["checks"]] == [1, 3, 1]
    assert [one[8] for one in drawn["checks"]] == [-1, 2, -1]


def test_the_axis_shows_zero_the_margin_and_the_chosen_interval() -> None:
    far, near = cell(margins=-40.0), cell(margins=-0.5)
    scale = charts.scale_of([far, near], near)
    assert not scale.beyond(0) and not scale.beyond(-0.02) and scale.beyond(far["delta"] or 0)
    assert not charts.scale_of([far, near], far).beyond(far["delta"] or 0)
    assert charts.scale_of([cell(delta=0.0)], cell()).percent(0.0) > 0


def test_names_are_escaped() -> None:
    marked = "<img src=x onerror=hacked=1>"
    bad = cell(marked, f"light={marked}", margins=-2.0, metric=marked, reason=marked)
    run = RUN | {"candidate": marked, "deployed": marked, "verdict": "PASS", "reason": marked}
    link = state().link
    drawn = [
        check_markup(bad, None, run, bad),
        facts(bad, run | {"baseline": marked}),
        intervals([bad], bad, link),
        markup.verdicts(run, marked, run),
        listed([bad | {"margins": 1, "other_verdict": None, "other_delta": None,
                              "change": None}], {}, True, link),
    ]  # fmt: skip
    assert all("<img" not in text and "&lt;img" in text for text in drawn)


def test_every_fact_has_its_help() -> None:
    drawn = facts(cell(margins=-2.0), RUN)
    assert drawn.count("<dt") == drawn.count('role="tooltip"') >= 9
    assert "None" not in facts(cell(), RUN) + check_markup(cell(), None, RUN, None)
    asked = RUN | {"baseline": "hydra-0.9"}
    assert "worse than it" in facts(cell(worse_than_baseline=True), asked)


def state(**known: Any) -> State:
    plain: dict[str, Any] = {"run_id": "r", "other_id": None, "filters": Filters(), "page": 1}
    key = {"prediction": "a/b@c", "metric": "f1", "slice": "light=night"}
    return State(**(plain | {"key": key, "view": "Grid"} | known))


def test_an_address_has_all_that_is_shown() -> None:
    filters = Filters(verdicts=("PASS", "REGRESSED"), text="car & co")
    address = state(filters=filters, other_id="o", page=2, view="List").link(slice="all")
    assert address == (
        "/compare?run=r&other=o&prediction=a%2Fb%40c&metric=f1&slice=all"
        "&verdicts=PASS&verdicts=REGRESSED&text=car+%26+co&view=List&page=2"
    )
    assert state().without_check() == "/compare?run=r"
    assert [page_in([text]) for text in ("3", "0", "-1", "x", "9" * 30)] == [3, 1, 1, 1, 1]
    assert page_in([]) == 1


def test_a_view_or_a_page_that_cannot_be_is_said() -> None:
    assert wrong_in({"view": [], "page": []}) == wrong_in({"view": ["List"], "page": ["12"]}) == []
    asked = {"view": ["Tree"], "page": ["0"]}
    assert view_in(asked["view"]) == "Grid" and page_in(asked["page"]) == 1
    assert [sentence.split(". ")[0] for sentence in wrong_in(asked)] == [
        "There is no view Tree",
        "There is no page 0",
    ]
