"""Every page runs through without an error, on a full home and on an empty one."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ingest.lake import Lake

PAGES = sorted((Path(__file__).parents[2] / "dashboard" / "pages").glob("[a-z]*.py"))


def run_page(page: Path, home: Path, **asked: str) -> AppTest:
    app = AppTest.from_file(str(page), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_demo(page: Path, demo_home: Path) -> None:
    app = run_page(page, demo_home)
    assert not app.exception
    assert app.title[0].value.lower() == page.stem


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_an_empty_home_says_what_to_do(page: Path, home: Path) -> None:
    Lake.create(home)
    app = run_page(page, home)
    assert not app.exception
    assert "ridealong" in app.info[0].value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_a_fleet(page: Path, fleet_home: Path) -> None:
    app = run_page(page, fleet_home)
    assert not app.exception
    assert app.title[0].value.lower() == page.stem


def page_named(name: str) -> Path:
    return next(page for page in PAGES if page.stem == name)


def test_fleet_says_how_much_was_driven(fleet_home: Path) -> None:
    app = run_page(page_named("fleet"), fleet_home)
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Drives"] == "24" and figures["Vehicles"] == "8" and figures["Hours"] == "1.60"
    assert (figures["Planned"], figures["Done"], figures["Failed"]) == ("26", "24", "1")


def test_regressions_opens_the_worst_cell_of_the_newest_run(fleet_home: Path) -> None:
    app = run_page(page_named("regressions"), fleet_home)
    said = [part.value for part in app.markdown]
    assert said[0].startswith("##### :red-badge[**REGRESSED**]") and "required cells" in said[0]
    figures = {metric.label: metric.value for metric in app.metric}
    assert int(figures["Required, regressed"]) >= 5
    assert float(figures["Delta"]) < -0.1
    assert any("light" in part and "night" in part for part in said[1:3])


def test_regressions_opens_the_cell_that_the_address_names(fleet_home: Path) -> None:
    asked = {"prediction": "lights/yellow@narrow", "metric": "f1", "slice": "light=day"}
    app = run_page(page_named("regressions"), fleet_home, **asked)
    assert not app.warning
    assert "yellow" in app.subheader[0].value


def test_regressions_tells_what_an_old_link_lost(fleet_home: Path) -> None:
    app = run_page(page_named("regressions"), fleet_home, run="gone", prediction="objects/ufo@main")
    assert not app.exception
    assert "gone" in app.warning[0].value and "ufo" in app.warning[1].value


def test_regressions_shows_another_run(fleet_home: Path) -> None:
    app = run_page(page_named("regressions"), fleet_home)
    older = app.selectbox[0].options.index(
        next(name for name in app.selectbox[0].options if "hydra-1.0b" in name)
    )
    app.selectbox[0].select_index(older).run()
    assert not app.exception
    assert "orange-badge" in app.markdown[0].value
