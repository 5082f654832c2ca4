"""The clip page's player in Chromium, compared with the same videos in a page of nothing else.

First frames: from the moment the player is mounted until all cameras show a frame with its
overlays, against the same links in a bare page from its load event. Both pages are opened in fresh
browsers (nothing cached), in turns, from the same server. A player that gives up waiting for a
camera counts as one that takes forever, and fails the benchmark. Then the clip is repeated at its
own speed, for a minute by default: how far the videos drift apart, how many frames are dropped, and
what travels beside the video of the whole clip.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf, isinf
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

REPOSITORY = Path(__file__).parents[1]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FIRST_LIMIT, BYTES_LIMIT = 1.5, 1_000_000
PATIENCE_MS = 120_000

VIDEOS = """() => {
  const find = (root) => [...root.querySelectorAll("*")].flatMap((element) =>
    element.shadowRoot
      ? [...element.shadowRoot.querySelectorAll("video"), ...find(element.shadowRoot)]
      : []);
  return find(document);
}"""
# Every frame that the first video shows: how far the others are from it, in seconds.
WATCH = f"""() => {{
  const videos = ({VIDEOS})();
  window.drifts = [];
  const look = () => {{
    const now = videos[0].currentTime;
    if (videos.every((video) => !video.seeking && !video.paused))
      window.drifts.push(Math.max(...videos.map((video) => Math.abs(video.currentTime - now))));
    videos[0].requestVideoFrameCallback(look);
  }};
  videos[0].requestVideoFrameCallback(look);
}}"""
QUALITY = f"""() => ({VIDEOS})().map((video) => {{
  const {{ droppedVideoFrames, totalVideoFrames }} = video.getVideoPlaybackQuality();
  return [droppedVideoFrames, totalVideoFrames];
}})"""
BESIDE = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => name.includes("/api/clips/") && !name.includes(".mp4"))
  .map(({ name, encodedBodySize }) =>
    [new URL(name).pathname.split("/").slice(4).join("/"), encodedBodySize])"""
BARE = """<!doctype html><title>bare</title><script>
onload = () => {
  const start = performance.now();
  const waits = LINKS.map((src) => new Promise((done) => {
    const video = document.createElement("video");
    Object.assign(video, { src, muted: true, preload: "auto" });
    video.requestVideoFrameCallback(done);
    document.body.append(video);
  }));
  const end = () => { window.taken = performance.now() - start; };
  Promise.all(waits).then(() => requestAnimationFrame(end));
};
</script><body>"""


def main() -> int:
    """Print the tables; returns 1 if a limit is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--home", type=Path, default=Path("ridealong-home"))
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--seconds", type=int, default=60)
    given = options.parse_args()
    clip = chosen_clip(given.home)
    with serving(given.home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        url = f"{address}/clip?clip={clip['clip_id']}&t=0"
        first = first_frames(browser, address, url, given.turns)
        played = play_for(browser, url, given.seconds)
        browser.close()
    return report(clip, given, first, played)


def chosen_clip(home: Path) -> dict[str, Any]:
    """The clip with the most cameras; of these, the longest."""
    clips = asked(["clips", "list", "--home", str(home)])
    found: dict[str, Any] = max(clips, key=lambda clip: (len(clip["cameras"]), seconds_of(clip)))
    return found


def seconds_of(clip: dict[str, Any]) -> float:
    return float(clip["end_ns"] - clip["start_ns"]) / 1e9


def asked(words: list[str]) -> Any:
    command = [sys.executable, "-m", "ridealong", *words, "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The address of a dashboard of the home."""
    command = [sys.executable, "-m", "ridealong", "dashboard", "--home", str(home), "--port", "0"]
    server = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, cwd=REPOSITORY)
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())["url"]
    finally:
        server.terminate()
        server.wait(20)


