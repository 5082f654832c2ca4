"""Each page in a real Chromium: it shows what it should, and what it shows moves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

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


def test_the_clip_plays_with_both_networks_drawn_over_it(
    page: Page, served: str, keep: Keep
) -> None:
    page.goto(served)
    expect(page.get_by_role("heading", name="Clips")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("hydra-0.1 (deployed)", exact=True)).to_be_visible(timeout=30_000)
    page.wait_for_function(f"() => (({LOOK})() ?? {{}}).drawn > 0", timeout=30_000)
    before = page.evaluate(LOOK)
    assert before["brightness"] > 20
    assert before["duration"] == pytest.approx(8.84, abs=0.1)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"() => ({LOOK})().time > 1", timeout=30_000)
    page.get_by_role("button", name="Play").click()
    assert keep(page, "clips").stat().st_size > 20_000


def test_layers_can_be_switched_off(page: Page, served: str) -> None:
    page.goto(served)
    page.wait_for_function(f"() => (({LOOK})() ?? {{}}).drawn > 0", timeout=60_000)
    for name in ("deployed", "candidate"):
        page.get_by_label(f"({name})", exact=False).uncheck()
    page.wait_for_function(f"() => ({LOOK})().drawn === 0", timeout=10_000)


def test_a_clip_without_cameras_shows_its_signals(
    page: Page, served: str, ask: Any, keep: Keep, demo_home: Path
) -> None:
    clips = ask("clips", "list", "--where", "source = 'comma2k19'", "--home", demo_home)
    page.goto(f"{served}/?clip={clips[0]['clip_id']}")
    expect(page.get_by_text("recorded without cameras")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible(timeout=30_000)
    keep(page, "clips-signals")
