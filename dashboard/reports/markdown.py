"""A run as Markdown that fits a comment on a pull request or merge request.

Names are free text, so none may become markup: a name is a code span, in which neither HTML nor
mentions work; sentences are escaped.
"""

import re
from collections.abc import Iterator, Sequence

from dashboard.reports.content import Content, Costly
from metrics.gate.cells import Cell, Verdict
from ridealong.terminal.readable import counted, printable
from shadow.report import cell_texts

LIMIT = 65_536  # characters of a comment on GitHub; ours has at most as many bytes
MOST_ROWS = (30, 10, 3, 0)  # rows of the table: the most that fit the limit
LONGEST_NAME = 120
LONGEST_SENTENCE = 2000
MOST_ALERTS = 3
MOST_NOTES = 5
HEADINGS = ("check", "deployed", "candidate", "delta", "interval", "margin", "drives", "verdict")
WORD_JOINER = "\u2060"  # invisible; it separates `@` from the name of a person


def markdown(content: Content) -> str:
    """The run as one comment of at most `LIMIT` bytes of UTF-8."""
    for rows in MOST_ROWS:
        text = "\n\n".join(_parts(content, rows)) + "\n"
        if len(text.encode()) <= LIMIT:
            break
    return text


def _parts(content: Content, rows: int) -> Iterator[str]:
    yield f"### ridealong: {content.verdict}"
    yield sentence(content.reason)
    yield _about(content)
    yield from map(sentence, content.remarks)
    if content.notes:
        yield "\n".join(f"- {sentence(note)}" for note in content.notes[:MOST_NOTES])
    if content.not_passed:
        yield "**Required checks that did not pass**"
        yield _table(content.not_passed, rows)
    if content.alerts:
        yield _alerts(content.alerts)
    if content.costly:
        yield f"**What cost most** (share of the loss in {counted(len(content.lost), 'check')})"
        yield "\n".join(f"1. {_costly(one)}" for one in content.costly)


def _about(content: Content) -> str:
    document = content.document
    pair = f"{code(document['candidate'])} (candidate) against {code(document['deployed'])}"
    named = f" ({code(document['name'])})" if document["name"] else ""
    return (
        f"{pair} (deployed), run {code(document['run'])}{named}, "
        f"{content.judged}, {counted(len(content.required), 'required check')}."
    )


def _table(cells: Sequence[Cell], most: int) -> str:
    left = len(cells) - min(most, len(cells))
    lines = [_line(HEADINGS), _line(["---", *["---:"] * 6, "---"])]
    lines += [_line(_row(cell)) for cell in cells[:most]]
    more = [f"\nand {counted(left, 'more check')}"] if left else []
    return "\n".join((lines if most else []) + more)


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _row(cell: Cell) -> list[str]:
    numbers = ["–" if text is None else str(text) for text in cell_texts(cell)[3:8]]
    margin = "–" if cell["margin"] is None else f"{cell['margin']:g}"
    drives = numbers.pop()
    return [_cell(cell), *numbers, margin, drives, _verdict(cell)]


def _verdict(cell: Cell) -> str:
    if cell["verdict"] != Verdict.INCONCLUSIVE:
        return str(cell["verdict"])
    if cell["drives_needed"]:
        return f"{cell['verdict']}: about {counted(cell['drives_needed'], 'more drive')}"
    return f"{cell['verdict']}: {sentence(cell['reason'], LONGEST_NAME)}"


def _cell(cell: Cell) -> str:
    where = "" if cell["slice"] == "all" else f" at {code(cell['slice'], in_table=True)}"
    names = (code(name, in_table=True) for name in (cell["prediction"], cell["metric"]))
    return " ".join(names) + where


def _alerts(cells: Sequence[Cell]) -> str:
    names = ", ".join(map(_cell, cells[:MOST_ALERTS]))
    more = f", and {len(cells) - MOST_ALERTS:,} more" if len(cells) > MOST_ALERTS else ""
    have = "has" if len(cells) == 1 else "have"
    return f"{counted(len(cells), 'watched check')} {have} an alert: {names}{more}."


def _costly(one: Costly) -> str:
    return (
        f"{code(one.item)} of drive {code(one.drive)}: {one.share:.1%} of the loss, "
        f"most of it in {_cell(one.cell)}"
    )


def code(text: str, in_table: bool = False) -> str:
    """A name as a code span, on one line and of at most `LONGEST_NAME` characters.

    In a table a pipe would end the cell: it is escaped, and so are backslashes before it.
    """
    shown = _short(printable(text), LONGEST_NAME) or " "
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    edge = " " if "`" in (shown[0], shown[-1]) else ""
    if in_table:
        shown = re.sub(r"(\\*)\|", r"\1\1\\|", shown)
    return f"{fence}{edge}{shown}{edge}{fence}"


def sentence(text: str, longest: int = LONGEST_SENTENCE) -> str:
    """Prose without markup, links, mentions and references, on one line."""
    shown = _short(printable(text), longest)
    escaped = re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/^=%'\"])", r"\\\1", shown)
    return re.sub(r"([@#!$%&~^])(?=\w)", rf"\1{WORD_JOINER}", escaped)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