def first_frames(
    browser: Browser, address: str, url: str, turns: int
) -> tuple[list[float], list[float]]:
    """Milliseconds until all cameras show a frame: in the player, and in a bare page.

    A first turn is not counted: in it the server unpacks the videos.
    """
    ours, bare = [], []
    for turn in range(turns + 1):
        taken, links = mounted_to_complete(browser, url)
        alone = load_to_frames(browser, address, links)
        if turn:
            ours.append(taken)
            bare.append(alone)
    return ours, bare


def mounted_to_complete(browser: Browser, url: str) -> tuple[float, list[str]]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(url)
    complete = open_player(page)
    mounted = page.evaluate("() => performance.getEntriesByName('player mounted')[0].startTime")
    links = page.evaluate(f"() => ({VIDEOS})().map((video) => video.src)")
    page.close()
    return (inf if complete is None else complete - mounted), links


def open_player(page: Page) -> float | None:
    """Wait until the player is complete; the time of that in the page, in milliseconds.

    None if the player gave up waiting: then not all cameras have shown a frame with overlays.
    """
    found = "() => performance.getEntriesByName('player complete')[0]"
    mark = page.wait_for_function(found, timeout=PATIENCE_MS)
    taken, late = mark.evaluate("({ startTime, detail }) => [startTime, detail.late]")
    return None if late else float(taken)


def load_to_frames(browser: Browser, address: str, links: list[str]) -> float:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    body = BARE.replace("LINKS", json.dumps(links))
    page.route(f"{address}/bare", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{address}/bare")
    taken = page.wait_for_function("() => window.taken", timeout=PATIENCE_MS).json_value()
    page.close()
    return float(taken)


def play_for(browser: Browser, url: str, seconds: int) -> dict[str, Any]:
    """Repeat the clip for some seconds, and look at every frame that the first video shows."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script("performance.setResourceTimingBufferSize(10000)")  # none is left out
    page.goto(url)
    open_player(page)
    page.keyboard.press("o")
    page.evaluate(WATCH)
    page.keyboard.press(" ")
    page.wait_for_timeout(1000 * seconds)
    page.keyboard.press(" ")
    played = {
        "drifts": page.evaluate("() => window.drifts"),
        "quality": page.evaluate(QUALITY),
        "beside": page.evaluate(BESIDE),
    }
    page.close()
    return played


def report(
    clip: dict[str, Any],
    given: argparse.Namespace,
    first: tuple[list[float], list[float]],
    played: dict[str, Any],
) -> int:
    """Print the tables; returns 1 if a limit is missed."""
    ours, bare = (median(times) for times in first)
    frame_s = seconds_of(clip) / max(clip["frames"] - 1, 1)
    drift = max(played["drifts"], default=inf) / frame_s
    late = sum(map(isinf, first[0]))
    dropped, total = (sum(values) for values in zip(*played["quality"], strict=True))
    beside = sum(size for _, size in played["beside"])
    signals = [size for name, size in played["beside"] if name == "signal.json"]
    print(
        f"A clip of {len(clip['cameras'])} cameras, {seconds_of(clip):.0f} s. "
        f"Medians of {given.turns} fresh browsers each, in turns. Then the clip is repeated for "
        f"{given.seconds} s at 1×, and {len(played['drifts'])} frames are looked at.\n"
    )
    print("| figure | player | bare page | ratio | limit |")
    print("|---|---|---|---|---|")
    print(
        f"| first frame of all cameras, with overlays (ms) | {ours:.0f} | {bare:.0f} "
        f"| {ours / bare:.2f} | {FIRST_LIMIT:g} |"
    )
    print(f"| of these, the player gave up waiting | {late} of {given.turns} | - | - | 0 |")
    print(f"| largest drift (frames) | {drift:.2f} | - | - | 1 |")
    print(f"| frames dropped at 1× | {dropped} of {total} | - | - | 0 |")
    print(f"| beside the video, whole clip (kB) | {beside / 1000:.0f} | - | - | 1000 |")
    print(f"| of these a signal (kB) | {max(signals, default=0) / 1000:.1f} | - | - | - |")
    slow = ours > FIRST_LIMIT * bare or late > 0
    return int(slow or drift > 1 or dropped > 0 or beside > BYTES_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
