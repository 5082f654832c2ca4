"""A run as one HTML file: it loads nothing, runs no script, and suits light and dark screens."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from dashboard.reports.bars import Scale, bar, heading, scale_of
from dashboard.reports.content import Content, Costly
from dashboard.reports.markup import Html, element, html, joined
from dashboard.reports.pictures import Pictures
from metrics.gate.cells import Cell, Verdict
from ridealong.terminal.readable import counted, duration, instant
from ridealong.units import NS_PER_S
from shadow.report import cell_texts, direction_sentence, results_sentence, summary_rows

MOST_REQUIRED, MOST_ALERTS = 500, 25
STYLE = Path(__file__).with_name("report.css")


def page(content: Content, pictures: Sequence[Pictures]) -> bytes:
    """The page, in UTF-8.

    Args:
        content: The run.
        pictures: Those of each of its costliest clips or frames.
    """
    title = f"{content.verdict}: {content.document['candidate']}"
    head = element(
        "head",
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        element("title", title),
        element("style", Html(_style())),
    )
    body = element("body", *_sections(content, pictures))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n".encode()


@cache
def _style() -> str:
    return STYLE.read_text("utf-8")


def _policy() -> str:
    """Nothing may be loaded; the one style sheet is known by its hash."""
    known = b64encode(sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'sha256-{known}'"


def _sections(content: Content, pictures: Sequence[Pictures]) -> Iterator[Html]:
    yield _header(content)
    yield _required(content)
    if content.costly:
        yield _costliest(content, pictures)
    if content.of_files and (rows := summary_rows(content.document["metrics"])):
        yield _summary(rows)
    if content.alerts:
        yield _alerts(content.alerts)
    note = f"{direction_sentence(content.document['cells'], content.metric_lookup)}."
    yield element("footer", note[:1].upper() + note[1:], class_="faint")


def _header(content: Content) -> Html:
    document = content.document
    about = [results_sentence(document)] if content.of_files else []
    return element(
        "header",
        element("span", content.verdict, class_=f"badge {content.verdict}"),
        element("h1", f"{document['candidate']} against {document['deployed']}"),
        element("p", " · ".join(_facts(content)), class_="about"),
        *(element("p", text, class_="about") for text in about),
        element("p", content.reason, class_="reason"),
        *(element("p", remark, class_="cause") for remark in content.remarks),
        *(element("p", note, class_="about") for note in content.notes),
    )


def _facts(content: Content) -> Iterator[str]:
    document, run = content.document, content.run
    name = f" ({document['name']})" if document["name"] else ""
    yield f"run {document['run']}{name}"
    yield instant(run["created_ns"] // NS_PER_S * NS_PER_S)
    yield content.judged
    if left_out := document["clips_left_out"]:
        yield f"{counted(len(left_out), 'clip')} left out"
    latency = document["latency"]
    if latency["deployed_ms"] and latency["candidate_ms"]:
        deployed, candidate = (
            duration(latency[name] / 1e3) for name in ("deployed_ms", "candidate_ms")
        )
        yield f"one set of camera frames: {deployed} deployed, {candidate} candidate"


def _required(content: Content) -> Html:
    cells = content.required
    counts = [(name, sum(c["verdict"] == name for c in cells)) for name in Verdict]
    tally = ", ".join(f"{count:,} {name}" for name, count in counts if count)
    return element(
        "section",
        element("h2", counted(len(cells), "required check")),
        element("p", tally, class_="about"),
        _cells(cells, MOST_REQUIRED),
    )


def _alerts(cells: Sequence[Cell]) -> Html:
    have = "has" if len(cells) == 1 else "have"
    about = "An alert never blocks: the check is watched, and significantly worse or missing."
    return element(
        "section",
        element("h2", f"{counted(len(cells), 'watched check')} {have} an alert"),
        element("p", about, class_="about"),
        _cells(cells, MOST_ALERTS),
    )


def _cells(cells: Sequence[Cell], most: int) -> Html:
    """A table of cells with their bars; all bars have one scale."""
    scale = scale_of(cells)
    heads = [
        element("th", "verdict"),
        element("th", "check"),
        element("th", heading(scale)),
        element("th", "delta, interval", class_="number"),
        element("th", "deployed", class_="number values"),
        element("th", "candidate", class_="number values"),
        element("th", "drives", class_="number"),
    ]
    rows = [row for cell in cells[:most] for row in _rows(cell, scale, len(heads))]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows))
    left = len(cells) - min(most, len(cells))
    more = f"and {counted(left, 'more check')}: `ridealong shadow report --json` lists them"
    return joined(
        element("div", table, class_="wide"),
        *([element("p", more, class_="about")] if left else []),
    )


def _rows(cell: Cell, scale: Scale, columns: int) -> Iterator[Html]:
    """A cell as a row; the reason is a second one, unless the bar shows it."""
    shows = cell["verdict"] == Verdict.PASS and not cell["worse_within_margin"]
    yield element("tr", *_columns(cell, scale), class_=None if shows else "first")
    if not shows:
        why = element("td", cell["reason"], class_="why", colspan=columns - 1)
        yield element("tr", element("td"), why)


def _columns(cell: Cell, scale: Scale) -> Iterator[Html]:
    texts = ["–" if text is None or text == "-" else text for text in cell_texts(cell)]
    prediction, metric, where, deployed, candidate, delta, interval, drives, verdict = texts
    at = "" if where == "all" else f" at {where}"
    yield element("td", element("span", verdict, class_=f"word {verdict}"))
    yield element("td", _breakable(prediction), element("span", f"{metric}{at}"), class_="name")
    yield element("td", bar(cell, scale), class_=str(verdict))
    yield element("td", delta, element("small", interval), class_="number")
    yield element("td", deployed, class_="number values")
    yield element("td", candidate, class_="number values")
    yield element("td", drives, class_="number")


def _breakable(name: object) -> Html:
    """A name that a narrow screen may break at its separators."""
    return Html(re.sub(r"([/@_])", r"\1<wbr>", html(name)))


def _costliest(content: Content, pictures: Sequence[Pictures]) -> Html:
    cells = counted(len(content.lost), "check")
    about = f"Shares of the loss in {cells}. Green: labels; blue: deployed; orange: candidate."
    articles = [_article(one, shown) for one, shown in zip(content.costly, pictures, strict=True)]
    return element(
        "section",
        element("h2", "What cost most"),
        element("p", about, class_="about"),
        *articles,
    )


def _article(one: Costly, shown: Pictures) -> Html:
    cell = one.cell
    where = "" if cell["slice"] == "all" else f" at {cell['slice']}"
    about = (
        f"drive {one.drive} · most of its loss is in {cell['prediction']} {cell['metric']}{where}"
    )
    figures = [_figure(title, image) for title, image in shown.images.items()]
    return element(
        "article",
        element("h3", f"{one.share:.1%} of the loss: {one.item}"),
        element("p", about, class_="about"),
        element("p", f"{shown.caption[:1].upper()}{shown.caption[1:]}.", class_="about"),
        *([element("div", *figures, class_="pair")] if figures else []),
    )


def _figure(title: str, image: bytes) -> Html:
    source = f"data:image/jpeg;base64,{b64encode(image).decode()}"
    return element(
        "figure",
        Html(f'<img src="{source}" alt="{html(title)}">'),
        element("figcaption", title),
    )


def _summary(rows: Sequence[Sequence[object]]) -> Html:
    """The summary of the data set, as its reference tool prints it."""
    kinds = (None, "number", "number")
    lines = [
        element(
            "tr", *(element("td", text, class_=kind) for text, kind in zip(row, kinds, strict=True))
        )
        for row in rows
    ]
    heads = zip(("metric", "deployed", "candidate"), kinds, strict=True)
    head = element("tr", *(element("th", text, class_=kind) for text, kind in heads))
    table = element("table", element("thead", head), element("tbody", *lines), class_="small")
    about = "Over all frames, as the data set's reference tool computes it."
    return element(
        "section",
        element("h2", "Summary"),
        element("p", about, class_="about"),
        element("div", table, class_="wide"),
    )
