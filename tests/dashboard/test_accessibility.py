"""Every page in a real browser, checked by axe: no serious finding in what we draw."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dashboard.pages import PAGES
from tests.dashboard.conftest import JOB_MS, settled

SERIOUS = {"serious", "critical"}
# What Streamlit draws around our pages, by rule and part of its selector; see docs/dashboard.md.
STREAMLITS_OWN: tuple[tuple[str, str], ...] = ()
# What a page draws last, or where that is not known, what it draws.
DRAWN = {
    "release": ".pair .frame",
    "compare": "role=gridcell",
    "clips": ".card img",
    "clip": "[aria-label='Note']",  # it follows the first pictures of all cameras
    "triggers": ".triggers tbody tr",
    "runs": "table tbody tr",
    "fleet": ".plot .mark",
    "labeling": "[data-testid=stAlert], .lq tbody tr",
    "glossary": "dl dd",
}
# Every picture within the window that is still being fetched or decoded, also in components.
UNFINISHED = """() => {
  const inside = (root) => [...root.querySelectorAll("*")].flatMap(
    (one) => (one.shadowRoot ? [one, ...inside(one.shadowRoot)] : [one]));
  const near = ({ top, bottom }) => bottom > 0 && top < innerHeight;
  return inside(document).filter((one) => near(one.getBoundingClientRect()) && (
    (one.localName === "img" && !one.hidden && !(one.complete && one.naturalWidth))
    || (one.localName === "video" && one.readyState < 2)
    || (!one.children.length && one.textContent.startsWith("drawing")))).length;
}"""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(params=["light", "dark"])
def themed(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = browser.new_page(
        viewport={"width": 1280, "height": 720},
        color_scheme=request.param,
        bypass_csp=True,  # it forbids what waits for a condition
    )
    page.set_default_timeout(JOB_MS)
    yield page
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(name: str, served: str, themed: Page) -> None:
    themed.goto(f"{served}/{name}")
    themed.locator(DRAWN[name]).first.wait_for()
    settled(themed)
    themed.wait_for_function(f"!({UNFINISHED})()")
    found = Axe().run(themed).response["violations"]
    serious = [line for one in found if one["impact"] in SERIOUS for line in lines_of(one)]
    assert not serious, "\n".join(serious)


def lines_of(violation: dict[str, Any]) -> list[str]:
    """A line for each element of ours that breaks the rule."""
    rule = violation["id"]
    places = [" ".join(map(str, node["target"])) for node in violation["nodes"]]
    own = [at for at in places if not any(rule == r and part in at for r, part in STREAMLITS_OWN)]
    return [f"{rule} ({violation['help']}): {at}" for at in own]
