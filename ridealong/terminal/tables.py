"""Tables that fit the terminal.

No text is cut. If a table is too wide:

1. Columns are left out, the least important first; the table names them.
2. If even the important columns are too wide, long ids are shortened to a unique beginning.
3. If that is not enough, each row becomes lines of ``name  value``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, takewhile

from ridealong.terminal.readable import value

GAP = "  "
NOTHING = "(none)"
SHORTEST_ID = 8
NARROWEST = 20  # width of a terminal, and of a column whose text is wrapped


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Its heading.
        rank: 0 is never left out; of the others the highest is left out first. None: the column's
            place in the table, from 0.
        right: Align right, as numbers are.
        fold: Wrap over several lines, as prose may be.
        shorten: Allow a unique beginning instead of the whole, as for ids.
    """

    name: str
    rank: int | None = None
    right: bool = False
    fold: bool = False
    shorten: bool = False


@dataclass(frozen=True)
class Section:
    """Rows under a title; all sections of a table have the same columns."""

    rows: Sequence[Sequence[object]]
    title: str | None = None


@dataclass(frozen=True)
class _Grid:
    columns: tuple[Column, ...]
    sections: tuple[tuple[str | None, list[list[str]]], ...]

    def rows(self) -> Iterator[list[str]]:
        for _, rows in self.sections:
            yield from rows

    @cached_property
    def natural(self) -> list[int]:
        """Widths at which nothing is wrapped."""
        widths = [cells(column.name) for column in self.columns]
        for row in self.rows():
            widths = [max(known, cells(cell)) for known, cell in zip(widths, row, strict=True)]
        return widths

    @cached_property
    def least(self) -> list[int]:
        """Widths at which no word is broken."""
        least = []
        for place, (column, natural) in enumerate(zip(self.columns, self.natural, strict=True)):
            words = (word for row in self.rows() for word in row[place].split())
            longest = max(map(cells, words), default=0) if column.fold else natural
            least.append(min(natural, max(longest, cells(column.name), NARROWEST)))
        return least

    def take(self, places: Sequence[int]) -> "_Grid":
        columns = tuple(self.columns[place] for place in places)
        picked = [
            (title, [[row[place] for place in places] for row in rows])
            for title, rows in self.sections
        ]
        return _Grid(columns, tuple(picked))


def table_lines(
    columns: Sequence[str | Column],
    sections: Sequence[Section],
    width: int | None,
    hint: str = "--wide",
) -> list[str]:
    """The table's lines, none wider than ``width`` cells (None: no limit).

    A word is broken only if it is wider than the terminal, as a path may be. ``hint`` is what to
    call to see what was left out.
    """
    named = [c if isinstance(c, Column) else Column(c) for c in columns]
    grid = _Grid(
        tuple(named),
        tuple((s.title, [[value(cell) for cell in row] for row in s.rows]) for s in sections),
    )
    if width is None:
        return _drawn(grid, grid.natural, None)
    width = max(width, NARROWEST)
    for candidate in (grid, _shortened(grid)):
        if (places := _fitting(candidate, width)) is not None:
            kept = candidate.take(places)
            lines = _drawn(kept, _widths(kept, width), width)
            return lines + _remarks(grid, places, candidate is not grid, width, hint)
    return _records(grid, _shortened(grid), width)


def record_lines(pairs: Sequence[tuple[str, object]], width: int | None) -> list[str]:
    """Lines of ``name  value``, with the values aligned.

    A word that is wider than the line, such as a path, stays whole: even if the terminal wraps it,
    it can be copied.
    """
    texts = [(name, value(thing)) for name, thing in pairs]
    return list(_record(texts, None, width))


def wrapped(text: str, width: int | None) -> list[str]:
    """The text in lines of at most ``width`` cells, broken between words.

    A word is broken only if it is wider than a line.
    """
    if width is None or cells(text) <= width:
        return [text]
    lines, line = [], ""
    for word in _broken(text.split(), width):
        if line and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _broken(words: Iterable[str], width: int) -> Iterator[str]:
    for word in words:
        piece = ""
        for character in word:
            if cells(piece + character) > width:
                yield piece
                piece = ""
            piece += character
        yield piece


