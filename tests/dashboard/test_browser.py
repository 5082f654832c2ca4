"""Each page in a real Chromium: it shows what it should, and what it shows moves."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import MARK

Keep = Callable[[Page, str], Path]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_names_are_never_markup(page: Page, served_marked: str) -> None:
    page.goto(f"{served_marked}/fleet")
    found = page.locator(f".mark.kept[aria-label^='{MARK}cut_in']").first
    expect(found).to_be_visible()
    found.hover()
    expect(page.locator(".told")).to_contain_text(f"{MARK}cut_in")
    for clip in ("drive-003-clip-1", quote(MARK)):
        page.goto(f"{served_marked}/clip?clip={clip}")
        text = page.get_by_text(MARK).filter(visible=True)  # a table has hidden cells too
        expect(text.first).to_be_visible()
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
