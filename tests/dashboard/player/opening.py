"""A clip's page is opened, until its player shows all there is to show at first."""

from playwright.sync_api import Locator, Page

COMPLETE = "() => performance.getEntriesByName('player complete')[0]"


def opened(page: Page, address: str) -> Locator:
    """The player, once all cameras show a frame with its overlays.

    On a slow machine it gives up waiting; what the server made is kept, so the next time is faster.
    """
    for _ in range(5):
        page.goto(address)
        complete = page.wait_for_function(COMPLETE)
        if not complete.evaluate("mark => mark.detail.late"):
            return page.locator(".player")
    raise AssertionError("the player gave up waiting each time")
