"""Elements that several pages draw: what explains a term, and links that look like buttons.

Their style is in ``theme.css``.
"""

from dashboard.reports.markup import Html, element


def tip(text: str) -> Html:
    """What explains its parent, shown when the mouse or the keyboard is on it."""
    return element("span", text, class_="tip", role="tooltip")


def button(text: str, href: str, help_: str, kind: str = "") -> Html:
    """A link that looks like a button; the kind ``primary`` is the next step."""
    return element("a", text, tip(help_), href=href, class_=f"button {kind}".strip())
