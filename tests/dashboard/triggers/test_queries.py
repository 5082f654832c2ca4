"""What the page Triggers asks the lake: the list, mistakes, signals, and differences."""

import shutil
from pathlib import Path

import pytest

from dashboard.theme import DARK, LIGHT
from dashboard.triggers import charts, markup, queries
from dashboard.triggers.doing import applied, pending
from ingest.dry_run import CurvePoint
from ingest.triggers.home import State, save_trigger, set_state
from ridealong.lake import Lake

MARK = "<img src=x onerror=hacked=1>"


@pytest.fixture
def lake(fleet_home: Path, home: Path) -> Lake:
    shutil.copytree(fleet_home, home)
    return Lake.open(home)


def test_the_list_has_what_is_included_and_what_has_clips(lake: Lake) -> None:
    listed = {one.name: one for one in queries.listed(lake.snapshot())}
    assert listed["hard_brake"].trigger is not None and listed["hard_brake"].spec is not None
    assert listed["hard_brake"].kept > 0 and listed["hard_brake"].clips > 0
    assert listed["hard_brake"].events == listed["hard_brake"].kept + sum(
        listed["hard_brake"].suppressed.values()
    )
    assert "at random" in listed["random_control"].condition
    text = queries.TEMPLATE.replace("my_trigger", "mine")
    save_trigger(lake, text, where="mine", who="ann <b>")
    set_state(lake, "weather", State.PAUSED)
    snapshot = lake.snapshot()
    shown = str(markup.listing(queries.listed(snapshot)))
    assert 'href="/triggers?trigger=mine"' in shown and "ann &lt;b&gt;" in shown
    assert 'href="/clips?trigger=hard_brake"' in shown and "paused" in shown


def test_names_may_hold_html() -> None:
    row = queries.Listed(MARK, None, suppressed={MARK: 2}, events=2, clips=1)
    assert "<img" not in str(markup.listing([row]))


def test_all_mistakes_are_found_at_once() -> None:
    checked = queries.checked("name: a\nwhen: Vehicle.Sped > 3 and\npree: 1 s\n")
    assert checked.spec is None
    lines = {mistake.line: mistake.text for mistake in checked.mistakes}
    assert set(lines) == {1, 2, 3} and "'description' is missing" in lines[1]
    assert "did you mean 'pre'" in lines[3]
    assert queries.checked(queries.TEMPLATE).spec is not None
    assert queries.checked("").mistakes and queries.checked("- a\n").mistakes


def test_every_signal_has_a_meaning() -> None:
    assert len(queries.signals()) > 40
    assert all(one["name"] and one["meaning"] for one in queries.signals())


def test_a_difference_names_both_sides() -> None:
    lines = queries.difference("a\nb\n", "a\nc\n")
    assert "-c" in lines and "+b" in lines


def test_a_curve_in_both_themes() -> None:
    points = [CurvePoint(0.0, 3), CurvePoint(1.0, 0)]
    for palette in (LIGHT, DARK):
        chart = charts.curve_chart(points, "m/s^2", palette).to_dict()
        assert chart["config"]["background"] == palette.surface and "m/s^2" in str(chart)


def test_what_applying_came_to() -> None:
    said = applied("mine", {"events": 3, "clips": 2, "files_failed": 0, "failures": []})
    assert said == "3 events recorded, [2 clips cut](/clips?trigger=mine)."
    failed = {"events": 3, "clips": 2, "files_failed": 4, "failures": ["a and 3 more: <b>gone"]}
    assert "4 drives could not be done" in applied("mine", failed)
    assert "<b>" not in applied("mine", failed).replace("\\<", "")


def test_a_dry_run_says_what_applying_adds(lake: Lake) -> None:
    spec = queries.checked(queries.TEMPLATE).spec
    assert spec is not None
    found = queries.tried(lake.snapshot(), spec, None, only_new=True)
    assert found.drives == 24 and pending(found).startswith("Adds ")
    assert "recordings cannot be found" in pending(found) or not found.clips
