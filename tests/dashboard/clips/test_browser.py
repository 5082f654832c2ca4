"""The page Clips in a real Chromium: filtered by clicking, selected with Shift, tagged, opened."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from ingest.clips.tags import tags_of
from ridealong.lake import Lake
from tests.dashboard.conftest import serving, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def own_home(fleet_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("clips") / "home"
    shutil.copytree(fleet_home, home)
    return home


@pytest.fixture(scope="module")
def own(own_home: Path) -> Iterator[str]:
    """The address of a dashboard of a fleet that the tests may change."""
    with serving(own_home) as address:
        yield address


def cards(page: Page) -> Locator:
    return page.locator(".grid .card a")


def found(page: Page) -> Locator:
    return page.locator(".chosen .found")


def test_clips_are_filtered_selected_tagged_and_opened(
    page: Page, own: str, own_home: Path
) -> None:
    page.goto(f"{own}/clips")
    expect(found(page)).to_have_text("96 clips")
    page.get_by_role("checkbox", name="night").check()
    expect(found(page)).to_have_text("48 of 96 clips")
    expect(page).to_have_url(re.compile("light=night"))
    expect(page.get_by_role("checkbox", name="night")).to_be_focused()

    ids = [card.get_attribute("data-clip") or "" for card in page.locator(".card").all()]
    page.locator(".pick input").nth(1).check()
    page.locator(".pick input").nth(4).click(modifiers=["Shift"])
    expect(page.locator(".pick input:checked")).to_have_count(4)
    expect(page.locator(".actions .count")).to_have_text("4 selected")
    page.get_by_label("Tags to add").fill("glare, <b>wet</b>")
    page.get_by_role("button", name="Add tags").click()
    expect(page.locator(".card .tag", has_text="glare")).to_have_count(4)
    tags = tags_of(Lake.open(own_home).snapshot())
    assert tags == {clip_id: ["<b>wet</b>", "glare"] for clip_id in ids[1:5]}

    page.get_by_role("button", name="Send to labeling").click()
    expect(page.get_by_role("dialog").get_by_text("the 4 selected clips")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("checkbox", name="glare").check()
    expect(found(page)).to_have_text("4 of 96 clips")
    cards(page).first.focus()
    page.keyboard.press("ArrowRight")
    expect(cards(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/clip\\?clip={ids[2]}&light=night&tag=glare"))


def test_the_keyboard_selects_and_turns_pages(page: Page, own: str) -> None:
    page.goto(f"{own}/clips?sort=longest")
    expect(cards(page)).to_have_count(48)
    count = page.locator(".actions .count")
    cards(page).first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(count).to_have_text("3 selected")
    page.keyboard.press("Control+a")
    expect(count).to_have_text("48 selected")
    page.get_by_role("button", name="Next").press("Enter")
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(count).to_have_text("48 selected (48 not shown)")
    cards(page).first.press("Escape")
    expect(count).to_have_text("None selected")


def test_words_find_clips_and_a_filter_is_taken_away(page: Page, own: str) -> None:
    page.goto(f"{own}/clips?road=city")
    expect(found(page)).to_have_text("48 of 96 clips")
    page.get_by_role("searchbox").fill("drive-003")
    page.get_by_role("searchbox").press("Enter")
    expect(found(page)).to_have_text("4 of 96 clips")
    page.get_by_role("button", name="Take away the filter Road: city").click()
    page.get_by_role("searchbox").fill("no such words")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("No clip fits all of this")).to_be_visible()


def test_pictures_come_into_boxes_of_their_size(page: Page, served: str) -> None:
    page.goto(f"{served}/clips")
    picture = page.locator(".picture img").first
    expect(picture).to_be_visible()
    settled(page)
    before = picture.bounding_box()
    page.wait_for_function(
        "(img) => img.complete && img.naturalWidth > 0", arg=picture.element_handle()
    )
    assert picture.bounding_box() == before
    assert (picture.get_attribute("alt") or "").count(",") >= 1
