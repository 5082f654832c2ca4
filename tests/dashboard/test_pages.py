"""Every page runs through without an error, on a full home and on an empty one."""

from pathlib import Path

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.pages import PAGES as TITLES
from ridealong.errors import RidealongError
from ridealong.lake import Lake

PAGES = sorted((Path(__file__).parents[2] / "dashboard").glob("*/page.py"))

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


def run_page(page: Path, home: Path, **asked: str) -> AppTest:
    app = AppTest.from_file(str(page), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_of_the_demo(page: Path, demo_home: Path) -> None:
    app = run_page(page, demo_home)
    assert not app.exception
    assert app.title[0].value == TITLES[page.parent.name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_of_an_empty_home_says_what_to_do(page: Path, home: Path) -> None:
    Lake.create(home)
    app = run_page(page, home)
    assert not app.exception
    assert app.title[0].value == TITLES[page.parent.name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_of_a_fleet(page: Path, fleet_home: Path) -> None:
    app = run_page(page, fleet_home)
    assert not app.exception
    assert app.title[0].value == TITLES[page.parent.name]


def unmarked(text: str) -> str:
    """Text without the signs that keep Markdown from marking it up."""
    return text.replace("\\", "")


def page_named(name: str) -> Path:
    return next(page for page in PAGES if page.parent.name == name)


def test_what_is_damaged_is_said_in_a_sentence(
    fleet_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(folder: Path) -> None:
        raise RidealongError("is *damaged*", where="drives/<b>.parquet", expected="its bytes")

    monkeypatch.setattr(session, "snapshot", damaged)
    monkeypatch.setattr(PagesManager, "uses_pages_directory", False)  # as `serve` does
    app = run_page(APP, fleet_home)
    assert not app.exception
    (said,) = app.error
    assert unmarked(said.value) == "drives/<b>.parquet: is *damaged*; expected its bytes"
    assert "\\*damaged\\*" in said.value
