"""Users at work: each chooses another check on Compare every few seconds."""

import asyncio
import time

from playwright.async_api import Browser, Page

from benchmarks.dashboard.pages import EVERY

EVERY_S = 5.0
# Clicks a check of the grid, and waits until the facts beside the grid are about it.
DRILL = f"""number => new Promise(done => {{{EVERY}
  const links = every("[role=grid] td a:not([aria-current])");
  const link = links[number % links.length], start = performance.now();
  const [prediction, metric, slice] = JSON.parse(link.dataset.key);
  const isShown = panel =>
    panel.querySelector("h2").textContent.startsWith(`${{prediction}} ${{metric}}`)
    && panel.querySelector(".chips").children[1].textContent.startsWith(slice);
  link.click();
  // Not in a shadow tree: a look at all elements in each frame would slow the page.
  const panels = () => [...document.querySelectorAll("[aria-label='The chosen check']")];
  const look = () => panels().some(isShown)
    ? done(performance.now() - start) : requestAnimationFrame(look);
  look();
}})"""


async def drills(browser: Browser, url: str, users: int, seconds: int) -> list[float]:
    """The seconds of every drill of so many users, once all of them see the page."""
    pages = await asyncio.gather(*(_open(browser, url) for _ in range(users)))
    await asyncio.sleep(EVERY_S)
    found = await asyncio.gather(
        *(_work(page, at, EVERY_S * at / users, seconds) for at, page in enumerate(pages))
    )
    await asyncio.gather(*(page.context.close() for page in pages))
    return [taken for one in found for taken in one]


async def _open(browser: Browser, url: str) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    await page.goto(f"{url}/compare", timeout=120_000)
    await page.wait_for_selector("[role=gridcell] a", timeout=120_000)
    return page


async def _work(page: Page, user: int, wait_s: float, seconds: int) -> list[float]:
    await asyncio.sleep(wait_s)
    taken = []
    ends = time.monotonic() + seconds
    while (begun := time.monotonic()) < ends:
        taken.append(await _drill(page, 7 * len(taken) + user + 1))
        await asyncio.sleep(max(EVERY_S - (time.monotonic() - begun), 0))
    return taken


async def _drill(page: Page, number: int) -> float:
    return float(await page.evaluate(DRILL, number)) / 1000
