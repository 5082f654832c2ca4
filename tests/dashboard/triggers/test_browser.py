"""The page Triggers in a real Chromium: a trigger is written, tried, saved, applied and paused."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from ingest.schemas import CLIPS
from ingest.triggers.home import find_trigger, home_triggers, save_trigger
from ridealong.lake import Lake
from tests.dashboard.conftest import JOB_MS, serving, settled
from tests.data.braking_drives import BRAKE, make_braking

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def own_home(made_once: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("triggers") / "home"
    shutil.copytree(made_once("braking", make_braking) / "home", home)
    return home


@pytest.fixture(scope="module")
def own(own_home: Path) -> Iterator[str]:
    """The address of a dashboard of drives that brake, on which no trigger fired yet."""
    with serving(own_home) as address:
        yield address


def text_of(page: Page) -> Locator:
    return page.get_by_label("Trigger as YAML")


def press(page: Page, name: str, role: Literal["button", "link"] = "button") -> None:
    """Press a button when the page is drawn; until then the last run's is there beside it."""
    settled(page)
    button = page.get_by_role(role, name=name, exact=True)
    expect(button).to_have_count(1)
    button.click()


def test_a_trigger_is_written_tried_saved_applied_and_paused(
    page: Page, own: str, own_home: Path
) -> None:
    page.goto(f"{own}/triggers")
    press(page, "New trigger", "link")
    expect(text_of(page)).to_have_value(re.compile("my_trigger"))

    # Every mistake is beside the text, and a click goes to its line.
    text_of(page).fill(BRAKE.replace("<= -3", "<= '3 s'").replace("post:", "psot:"))
    mistakes = page.locator(".mistakes button")
    expect(mistakes).to_have_count(2)
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    mistakes.filter(has_text="psot").click()
    selected = text_of(page).evaluate("t => t.value.slice(t.selectionStart, t.selectionEnd)")
    assert selected == "psot: 1 s"

    text_of(page).fill(BRAKE)
    expect(page.get_by_text("It would fire 30 times over 12 drives")).to_be_visible()
    expect(page.get_by_role("row", name="light = night 3")).to_be_visible()
    press(page, "Save")
    expect(page).to_have_url(re.compile("trigger=brake"))
    saved = find_trigger(home_triggers(Lake.open(own_home).snapshot()), "brake")
    assert saved.text == BRAKE

    press(page, "Apply: cut 8 clips")
    expect(page.get_by_text("30 events recorded")).to_be_visible(timeout=JOB_MS)
    assert Lake.open(own_home).snapshot().read(CLIPS).num_rows == 8
    expect(page.get_by_text("Applied to all of these drives.")).to_be_visible()
    press(page, "Pause")
    expect(page.get_by_role("button", name="Activate")).to_be_visible()
    assert not find_trigger(home_triggers(Lake.open(own_home).snapshot()), "brake").is_active
    press(page, "Close")  # the line of the job
    press(page, "See its clips", "link")
    expect(page).to_have_url(re.compile("/clips.trigger=brake"))
    expect(page.locator(".chosen .found")).to_have_text("8 clips")


def test_a_signal_is_searched_and_inserted_at_the_cursor(page: Page, own: str) -> None:
    page.goto(f"{own}/triggers?new=1")
    expect(text_of(page)).to_have_value(re.compile("name:"))  # the editor writes it as it starts
    text = "name: a\ndescription: b\nwhen:  > 3\n"
    text_of(page).fill(text)
    text_of(page).evaluate("t => t.setSelectionRange(29, 29)")
    page.get_by_label("Insert a signal").fill("yaw degrees")
    page.get_by_role("button", name=re.compile("Vehicle.AngularVelocity.Yaw")).click()
    expect(text_of(page)).to_have_value(text[:29] + "Vehicle.AngularVelocity.Yaw" + text[29:])
    expect(page.get_by_text("✓ No mistakes.")).to_be_visible()


def test_the_second_of_two_editors_is_told(page: Page, own: str, own_home: Path) -> None:
    lake = Lake.open(own_home)
    text = BRAKE.replace("name: brake", "name: shared")
    _, first = save_trigger(lake, text, where="first")
    page.goto(f"{own}/triggers?trigger=shared")
    expect(text_of(page)).to_have_value(re.compile("name:"))
    mine = text.replace("pre: 2 s", "pre: 3 s")
    text_of(page).fill(mine)
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    theirs = text.replace("pre: 2 s", "pre: 4 s")
    save_trigger(lake, theirs, where="second", replaces=first.sha256, who="ann")
    press(page, "Save")
    expect(page.get_by_text("was saved by ann while you were editing")).to_be_visible()
    assert find_trigger(home_triggers(lake.snapshot()), "shared").text == theirs
    expect(text_of(page)).to_have_value(mine)
    press(page, "Keep mine")
    expect(page.get_by_text("while you were editing")).to_be_hidden()
    press(page, "Save")
    expect(page.get_by_text("The trigger is saved.")).to_be_visible()
    assert find_trigger(home_triggers(lake.snapshot()), "shared").text == mine
