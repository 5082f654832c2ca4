"""The player in a real Chromium: it shows, plays, steps, zooms and repeats; the address follows."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import settled
from tests.dashboard.player.opening import opened

Keep = Callable[[Page, str], Path]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

# How many pixels of a canvas are drawn, in each of so many equal parts from left to right.
DRAWN = """(canvas, parts) => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const counts = Array(parts).fill(0);
  for (let i = 3; i < data.length; i += 4)
    if (data[i]) counts[Math.floor((((i >> 2) % width) * parts) / width)]++;
  return counts;
}"""
# How many pixels have the colour of vehicles seen from above, in each such part.
VEHICLES = """(canvas, parts) => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const counts = Array(parts).fill(0);
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 2] > 200 && data[i] < 120)
      counts[Math.floor((((i >> 2) % width) * parts) / width)]++;
  return counts;
}"""


@pytest.fixture
def eight_cameras(served: str, ask: Any, demo_home: Path) -> str:
    """The address of a clip of eight cameras that both networks were run on."""
    clips = ask("clips", "list", "--where", "source = 'simulation'", "--home", demo_home)
    return f"{served}/clip?clip={clips[0]['clip_id']}"


def large(player: Locator) -> Locator:
    return player.locator(".tile.large")


def drawn(player: Locator, parts: int = 1) -> list[int]:
    found: list[int] = large(player).locator("canvas").evaluate(DRAWN, parts)
    return found


def time_of(player: Locator) -> float:
    return float((player.locator(".time").text_content() or "").removesuffix(" s"))


def wait_for_time(page: Page, player: Locator, condition: str) -> None:
    """Wait until a condition on the time ``t`` in seconds holds."""
    clock = player.locator(".time").element_handle()
    script = f"(clock) => {{ const t = parseFloat(clock.value); return {condition}; }}"
    page.wait_for_function(script, arg=clock)


def words_of(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_all_cameras_show_a_frame_with_both_networks_drawn(
    page: Page, eight_cameras: str, keep: Keep
) -> None:
    player = opened(page, eight_cameras)
    expect(player.get_by_role("button", name="hydra-1.0 (deployed)")).to_be_visible()
    assert player.locator("video").count() == 8
    assert drawn(player)[0] > 0
    expect(player.get_by_text("Vehicle.Speed (km/h)")).to_be_visible()
    assert keep(page, "clip").stat().st_size > 20_000


def test_layers_are_switched_without_a_rerun(page: Page, eight_cameras: str) -> None:
    sent: list[object] = []

    def keep_sent(frame: object) -> None:
        sent.append(frame)

    page.on("websocket", lambda socket: socket.on("framesent", keep_sent))
    player = opened(page, eight_cameras)
    both, before = drawn(player)[0], len(sent)
    for layer in ("hydra-1.0 (deployed)", "hydra-1.1 (candidate)", "labels"):
        button = player.get_by_role("button", name=layer)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
    page.wait_for_function("() => location.search.includes('layers=')")
    assert drawn(player)[0] < both
    assert len(sent) == before


def test_views_and_what_is_below_the_threshold(
    page: Page, served: str, ask: Any, demo_home: Path
) -> None:
    (clip,) = ask("clips", "list", "--where", "source = 'video'", "--home", demo_home)[:1]
    player = opened(page, f"{served}/clip?clip={clip['clip_id']}&t=2")
    expect(player.get_by_text("This clip has no labels.")).to_be_visible()
    both = drawn(player)[0]
    player.get_by_role("button", name="differences").click()
    page.wait_for_function("() => location.search.includes('view=difference')")
    assert 0 < drawn(player)[0] < both
    player.get_by_role("button", name="all", exact=True).click()
    player.get_by_role("slider", name="How far below the threshold").fill("0.4")
    expect(player.get_by_text("score ≥ threshold − 0.40")).to_be_visible()
    canvas = large(player).locator("canvas").element_handle()
    more = f"(canvas) => ({DRAWN})(canvas, 1)[0] > {both}"
    page.wait_for_function(more, arg=canvas)


def test_keys(page: Page, eight_cameras: str) -> None:
    player = opened(page, eight_cameras)
    press = page.keyboard.press
    press("ArrowRight")
    press("ArrowRight")
    expect(player.locator(".time")).to_have_text("0.40 s")
    press("ArrowLeft")
    expect(player.locator(".time")).to_have_text("0.20 s")
    press("Space")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    wait_for_time(page, player, "t > 0.9")
    press("Space")
    expect(player.get_by_role("button", name="Play")).to_be_visible()
    press("1")
    expect(large(player)).to_have_attribute("data-name", "left_pillar")
    press(">")
    expect(player.get_by_label("Speed", exact=True)).to_have_value("1.5")
    press("?")
    expect(player.get_by_text("one frame forward")).to_be_visible()
    press("Escape")
    expect(player.get_by_text("one frame forward")).to_be_hidden()


def test_a_range_is_repeated(page: Page, eight_cameras: str) -> None:
    player = opened(page, f"{eight_cameras}&t=1")
    page.keyboard.press("[")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    player.get_by_role("button", name="The range ends here").click()  # as the key ]
    repeat = player.get_by_role("button", name="Repeat", exact=True)
    expect(repeat).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    for condition in ("t < 1.3", "t > 1.3", "t < 1.3"):  # it has gone back
        wait_for_time(page, player, condition)
    page.keyboard.press("Space")
    assert 0.8 <= time_of(player) <= 1.8


def test_zoom_follows_the_wheel_and_a_double_click_ends_it(page: Page, eight_cameras: str) -> None:
    player = opened(page, eight_cameras)
    video = large(player).locator("video")
    large(player).hover()
    page.mouse.wheel(0, -300)
    expect(video).to_have_attribute("style", re.compile(r"scale\(2\.7"))
    page.keyboard.press("-")
    expect(video).to_have_attribute("style", re.compile(r"scale\(1\.8"))
    large(player).dblclick()
    expect(video).not_to_have_attribute("style", re.compile("scale"))


def test_a_copied_address_shows_the_same(page: Page, eight_cameras: str) -> None:
    player = opened(page, eight_cameras)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("4")
    player.get_by_role("button", name="differences").click()
    player.get_by_role("button", name="lanes").click()
    player.get_by_label("Add a signal").select_option(index=1)
    page.wait_for_function("() => /camera=.*view=.*signals=/.test(location.search)")
    words, shown = words_of(page), drawn(player)
    assert words["t"] == "0.20" and words["view"] == "difference"
    assert "lanes" not in words["marks"].split(",")
    again = opened(page, page.url)
    assert time_of(again) == 0.2 and words_of(page) == words
    assert large(again).get_attribute("data-name") == words["camera"]
    expect(again.get_by_role("button", name="lanes")).to_have_attribute("aria-pressed", "false")
    expect(again.locator(".signal")).to_have_count(3)
    assert drawn(again) == shown


def test_a_rerun_keeps_what_is_shown_and_the_address(page: Page, eight_cameras: str) -> None:
    player = opened(page, eight_cameras)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**t=0.20**")
    link = player.locator("video").first.get_attribute("src")
    page.keyboard.press("r")  # Streamlit's own key
    state = "data-test-script-state"
    expect(page.get_by_test_id("stApp")).to_have_attribute(state, "running")
    settled(page)
    expect(player.locator("video").first).to_have_attribute("src", link or "")
    assert time_of(player) == 0.2 and words_of(page)["t"] == "0.20"


def test_the_next_clip_comes_with_a_key(page: Page, eight_cameras: str) -> None:
    player = opened(page, eight_cameras)
    before = words_of(page)["clip"]
    page.keyboard.press("l")
    page.wait_for_function(f"() => !location.search.includes('{before}')")
    expect(player.locator(f"video[src*='{before}']")).to_have_count(0)
    page.keyboard.press("j")
    page.wait_for_function(f"() => location.search.includes('{before}')")


def cell_address(eight_cameras: str, **more: str) -> str:
    cell = {"prediction": "bev/vehicle", "metric": "iou", "slice": "country=US"}
    return f"{eight_cameras}&{urlencode(cell | more)}"


def test_a_regression_opens_on_its_costliest_frame_with_the_top_down_layer(
    page: Page, eight_cameras: str, keep: Keep
) -> None:
    player = opened(page, cell_address(eight_cameras))
    expect(large(player)).to_have_attribute("data-name", "top")
    said = re.compile(r"bev/vehicle iou at country=US: this clip explains .* frame is at")
    expect(player.get_by_text(said)).to_be_visible()
    canvas = large(player).locator("canvas")
    networks = f"(canvas) => ({VEHICLES})(canvas, 3).every(Boolean)"
    page.wait_for_function(networks, arg=canvas.element_handle())
    keep(page, "clip-top-down")
    found = canvas.evaluate(VEHICLES, 3)
    assert len(set(found)) == 3, found  # labels, deployed and candidate differ


def test_a_video_that_is_refused_says_why_and_the_others_play(
    page: Page, eight_cameras: str
) -> None:
    gone = {"status": 409, "body": "this file is <b>gone</b>", "content_type": "text/plain"}
    page.route("**/left_pillar.mp4*", lambda route: route.fulfill(**gone))  # the others follow it
    player = opened(page, eight_cameras)
    expect(player.get_by_text("this file is <b>gone</b>")).to_be_visible()
    page.keyboard.press("Space")
    wait_for_time(page, player, "t > 1")


def test_expired_links_are_renewed(page: Page, eight_cameras: str) -> None:
    refused: list[str] = []

    def once(route: Any) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=403, body="this link has expired; reload the page")

    page.route("**/clip.json*", once)
    player = opened(page, eight_cameras)
    assert refused and player.get_by_text("expired").count() == 0


def test_a_clip_without_cameras_shows_its_signals(
    page: Page, served: str, ask: Any, demo_home: Path, keep: Keep
) -> None:
    clips = ask("clips", "list", "--where", "source = 'comma2k19'", "--home", demo_home)
    page.goto(f"{served}/clip?clip={clips[0]['clip_id']}")
    player = page.locator(".player")
    expect(player.get_by_text("recorded without cameras")).to_be_visible()
    expect(player.locator(".signal .curve").first).to_be_visible()
    page.keyboard.press("Space")
    wait_for_time(page, player, "t > 0.5")
    keep(page, "clip-signals")
