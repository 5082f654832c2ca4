"""Users at work: each chooses another cell of Compare every few seconds."""

import asyncio
import time

from playwright.async_api import Browser, Page

EVERY_S = 5.0
# Clicks a cell that is not chosen, and waits until the facts beside the grid are about it.
DRILL = """number => new Promise(done => {
  const cells = [...document.querySelectorAll("[role=gridcell][data-cell]")];
  const cell = cells[number % cells.length], start = performance.now();
  const wanted = cell.dataset.cell;
  cell.click();
  const look = () => document.querySelector("[data-chosen-cell]")?.dataset.chosenCell === wanted
    ? done(performance.now() - start) : requestAnimationFrame(look);
  look();
})"""


async def drills(browser: Browser, url: str, users: int, seconds: int) -> list[float]:
    """The seconds of every drill of so many users, who start one after another."""
    found = await asyncio.gather(
        *(_work(browser, url, number, EVERY_S * number / users, seconds) for number in range(users))
    )
    return [taken for one in found for taken in one]


async def _work(browser: Browser, url: str, user: int, wait_s: float, seconds: int) -> list[float]:
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    await page.goto(f"{url}/compare")
    await page.wait_for_selector("[role=gridcell]")
    await asyncio.sleep(wait_s)
    taken = []
    ends = time.monotonic() + seconds
    while (begun := time.monotonic()) < ends:
        taken.append(await _drill(page, 7 * len(taken) + user + 1))
        await asyncio.sleep(max(EVERY_S - (time.monotonic() - begun), 0))
    await context.close()
    return taken


async def _drill(page: Page, number: int) -> float:
    return float(await page.evaluate(DRILL, number)) / 1000
