"""Times in a browser: from a visit, a change of page or a click until a figure is drawn."""

from dataclasses import dataclass

from playwright.async_api import Browser, Page

# All elements that match a selector, also inside components, which are shadow trees.
EVERY = """
  const inside = root => [...root.querySelectorAll("*")].map(e => e.shadowRoot).filter(r => r);
  const every = (selector, root = document) => [...root.querySelectorAll(selector),
    ...inside(root).flatMap(shadow => every(selector, shadow))];
  const drawn = element => element.getClientRects().length > 0;
"""
# Waits, frame by frame, until a selector has an element that takes up room. Returns milliseconds
# since the page's navigation, or since the click.
SHOWN = f"""selector => new Promise(done => {{{EVERY}
  const look = () => every(selector).some(drawn)
    ? done(performance.now()) : requestAnimationFrame(look);
  look();
}})"""
AFTER_CLICK = f"""([clicked, figure]) => new Promise(done => {{{EVERY}
  const start = performance.now(), old = new Set(every(figure));
  const look = () => every(figure).some(e => !old.has(e) && drawn(e))
    ? done(performance.now() - start) : requestAnimationFrame(look);
  document.querySelector(clicked).click();
  requestAnimationFrame(look);
}})"""


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
    link = f'[data-testid^=stTopNav] a[href$="/{name}"]'
    return await click(page, link, figure.selector)


async def click(page: Page, clicked: str, figure: str) -> float:
    """Seconds from a click until a new figure is drawn."""
    milliseconds = await page.evaluate(AFTER_CLICK, [clicked, figure])
    return float(milliseconds) / 1000
