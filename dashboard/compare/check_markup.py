"""The chosen check as markup: what it is, its verdict, both networks' values, and the facts."""

from dashboard.compare.markup import badge, term
from dashboard.compare.queries import Row
from dashboard.elements import tip
from dashboard.reports.markup import Html, element
from dashboard.text import MISSING, interval, number, places, probability
from dashboard.words import help_of
from metrics.gate.cells import Cell, Verdict
from metrics.tasks.metric import Metric, Reference

REFERENCES: dict[str | None, str] = {
    Reference.LABELS: "labels",
    Reference.SELF: "the network itself, one frame apart",
    None: MISSING,
}


def unit_of(metric: Metric | None) -> str:
    """A metric's direction and unit in words; nothing if this installation does not know it."""
    if metric is None:
        return ""
    unit = "" if metric.unit == "1" else f"in {metric.unit}, "
    return f"({unit}{metric.better} is better)"


def check(cell: Cell, metric: Metric | None, run: Row, other: Cell | None) -> Html:
    """The chosen check: what it is, its verdict in a sentence, and the values of both networks."""
    about = metric.description if metric else "This installation does not know this metric."
    heading = element(
        "h2", cell["prediction"], " ", term(cell["metric"], f"{about[:1].upper()}{about[1:]}.")
    )
    kind = "required" if cell["required"] else "watched"
    chips = [
        badge(cell["verdict"]),
        term(cell["slice"], help_of("slice")),
        term(kind, help_of(kind)),
        element("span", unit_of(metric).strip("()"), class_="muted"),
        *(term(name, help_of(name)) for name in _flags(cell)),
    ]
    reason = cell["reason"]
    return element(
        "section",
        heading,
        element("div", *chips, class_="chips"),
        element("p", f"{reason[:1].upper()}{reason[1:]}."),
        _values(cell, metric, run, other),
        class_="compare check",
        aria_label="The chosen check",
    )


def _flags(cell: Cell) -> list[str]:
    flags = {
        "alert": cell["alert"],
        "worse within margin": cell["worse_within_margin"],
        "significantly better": cell["better"],
        "worse than the baseline": bool(cell["worse_than_baseline"]),
        "within-drive": cell["scope"] == "within-drive",
    }
    return [name for name, holds in flags.items() if holds]


def _values(cell: Cell, metric: Metric | None, run: Row, other: Cell | None) -> Html:
    """Values of both networks and delta; in a second column those of the other run."""
    unit = "" if metric is None or metric.unit == "1" else f" {metric.unit}"
    cells = [cell] if other is None else [cell, other]
    level = f" ({cell['level']:.0%})" if cell["level"] else ""
    values = {role: [_value(c, role, unit) for c in cells] for role in ("deployed", "candidate")}
    rows: list[tuple[str, str, list[str]]] = [
        (f"{role}: {run[role]}" if other is None else role, role, values[role]) for role in values
    ]
    rows += [
        ("delta", "delta", [_value(c, "delta", unit, sign=True) for c in cells]),
        (
            f"interval of delta{level}",
            "confidence interval",
            [interval(c["low"], c["high"], places(c)) for c in cells],
        ),
    ]
    if other is not None:
        rows.append(("verdict", "verdict", [badge(c["verdict"]) for c in cells]))
        head = element("thead", element("tr", *(
            element("th", name, scope="col", class_="number")
            for name in ("", "this run", "other run")
        )))  # fmt: skip
    else:
        head = Html("")
    body = [
        element(
            "tr",
            element("th", term(name, help_of(about)), scope="row"),
            *(element("td", value, class_="number left") for value in values),
        )
        for name, about, values in rows
    ]
    return element("table", head, element("tbody", *body), class_="values")


def _value(cell: Cell, name: str, unit: str, sign: bool = False) -> str:
    value = cell[name]  # type: ignore[literal-required]
    text = number(value, places(cell), sign)
    return text if value is None else f"{text}{unit}"


def facts(cell: Cell, run: Row) -> Html:
    """What the verdict rests on, each fact with its help."""
    decimals = places(cell)
    p = f"{probability(cell['p_value'])} → {probability(cell['p_adjusted'])}"
    known = [
        ("margin", "margin", number(cell["margin"])),
        ("delta in margins", "delta in margins", _in_margins(cell)),
        ("one-sided bound", "one-sided bound", number(cell["bound"], decimals, sign=True)),
        ("drives (effective)", "effective sample size", _drives(cell)),
        ("clips", "clips that count", f"{cell['clips']:,}"),
        ("p-value → corrected", "corrected p-value", p),
        ("more drives to decide", "drives needed", _needed(cell)),
        ("compared with", "reference", REFERENCES.get(cell["reference"], "the other network")),
        ("because of", "because of", cell["because_of"] or "no single slice"),
    ]
    if run["baseline"] is not None:
        known.append((f"baseline {run['baseline']}", "baseline", _baseline(cell)))
    if cell["clips_unpaired"]:
        known.append(("clips of one network alone", "unpaired clip", f"{cell['clips_unpaired']:,}"))
    items = [
        element("div", element("dt", name, tip(help_of(about)), tabindex=0), element("dd", value))
        for name, about, value in known
    ]
    return element("dl", *items, class_="compare facts", aria_label="Facts")


def _in_margins(cell: Cell) -> str:
    if cell["delta"] is None or not cell["margin"]:
        return MISSING
    return number(cell["delta"] / cell["margin"], 1, sign=True)


def _drives(cell: Cell) -> str:
    return f"{cell['clusters']:,} ({number(cell['clusters_effective'], 1)})"


def _needed(cell: Cell) -> str:
    """How many more drives; the sentence of the verdict says how many at most."""
    if cell["drives_needed"]:
        return f"about {cell['drives_needed']:,}"
    return "unknown" if cell["verdict"] == Verdict.INCONCLUSIVE else "none: decided"


def _baseline(cell: Cell) -> str:
    known = {True: "worse than it", False: "not shown to be worse", None: "not compared"}
    return known[cell["worse_than_baseline"]]
