"""The page Compare as markup: verdicts, counts, and what its other parts are made of.

Links are real links. What explains a term is shown when the mouse or the keyboard is on it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from dashboard.compare.charts import CHANGE_MARKS
from dashboard.compare.queries import Change, Counts, Row, Tally
from dashboard.elements import tip
from dashboard.reports.markup import Html, element, joined
from dashboard.theme import MARKS
from dashboard.words import help_of
from metrics.gate.cells import Verdict
from ridealong.terminal.readable import counted

STYLE = Path(__file__).with_name("compare.css")

Link = Callable[..., str]  # parameters of the address that change -> the address


@cache
def style() -> Html:
    """The style of this page."""
    return Html(f"<style>{STYLE.read_text('utf-8')}</style>")


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


def pages(
    what: str, shown: str, count: Counts, turns: Iterable[tuple[str, str]], more: str
) -> Html:
    """How much is shown of how much, and links to the next and the previous page."""
    fit = f" ({count.of:,} without filters)" if count.fit != count.of else ""
    text = f"{shown} of {counted(count.fit, what)}{fit}{more}"
    links = [element("a", name, href=href) for name, href in turns]
    return element("nav", element("span", text), *links, class_="compare pages", aria_label="Pages")


def note(text: str) -> Html:
    """A sentence in the page's small type."""
    return element("p", text, class_="compare muted")
