"""The page Fleet in a real Chromium: bars, a map whose events open clips, and filters."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

MARK = "<img src=x onerror=hacked=1>"  # as in conftest.py
Keep = Callable[[Page, str], Path]
WAIT_MS = 60_000
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def mark(page: Page, *said: str) -> Locator:
    """A mark of a chart by what it says of itself: Vega writes its fields into its label."""
    found = page.locator("path[role=graphics-symbol]")
    for part in said:
        found = found.and_(page.locator(f"[aria-label*='{part}']"))
    return found.first


def test_a_click_on_the_map_opens_the_clip_at_the_event(
    page: Page, served_fleet: str, keep: Keep
) -> None:
    page.set_viewport_size({"width": 1280, "height": 1100})
    page.goto(f"{served_fleet}/fleet?events=kept&triggers=swerve")
    event = mark(page, "drive: drive-", "outcome: kept", "trigger: swerve")
    expect(event).to_be_visible(timeout=WAIT_MS)
    expect(mark(page, "drive_id: drive-000", "light: day")).to_be_visible()
    expect(mark(page, "trigger: hard_brake")).to_have_count(0)
    keep(page, "fleet")
    event.click()
    expect(page).to_have_url(re.compile(r"/clip\?clip=drive-\d+-clip-\d&t=15\.00"), timeout=WAIT_MS)


def test_the_list_of_events_is_reached_with_the_keyboard(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet?vehicles=vehicle-7&page=2")
    links = page.get_by_role("table", name="Events").get_by_role("link")
    expect(links.first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Page 2 of 2")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Previous").press("Enter")
    expect(page.get_by_text("Page 1 of 2")).to_be_visible(timeout=WAIT_MS)
    links.first.press("Enter")
    expect(page).to_have_url(re.compile(r"/clip\?clip=drive-023-clip-\d&t="), timeout=WAIT_MS)


def test_conditions_and_ingest_health_have_views(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet")
    page.get_by_role("tab", name="Conditions").click()
    expect(mark(page, "trigger: cut_in", "outcome: kept")).to_be_visible(timeout=WAIT_MS)
    expect(mark(page, "value: night", "drives: 12")).to_be_visible()
    page.get_by_role("tab", name="Ingest health").click()
    table = page.get_by_role("table", name="Quarantine")
    expect(table).to_contain_text("not a Parquet file", timeout=WAIT_MS)
    expect(page).to_have_url(re.compile("tab=Ingest"))


def test_names_are_never_markup(page: Page, served_marked: str) -> None:
    page.goto(f"{served_marked}/fleet?tab=Conditions")
    found = mark(page, f"trigger: {MARK}cut_in", "outcome: kept")
    expect(found).to_be_visible(timeout=WAIT_MS)
    found.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text(f"{MARK}cut_in")
    page.goto(f"{served_marked}/fleet")
    expect(page.get_by_role("table", name="Events")).to_contain_text(MARK, timeout=WAIT_MS)
    page.goto(f"{served_marked}/clips")
    expect(page.locator(".facet .value").first).to_contain_text(MARK, timeout=WAIT_MS)
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
