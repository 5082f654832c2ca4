"""The queue as an HTML table with real links; rows in, markup out."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.navigation import address
from dashboard.reports.markup import Html, element
from dashboard.text import number
from shadow.labeling.states import FIGURES

STYLE = """<style>
.lq { overflow-x: auto; }
.lq table { width: 100%; border-collapse: collapse; font-size: 0.875rem; color: var(--text); }
.lq th { text-align: left; font-weight: 600; color: var(--muted); white-space: nowrap; }
.lq th, .lq td { padding: 0.35rem 1rem 0.35rem 0; border-bottom: 1px solid var(--line); }
.lq td.n, .lq th.n { text-align: right; font-variant-numeric: tabular-nums; }
.lq a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
.lq a:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
</style>"""
_PLACES = 2


def queue_table(rows: Sequence[Mapping[str, Any]]) -> Html:
    """The clips of the queue, in their order."""
    heads = [element("th", "clip"), element("th", "state"), element("th", "worth", class_="n")]
    heads += [element("th", name, class_="n") for name in FIGURES]
    body = [_row(row) for row in rows]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *body))
    return element("div", table, class_="lq", tabindex="0", role="region", aria_label="The queue")


def _row(row: Mapping[str, Any]) -> Html:
    clip = row["clip_id"]
    link = element("a", clip, href=address("clip", clip=clip), target="_self")
    figures = [row["worth"], *(row[name] for name in FIGURES)]
    cells = [element("td", number(value, _PLACES), class_="n") for value in figures]
    return element("tr", element("td", link), element("td", row["state"]), *cells)
