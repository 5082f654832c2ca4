"""What every command shares: where the home is, how results and progress are printed.

Results go to standard output, as text or (``--json``) as exactly one JSON document; everything
else goes to standard error.
"""

import json
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ingest.limits import require_to_read

HOME_VARIABLE = "RIDEALONG_HOME"
DEFAULT_HOME = "ridealong-home"

# The --home that stood before the command.
HOME_BEFORE: ContextVar[Path | None] = ContextVar("home", default=None)


def _with_room(home: Path | None) -> Path | None:
    """Whatever has a home loads the lake: ask for what that takes before it does."""
    require_to_read()
    return home


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        callback=_with_room,
        help=f"Folder of the lake. [default: ${HOME_VARIABLE}, else ./{DEFAULT_HOME}]",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON document on standard output.")
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        help="Keep the rows for which this expression is true, e.g. \"light = 'night'\".",
        show_default=False,
    ),
]


def home_of(home: Path | None) -> Path:
    """The lake's folder: the command's --home, the program's, the environment's, or the default."""
    return home or HOME_BEFORE.get() or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)


class Steps(Protocol):
    """Progress of one piece of long work."""

    def advance(self, count: int = 1) -> None:
        """That many more steps are done."""

    def at(self, done: int) -> None:
        """So many steps are done in all."""

    def expect(self, count: int) -> None:
        """That many more steps are to be done than was known."""


@dataclass(frozen=True)
class Console:
    """Where a command speaks: results to standard output, the rest to standard error."""

    as_json: bool = False

    def result(self, document: object) -> None:
        """Print the one JSON document; does nothing in text mode."""
        if self.as_json:
            print(json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False))

    def text(self, line: str = "") -> None:
        """Print a line of the result; does nothing in JSON mode."""
        if not self.as_json:
            print(line)

    def table(self, columns: list[str], rows: list[list[object]], title: str | None = None) -> None:
        """Print rows as a table; does nothing in JSON mode."""
        if self.as_json:
            return
        table = Table(*columns, title=title, title_justify="left", show_edge=False)
        for row in rows:
            table.add_row(*(_cell(value) for value in row))
        out = RichConsole()
        # A pipe has no width: give rows all the room they need rather than cut them.
        if not out.is_terminal:
            out = RichConsole(width=max(200, RichConsole().width))
        out.print(table)

    def note(self, line: str) -> None:
        """Say something about the work, on standard error."""
        RichConsole(stderr=True, highlight=False, soft_wrap=True).print(line, markup=False)

    @contextmanager
    def steps(self, label: str, total: int) -> Iterator[Steps]:
        """Progress on standard error: a bar on a terminal, plain lines elsewhere."""
        screen = RichConsole(stderr=True)
        if not screen.is_terminal:
            yield _PlainSteps(label, total)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=screen) as bar:
            yield _BarSteps(bar, bar.add_task(label, total=total), total)


class _BarSteps:
    def __init__(self, bar: Progress, task: object, total: int) -> None:
        self._bar, self._task, self._total = bar, task, total

    def advance(self, count: int = 1) -> None:
        self._bar.advance(self._task, count)  # type: ignore[arg-type]

    def at(self, done: int) -> None:
        self._bar.update(self._task, completed=done)  # type: ignore[arg-type]

    def expect(self, count: int) -> None:
        self._total += count
        self._bar.update(self._task, total=self._total)  # type: ignore[arg-type]


class _PlainSteps:
    """A line at the start, at the end, and every ten seconds between."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        self._spoke = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self.at(self._done + count)

    def at(self, done: int) -> None:
        changed, self._done = done != self._done, done
        now = time.monotonic()
        if changed and (done >= self._total or now - self._spoke >= 10):
            self._spoke = now
            print(f"{self._label}: {done}/{self._total}", file=sys.stderr, flush=True)

    def expect(self, count: int) -> None:
        self._total += count


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


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
