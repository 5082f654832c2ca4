"""Shell completion: names and ids from the home.

A completion never fails and never prints: if nothing can be read, nothing is offered.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from ridealong.terminal.console import home_of

Completer = Callable[[typer.Context, str], list[str]]


def completing(table: str, column: str, *more: str) -> Completer:
    """Offer the values of a table's column, and ``more`` fixed ones."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        found = {*more, *_values(_home(context), table, column)}
        return sorted(name for name in found if name.startswith(incomplete))

    return complete


def _home(context: typer.Context) -> Path:
    """The --home of the command, or of the program, or the default."""
    asked: Any = context
    while asked is not None:
        if given := asked.params.get("home"):
            return Path(given)
        asked = asked.parent
    return home_of(None)


def _values(home: Path, table: str, column: str) -> list[str]:
    from ridealong.lake import Lake

    try:
        return [str(name) for name in Lake.open(home).snapshot().read(table, [column])[column]]
    except Exception:  # errors must not appear in a prompt
        return []
