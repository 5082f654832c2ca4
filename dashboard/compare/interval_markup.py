"""Delta with its interval on every slice of one prediction, as markup."""

from collections.abc import Sequence

from dashboard.compare.charts import Scale, scale_of
from dashboard.compare.markup import Link, term
from dashboard.reports.markup import Html, element
from dashboard.text import interval, number, places
from dashboard.theme import MARKS
from metrics.gate.cells import Cell
from ridealong.terminal.readable import counted


def intervals(cells: Sequence[Cell], chosen: Cell, link: Link) -> Html:
    """Delta with its interval on every slice, against 0 and −margin; each slice is a link."""
    known = [cell for cell in cells if cell["delta"] is not None]
    if not known:
        return element("p", "No slice of this prediction has a number.", class_="compare muted")
    scale = scale_of(known, chosen)
    rows = [_interval_row(cell, scale, cell is chosen, link) for cell in known]
    without = len(cells) - len(known)
    head = element(
        "caption",
        term(
            "Delta on every slice",
            "The bar is the interval of delta, the mark its verdict. Right of the dashed line the "
            "loss is smaller than the margin; right of the solid line the candidate is better.",
        ),
        f", {counted(without, 'slice')} without a number" if without else "",
    )
    ends = element(
        "tr", element("th"), element("td", _ends(chosen, scale), class_="axis"), element("td")
    )
    table = element("table", head, element("tbody", ends, *rows))
    return element(
        "div", table, class_="compare intervals", tabindex=None, role="region",
        aria_label="Delta on every slice",
    )  # fmt: skip


def _ends(chosen: Cell, scale: Scale) -> Html:
    """The names of the two lines, for the chosen check."""
    names = [element("span", "0", style=f"left: {scale.percent(0)}%")]
    if chosen["margin"]:
        at = f"left: {scale.percent(-chosen['margin'])}%"
        names.append(element("span", f"−{chosen['margin']:g}", class_="margin", style=at))
    return element("span", *names, class_="ends", aria_hidden="true")


def _interval_row(cell: Cell, scale: Scale, chosen: bool, link: Link) -> Html:
    name = element("a", cell["slice"], href=link(slice=cell["slice"]), title=cell["slice"])
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", _bar(cell, scale), class_="axis"),
        element("td", number(cell["delta"], places(cell), sign=True), class_="number"),
        aria_current="true" if chosen else None,
        class_=cell["verdict"],
    )


def _bar(cell: Cell, scale: Scale) -> Html:
    parts = [element("i", class_="zero", style=f"left: {scale.percent(0)}%")]
    if cell["margin"]:
        parts.append(
            element("i", class_="margin", style=f"left: {scale.percent(-cell['margin'])}%")
        )
    if cell["low"] is not None and cell["high"] is not None:
        left, right = scale.percent(cell["low"]), scale.percent(cell["high"])
        parts.append(
            element("i", class_="span", style=f"left: {left}%; width: {right - left:.2f}%")
        )
    at = scale.percent(cell["delta"] or 0.0)
    mark = MARKS[cell["verdict"]]
    parts.append(element("i", mark, class_="at", style=f"left: {at}%"))
    about = f"{cell['verdict']}, interval {interval(cell['low'], cell['high'], places(cell))}"
    return element("span", *parts, class_="bar", role="img", aria_label=about)
