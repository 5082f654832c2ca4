"""Each page in a real Chromium: it shows what it should, and what it shows moves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

MARK = "<img src=x onerror=hacked=1>"  # as in conftest.py
Keep = Callable[[Page, str], Path]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

# How many pixels of the overlay are drawn, and how bright the video is.
LOOK = """() => {
  const find = (root, what) => {
    const found = [...root.querySelectorAll(what)];
    for (const element of root.querySelectorAll("*"))
      if (element.shadowRoot) found.push(...find(element.shadowRoot, what));
    return found;
  };
  const canvas = find(document, "canvas").find((c) => c.closest(".tile"));
  const video = find(document, ".tile video")[0];
  if (!canvas || !video || video.readyState < 2) return null;
  const overlay = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let drawn = 0;
  for (let i = 3; i < overlay.length; i += 4) if (overlay[i]) drawn++;
  const copy = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
  const pen = copy.getContext("2d");
  pen.drawImage(video, 0, 0, 64, 36);
  const seen = pen.getImageData(0, 0, 64, 36).data;
  let sum = 0;
  for (let i = 0; i < seen.length; i += 4) sum += seen[i];
  return { drawn, brightness: sum / (64 * 36), time: video.currentTime, duration: video.duration };
}"""


@pytest.fixture
def real_clip(served: str, ask: Any, demo_home: Path) -> str:
    """The address of the page Clips at the real video's clip."""
    clips = ask("clips", "list", "--where", "source = 'video'", "--home", demo_home)
    return f"{served}/?clip={clips[0]['clip_id']}"


def test_the_clip_plays_with_both_networks_drawn_over_it(
    page: Page, real_clip: str, keep: Keep
) -> None:
    page.goto(real_clip)
    expect(page.get_by_role("heading", name="Clips")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("hydra-1.0 (deployed)", exact=True)).to_be_visible(timeout=30_000)
    page.wait_for_function(f"() => (({LOOK})() ?? {{}}).drawn > 0", timeout=30_000)
    before = page.evaluate(LOOK)
    assert before["brightness"] > 20
    assert before["duration"] == pytest.approx(8.84, abs=0.1)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"() => ({LOOK})().time > 1", timeout=30_000)
    page.get_by_role("button", name="Play").click()
    assert keep(page, "clips").stat().st_size > 20_000


def test_views_of_the_networks(page: Page, real_clip: str) -> None:
    page.goto(real_clip)
    page.wait_for_function(f"() => (({LOOK})() ?? {{}}).drawn > 0", timeout=60_000)
    both = drawn_over_time(page)
    choose(page, "difference")
    expect(page.get_by_text("only hydra-1.0 (deployed)", exact=True)).to_be_visible()
    expect(page.get_by_text("marks in this clip: ")).to_be_visible()
    alone = drawn_over_time(page)
    assert all(few <= many for few, many in zip(alone, both, strict=True))
    assert 0 < sum(alone) < sum(both)
    choose(page, "deployed")
    expect(page.get_by_text("hydra-1.1 (candidate)", exact=True)).to_have_count(0)
    assert 0 < sum(drawn_over_time(page)) < sum(both)
    choose(page, "neither")
    assert sum(drawn_over_time(page)) == 0  # this clip has no labels


def test_the_slider_draws_what_is_below_the_threshold(page: Page, real_clip: str) -> None:
    page.goto(real_clip)
    page.wait_for_function(f"() => (({LOOK})() ?? {{}}).drawn > 0", timeout=60_000)
    judged = page.evaluate(LOOK)["drawn"]
    page.get_by_role("slider", name="How far below the threshold").fill("0.4")
    expect(page.get_by_text("score ≥ threshold − 0.40")).to_be_visible()
    assert page.evaluate(LOOK)["drawn"] > judged


def drawn_over_time(page: Page) -> list[int]:
    """How much is drawn at a few instants."""
    counts = []
    for second in (1, 3, 5, 7):
        page.get_by_label("Time", exact=True).fill(str(second))
        page.wait_for_function(f"() => Math.abs((({LOOK})() ?? {{}}).time - {second}) < 0.01")
        counts.append(int(page.evaluate(LOOK)["drawn"]))
    return counts