def cells(text: str) -> int:
    """How many cells of a terminal the text takes; a Chinese character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def unique_beginnings(ids: Iterable[str]) -> dict[str, str]:
    """The shortest unique beginning of each id, at least `SHORTEST_ID` long.

    It ends after the first character that differs from both neighbours in the order of the ids.
    """
    ordered = sorted(set(ids))
    needed = dict.fromkeys(ordered, SHORTEST_ID)
    for one, other in pairwise(ordered):
        both = zip(one, other, strict=False)
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], both))) + 1
        needed[one] = max(needed[one], shared)
        needed[other] = max(needed[other], shared)
    return {name: name[:length] for name, length in needed.items()}


def _shortened(grid: _Grid) -> _Grid:
    known = {
        place: unique_beginnings(row[place] for row in grid.rows())
        for place, column in enumerate(grid.columns)
        if column.shorten
    }
    sections = [
        (title, [[known.get(p, {}).get(cell, cell) for p, cell in enumerate(row)] for row in rows])
        for title, rows in grid.sections
    ]
    return _Grid(grid.columns, tuple(sections))


def _fitting(grid: _Grid, width: int) -> list[int] | None:
    """Places of the columns to keep; None if even the columns of rank 0 are too wide."""
    least = grid.least
    kept: list[int] = []
    room = width + len(GAP)
    for place in sorted(range(len(least)), key=lambda place: (_rank(grid, place), place)):
        needed = least[place] + len(GAP)
        if needed <= room:
            kept.append(place)
            room -= needed
        elif _rank(grid, place) == 0:
            return None
    return sorted(kept)


def _rank(grid: _Grid, place: int) -> int:
    rank = grid.columns[place].rank
    return place if rank is None else rank


def _widths(grid: _Grid, width: int) -> list[int]:
    """The least widths, plus the rest of the space for the columns that want more."""
    natural, widths = grid.natural, grid.least
    spare = width - sum(widths) - len(GAP) * (len(widths) - 1)
    wanting = sorted(range(len(widths)), key=lambda place: natural[place] - widths[place])
    for position, place in enumerate(wanting):
        # The column that wants least is first, so the others share what it does not need.
        more = min(natural[place] - widths[place], spare // (len(wanting) - position))
        widths[place] += more
        spare -= more
    return widths


def _drawn(grid: _Grid, widths: list[int], width: int | None) -> list[str]:
    lines = [_line([c.name for c in grid.columns], grid.columns, widths)]
    lines.append(GAP.join("-" * width for width in widths))
    for title, rows in grid.sections:
        lines += wrapped(title, width) if title is not None else []
        lines += [] if rows else [NOTHING]
        for row in rows:
            lines += _row_lines(row, grid.columns, widths)
    return lines


def _row_lines(row: list[str], columns: Sequence[Column], widths: list[int]) -> Iterator[str]:
    parts = [
        wrapped(cell, width) if column.fold else [cell]
        for cell, column, width in zip(row, columns, widths, strict=True)
    ]
    for number in range(max(map(len, parts))):
        yield _line([p[number] if number < len(p) else "" for p in parts], columns, widths)


def _line(texts: Sequence[str], columns: Sequence[Column], widths: list[int]) -> str:
    padded = []
    for text, column, width in zip(texts, columns, widths, strict=True):
        room = " " * (width - cells(text))
        padded.append(room + text if column.right else text + room)
    return GAP.join(padded).rstrip()


def _remarks(grid: _Grid, places: list[int], shortened: bool, width: int, hint: str) -> list[str]:
    """Lines that name what the table does not show."""
    out = [column.name for place, column in enumerate(grid.columns) if place not in places]
    short = [c.name for p, c in enumerate(grid.columns) if c.shorten and p in places]
    remarks = []
    if out:
        remarks.append(f"left out: {', '.join(out)}")
    if short and shortened:
        remarks.append(f"shortened to a unique beginning: {', '.join(short)}")
    return wrapped(f"({'; '.join(remarks)}; {hint} shows all)", width) if remarks else []


def _records(grid: _Grid, short: _Grid, width: int) -> list[str]:
    """Every row as separate lines, with all columns; a blank line between rows."""
    names = [column.name for column in grid.columns]
    lines: list[str] = []
    for (title, rows), (_, briefs) in zip(grid.sections, short.sections, strict=True):
        lines += ["", *wrapped(title, width)] if title is not None else []
        lines += [] if rows else ["", NOTHING]
        for row, brief in zip(rows, briefs, strict=True):
            lines += ["", *_record(list(zip(names, row, strict=True)), brief, width)]
    return lines[1:]


def _record(
    pairs: Sequence[tuple[str, str]], brief: Sequence[str] | None, width: int | None
) -> Iterator[str]:
    label = max((cells(name) for name, _ in pairs), default=0) + len(GAP)
    for place, (name, text) in enumerate(pairs):
        head = name + " " * (label - cells(name))
        if width is None or label + cells(text) <= width:
            yield head + text
        elif " " in text and width - label >= NARROWEST // 2:
            first, *more = wrapped(text, width - label)
            yield head + first
            yield from (" " * label + line for line in more)
        elif brief is None or cells(text) <= width:
            yield from (name, text)  # whole, on a separate line, so that it can be copied
        else:
            yield from (name, *wrapped(brief[place], width))
