"""The page Fleet: what it says, and that it runs on odd addresses."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import dashboard.fleet

PAGE = Path(dashboard.fleet.__file__).with_name("page.py")


def run_page(home: Path, **asked: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


def html(app: AppTest) -> str:
    return unescape("".join(part.proto.body for part in app.get("html")))


def components(app: AppTest) -> list[dict[str, Any]]:
    """The data of the filters and of the map."""
    return [json.loads(part.proto.json) for part in app.get("bidi_component")]


def figures(app: AppTest) -> dict[str, str]:
    """The figures by their names; each is explained."""
    return dict(
        re.findall(r"<dt tabindex=\"0\">([^<]+)<span.+?</span></dt><dd>(.+?)</dd>", html(app))
    )


def test_it_says_how_much_was_driven(fleet_home: Path) -> None:
    app = run_page(fleet_home)
    found = figures(app)
    assert not app.exception
    assert (found["Drives"], found["Vehicles"], found["Recorded"]) == ("24", "8", "1.60 h")
    assert found["Distance"].endswith(" km") and "Planned" not in found
    assert html(app).count("<dt") == html(app).count('role="tooltip"') == len(found) == 7


def test_filters_are_in_the_address(fleet_home: Path) -> None:
    app = run_page(fleet_home, vehicles="vehicle-3", events="kept")
    assert not app.exception and figures(app)["Drives"] == "3"
    assert figures(app)["Events"] == figures(app)["Kept"] == "12"
    asked, drawn = components(app)
    assert asked["chosen"]["vehicles"] == ["vehicle-3"] and asked["chosen"]["events"] == "kept"
    assert len(asked["options"]["vehicles"]) == 8 and len(drawn["events"]) == 12


def test_days_are_in_the_address(fleet_home: Path) -> None:
    days = components(run_page(fleet_home))[0]["days"]
    app = run_page(fleet_home, days=[days[0], days[0]])
    asked, drawn = components(app)
    assert asked["chosen"]["days"] == [days[0], days[0]] and asked["days"] == days
    assert 0 < len(drawn["tracks"]) < 24 and not app.warning


def test_a_choice_without_drives_can_be_cleared(fleet_home: Path) -> None:
    days = components(run_page(fleet_home))[0]["days"]
    app = run_page(fleet_home, days=[days[1], days[1]], vehicles="vehicle-0", area="here")
    assert app.info[0].value == "No drive fits these filters."
    assert 'href="/fleet?area=here"' in html(app)


@pytest.mark.parametrize(
    "asked", [{"page": "x"}, {"page": "999"}, {"days": "yesterday"}, {"tab": "Nothing"}]
)
def test_odd_addresses_are_no_error(fleet_home: Path, asked: dict[str, str]) -> None:
    app = run_page(fleet_home, **asked)
    assert not app.exception and figures(app)["Drives"] == "24"


def test_what_the_address_names_and_is_not_there_is_said(fleet_home: Path) -> None:
    app = run_page(fleet_home, vehicles="<b>gone")
    assert not app.exception and figures(app)["Drives"] == "24"
    assert "There is no vehicle \\<b\\>gone" in app.warning[0].value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("days", "yesterday", "days\\=yesterday is left out"),
        ("days", "2026-01-01", "an address has both days"),
        ("events", "odd", "not one of kept, suppressed"),
        ("tab", "Nothing", "not one of Map"),
        ("area", "Atlantis", "There is no area Atlantis"),
        ("from", "2026-01-01", "The address has from"),
    ],
)
def test_what_the_address_has_in_vain_is_said(
    fleet_home: Path, name: str, value: str, said: str
) -> None:
    warnings = " ".join(one.value for one in run_page(fleet_home, **{name: value}).warning)
    assert said.replace("\\", "") in warnings.replace("\\", "")


def test_ingest_health_is_a_view_of_its_own(fleet_home: Path) -> None:
    app = run_page(fleet_home, tab="Ingest health")
    found = figures(app)
    assert (found["Planned"], found["Done"], found["Failed"]) == ("26", "24", "1")
    assert "ridealong ingest" in app.warning[0].value
    assert [part.value for part in app.header] == ["Quarantine", "Last ingests"]


def test_links_to_views_and_pages_keep_the_filters(fleet_home: Path) -> None:
    app = run_page(fleet_home, vehicles="vehicle-3", events="kept", page="2")
    assert 'href="/fleet?vehicles=vehicle-3&events=kept&tab=Conditions"' in html(app)
    app = run_page(fleet_home, tab="Map")
    assert 'href="/fleet?tab=Map&page=2"' in html(app) and "← newer" not in html(app)


def test_the_area_of_the_address_is_drawn(fleet_home: Path) -> None:
    app = run_page(fleet_home, area="Atlantis")
    _, drawn = components(app)
    assert [shown for *_, shown in drawn["areas"]] == [True]
    assert len(drawn["tracks"]) == 24 and len(drawn["events"]) == 192
