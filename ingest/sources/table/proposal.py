"""Proposes a mapping file for a table, from the names of its columns and its first values.

Everything in it is a guess for a person to correct: what was not plain is marked, and columns that
nothing is known about are listed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.mapping.guessing import GuessedField, guess_field, words_of
from ingest.sources.table.dialect import find_dialect
from ingest.sources.table.files import CsvTable, ParquetTable, hive_values, is_parquet
from ingest.sources.table.blocks import sample_of
from ingest.sources.table.drives import table_files
from ingest.sources.table.spec import FormatSpec, TableMapping
from ingest.sources.table.timing import GuessedTime, guess_time
from ridealong.errors import RidealongError

FILL_IN = "FILL_IN"
SAMPLE_ROWS = 20_000
DRIVE_WORDS = frozenset({"drive", "trip", "session", "ride", "journey", "route", "run", "tour"})


@dataclass(frozen=True)
class Proposal:
    """A mapping file to correct.

    Attributes:
        text: The file.
        guessed: What in it is more a guess than a reading, a line each.
        left_out: Columns that nothing is known about.
    """

    text: str
    guessed: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass
class _Draft:
    lines: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)

    def add(self, line: str, guess: str | None = None) -> None:
        self.lines.append(f"{line}  # guessed: {guess}" if guess else line)
        if guess:
            self.guessed.append(f"{line.strip()}: {guess}")


def propose(path: Path) -> Proposal:
    """Propose a mapping for a table, or for the first one in a folder.

    Raises:
        RidealongError: It cannot be read, is no table, or its delimiter cannot be told.
    """
    file = table_files(path)[0]
    rows = _first_rows(file)
    draft = _Draft([f"# Proposed from {file.name}. Correct what is wrong, above all the units."])
    time = guess_time(rows)
    _add_time(draft, time)
    used = set(time.columns if time else ())
    ids = _id_columns(rows, used)
    if ids:
        draft.add(f"drive: {_quoted(ids[0])}", "its rows of one value are one drive")
        used |= set(ids[:1])
    fields = _fields(rows, used, time)
    draft.add("signals:")
    for name, guess in fields.items():
        draft.add(f"  {_quoted(name)}: {_flow(guess)}", guess.why)
    if not fields:
        draft.add(f"  {FILL_IN}: {{signal: {FILL_IN}}}", "no column looks like a signal")
    left = [name for name in rows.column_names if name not in fields and name not in used]
    if left:
        draft.add(f"# columns without a signal: {', '.join(left)}")
    return Proposal("\n".join([*draft.lines, ""]), tuple(draft.guessed), tuple(left))


def _first_rows(file: Path) -> pa.Table:
    """The first rows of all columns; numbers in text are numbers."""
    if is_parquet(file):
        table = ParquetTable(file, _NOTHING, {})
        pieces = table.pieces(table.names)
    else:
        dialect, _ = find_dialect(sample_of(file), FormatSpec(), (), str(file))
        csv_table = CsvTable(file, _NOTHING, {})
        names = [name for name in dict.fromkeys(dialect.names) if name]
        pieces = csv_table.pieces(names)
    piece = next(iter(pieces), None)
    if piece is None:
        raise RidealongError("has no rows", where=file)
    rows = piece.rows.slice(0, SAMPLE_ROWS)
    return pa.table({name: _typed(rows.column(name)) for name in rows.column_names})
