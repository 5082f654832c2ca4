"""Each page in a real Chromium: it shows what it should, and what it shows moves."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.compare.charts import REQUIRED

MARK = "<img src=x onerror=hacked=1>"  # as in conftest.py
Keep = Callable[[Page, str], Path]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_names_are_never_markup(page: Page, served_marked: str) -> None:
    page.goto(f"{served_marked}/fleet")
    found = mark(page, f"trigger: {MARK}cut_in", "outcome: kept")
    expect(found).to_be_visible(timeout=30_000)
    found.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text(f"{MARK}cut_in")
    page.goto(f"{served_marked}/regressions")
    run = page.get_by_role("combobox", name="Run")
    expect(run).to_have_value(re.compile(re.escape(f"{MARK}hydra-1.1")), timeout=30_000)
    for clip in ("drive-003-clip-1", quote(MARK)):
        page.goto(f"{served_marked}/clip?clip={clip}")
        text = page.get_by_text(MARK).filter(visible=True)  # a table has hidden cells too
        expect(text.first).to_be_visible(timeout=30_000)
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def mark(page: Page, *said: str) -> Locator:
    """A mark of a chart by what it says of itself: Vega writes its fields into its label."""
    found = page.locator("path[role=graphics-symbol]")
    for part in said:
        found = found.and_(page.locator(f"[aria-label*='{part}']"))
    return found.first


def test_a_link_to_a_cell_a_click_on_another_and_the_clip_behind_it(
    page: Page, served_fleet: str, keep: Keep
) -> None:
    page.set_viewport_size({"width": 1280, "height": 1900})
    asked = "prediction=objects%2Fpedestrian%40main&metric=f1&slice=light%3Dnight"
    page.goto(f"{served_fleet}/regressions?{asked}")
    heading = page.get_by_role("heading", name="objects/pedestrian@main f1", exact=True)
    expect(heading).to_be_visible(timeout=30_000)
    expect(page.get_by_text("required cells regressed").first).to_be_visible()
    wanted = mark(page, "row: objects/car@main f1", "slice: light=day")
    expect(wanted).to_be_visible(timeout=30_000)
    expect(mark(page, "slice: light=night", "low: ")).to_be_visible()
    page.wait_for_timeout(500)  # the tables draw themselves on canvases
    keep(page, "regressions")
    framed = page.locator(f"path[stroke='{REQUIRED}']")
    assert framed.count() == 21
    page.get_by_text("significance", exact=True).click()
    expect(page.get_by_text("significance (decimal places of p, signed)")).to_be_visible()
    assert framed.count() == 21
    page.get_by_text("margins", exact=True).click()
    expect(page.get_by_text("delta, in margins")).to_be_visible()
    wanted.click()
    page.wait_for_url("**slice=light%3Dday**", timeout=10_000)
    heading = page.get_by_role("heading", name="objects/car@main f1", exact=True)
    expect(heading).to_be_visible(timeout=10_000)
    with page.expect_popup() as opened:
        click_link_of_the_first_row(page)
    expect(opened.value.get_by_role("heading", name="Clips")).to_be_visible(timeout=30_000)
    clip = parse_qs(urlsplit(opened.value.url).query)["clip"][0]
    expect(opened.value.get_by_text(f"clip {clip} of drive")).to_be_visible(timeout=30_000)


def click_link_of_the_first_row(page: Page) -> None:
    """The table of clips is a canvas: its links stand in the last column, under the header."""
    page.wait_for_timeout(1000)  # until the page stands still
    box = page.locator("[data-testid=stDataFrame]").last.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 100, box["y"] + 52
    page.mouse.move(x - 5, y - 2)
    page.mouse.move(x, y)
    page.wait_for_timeout(300)  # a link opens once it knows that the mouse is over it
    page.mouse.click(x, y)
