"""What all commands share: where the home is, and how results and progress are printed.

Results go to standard output, as text or (``--json``) as exactly one JSON document. Everything else
goes to standard error.

Tables and reports fit the width that COLUMNS gives, or else the terminal's. A pipe without COLUMNS
has no limit, so that ``grep`` sees whole rows.
"""

import json
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.limits import require_to_read
from ridealong.terminal.progress import SILENT, Steps
from ridealong.terminal.readable import printable
from ridealong.terminal.tables import NARROWEST, Column, Section, record_lines, table_lines, wrapped

if TYPE_CHECKING:
    from rich.progress import Progress

HOME_VARIABLE = "RIDEALONG_HOME"
PROGRESS_VARIABLE = "RIDEALONG_PROGRESS_S"
PROGRESS_S = 10.0  # between two lines of progress, without that variable
DEFAULT_HOME = "ridealong-home"
UNKNOWN_WIDTH = 80  # assumed for a terminal that does not report its width

# The --home that was given before the command.
HOME_BEFORE: ContextVar[Path | None] = ContextVar("home", default=None)


def _require_limits(home: Path | None) -> Path | None:
    """Check the machine's limits: every command with a home loads the lake."""
    require_to_read()
    return home


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        callback=_require_limits,
        help="Folder of the lake.",
        show_default=f"${HOME_VARIABLE}, else ./{DEFAULT_HOME}",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of text.")
]
WideOption = Annotated[
    bool, typer.Option("--wide", help="Show all columns, however wide the terminal is.")
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        help="Use only rows for which this expression is true, e.g. \"light = 'night'\".",
        show_default=False,
    ),
]


def home_of(home: Path | None) -> Path:
    """The lake's folder: from the command's --home, the program's, the environment, or default."""
    return home or HOME_BEFORE.get() or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)


@dataclass(frozen=True)
class Console:
    """A command's output: results go to standard output, the rest to standard error.

    Attributes:
        as_json: Print one JSON document, and no text.
        wide: Print tables as wide as their rows.
        wide_hint: What to call to see the columns that a table left out.
        quiet: Show neither notes nor progress.
    """

    as_json: bool = False
    wide: bool = False
    wide_hint: str = "--wide"
    quiet: bool = False

    def result(self, document: object) -> None:
        """Print the one JSON document; does nothing in text mode."""
        if self.as_json:
            print(json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False))

    def text(self, line: str = "") -> None:
        """Print a line of the result unchanged; does nothing in JSON mode."""
        if not self.as_json:
            print(line)

    def paragraph(self, text: str) -> None:
        """Print prose, wrapped to the width; does nothing in JSON mode.

        Names in it come from files, so control characters are escaped.
        """
        self._print(wrapped(printable(text), self._width()))

    def table(
        self,
        columns: Sequence[str | Column],
        rows: Sequence[Sequence[object]],
        title: str | None = None,
    ) -> None:
        """Print rows as a table that fits the width; does nothing in JSON mode.

        If columns are given as strings, the last is left out first, and the first never.
        """
        self.sections(columns, [Section(rows, title)])

    def rows(self, columns: Sequence[Column], rows: Iterable[Mapping[str, object]]) -> None:
        """Print rows, given as mappings, as a table; does nothing in JSON mode."""
        self.table(columns, [[row[column.name] for column in columns] for row in rows])

    def sections(self, columns: Sequence[str | Column], sections: Sequence[Section]) -> None:
        """Print a table whose rows are grouped under titles; does nothing in JSON mode.

        If the width is limited, each group is a table with columns of its own, so that a long name
        in one group leaves no column out of another.
        """
        width = self._width()
        parts = [sections] if width is None else [[one] for one in sections]
        tables = [table_lines(columns, part, width, self.wide_hint) for part in parts]
        self._print([line for table in tables for line in ("", *table)][1:])

    def record(self, pairs: Sequence[tuple[str, object]]) -> None:
        """Print one record as lines of ``name  value``; does nothing in JSON mode."""
        self._print(record_lines(pairs, self._width()))

    def _print(self, lines: Sequence[str]) -> None:
        if not self.as_json:
            print("\n".join(lines))

    def _width(self) -> int | None:
        return None if self.wide else output_width()

    def note(self, line: str) -> None:
        """Print a note about the work on standard error; control characters are escaped."""
        if not self.quiet:
            print(printable(line), file=sys.stderr, flush=True)

    @contextmanager
    def steps(self, label: str, total: int) -> Iterator[Steps]:
        """Show progress on standard error: a bar on a terminal, otherwise plain lines."""
        if self.quiet:
            yield SILENT
            return
        if not sys.stderr.isatty():
            yield _PlainSteps(label, total)
            return
        with _bar() as bar:
            yield _BarSteps(bar, bar.add_task(label, total=total), total)


def output_width() -> int | None:
    """The width for text on standard output: COLUMNS, else the terminal's width, else no limit.

    COLUMNS is used whenever it is a positive number, also in a pipe.
    """
    given = os.environ.get("COLUMNS", "").strip()
    if given.isascii() and given.isdecimal() and int(given):
        return max(int(given), NARROWEST)
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or UNKNOWN_WIDTH
    except OSError:
        return UNKNOWN_WIDTH


def _bar() -> "Progress":
    from rich.console import Console as RichConsole
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=RichConsole(stderr=True))


class _BarSteps:
    def __init__(self, bar: "Progress", task: object, total: int) -> None:
        self._bar, self._task, self._total = bar, task, total

    def advance(self, count: int = 1) -> None:
        self._bar.advance(self._task, count)  # type: ignore[arg-type]

    def at(self, done: int) -> None:
        self._bar.update(self._task, completed=done)  # type: ignore[arg-type]

    def expect(self, count: int) -> None:
        self._total += count
        self._bar.update(self._task, total=self._total)  # type: ignore[arg-type]


class _PlainSteps:
    """Prints a line at the end, and before it only after a while."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        self._printed, self._pause_s = time.monotonic(), progress_pause_s()

    def advance(self, count: int = 1) -> None:
        self.at(self._done + count)

    def at(self, done: int) -> None:
        changed, self._done = done != self._done, done
        now = time.monotonic()
        if changed and (done >= self._total or now - self._printed >= self._pause_s):
            self._printed = now
            print(f"{self._label}: {done}/{self._total}", file=sys.stderr, flush=True)

    def expect(self, count: int) -> None:
        self._total += count


def progress_pause_s() -> float:
    """Seconds between two lines of progress: RIDEALONG_PROGRESS_S if it is a number, else ten."""
    try:
        return max(float(os.environ[PROGRESS_VARIABLE]), 0.0)
    except (KeyError, ValueError):
        return PROGRESS_S


def jsonable(value: object) -> object:
    """The same value with NaN and infinities as null, paths as text, tuples as lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item") and callable(value.item):  # numpy scalars
        return jsonable(value.item())
    return value
