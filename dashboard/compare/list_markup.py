"""Checks as a table."""

from collections.abc import Mapping, Sequence

from dashboard.compare.charts import CHANGE_MARKS
from dashboard.compare.markup import Link, term
from dashboard.compare.queries import Change, Row
from dashboard.reports.markup import Html, element, joined
from dashboard.text import interval, number, places, probability
from dashboard.theme import MARKS
from dashboard.words import help_of
from metrics.gate.cells import Verdict


def listed(rows: Sequence[Row], chosen: Mapping[str, str], compared: bool, link: Link) -> Html:
    """Checks as a table, each a link to itself; with another run, its verdict and delta too."""
    columns = {"check": "check", "slice": "slice", "delta": "delta"}
    if compared:
        columns |= {"other run": "delta", "change": "change", "margins": "delta in margins"}
    else:
        columns |= {"interval": "confidence interval", "margins": "delta in margins"}
    columns |= {"p": "corrected p-value", "drives": "drives that count"}
    head = [
        element("th", term(name, help_of(about)), scope="col") for name, about in columns.items()
    ]
    body = [_listed_row(row, list(columns), chosen, link) for row in rows]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *body))
    return element("div", table, class_="compare listed")


def _listed_row(row: Row, columns: Sequence[str], chosen: Mapping[str, str], link: Link) -> Html:
    key = {name: row[name] for name in ("prediction", "metric", "slice")}
    texts = _texts(row) | {"check": _named(row, link(**key))}
    cells = [
        element(
            "td", texts[name], class_=None if name in ("check", "slice", "change") else "number"
        )
        for name in columns
    ]
    current = "true" if key == dict(chosen) else None
    return element("tr", *cells, class_=row["verdict"], aria_current=current)


def _named(row: Row, href: str) -> Html:
    mark = element("span", MARKS[Verdict(row["verdict"])], class_="mark", role="img",
                   aria_label=row["verdict"])  # fmt: skip
    name = element("a", f"{row['prediction']} {row['metric']}", href=href)
    return joined(mark, " ", name, " (required)" if row["required"] else "")


def _texts(row: Row) -> dict[str, object]:
    """The columns of a check in the list."""
    decimals = places(row)
    other, change = row["other_verdict"], row["change"]
    before = number(row["other_delta"], decimals, sign=True)
    return {
        "slice": row["slice"],
        "delta": number(row["delta"], decimals, sign=True),
        "other run": f"{MARKS[Verdict(other)]} {before}" if other else "not there",
        "change": f"{CHANGE_MARKS[Change(change)]} {change}" if change else "none",
        "interval": interval(row["low"], row["high"], decimals),
        "margins": number(row["margins"], 1, sign=True),
        "p": probability(row["p_adjusted"]),
        "drives": f"{row['clusters']:,}",
    }
