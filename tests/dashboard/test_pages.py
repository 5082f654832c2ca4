"""Every page runs through without an error, on a full home and on an empty one."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ingest.lake import Lake

PAGES = sorted((Path(__file__).parents[2] / "dashboard" / "pages").glob("[a-z]*.py"))


def run_page(page: Path, home: Path) -> AppTest:
    app = AppTest.from_file(str(page), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
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
