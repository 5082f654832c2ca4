"""The page Release as markup: the verdict, the chips of the required checks, and runs as links.

These are real links with real text: the keyboard reaches them, and the browser searches them. What
explains one is shown when the mouse or the keyboard is on it.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from dashboard.elements import tip
from dashboard.navigation import address, cell_address
from dashboard.release.queries import Deployment, Row, Run, Summary
from dashboard.reports.markup import Html, element
from dashboard.text import interval, number, places, when
from dashboard.theme import MARKS
from dashboard.words import help_of
from metrics.gate.cells import Cell, Verdict
from metrics.tasks.metric import Metric
from ridealong.terminal.readable import counted
from shadow.report import cell_name

STYLE = Path(__file__).with_name("release.css")
MOST_CHIPS = 40  # in a group
GROUPS = {
    Verdict.REGRESSED: "Failed",
    Verdict.INCONCLUSIVE: "Undecided",
    Verdict.PASS: "Passed",
}
PARTS = {
    Verdict.REGRESSED: "{} regressed",
    Verdict.INCONCLUSIVE: "{} undecided",
    Verdict.PASS: "{} passed",
}

MetricOf = Callable[[Cell], Metric | None]


@cache
def style() -> Html:
    """The style of this page."""
    return Html(f"<style>{STYLE.read_text('utf-8')}</style>")


def banner(run: Run, summary: Summary, deployment: Deployment) -> Html:
    """The verdict in a sentence, the cause, and facts about the run."""
    mark = element("span", MARKS[run.verdict], class_="mark", aria_hidden="true")
    word = element("span", run.verdict, class_="word")
    remarks = [summary.cause, *_remarks(run, summary, deployment), summary.not_shared]
    return element(
        "section",
        element("div", mark, word, tip(help_of(run.verdict)), class_="badge", tabindex=0),
        element(
            "div",
            element("h2", sentence(run, summary)),
            element("p", " ".join(f"{text[:1].upper()}{text[1:]}." for text in remarks if text)),
            element("p", " · ".join(_facts(run)), class_="facts"),
        ),
        class_=f"release banner {run.verdict}",
        aria_label="Verdict",
    )


def sentence(run: Run, summary: Summary) -> str:
    """The verdict in plain words."""
    if run.against_itself:
        return f"{run.deployed} was compared with itself: there is nothing to decide."
    counts = {verdict: len(cells) for verdict, cells in summary.required.items()}
    total = sum(counts.values())
    if not total:
        return f"Nothing is known about {run.candidate}: this run has no required checks."
    if counts[Verdict.PASS] == total and run.verdict == Verdict.PASS:
        checks = "the only required check" if total == 1 else f"all {total:,} required checks"
        return f"{run.candidate} may replace {run.deployed}: {checks} passed."
    may = (
        f"{run.candidate} may not replace {run.deployed}"
        if run.verdict == Verdict.REGRESSED
        else f"It is open whether {run.candidate} may replace {run.deployed}"
    )
    # If something else than a check holds it back, the reason alone says what.
    why = run.reason if counts[Verdict.PASS] == total else _counts(counts, total)
    return f"{may}: {why}."


def _counts(counts: dict[Verdict, int], total: int) -> str:
    """``3 of 20 required checks regressed, 7 are undecided, 10 passed``."""
    parts: list[str] = []
    for verdict, count in counts.items():
        if count:
            of = "" if parts else f" of {counted(total, 'required check')}"
            verb = ""
            if verdict == Verdict.INCONCLUSIVE:
                verb = " is" if count == 1 else " are"
            parts.append(PARTS[verdict].format(f"{count:,}{of}{verb}"))
    return ", ".join(parts)


def _remarks(run: Run, summary: Summary, deployment: Deployment) -> list[str]:
    remarks = []
    if deployment.became is not None:
        remarks.append(f"release {deployment.became.release} was made with this run")
    elif deployment.now is not None and not run.against_itself:
        if deployment.now.network == run.candidate:
            remarks.append(f"{run.candidate} is deployed, since release {deployment.now.release}")
        elif deployment.now.network_sha256 != run.deployed_sha256 and not run.of_items:
            remarks.append(f"the fleet no longer runs {run.deployed}, but {deployment.now.network}")
    if run.baseline:
        worse = counted(summary.worse_than_baseline, "check")
        remarks.append(f"{worse} worse than the baseline {run.baseline}")
    if not run.against_itself and run.verdict == Verdict.INCONCLUSIVE:
        remarks += _drives_to_decide(summary)
    return remarks


def _drives_to_decide(summary: Summary) -> list[str]:
    needed = [cell["drives_needed"] for cell in summary.required[Verdict.INCONCLUSIVE]]
    known = [count for count in needed if count]
    if not known:
        return []
    return [
        f"about {counted(max(known), 'more drive')} would decide the checks that can be decided"
    ]


def _facts(run: Run) -> list[str]:
    facts = [f"run {run.name or run.run_id}", f"{when(run.created_ns)} UTC"]
    left_out = f", {run.left_out:,} left out" if run.left_out else ""
    facts.append(f"{counted(run.judged, run.noun)}{left_out}")
    if run.latency_ratio is not None:
        facts.append(f"candidate takes {run.latency_ratio:.2f} × the time of the deployed network")
    return facts + ([run.note] if run.note else [])


def checks(run_id: str, summary: Summary, metric_of: MetricOf) -> Html:
    """The required checks as chips, by verdict; each leads to its check on the page Compare."""
    groups = [
        _group(run_id, verdict, cells, metric_of)
        for verdict, cells in summary.required.items()
        if cells
    ]
    return element("section", *groups, class_="release checks", aria_label="Required checks")


def _group(run_id: str, verdict: Verdict, cells: Sequence[Cell], metric_of: MetricOf) -> Html:
    chips = [element("li", _chip(run_id, cell, metric_of)) for cell in cells[:MOST_CHIPS]]
    if left := len(cells) - len(chips):
        more = element(
            "a", f"and {left:,} more", href=address("compare", run=run_id), class_="chip"
        )
        chips.append(element("li", more))
    heading = element(
        "h3",
        f"{GROUPS[verdict]} ",
        element("span", f"{len(cells):,}", class_="count"),
        tip(f"{help_of('required')} {verdict}: {help_of(verdict)}"),
        tabindex=0,
    )
    return element("div", heading, element("ul", *chips), class_=f"group {verdict}")


def _chip(run_id: str, cell: Cell, metric_of: MetricOf) -> Html:
    where = "" if cell["slice"] == "all" else cell["slice"]
    return element(
        "a",
        element("span", MARKS[cell["verdict"]], class_="mark", aria_label=cell["verdict"]),
        element("span", f"{cell['prediction']} {cell['metric']} ", class_="name"),
        element("span", where, class_="slice"),
        element("span", _number(cell), class_="number"),
        tip(_about(cell, metric_of(cell))),
        href=cell_address(run_id, cell),
        class_="chip",
    )


def _number(cell: Cell) -> str:
    if cell["verdict"] == Verdict.INCONCLUSIVE:
        if cell["drives_needed"]:
            return f"needs {counted(cell['drives_needed'], 'more drive')}"
        return "no data" if cell["delta"] is None else "undecided"
    return number(cell["delta"], places(cell), sign=True)


def change(cell: Cell, metric: Metric | None) -> str:
    """How a value changed: ``iou 0.24 → 0.10 (higher is better)``."""
    unit = "" if metric is None or metric.unit == "1" else f" {metric.unit}"
    decimals = places(cell)
    values = " → ".join(number(cell[role], decimals) for role in ("deployed", "candidate"))
    way = f" ({metric.better} is better)" if metric else ""
    return f"{cell['metric']} {values}{unit}{way}"


def _about(cell: Cell, metric: Metric | None) -> str:
    decimals = places(cell)
    parts = [cell_name(cell)]
    if cell["delta"] is not None:
        parts.append(change(cell, metric))
        delta = f"delta {number(cell['delta'], decimals, sign=True)}, above 0 is better"
        if cell["low"] is not None:
            delta += f" (interval {interval(cell['low'], cell['high'], decimals)})"
        parts.append(delta)
    if cell["margin"] is not None:
        parts.append(f"margin {cell['margin']:g}: the largest loss that we accept")
    return "; ".join([*parts, cell["reason"]])


def alerts(run_id: str, summary: Summary) -> Html:
    """The watched checks with an alert, in a line."""
    if summary.alerting is None:
        return element("p", "No watched check has an alert.", class_="release alerts")
    have = "has" if summary.alerts == 1 else "have"
    lead = f"{counted(summary.alerts, 'watched check')} {have} an alert"
    link = element(
        "a",
        lead,
        tip(f"{help_of('watched')} An alert never blocks."),
        href=cell_address(run_id, summary.alerting),
    )
    named = f", {'such as ' if summary.alerts > 1 else ''}{cell_name(summary.alerting)}"
    return element("p", "⚠ ", link, named, class_="release alerts")


def worst(run_id: str, cell: Cell, metric: Metric | None) -> Html:
    """The loss to look at first: its cell as a link, and how its value changed."""
    where = "" if cell["slice"] == "all" else f" at {cell['slice']}"
    link = element("a", f"{cell['prediction']}{where}", href=cell_address(run_id, cell))
    title = (
        "The worst loss"
        if cell["verdict"] != Verdict.PASS
        else "The largest loss, within its margin"
    )
    return element(
        "section",
        element("h3", title),
        element("p", link, f": {change(cell, metric)}"),
        class_="release worst",
    )


def note(text: str) -> Html:
    """A remark where something else is shown otherwise."""
    return element("p", text, class_="release note")


def history(points: Sequence[Row], shown: str) -> Html:
    """The runs of the chart as links, the newest first."""
    items = [element("li", _run_link(point, shown)) for point in reversed(points)]
    return element("ol", *items, class_="release history", aria_label="Runs, the newest first")


def _run_link(point: Row, shown: str) -> Html:
    parts = [
        f"{point[verdict]:,} {GROUPS[verdict].lower()}" for verdict in GROUPS if point[verdict]
    ]
    released = f" · release {point['release']}" if point["release"] else ""
    title = point["name"] or f"{point['candidate']} against {point['deployed']}"
    facts = f"{', '.join(parts)}{released} · {when(point['created_ns'])} UTC"
    return element(
        "a",
        element("span", MARKS[point["verdict"]], class_="mark", aria_label=point["verdict"]),
        element("span", title, class_="name"),
        element("span", facts, class_="facts"),
        href=address("", run=point["run_id"]),
        class_=f"chip {point['verdict']}",
        aria_current="page" if point["run_id"] == shown else None,
    )


def empty(text: str, *links: tuple[str, str]) -> Html:
    """What to do where there is nothing to show, with the links to do it."""
    steps = [element("a", name, href=href, class_="button") for name, href in links]
    return element("div", element("p", text), *steps, class_="release empty")
