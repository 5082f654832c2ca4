"""The page Compare as markup: verdicts, counts, the legend, one check, and its clips as a table.

Links are real links. What explains a term is shown when the mouse or the keyboard is on it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from dashboard.compare.charts import (
    CHANGE_MARKS,
    Scale,
    colours,
    scale_of,
    step_names,
)
from dashboard.compare.queries import Change, Counts, Row, Tally
from dashboard.reports.markup import Html, element, joined
from dashboard.text import MISSING, interval, number, places, probability
from dashboard.theme import MARKS, Palette
from dashboard.words import help_of
from metrics.gate.cells import Cell, Verdict
from metrics.tasks.metric import Metric, Reference
from ridealong.terminal.readable import counted

STYLE = Path(__file__).with_name("compare.css")
REFERENCES: dict[str | None, str] = {
    Reference.LABELS: "labels",
    Reference.SELF: "the network itself, one frame apart",
    None: MISSING,
}

Link = Callable[..., str]  # parameters of the address that change -> the address


@cache
def _rules() -> str:
    return STYLE.read_text("utf-8")


def style(palette: Palette) -> Html:
    """The style of this page in one theme."""
    known = "".join(f"{name}: {colour};" for name, colour in colours(palette).items())
    return Html(f"<style>.compare {{ {known} }} {_rules()}</style>")


def tip(text: str) -> Html:
    """What explains its parent, shown when the mouse or the keyboard is on it."""
    return element("span", text, class_="tip", role="tooltip")


def term(text: object, help_: str, name: str = "span", **attributes: object) -> Html:
    """A text with its explanation."""
    return element(name, text, tip(help_), tabindex=0, **attributes)


def badge(verdict: str) -> Html:
    """A verdict with its mark, and what it means."""
    mark = element("span", MARKS[Verdict(verdict)], aria_hidden="true")
    return term(joined(mark, " ", verdict), help_of(verdict), class_=f"badge {verdict}")


def verdicts(run: Row, cause: str | None, other: Row | None) -> Html:
    """The verdict of the run in a sentence, beside that of the other run if there is one."""
    parts = [_verdict(run, cause)]
    if other is not None:
        parts.append(_verdict(other, None))
    return element("section", *parts, class_="compare verdicts", aria_label="Verdicts")


def _verdict(run: Row, cause: str | None) -> Html:
    pair = f"{run['candidate']} against {run['deployed']}"
    return element(
        "div",
        element("p", badge(run["verdict"]), " ", element("strong", pair), f": {run['reason']}."),
        element("p", f"{cause}.", class_="muted") if cause else "",
    )


def counts(tally: Tally, link: Link) -> Html:
    """Counts of the checks by result; each is a link that shows only those."""
    required = [
        _count(
            f"{MARKS[verdict]} {tally.required.get(verdict, 0):,} required {word}",
            help_of("required") + " " + help_of(verdict),
            link(show="required", verdicts=[verdict], page=None),
        )
        for verdict, word in (
            (Verdict.REGRESSED, "regressed"),
            (Verdict.INCONCLUSIVE, "undecided"),
            (Verdict.PASS, "passed"),
        )
    ]
    watched = _count(
        f"⚠ {counted(tally.alerts, 'alert')}",
        help_of("alert"),
        link(show="watched", verdicts=[Verdict.REGRESSED], page=None),
    )
    better = term(f"{tally.better:,} significantly better", help_of("significantly better"))
    total = term(counted(tally.total, "check"), help_of("check"))
    return element(
        "div", *required, watched, better, total, class_="compare counts", aria_label="Counts",
        role="group",
    )  # fmt: skip


def _count(text: str, help_: str, href: str) -> Html:
    return element("a", text, tip(help_), href=href, class_="tipped")


def changes(found: Mapping[Change, int], chosen: Sequence[str], link: Link) -> Html:
    """How many checks changed between two runs; each kind is a link that shows only those."""
    every = sum(found.values())
    kinds = [
        element(
            "a",
            f"{CHANGE_MARKS[change]} {found[change]:,} {change}",
            tip(help_of(change)),
            href=link(changed=[change], page=None),
            class_="tipped",
            aria_current="true" if tuple(chosen) == (change,) else None,
        )
        for change in Change
    ]
    lead = element("span", "Against the other run:" if every else "No verdict changed.")
    return element("div", lead, *kinds, class_="compare counts", role="group", aria_label="Changes")


def legend(compared: bool) -> Html:
    """What the colours and marks of the grid mean."""
    names = step_names()
    steps = [
        element("i", style=f"background: var(--effect-{at})", title=f"{name} margins")
        for at, name in enumerate(names)
    ]
    scale = element(
        "span",
        "loss",
        element("span", *steps, class_="steps", aria_hidden="true"),
        "gain",
        tip(
            f"{help_of('delta in margins')} The steps end at −2, −1, −0.25, +0.25, +1 and +2 "
            "margins. + and − beside a mark repeat the direction."
        ),
        tabindex=0,
    )
    marks = [
        (MARKS[Verdict.REGRESSED], "", "regressed", help_of("REGRESSED")),
        (MARKS[Verdict.INCONCLUSIVE], "unsure", "hatched: undecided", help_of("INCONCLUSIVE")),
        (MARKS[Verdict.PASS], "", "passed", help_of("PASS")),
        ("", "framed", "required", help_of("required")),
        ("", "chosen", "shown beside", "This check is shown beside the grid."),
        ("", "unknown", "no number", "One of the networks has no value here."),
    ]
    boxes = [
        element(
            "span",
            element("span", mark, class_=f"box {kind}".strip(), aria_hidden="true"),
            name,
            tip(help_),
            tabindex=0,
        )
        for mark, kind, name, help_ in marks
    ]
    changed = [
        element("span", f"{CHANGE_MARKS[change]} {change}", tip(help_of(change)), tabindex=0)
        for change in (Change if compared else ())
    ]
    return element(
        "div", scale, *boxes, *changed, class_="compare legend", role="group", aria_label="Legend"
    )


def unit_of(metric: Metric | None) -> str:
    """A metric's direction and unit in words; nothing if this installation does not know it."""
    if metric is None:
        return ""
    unit = "" if metric.unit == "1" else f"in {metric.unit}, "
    return f"({unit}{metric.better} is better)"


def pages(
    what: str, shown: str, count: Counts, turns: Iterable[tuple[str, str]], more: str
) -> Html:
    """How much is shown of how much, and links to the next and the previous page."""
    fit = f" ({count.of:,} without filters)" if count.fit != count.of else ""
    text = f"{shown} of {counted(count.fit, what)}{fit}{more}"
    links = [element("a", name, href=href) for name, href in turns]
    return element("nav", element("span", text), *links, class_="compare pages", aria_label="Pages")


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


def button(text: str, href: str, help_: str) -> Html:
    """A link that looks like a button."""
    link = element("a", text, tip(help_), href=href, class_="button tipped")
    return element("div", link, class_="compare")


def note(text: str) -> Html:
    """A sentence in the page's small type."""
    return element("p", text, class_="compare muted")


def page(*parts: Html) -> str:
    """Markup for the page."""
    return str(joined(*parts))
