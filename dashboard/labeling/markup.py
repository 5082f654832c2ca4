"""The queue as an HTML table with real links; rows in, markup out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.elements import tip
from dashboard.navigation import address
from dashboard.reports.markup import Html, element
from dashboard.text import number
from dashboard.words import help_of
from shadow.labeling.states import FIGURES

STYLE = """<style>
.lq { overflow-x: auto; }
.lq table { width: 100%; border-collapse: collapse; font-size: 0.875rem; color: var(--text); }
.lq th { text-align: left; font-weight: 600; color: var(--muted); white-space: nowrap; }
.lq th, .lq td { padding: 0.35rem 1rem 0.35rem 0; border-bottom: 1px solid var(--line); }
.lq td.n, .lq th.n { text-align: right; font-variant-numeric: tabular-nums; }
.lq a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
.lq a:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
.lq .look { width: 112px; }
.lq img { display: block; width: 96px; height: 60px; object-fit: cover; border-radius: 4px; }
</style>"""
PICTURE_PX = 192
_PLACES = 2
# Term of the glossary that explains each column with figures, if it is not its name.
_TERMS = {name: name for name in ("worth", *FIGURES)} | {
    "loss": "loss of a clip",
    "disagreement": "disagreement of the networks",
}

Thumb = Callable[[str], str]


def queue_table(rows: Sequence[Mapping[str, Any]], thumb: Thumb) -> Html:
    """The clips of the queue, in their order.

    Args:
        rows: The clips.
        thumb: The link to the picture of a clip.
    """
    heads = [element("th", class_="look"), element("th", "clip"), element("th", "state")]
    heads += [
        element("th", element("span", name, tip(help_of(term)), class_="term", tabindex=0),
                class_="n")
        for name, term in _TERMS.items()
    ]  # fmt: skip
    body = [_row(row, thumb) for row in rows]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *body))
    return element("div", table, class_="lq", tabindex="0", role="region", aria_label="The queue")


def _row(row: Mapping[str, Any], thumb: Thumb) -> Html:
    clip = row["clip_id"]
    href = address("clip", clip=clip, run=row["run_id"])
    # A clip without images has an empty picture.
    image = element("img", src=thumb(clip), alt="", loading="lazy") if row["looks"] else ""
    figures = [element("td", number(row[name], _PLACES), class_="n") for name in _TERMS]
    return element(
        "tr",
        element("td", image, class_="look"),
        element("td", element("a", clip, href=href, target="_self")),
        element("td", row["state"]),
        *figures,
    )
