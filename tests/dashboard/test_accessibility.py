"""Every page in a real browser, checked by axe: no serious finding in what we draw."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dashboard.pages import PAGES

SERIOUS = {"serious", "critical"}
# What Streamlit draws around our pages, by rule and part of its selector; see docs/dashboard.md.
STREAMLITS_OWN: tuple[tuple[str, str], ...] = ()

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(params=["light", "dark"])
def themed(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme=request.param)
    yield page
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(name: str, served: str, themed: Page) -> None:
    themed.goto(f"{served}/{name}")
    themed.locator("h1").first.wait_for()
    themed.locator("[data-testid=stStatusWidget]").wait_for(state="detached")
    found = Axe().run(themed).response["violations"]
    serious = [line for one in found if one["impact"] in SERIOUS for line in lines_of(one)]
    assert not serious, "\n".join(serious)


def lines_of(violation: dict[str, Any]) -> list[str]:
    """A line for each element of ours that breaks the rule."""
    rule = violation["id"]
    places = [" ".join(map(str, node["target"])) for node in violation["nodes"]]
    own = [at for at in places if not any(rule == r and part in at for r, part in STREAMLITS_OWN)]
    return [f"{rule} ({violation['help']}): {at}" for at in own]
