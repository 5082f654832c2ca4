"""Markdown for a comment: short enough, and no name becomes markup."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dashboard.reports.content import Content, Costly
from dashboard.reports.markdown import LIMIT, LONGEST_NAME, code, markdown, sentence
from ridealong.terminal.readable import printable


def tokens(text: str) -> list[Token]:
    return MarkdownIt("gfm-like", {"linkify": False}).parse(text)


def spans(text: str) -> list[str]:
    """The code spans of a text, which has nothing else but plain text."""
    inside = [child for token in tokens(text) for child in token.children or ()]
    kinds = {child.type for child in inside}
    assert kinds <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}, kinds
    return [child.content for child in inside if child.type == "code_inline"]


def rows(text: str) -> list[list[Token]]:
    """The rows of the table of a text: the inline token of each cell."""
    found: list[list[Token]] = []
    for token, after in zip(tokens(text), tokens(text)[1:], strict=False):
        if token.type == "tr_open":
            found.append([])
        elif token.type in ("td_open", "th_open"):
            found[-1].append(after)
    return found


def test_what_did_not_pass_comes_as_a_table(cell: Any, content: Any) -> None:
    cells = [
        cell("objects/car@main"),
        cell("objects/bicycle@main", "INCONCLUSIVE", drives_needed=12),
        cell("objects/truck@main", "REGRESSED", slice="light=night", because_of="light=night"),
        cell("objects/bus@main", "REGRESSED", required=False, alert=True),
    ]
    text = markdown(content(cells, [Costly("clip-1", "drive-7", 0.25, cells[2])]))
    lines = text.splitlines()
    assert lines[0] == "### ridealong: REGRESSED"
    assert "1 of 2 required checks regressed" in lines[2]
    assert (
        "| `objects/truck@main` `f1` at `light=night` | 0.800 | 0.750 | -0.050 "
        "| -0.080 to -0.020 | 0.02 | 24 | REGRESSED |"
    ) in lines
    assert text.count("| `") == 2 and "INCONCLUSIVE: about 12 more drives |" in text
    assert "1 watched check has an alert: `objects/bus@main` `f1`." in lines
    assert (
        "1. `clip-1` of drive `drive-7`: 25.0% of the loss, most of it in "
        "`objects/truck@main` `f1` at `light=night`"
    ) in lines


def test_a_pass_is_short(cell: Any, content: Any) -> None:
    text = markdown(content([cell()], verdict="PASS", reason="the required check passes"))
    assert text.startswith("### ridealong: PASS\n") and "| cell" not in text


def test_no_name_becomes_markup(hostile: Content, hostile_names: Any) -> None:
    text = markdown(hostile)
    found = spans(text)
    assert printable(hostile_names[2]) in found and printable(hostile_names[3]) in found
    table = rows(text)
    assert {len(row) for row in table} == {8} and len(table) == 1 + len(hostile_names)


def test_many_cells_with_long_names_fit_a_comment(cell: Any, content: Any) -> None:
    name = "𝔘|`" * 400
    cells = [
        cell(f"{place}{name}", "INCONCLUSIVE", metric=name, slice=name, reason=name)
        for place in range(200)
    ]
    costly = [Costly(name, name, 0.1, cells[0])] * 3
    text = markdown(content(cells, costly, reason=name * 100, name=name, deployed=name))
    assert len(text.encode()) <= LIMIT and "more checks" in text


@given(st.text(min_size=1, max_size=40))
@example("\x1b" * 40)
def test_code_spans_hold_any_name(name: str) -> None:
    shown = printable(name)  # escapes may make it longer than a name may be
    if len(shown) > LONGEST_NAME:
        shown = f"{shown[: LONGEST_NAME - 1]}…"
    (found,) = spans(f"x {code(name)} y") or [""]
    assert found.strip() == shown.strip() or not shown.strip()


@given(st.text(alphabet="a|\\`@", min_size=1, max_size=12))
def test_a_name_never_ends_its_cell(name: str) -> None:
    text = f"| a | b |\n|---|---|\n| {code(name, in_table=True)} | y |"
    _, row = rows(text)
    assert [cell.content for cell in row][1:] == ["y"]


@given(st.text(max_size=60))
def test_sentences_are_plain_text(text: str) -> None:
    assert spans(f"x{sentence(text)}x") == []


@pytest.mark.parametrize("text", ["ask @everyone", "fixes #12", "see !3"])
def test_sentences_mention_nobody(text: str) -> None:
    assert not any(f"{mark}{letter}" in sentence(text) for mark in "@#!" for letter in "e13")


def test_names_are_shortened() -> None:
    assert code("x" * 500) == f"`{'x' * (LONGEST_NAME - 1)}…`"
