"""The page Release in a real browser: from the verdict to what broke, and to an export."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import JOB_MS, settled

pytestmark = pytest.mark.browser
Keep = Callable[[Page, str], Path]
VERDICT = re.compile("may not replace")


def open_release(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(address)
    expect(page.get_by_role("heading", name=re.compile("may not replace"))).to_be_visible()


def test_the_verdict_is_above_the_fold_and_leads_to_the_cell(
    page: Page, served_fleet: str, keep: Keep
) -> None:
    open_release(page, served_fleet)
    banner = page.get_by_label("Verdict", exact=True).bounding_box()
    assert banner is not None and banner["y"] + banner["height"] < 300
    expect(page.get_by_role("heading", name=re.compile(r"^Failed \d+"))).to_be_in_viewport()
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    settled(page)  # also what makes a link a rerun
    page.evaluate("() => { window.same = 1 }")
    chip = page.get_by_label("Required checks").get_by_role("link").first
    name = str(chip.locator(".name").inner_text()).strip()
    chip.click()
    page.wait_for_url(re.compile(r"/compare\?run=\w+&prediction=.*&slice=light%3Dnight"))
    expect(page.get_by_text(name, exact=False).first).to_be_visible()
    assert page.evaluate("() => window.same") == 1  # a rerun, not a new load
    page.go_back()
    expect(page.get_by_role("heading", name=re.compile("may not replace"))).to_be_visible()
    keep(page, "release-fleet")


def test_the_keyboard_reaches_a_check_and_its_explanation(page: Page, served_fleet: str) -> None:
    open_release(page, served_fleet)
    chip = page.get_by_label("Required checks").get_by_role("link").first
    chip.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(chip).to_be_focused()
    tip = chip.get_by_role("tooltip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("margin")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?**")


def test_review_opens_the_worst_cell_and_another_run_stays_in_the_address(
    page: Page, served_fleet: str
) -> None:
    open_release(page, served_fleet)
    page.get_by_role("list", name="Runs, the newest first").get_by_role("link").last.click()
    open_run = page.get_by_role("heading", name=re.compile("It is open whether hydra-1.0b"))
    expect(open_run).to_be_visible()
    assert "run=" in page.url
    page.reload()
    expect(open_run).to_be_visible()
    page.get_by_role("link", name=re.compile("^Review")).click()
    page.wait_for_url(re.compile(r"/compare\?run=\w+&prediction="))


def test_the_costliest_frame_is_drawn_and_leads_to_its_clip(
    page: Page, served: str, keep: Keep
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(served)
    expect(page.get_by_role("link", name=re.compile("^Review"))).to_be_visible()
    expect(page.get_by_role("button", name="Send to labeling")).to_be_visible()
    settled(page)
    before = page.locator(".frame").bounding_box()
    link = page.get_by_title("Open this clip at this frame")
    expect(link.get_by_role("img")).to_be_visible(timeout=JOB_MS)
    assert page.locator(".frame").bounding_box() == before  # nothing jumps
    assert "deployed beside candidate" in str(link.get_by_role("img").get_attribute("alt"))
    keep(page, "release-demo")
    link.click()
    page.wait_for_url(re.compile(r"/clip\?clip=\w+&run=\w+&prediction=.*&t="))


def test_copy_link_copies_the_address_with_the_run(page: Page, served_fleet: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_release(page, served_fleet)
    copy = page.get_by_role("button", name="Copy link")
    expect(copy).to_be_visible()
    settled(page)
    copy.click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(served_fleet) + r"/\?run=[0-9a-f]+", copied)


def test_what_cost_most_is_counted_and_exported(
    page: Page, demo_home: Path, tmp_path: Path, serve: Any, keep: Keep
) -> None:
    home = tmp_path / "own" / "home"
    shutil.copytree(demo_home, home)
    with serve(home) as address:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address)
        page.get_by_role("button", name="Send to labeling").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("Would write")).to_be_visible()
        expect(
            dialog.get_by_text(re.compile(r"\d+ clips?, .* images?, about .* MB"))
        ).to_be_visible()
        keep(page, "send-to-labeling")
        name = dialog.get_by_role("textbox", name="Name")
        name.fill("../night")
        name.press("Enter")
        dialog.get_by_role("button", name="Start export").click()
        expect(dialog.get_by_text("cannot be the name of an export")).to_be_visible()
        name.fill("night")
        name.press("Enter")
        expect(dialog.get_by_text(f"{home}/exports/night")).to_be_visible()
        dialog.get_by_role("button", name="Start export").click()
        expect(page.get_by_text(re.compile(f"Wrote .* to {home}/exports/night"))).to_be_visible(
            timeout=JOB_MS
        )
        page.goto("about:blank")  # the server ends first
    assert (home / "exports/night/ridealong-manifest.json").is_file()
