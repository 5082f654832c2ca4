"""Tables: what fits, what gives way, and that nothing is ever cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ridealong.terminal.tables import (
    Column,
    Section,
    cells,
    record_lines,
    table_lines,
    unique_beginnings,
    wrapped,
)

COLUMNS = (
    Column("prediction", 0),
    Column("metric", 1),
    Column("delta", 2, right=True),
    Column("verdict", 0),
)
ROW = ["objects/car@main", "f1", -0.143, "REGRESSED"]
LONG_ID = "b0c9d2329ad1606b_2018-08-02--08-34-47--40-f8c17464"
TEXT = st.text("ab/@_-é車\u0301", min_size=1, max_size=130)


def lines(rows: list[list[object]], width: int | None, columns: object = COLUMNS) -> list[str]:
    return table_lines(columns, [Section(rows)], width)  # type: ignore[arg-type]


def test_a_table_with_room() -> None:
    assert lines([ROW], 80) == [
        "prediction        metric   delta  verdict",
        "----------------  ------  ------  ---------",
        "objects/car@main  f1      -0.143  REGRESSED",
    ]


def test_columns_are_left_out_by_rank_and_named() -> None:
    assert lines([ROW], 38) == [
        "prediction        metric  verdict",
        "----------------  ------  ---------",
        "objects/car@main  f1      REGRESSED",
        "(left out: delta; --wide shows all)",
    ]
    assert lines([ROW], 30)[2:] == [
        "objects/car@main  REGRESSED",
        "(left out: metric, delta;",
        "--wide shows all)",
    ]


def test_rows_become_lines_where_the_necessary_is_too_wide() -> None:
    assert lines([ROW, ["depth@rear", "abs_rel", None, "PASS"]], 26) == [
        "prediction",
        "objects/car@main",
        "metric      f1",
        "delta       -0.143",
        "verdict     REGRESSED",
        "",
        "prediction  depth@rear",
        "metric      abs_rel",
        "delta       -",
        "verdict     PASS",
    ]


def test_columns_by_name_go_from_the_right() -> None:
    rows: list[list[object]] = [["run-1", "x" * 10, "y" * 10]]
    assert lines(rows, 24, ["run", "a", "b"])[2] == "run-1  " + "x" * 10
    assert lines(rows, 40, ["run", "a", "b"])[2] == f"run-1  {'x' * 10}  {'y' * 10}"


def test_ids_are_shortened_only_when_nothing_else_helps() -> None:
    columns = [Column("drive_id", 0, shorten=True), Column("time", 0), Column("kept", 1)]
    rows: list[list[object]] = [[LONG_ID, "24.5 s", True], ["solidWhiteRight-8b", "0.0 s", False]]
    assert lines(rows, 60, columns)[2] == f"{LONG_ID}  24.5 s"
    assert lines(rows, 50, columns)[2:] == [
        "b0c9d232  24.5 s  yes",
        "solidWhi  0.0 s   no",
        "(shortened to a unique beginning: drive_id; --wide",
        "shows all)",
    ]
    assert lines(rows, None, columns)[2] == f"{LONG_ID}  24.5 s  yes"


def test_prose_goes_over_lines_between_words() -> None:
    columns = [Column("trigger", 0), Column("description", 0, fold=True)]
    rows: list[list[object]] = [
        ["cut_in", "Another vehicle moves in between us and the one ahead."]
    ]
    assert lines(rows, 40, columns)[2:] == [
        "cut_in   Another vehicle moves in",
        "         between us and the one ahead.",
    ]


def test_sections_share_their_columns() -> None:
    sections = [Section([["a", 1]], "required:"), Section([], "watched:")]
    assert table_lines(["name", "n"], sections, 80)[2:] == [
        "required:",
        "a     1",
        "watched:",
        "(none)",
    ]


def test_wide_characters_take_two_cells() -> None:
    found = lines([["車両-東京-001", 1], ["drive", 2]], 80, ["drive", Column("n", right=True)])
    assert [cell_len(line) for line in found] == [
        16,
        16,
        16,
        16,
    ]  # four of the nine characters are wide


def test_control_characters_cannot_reach_the_terminal() -> None:
    found = "\n".join(lines([["a\x1b[31m\nb", "c\u202ed"]], 80, ["drive", "source"]))
    assert "\x1b" not in found and "\u202e" not in found and "a\\x1b[31m b" in found


@pytest.mark.parametrize("rows", [[], [[None, None, None, None]]])
def test_empty_tables_fit_too(rows: list[list[object]]) -> None:
    for width in (20, 40, 80, None):
        assert max(map(cells, lines(rows, width))) <= (width or 80)


@given(
    rows=st.lists(st.tuples(TEXT, TEXT, st.floats(), st.sampled_from(["PASS", "REGRESSED"]))),
    width=st.integers(20, 120),
)
def test_no_line_is_wider_and_nothing_is_cut(
    rows: list[tuple[str, str, float, str]], width: int
) -> None:
    found = lines([list(row) for row in rows], width)
    assert all(cell_len(line) <= width for line in found)
    for row in rows:
        # Whole wherever one line has the room for it.
        assert cells(row[0]) > width or any(row[0] in line for line in found)
    assert sum(len(re.findall(r"PASS|REGRESSED", line)) for line in found) >= len(rows)


@given(st.lists(st.text("ab", min_size=1, max_size=14), unique=True))
def test_beginnings_tell_all_apart(ids: list[str]) -> None:
    for name, short in unique_beginnings(ids).items():
        assert name.startswith(short)
        # What cannot be told by a beginning (one id begins with another) stays whole.
        others = [other for other in ids if other != name and other.startswith(short)]
        assert not others or short == name


def test_words_are_broken_only_when_wider_than_a_line() -> None:
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]
    assert wrapped("any length", None) == ["any length"]


def test_a_record_keeps_its_values_below_each_other() -> None:
    pairs = [("clip_id", "3f2a"), ("triggers", ["hard_brake", "low_ttc"]), ("labelled", False)]
    assert record_lines(pairs, 40) == [
        "clip_id   3f2a",
        "triggers  hard_brake, low_ttc",
        "labelled  no",
    ]
    assert record_lines([("blob", "blobs/" + "f" * 70)], 40) == ["blob", "blobs/" + "f" * 70]
