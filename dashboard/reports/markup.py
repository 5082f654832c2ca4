"""HTML and SVG elements, in which text is escaped unless it is markup already."""

from html import escape

from ridealong.terminal.readable import printable


class Html(str):
    """Markup: text that is already escaped."""

    __slots__ = ()


def html(text: object) -> Html:
    """Text as markup: escaped, and on one line."""
    return text if isinstance(text, Html) else Html(escape(printable(str(text))))


def element(name: str, *children: object, **attributes: object) -> Html:
    """An element; children and attributes that are not markup are escaped.

    An underscore at the end of an attribute's name is dropped, others become hyphens. Attributes of
    None are left out.
    """
    known = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{known}>{''.join(map(html, children))}</{name}>")


def joined(*parts: object) -> Html:
    """Several pieces of markup or text, one after the other."""
    return Html("".join(map(html, parts)))
