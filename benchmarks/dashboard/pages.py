"""Times in a browser: from a visit, a change of page or a click until a figure is drawn."""

from dataclasses import dataclass

from playwright.async_api import Browser, Page

# Waits, frame by frame, until a selector has an element that takes up room. Returns milliseconds
# since the page's navigation, or since the click.
SHOWN = """selector => new Promise(done => {
  const look = () => [...document.querySelectorAll(selector)].some(e => e.getClientRects().length)
    ? done(performance.now()) : requestAnimationFrame(look);
  look();
})"""
AFTER_CLICK = """([clicked, figure]) => new Promise(done => {
  const start = performance.now(), old = new Set(document.querySelectorAll(figure));
  const look = () => [...document.querySelectorAll(figure)]
      .some(e => !old.has(e) && e.getClientRects().length)
    ? done(performance.now() - start) : requestAnimationFrame(look);
  document.querySelector(clicked).click();
  requestAnimationFrame(look);
})"""


@dataclass(frozen=True)
class Figure:
    """A page, and what counts as its first figure.

    Attributes:
        path: Its address.
        selector: The figure.
    """

    path: str
    selector: str


async def visit(browser: Browser, url: str, figure: Figure) -> float:
    """Seconds from the start of a new browser's visit until the figure is drawn."""
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    await page.goto(url + figure.path, wait_until="commit")
    milliseconds = await page.evaluate(SHOWN, figure.selector)
    await context.close()
    return float(milliseconds) / 1000


async def change_to(page: Page, figure: Figure) -> float:
    """Seconds from a click on the page's link in the navigation until the figure is drawn."""
    name = figure.path.strip("/").split("?")[0]
    link = f'a[href$="/{name}"]' if name else 'a[href$="/"], a[href$="/release"]'
    return await click(page, link, figure.selector)


async def click(page: Page, clicked: str, figure: str) -> float:
    """Seconds from a click until a new figure is drawn."""
    milliseconds = await page.evaluate(AFTER_CLICK, [clicked, figure])
    return float(milliseconds) / 1000
