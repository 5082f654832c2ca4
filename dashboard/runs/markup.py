"""Tables of the page as HTML with real links; rows in, markup out."""

import json
from collections.abc import Sequence

from dashboard.navigation import address
from dashboard.reports.markup import Html, element, joined
from dashboard.runs.queries import Network, Row
from dashboard.text import MISSING, when
from dashboard.theme import MARKS, Palette
from dashboard.words import help_of
from metrics.gate.cells import Verdict
from ridealong.terminal.readable import size
from shadow.releases.promotion import Release

_STYLE = """
.rt {{ overflow-x: auto; }}
.rt table {{ width: 100%; border-collapse: collapse; font-size: 0.875rem; color: {text}; }}
.rt th {{ text-align: left; font-weight: 600; color: {muted}; white-space: nowrap; }}
.rt th, .rt td {{ padding: 0.35rem 0.6rem 0.35rem 0; border-bottom: 1px solid {line};
  vertical-align: top; }}
.rt td.n, .rt th.n {{ text-align: right; font-variant-numeric: tabular-nums; padding-right: 1rem; }}
.rt .m {{ color: {muted}; overflow-wrap: anywhere; }}
.rt .w {{ overflow-wrap: anywhere; min-width: 5.5rem; }}
.rt .k {{ white-space: nowrap; }}
.rt tr[aria-current] td {{ background: color-mix(in srgb, {candidate} 12%, transparent); }}
.rt a, .rn a {{ color: inherit; text-decoration: underline; text-underline-offset: 2px; }}
.rt abbr {{ text-decoration: none; border-bottom: 1px dotted {muted}; cursor: help; }}
.rt a:focus-visible, .rn a:focus-visible, .rt abbr:focus-visible {{
  outline: 2px solid {text}; outline-offset: 2px; }}
.rh {{ font-size: 1.1rem; margin: 0; padding: 0.5rem 0 0 0; color: {text}; }}
.rn {{ display: flex; gap: 0.4rem; flex-wrap: wrap; align-items: center; font-size: 0.9rem; }}
.rn a {{ padding: 0.25rem 0.75rem; border-radius: 1rem; border: 1px solid {line};
  text-decoration: none; }}
.rn a[aria-current] {{ background: {text}; color: {surface}; border-color: {text}; }}
"""


def style(palette: Palette) -> str:
    """The style of all tables and links of the page, in the colours of the theme."""
    known = {name: getattr(palette, name) for name in ("text", "muted", "line", "surface")}
    rules = _STYLE.format(candidate=palette.candidate, **known)
    verdicts = (
        f".rt .{verdict} {{ color: {colour}; font-weight: 600; white-space: nowrap; }}"
        for verdict, colour in palette.verdicts.items()
    )
    return f"<style>{rules}{' '.join(verdicts)}</style>"


def heading(text: str) -> Html:
    """The heading of a part of the page."""
    return element("h2", text, class_="rh")


def choices(links: Sequence[tuple[str, str]], chosen: str, label: str) -> Html:
    """A row of links, of which one is where we are."""
    parts = [
        element("a", text, href=href, aria_current="page" if text == chosen else None)
        for text, href in links
    ]
    return element("nav", *parts, class_="rn", aria_label=label)


def runs_table(rows: Sequence[Row], chosen: str | None) -> Html:
    """The runs; ``chosen`` is the id of the one that is edited beside the table."""
    heads = (
        _head("Run", "shadow run"),
        _head("Verdict", "verdict"),
        _head("Networks", "candidate"),
        _head("Clips", "clip", right=True),
        _head("Baseline", "baseline"),
        element("th", "Judged (UTC)"),
        element("th", "Open"),
    )
    return _table(heads, [_run(row, row["run_id"] == chosen) for row in rows])


def _run(row: Row, chosen: bool) -> Html:
    run_id = row["run_id"]
    name = element("strong", row["name"]) if row["name"] else element("span", run_id, class_="m")
    note = element("div", row["note"], class_="m") if row["note"] else ""
    archived = element("span", " archived", class_="m") if row["archived"] else ""
    clips = f"{row['clips']:,}"
    if row["left_out"]:
        clips += f", {row['left_out']:,} left out"
    same = row["deployed_sha256"] == row["candidate_sha256"]
    against = "with itself" if same else f"against {row['deployed']}"
    links = [
        element("a", text, href=href)
        for text, href in (
            ("Release", address("", run=run_id)),
            ("Compare", address("compare", run=run_id)),
            ("Edit", address("runs", run=run_id)),
        )
    ]
    return element(
        "tr",
        element("td", element("div", name, archived), note, class_="w"),
        element("td", verdict_mark(row["verdict"], row["reason"])),
        element("td", row["candidate"], element("div", against, class_="m"), class_="w"),
        element("td", clips, class_="n"),
        element("td", row["baseline"] or MISSING, class_="w"),
        element("td", when(row["created_ns"]), class_="k"),
        element("td", links[0], " ", links[1], " ", links[2], class_="k"),
        aria_current="true" if chosen else None,
    )


