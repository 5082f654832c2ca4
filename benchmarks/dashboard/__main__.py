"""Measure the dashboard on a large home: ``python -m benchmarks.dashboard``.

The home is made by a rule (`benchmarks.dashboard.made`) from the demo's, so `make demo` comes
first. The peer is an empty Streamlit page with one chart, in the same run and the same browser.

- *cold*: a new browser visits a page that this server was not asked for before; the peer is a new
  browser's visit, too. Both servers have shown another page, so that their libraries are loaded.
- *warm*: a click in the navigation leads to a page that was seen before; the peer is a rerun.
- *drill*: another check is chosen on Compare; the peer is a rerun.
- *ten users*: ten browsers, each with a drill every five seconds; compared with one of them.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from benchmarks.dashboard import servers
from benchmarks.dashboard.made import make
from benchmarks.dashboard.pages import Figure, change_to, click, visit
from benchmarks.dashboard.users import drills

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PEER = Figure("/", "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
AGAIN = ".st-key-again button"  # of the peer
# What a page shows first of what it is about.
FIGURES = {
    "Release": Figure("/", ".release.checks .chip"),
    "Compare": Figure("/compare", "[role=grid] td a"),
    "Clips": Figure("/clips", ".card img"),
    "Triggers": Figure("/triggers", ".triggers tbody tr"),
    "Runs and networks": Figure("/runs", "[data-testid=stHtml] table tbody tr"),
    "Fleet": Figure("/fleet", ".plot .mark"),
    "Glossary": Figure("/glossary", ".terms"),
}
COLD, WARM, USERS, MEMORY_GB = 2.5, 2.0, 5.0, 1.2


def main() -> int:
    """Print the tables; returns 1 if a limit is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--demo", type=Path, default=Path("ridealong-home"))
    options.add_argument("--home", type=Path, help="a home that this benchmark made before")
    options.add_argument("--rounds", type=int, default=5, help="servers started, one after another")
    options.add_argument("--seconds", type=int, default=60, help="how long ten users work")
    asked = options.parse_args()
    if asked.home is None and not asked.demo.is_dir():
        print("make the demo's home first: make demo", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        home = asked.home or make(Path(folder) / "home", asked.demo)
        return asyncio.run(measure(home, asked.rounds, asked.seconds))


async def measure(home: Path, rounds: int, seconds: int) -> int:
    """All measurements, in one browser."""
    async with async_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        missed = await pages(browser, home, rounds)
        missed |= await users(browser, home, seconds)
        await browser.close()
    return int(missed)


async def pages(browser: Browser, home: Path, rounds: int) -> bool:
    """The table of pages; returns whether a limit was missed."""
    cold: dict[str, list[float]] = {name: [] for name in ("peer", *FIGURES)}
    warm: dict[str, list[float]] = {name: [] for name in ("peer", *FIGURES)}
    for _ in range(rounds):
        with servers.peer() as peer, servers.dashboard(home) as ours:
            await visit(browser, peer.url, PEER)
            await visit(browser, ours.url, FIGURES["Glossary"])
            for name, figure in FIGURES.items():
                cold["peer"].append(await visit(browser, peer.url, PEER))
                cold[name].append(await visit(browser, ours.url, figure))
            await _warm(browser, peer.url, ours.url, warm)
    print("| page | cold, s | ratio | limit | warm, s | ratio | limit | |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| empty page (peer) | {p95(cold['peer']):.2f} | | | {p95(warm['peer']):.2f} | | | |")
    missed = False
    for name in FIGURES:
        first, again = (p95(t[name]) / p95(t["peer"]) for t in (cold, warm))
        wrong = first > COLD or again > WARM
        missed |= wrong
        print(
            f"| {name} | {p95(cold[name]):.2f} | {first:.2f} | {COLD:g} | {p95(warm[name]):.2f} "
            f"| {again:.2f} | {WARM:g} | {'MISSED' if wrong else 'met'} |"
        )
    return missed


async def _warm(browser: Browser, peer: str, ours: str, warm: dict[str, list[float]]) -> None:
    """Reruns of the peer and changes of page, in turns, after each page was seen once."""
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    empty, page = await context.new_page(), await context.new_page()
    await empty.goto(peer)
    await empty.wait_for_selector(PEER.selector)
    await page.goto(ours)
    await page.wait_for_selector(FIGURES["Release"].selector)
    names = [*FIGURES][1:] + [*FIGURES][:1]
    for seen in (False, True):
        for name in names:
            await page.bring_to_front()
            taken = await change_to(page, FIGURES[name])
            if seen:
                warm[name].append(taken)
                await empty.bring_to_front()
                warm["peer"].append(await click(empty, AGAIN, "#turn"))
    await context.close()


async def users(browser: Browser, home: Path, seconds: int) -> bool:
    """The table of drills; returns whether a limit was missed."""
    with servers.dashboard(home) as ours, servers.peer() as peer:
        reruns = await _reruns(browser, peer.url)
        one = await drills(browser, ours.url, 1, seconds)
        ten = await drills(browser, ours.url, 10, seconds)
        memory = ours.memory_gb()
    print("\n| who | p95, s | ratio | compared with | limit | |")
    print("|---|---|---|---|---|---|")
    print(f"| a rerun of the empty page (peer) | {p95(reruns):.2f} | | | | |")
    rows = [
        ("one user's drill", p95(one), p95(one) / p95(reruns), "a rerun", WARM),
        ("ten users' drills", p95(ten), p95(ten) / p95(one), "one user", USERS),
    ]
    for name, taken, ratio, other, limit in rows:
        word = "met" if ratio <= limit else "MISSED"
        print(f"| {name} | {taken:.2f} | {ratio:.2f} | {other} | {limit:g} | {word} |")
    word = "met" if memory <= MEMORY_GB else "MISSED"
    print(f"\nThe server's peak memory is {memory:.2f} GB, limit {MEMORY_GB:g} GB: {word}.")
    return memory > MEMORY_GB or any(ratio > limit for _, _, ratio, _, limit in rows)


async def _reruns(browser: Browser, url: str) -> list[float]:
    page = await browser.new_page()
    await page.goto(url)
    await page.wait_for_selector(PEER.selector)
    taken = [await click(page, AGAIN, "#turn") for _ in range(20)]
    await page.close()
    return taken


def p95(values: Sequence[float]) -> float:
    """The 95th percentile: the smallest value that 95% do not exceed."""
    ordered = sorted(values)
    return ordered[min(-(-95 * len(ordered) // 100), len(ordered)) - 1]


if __name__ == "__main__":
    sys.exit(main())
