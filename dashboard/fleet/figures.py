"""Rows of figures, and links to the views of the page Fleet, as HTML."""

from collections.abc import Mapping

from dashboard.elements import tip
from dashboard.reports.markup import Html, element


def figures(found: Mapping[str, tuple[str, str]], label: str) -> Html:
    """Figures in a row.

    Args:
        found: By name, the figure and what explains it.
        label: What they are about.
    """
    parts = (
        element("div", element("dt", name, tip(help_), tabindex=0), element("dd", figure))
        for name, (figure, help_) in found.items()
    )
    return element("dl", *parts, class_="fleet figures", aria_label=label)


def views(links: Mapping[str, str], shown: str) -> Html:
    """Links to the views by their names, of which one is shown."""
    parts = (
        element("a", name, href=href, aria_current="page" if name == shown else None)
        for name, href in links.items()
    )
    return element("nav", *parts, class_="fleet views", aria_label="Views")