def verdict_mark(verdict: str, reason: str | None = None) -> Html:
    """The verdict with its mark, and what it means."""
    text = f"{MARKS[Verdict(verdict)]} {verdict}"
    said = help_of(verdict) + (f" Here: {reason}" if reason else "")
    return element("abbr", text, class_=verdict, title=said, tabindex="0")


def networks_table(networks: Sequence[Network]) -> Html:
    """The registered networks, and which of them the fleet runs."""
    heads = (
        _head("Network", "network"),
        _head("Deployed", "deployed"),
        _head("Predictions", "prediction", right=True),
        element("th", element("abbr", "Parameters", title=PARAMETERS, tabindex="0"), class_="n"),
        _head("Size", "artifact", right=True),
        element("th", "Registered (UTC)"),
    )
    return _table(heads, [_network(one) for one in networks])


PARAMETERS = "The number of learnt parameters. More need more memory and time."


def _network(one: Network) -> Html:
    entry, release = one.entry, one.release
    since = MISSING
    if one.deployed and release:
        since = f"✓ since {when(release.time_ns)} (release {release.release})"
    elif release:
        since = f"before (release {release.release})"
    parameters = MISSING if entry.parameters is None else f"{entry.parameters:,}"
    description = element("div", entry.description, class_="m")
    return element(
        "tr",
        element("td", element("strong", entry.network), description, class_="w"),
        element("td", since),
        element("td", f"{entry.predictions:,}", class_="n"),
        element("td", parameters, class_="n"),
        element("td", MISSING if one.size is None else size(one.size), class_="n k"),
        element("td", when(entry.added_ns), class_="k"),
    )


def releases_table(made: Sequence[Release]) -> Html:
    """The releases, the newest first: which network, instead of which, and why it was allowed."""
    heads = (
        _head("Release", "release", right=True),
        element("th", "Network"),
        element("th", "Instead of"),
        element("th", "When (UTC)"),
        element("th", "Allowed by"),
    )
    return _table(heads, [_release(one) for one in reversed(made)])


def _release(one: Release) -> Html:
    parts: list[object] = []
    if one.run_id and one.verdict:
        link = element("a", "its run", href=address("", run=one.run_id))
        parts += [link, " ", verdict_mark(one.verdict)]
    if one.waiver_reason:
        waiver = element("abbr", "waiver", title=help_of("waiver"), tabindex="0")
        parts += [" " if parts else "", waiver, f" of {one.waiver_by}: {one.waiver_reason}"]
    return element(
        "tr",
        element("td", f"{one.release}", class_="n"),
        element("td", one.network, class_="w"),
        element("td", one.replaced or MISSING, class_="w"),
        element("td", when(one.time_ns), class_="k"),
        element("td", *parts, class_="w"),
    )


def changes_table(rows: Sequence[Row]) -> Html:
    """What was changed on the dashboard, as `dashboard.actions.audit.entries` gives it."""
    names = ("When (UTC)", "Who", "Address", "Action", "Of", "Before", "After")
    heads = [element("th", name) for name in names]
    return _table(heads, [_change(row) for row in rows])


def _change(row: Row) -> Html:
    after: object = state(row["after"])
    if row["refused"]:
        after = joined(element("strong", "✕ not done: "), row["refused"])
    return element(
        "tr",
        element("td", when(row["time_ns"], seconds=True), class_="k"),
        element("td", row["who"] or "unknown", class_="w" if row["who"] else "m"),
        element("td", row["address"] or MISSING, class_="w"),
        element("td", row["action"], class_="k"),
        element("td", row["subject"], class_="w"),
        element("td", state(row["before"]), class_="w"),
        element("td", after, class_="w"),
    )


def state(known: object) -> str:
    """A state before or after an action, as people read it."""
    match known:
        case None:
            return MISSING
        case dict():
            return ", ".join(f"{name}: {state(value)}" for name, value in known.items())
        case bool():
            return "yes" if known else "no"
        case str() | int() | float():
            return str(known)
        case _:
            return json.dumps(known, ensure_ascii=False)


def _head(text: str, term: str, right: bool = False) -> Html:
    help_text = element("abbr", text, title=help_of(term), tabindex="0")
    return element("th", help_text, scope="col", class_="n" if right else None)


def _table(heads: Sequence[Html], rows: Sequence[Html]) -> Html:
    head = element("thead", element("tr", *heads))
    return element("div", element("table", head, element("tbody", *rows)), class_="rt")
