"""The page Compare in a real Chromium: by keyboard, by clicks, and with very many checks."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.compare.made import many, write_runs
from tests.dashboard.conftest import MARK, serving, settled

Keep = Callable[[Page, str], Path]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
ASKED = "prediction=objects%2Fpedestrian%40main&metric=f1&slice=light%3Dnight"


def check_at(page: Page, name: str) -> Locator:
    """The link of a check in the grid, by what it says of itself."""
    return page.get_by_role("link", name=f"{name}:")


def shows(page: Page, prediction: str) -> None:
    heading = page.locator(".compare.check h2")
    expect(heading).to_have_text(re.compile(rf"^{re.escape(prediction)} "))


def test_a_link_to_a_check_another_by_keyboard_and_the_clip_behind_it(
    page: Page, served_fleet: str, keep: Keep
) -> None:
    page.goto(f"{served_fleet}/compare?{ASKED}")
    chosen = check_at(page, "objects/pedestrian@main f1 at light=night")
    expect(chosen).to_have_attribute("aria-current", "true")
    expect(chosen).to_have_attribute("aria-label", re.compile("REGRESSED, delta .* required$"))
    shows(page, "objects/pedestrian@main")
    keep(page, "compare-fleet")
    chosen.focus()
    page.keyboard.press("ArrowLeft")
    beside = check_at(page, "objects/pedestrian@main f1 at light=day")
    expect(beside).to_be_focused()
    expect(page.locator(".said")).to_contain_text("objects/pedestrian@main f1 at light=day: PASS")
    page.keyboard.press("Home")
    expect(check_at(page, "objects/pedestrian@main f1 at all")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url("**slice=all**")
    expect(page.locator("tr[aria-current] th")).to_have_text("all")
    expect(check_at(page, "objects/pedestrian@main f1 at all")).to_be_focused()
    settled(page)  # until then, what is behind the last check is there
    page.locator(".behind").scroll_into_view_if_needed()
    page.get_by_text(re.compile("All [0-9]+ clips as a table")).click()
    expect(page.locator(".behind td a").first).to_be_visible()
    page.locator(".behind th .term").nth(1).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".behind th .tip").nth(1)).to_be_visible()
    page.locator(".filmstrip a").first.click()
    page.wait_for_url(re.compile(r"/clip\?clip=drive-.*prediction=objects%2Fpedestrian%40main"))


def test_two_runs_and_filters_by_clicks(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/compare")
    expect(page.get_by_role("combobox", name="Compared with")).to_be_visible()
    settled(page)
    page.get_by_role("combobox", name="Compared with").click()
    page.get_by_role("option").first.click()
    # Checks of the grid say it too, below.
    page.get_by_role("link", name=re.compile("newly regressed")).first.click()
    page.wait_for_url("**changed=newly+regressed**")
    expect(page.get_by_label("Pages", exact=True)).to_contain_text("without filters")
    page.get_by_text("List", exact=True).click()
    row = page.locator(".compare.listed tbody tr").first
    expect(row).to_contain_text("newly regressed")
    page.get_by_role("textbox", name="Text").fill("truck night")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("objects/truck@main")
    row.get_by_role("link").click()
    shows(page, "objects/truck@main")
    expect(page.get_by_role("columnheader", name="other run").first).to_be_visible()
    page.goto(page.url)  # a copied address shows the same
    shows(page, "objects/truck@main")
    expect(page.get_by_role("textbox", name="Text")).to_have_value("truck night")


@pytest.fixture(scope="module")
def served_many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("many") / "home"
    write_runs(home, many(), many(shift=7))
    with serving(home) as address:
        yield address


def test_fifty_thousand_checks(page: Page, served_many: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{served_many}/compare")
    pages = page.get_by_label("Pages", exact=True)
    expect(pages).to_contain_text("Rows 1 to 60 of 1,000 rows")
    expect(pages).to_contain_text("30 of 50 slices")
    expect(page.locator("td a")).to_have_count(60 * 30)
    expect(page.get_by_text("50,000 checks")).to_be_visible()
    pages.get_by_role("link", name="next").click()
    expect(pages).to_contain_text("Rows 61 to 120")
    first = page.locator("td a").first
    expect(first).to_have_attribute("tabindex", "0")  # the chosen check is on another page
    first.focus()
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    expect(page.locator("td a[aria-current]")).to_be_focused()


def test_names_are_never_markup(page: Page, served_marked: str) -> None:
    page.goto(f"{served_marked}/compare")
    run = page.get_by_role("combobox", name="Run")
    expect(run).to_have_value(re.compile(re.escape(f"{MARK}hydra-1.1")))
    expect(page.get_by_text(f"candidate: {MARK}hydra-1.1")).to_be_visible()
    settled(page)
    page.locator(".behind").scroll_into_view_if_needed()
    expect(page.locator(".filmstrip li").first).to_contain_text(MARK)
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
