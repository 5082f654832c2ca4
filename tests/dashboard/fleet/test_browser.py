"""The page Fleet in a real Chromium: bars, a map whose events open clips, and filters."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import MARK, settled

Keep = Callable[[Page, str], Path]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def event(page: Page, *said: str) -> Locator:
    """An event on the map by what it says of itself; kept ones lie above others."""
    found = page.locator(".plot .mark")
    for part in said:
        found = found.and_(page.locator(f"[aria-label*='{part}']"))
    return found.last


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
    swerve = event(page, "swerve, kept, drive drive-")
    expect(swerve).to_be_visible()
    expect(event(page, "hard_brake")).to_have_count(0)
    expect(page.locator(".legend li")).to_have_text(["swerve"])
    expect(page.locator(".tracks path")).to_have_count(24)
    swerve.hover()
    expect(page.locator(".told")).to_contain_text("swerve, kept, drive drive-")
    keep(page, "fleet")
    swerve.click()
    expect(page).to_have_url(re.compile(r"/clip\?clip=drive-\d+-clip-\d&t=15\.00"))


def test_a_track_says_its_drive(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet?vehicles=vehicle-7&triggers=weather")
    track = page.locator(".tracks path").first
    expect(track).to_be_visible()
    told = page.locator(".told")
    settled(page)
    for _ in range(20):  # the map may still move under the mouse
        place = track.evaluate(
            """path => { const at = path.getPointAtLength(1).matrixTransform(path.getScreenCTM());
            return [at.x, at.y]; }"""
        )
        page.mouse.move(0, 0)
        page.mouse.move(*place)
        if "vehicle vehicle-7" in (told.text_content() or ""):
            break
        page.wait_for_timeout(250)
    expect(told).to_have_text(re.compile("drive drive-0.., vehicle vehicle-7"))


def test_arrow_keys_go_from_event_to_event(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet")
    first = page.locator(".mark[tabindex='0']")
    expect(first).to_have_count(1)
    first.focus()
    expect(page.locator(".told")).to_have_text(str(first.get_attribute("aria-label")))
    left = first.evaluate("mark => parseFloat(mark.style.left)")
    key = "ArrowRight" if left < 50 else "ArrowLeft"
    page.keyboard.press(key)
    next_left = first.evaluate("mark => parseFloat(mark.style.left)")  # the Tab key comes here now
    assert next_left > left if key == "ArrowRight" else next_left < left
    expect(first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".told")).to_be_hidden()


def test_the_map_is_seen_closer_and_scrolls_only_then(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet")
    scale, view = page.locator(".scale"), page.locator(".view")
    expect(scale).to_have_text("500 m")
    expect(view).to_have_css("overflow", "hidden")
    settled(page)
    bar = scale.evaluate("bar => bar.offsetWidth")
    page.get_by_role("button", name="Zoom in").click()
    expect(scale).to_have_text("200 m")
    assert scale.evaluate("bar => bar.offsetWidth") == pytest.approx(bar * 2 * 200 / 500, abs=2)
    expect(view).to_have_css("overflow", "auto")
    assert view.evaluate("view => view.scrollTop") > 0  # the middle stays in the middle
    page.get_by_role("button", name="Zoom out").press("Enter")
    expect(scale).to_have_text("500 m")
    expect(page.get_by_role("button", name="Zoom out")).to_be_disabled()


def test_the_list_of_events_is_reached_with_the_keyboard(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet?vehicles=vehicle-7&page=2")
    links = page.get_by_role("table", name="Events").get_by_role("link")
    expect(links.first).to_be_visible()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    page.get_by_role("link", name="newer").press("Enter")
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    links.first.press("Enter")
    expect(page).to_have_url(re.compile(r"/clip\?clip=drive-023-clip-\d&t="))


def test_filters_are_chosen_with_the_keyboard(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet?tab=Map")
    vehicles = page.locator("summary", has_text="Vehicles: all")
    expect(page.locator(".tracks path")).to_have_count(24)
    vehicles.press("Enter")
    page.get_by_label("vehicle-3", exact=True).press("Space")
    expect(page).to_have_url(re.compile(r"tab=Map&vehicles=vehicle-3$"))
    expect(page.locator("summary", has_text="Vehicles: vehicle-3")).to_be_visible()
    expect(page.locator(".tracks path")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.get_by_label("vehicle-3", exact=True)).to_be_hidden()
    page.locator("select[name=events]").select_option("suppressed")
    expect(page).to_have_url(re.compile(r"vehicles=vehicle-3&events=suppressed$"))
    expect(page.locator(".mark.kept")).to_have_count(0)
    page.go_back()
    expect(page.locator(".mark.kept")).to_have_count(12)


def test_conditions_and_ingest_health_have_views(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/fleet")
    page.get_by_role("link", name="Conditions").click()
    expect(mark(page, "trigger: cut_in", "outcome: kept")).to_be_visible()
    expect(mark(page, "value: night", "drives: 12")).to_be_visible()
    page.get_by_role("link", name="Ingest health").click()
    table = page.get_by_role("table", name="Quarantine")
    expect(table).to_contain_text("not a Parquet file")
    expect(page).to_have_url(re.compile("tab=Ingest"))


def test_names_are_never_markup(page: Page, served_marked: str) -> None:
    page.goto(f"{served_marked}/fleet?tab=Conditions")
    found = mark(page, f"trigger: {MARK}cut_in", "outcome: kept")
    expect(found).to_be_visible()
    settled(page)
    found.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text(f"{MARK}cut_in")
    page.goto(f"{served_marked}/fleet")
    expect(page.get_by_role("table", name="Events")).to_contain_text(MARK)
    expect(page.locator(".legend li").first).to_contain_text(MARK)
    page.locator(".mark[tabindex='0']").focus()
    expect(page.locator(".told")).to_contain_text(MARK)
    page.goto(f"{served_marked}/clips")
    expect(page.locator(".facet .value").first).to_contain_text(MARK)
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