def choose(page: Page, view: str) -> None:
    """By the keyboard's own way: the radio itself is hidden behind its label."""
    page.get_by_role("radio", name=view, exact=True).check(force=True)


@pytest.fixture
def eight_cameras(served: str, ask: Any, demo_home: Path) -> str:
    """The address of the page Clips at a clip of eight cameras."""
    clips = ask("clips", "list", "--where", "source = 'simulation'", "--home", demo_home)
    return f"{served}/?clip={clips[0]['clip_id']}"


def test_another_clips_video_goes_with_the_filter(page: Page, eight_cameras: str) -> None:
    page.goto(eight_cameras)
    old = page.locator("video[src*='/main.mp4']")
    expect(old).to_be_visible(timeout=60_000)
    link = old.get_attribute("src")
    page.get_by_role("button", name="Play").click()
    page.get_by_label("Trigger").click()
    page.get_by_role("option", name="whole_drive").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="whole_drive")).to_be_visible(timeout=30_000)
    expect(page.locator(f"video[src='{link}']")).to_be_hidden()
    expect(page.locator("video[src*='/main.mp4']:visible")).to_have_count(1, timeout=30_000)
    assert "clip=" not in page.url


def test_a_video_that_is_refused_says_why_and_the_others_play(
    page: Page, eight_cameras: str
) -> None:
    ended = {"status": 409, "body": "this link has <b>ended</b>", "content_type": "text/plain"}
    first = "left_pillar"  # which the others follow
    page.route(f"**/{first}.mp4*", lambda route: route.fulfill(**ended))
    page.goto(eight_cameras)
    refused = page.get_by_text(f"{first}: this link has <b>ended</b>")
    expect(refused).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"() => (({LOOK})() ?? {{}}).time > 1", timeout=30_000)


def test_names_are_never_markup(page: Page, served_marked: str) -> None:
    page.goto(f"{served_marked}/fleet")
    found = mark(page, f"trigger: {MARK}cut_in", "outcome: kept")
    expect(found).to_be_visible(timeout=30_000)
    found.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text(f"{MARK}cut_in")
    for clip in ("drive-003-clip-1", quote(MARK)):
        page.goto(f"{served_marked}/?clip={clip}")
        text = page.get_by_text(MARK).filter(visible=True)  # a table has hidden cells too
        expect(text.first).to_be_visible(timeout=30_000)
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_clip_without_cameras_shows_its_signals(
    page: Page, served: str, ask: Any, keep: Keep, demo_home: Path
) -> None:
    clips = ask("clips", "list", "--where", "source = 'comma2k19'", "--home", demo_home)
    page.goto(f"{served}/?clip={clips[0]['clip_id']}")
    expect(page.get_by_text("recorded without cameras")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible(timeout=30_000)
    keep(page, "clips-signals")


def mark(page: Page, *said: str) -> Locator:
    """A mark of a chart by what it says of itself: Vega writes its fields into its label."""
    found = page.locator("path[role=graphics-symbol]")
    for part in said:
        found = found.and_(page.locator(f"[aria-label*='{part}']"))
    return found.first


def test_fleet_shows_bars_and_a_map(page: Page, served_fleet: str, keep: Keep) -> None:
    page.set_viewport_size({"width": 1280, "height": 1450})
    page.goto(f"{served_fleet}/fleet")
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible(timeout=30_000)
    expect(mark(page, "trigger: cut_in", "outcome: kept")).to_be_visible(timeout=30_000)
    expect(mark(page, "drive_id: drive-000", "light: day")).to_be_visible(timeout=30_000)
    expect(mark(page, "drive: drive-", "outcome: suppressed", "trigger: swerve")).to_be_visible()
    expect(page.get_by_text("Discs are kept events, rings suppressed ones.")).to_be_visible()
    assert page.locator("path[stroke='#c2cad6']").count() == 1  # the highway around the town
    expect(mark(page, "value: night", "drives: 12")).to_be_visible()
    expect(page.get_by_text("Ingest health")).to_be_visible()
    keep(page, "fleet")
