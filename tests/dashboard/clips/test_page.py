"""The page Clips: its rows, and that it runs on odd addresses and odd homes."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import dashboard.clips
from dashboard.clips.shown import A_PAGE, MOST_VALUES, browser
from dashboard.filtering.address import parse_filter
from dashboard.filtering.search import Search, clips_along, search
from ingest.clips.tags import tag_clips
from ridealong.lake import Lake, Snapshot
from shadow.runs import list_runs, name_run

PAGE = Path(dashboard.clips.__file__).with_name("page.py")


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


def shown(fleet: Snapshot, page: int = 1, **asked: str) -> dict[str, Any]:
    wanted = parse_filter(asked.items())
    return browser(search(fleet, wanted), wanted, page, list_runs(fleet), lambda clip: f"/{clip}")


def facet(data: dict[str, Any], name: str) -> dict[str, int]:
    (found,) = [one for one in data["facets"] if one["name"] == name]
    return {one["value"]: one["count"] for one in found["values"]}


def test_the_first_page_has_the_newest_clips(fleet: Snapshot) -> None:
    data = shown(fleet)
    assert (data["found"], data["total"], data["page"], data["pages"]) == (96, 96, 1, 2)
    assert len(data["cards"]) == A_PAGE
    first = data["cards"][0]
    assert first["clip"] == "drive-023-clip-3" and first["href"] == "/clip?clip=drive-023-clip-3"
    assert first["conditions"] == "night · fog · highway · GB"
    assert first["share"] is None and first["alt"] == "telemetry only"
    assert facet(data, "light") == {"day": 48, "night": 48}
    assert "loss" not in {one["name"] for one in data["facets"]}


def test_the_page_past_the_last_is_the_last(fleet: Snapshot) -> None:
    assert shown(fleet, 9)["page"] == 2 and shown(fleet, 0)["page"] == 1
    nothing = shown(fleet, 3, words="no such drive")
    assert (nothing["page"], nothing["pages"], nothing["cards"]) == (1, 1, [])


def test_the_largest_loss_comes_first(fleet: Snapshot) -> None:
    data = shown(fleet, sort="loss", light="night")
    assert data["cards"][0]["share"].endswith("% of the loss")
    assert facet(data, "loss")["loss"] > 0
    assert data["run"] == list_runs(fleet)[0]["run_id"]
    assert "sort=loss" in data["cards"][0]["href"] and "light=night" in data["cards"][0]["href"]


def test_many_values_are_cut_and_counted(fleet: Snapshot) -> None:
    result = search(fleet, parse_filter([]))
    many = [(f"t{place}", 1) for place in range(MOST_VALUES + 7)]
    result.found.counts["tag"] = many
    asked = parse_filter([("tag", "t56")])
    data = browser(Search(result.clips, result.found, None), asked, 1, [], str)
    (found,) = [one for one in data["facets"] if one["name"] == "tag"]
    assert len(found["values"]) == MOST_VALUES + 1 and found["left_out"] == 6
    assert data["sorts"] == [("newest", "newest drive first"), ("longest", "longest first")]


def test_the_way_of_next_and_previous_is_the_filters(fleet: Snapshot) -> None:
    every = clips_along(fleet, parse_filter([("run", "as the clip page has it")]))
    assert len(every) == 96 and every[0] == "drive-023-clip-3"
    night = clips_along(fleet, parse_filter([("light", "night"), ("sort", "longest")]))
    assert len(night) == 48
    worst = clips_along(fleet, parse_filter([("sort", "loss"), ("loss", "loss")]))
    assert 0 < len(worst) < 96


def test_tags_and_names_of_runs_are_found(fleet_home: Path, home: Path) -> None:
    shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    run = list_runs(lake.snapshot())[0]["run_id"]
    tag_clips(lake, ["drive-003-clip-1"], ["<b>wet</b>"])
    name_run(lake, run, "night fix")
    data = shown(lake.snapshot(), tag="<b>wet</b>", run="night fix")
    assert [card["tags"] for card in data["cards"]] == [["<b>wet</b>"]]
    assert data["run"] == run and ("night fix" in dict(data["runs"]).values())
    assert data["known_tags"] == ["<b>wet</b>"]


def run_page(home: Path, **asked: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.parametrize(
    "asked",
    [{"page": "-1"}, {"page": "x" * 40}, {"sort": "best"}, {"light": "<b>"}, {"only": "gone"}],
)
def test_odd_addresses_are_no_error(fleet_home: Path, asked: dict[str, str]) -> None:
    app = run_page(fleet_home, **asked)
    assert not app.exception and not app.warning and app.title[0].value == "Clips"


def test_a_run_that_is_gone_is_said(fleet_home: Path) -> None:
    app = run_page(fleet_home, run="<b>gone", sort="loss")
    assert not app.exception
    assert "There is no run \\<b\\>gone" in app.warning[0].value
