"""Proposes a mapping file for a table, from the names of its columns and its first values.

Everything in it is a guess for a person to correct: what is not plain is marked, and columns that
nothing is known about are listed.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.sources.mapping.guessing import GuessedField, guess_field, words_of
from ingest.sources.parquet import CHECKED, reading
from ingest.sources.parts import hive_values
from ingest.sources.table.blocks import sample_of
from ingest.sources.table.columns import whole
from ingest.sources.table.dialect import find_dialect, sample_rows
from ingest.sources.table.drives import table_files
from ingest.sources.table.files import is_parquet
from ingest.sources.table.guessed_time import GuessedTime, guess_time
from ingest.sources.table.spec import FILL_IN, FormatSpec
from ridealong.arrays import Bools, Ints
from ridealong.errors import RidealongError
from ridealong.units import NS_PER_S

SAMPLE_ROWS = 20_000
DRIVE_WORDS = frozenset({"drive", "trip", "session", "ride", "journey", "route", "run", "tour"})
ID_WORDS = frozenset({"id", "no", "nr", "number", "name", "key", "uuid"})
HOLD_STEPS = 2.5  # so many usual distances a value lasts, as triggers allow before a gap


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
    lines: list[str]
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
    head = f"Proposed from {file.name}. Correct what is wrong, above all the units."
    draft = _Draft([_comment(head)])
    time = guess_time(rows)
    _add_time(draft, time)
    used = set(time.spec.column) if time else set()
    name = _id_column(rows, used)
    if name is not None:
        draft.add(f"drive: {_quoted(name)}", "rows with the same value are one drive")
        used.add(name)
    fields = _fields(rows, used)
    _add_signals(draft, rows, fields, time)
    left = [name for name in rows.column_names if name not in fields and name not in used]
    if left:
        draft.add("  # Not mapped, so ignored; docs/signals.md has the names of signals:")
        for name in left:
            draft.add(f"  # {_quoted(name)}: {{signal: {FILL_IN}, unit: {FILL_IN}}}")
    return Proposal("\n".join([*draft.lines, ""]), tuple(draft.guessed), tuple(left))


def _first_rows(file: Path) -> pa.Table:
    """The first rows with all columns, of which those of numbers are numbers."""
    if not is_parquet(file):
        dialect, _ = find_dialect(sample_of(file), FormatSpec(), (), str(file))
        table = sample_rows(sample_of(file), dialect)
        columns = {name: _typed(table[name], dialect.decimal) for name in table.column_names}
    else:
        with reading(file), pq.ParquetFile(file, **CHECKED) as parquet:
            batch = next(parquet.iter_batches(SAMPLE_ROWS), None)
        if batch is None:
            raise RidealongError("has no rows", where=file)
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    rows = pa.table(columns)
    for name, value in hive_values(file).items():
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.repeat(pa.scalar(value), rows.num_rows))
    return rows


def _typed(column: pa.ChunkedArray, decimal: str) -> pa.Array:
    text = whole(column)
    known = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    for kind in (pa.int64(), pa.float64()):
        try:
            return pc.replace_substring(known, decimal, ".").cast(kind)
        except pa.ArrowInvalid:
            continue
    return text


def _add_time(draft: _Draft, time: GuessedTime | None) -> None:
    draft.add("time:")
    if time is None:
        draft.add(f"  column: {FILL_IN}", "no column looks like a time")
        return
    spec = time.spec
    names = [_quoted(name) for name in spec.column]
    draft.add(f"  column: {names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'}")
    for key in ("unit", "format", "zone"):
        value = getattr(spec, key)
        if value is not None:
            draft.add(f"  {key}: {_quoted(value)}", time.why.get(key))


def _id_column(rows: pa.Table, used: Collection[str]) -> str | None:
    for name in rows.column_names:
        words = set(words_of(name))
        if name not in used and words & DRIVE_WORDS and words <= DRIVE_WORDS | ID_WORDS:
            kind = rows.schema.field(name).type
            if pa.types.is_string(kind) or pa.types.is_integer(kind):
                return str(name)
    return None


def _fields(rows: pa.Table, used: Collection[str]) -> dict[str, GuessedField]:
    """By column, the signal that it may be; of several for one signal, the plainest."""
    best: dict[str, tuple[str, GuessedField]] = {}
    for name in rows.column_names:
        guess = None if name in used else guess_field(name, whole(rows.column(name)))
        if guess is None:
            continue
        taken = best.get(guess.signal)
        if taken is None or guess.rank < taken[1].rank:
            best[guess.signal] = name, guess
    return dict(best.values())


def _add_signals(
    draft: _Draft, rows: pa.Table, fields: dict[str, GuessedField], time: GuessedTime | None
) -> None:
    draft.add("signals:")
    if not fields:
        draft.add(f"  {FILL_IN}: {{signal: {FILL_IN}}}", "no column looks like a signal")
    for name, guess in fields.items():
        hold = _hold(rows, name, list(fields), time)
        scale = None if guess.scale is None else f"{guess.scale:g}"
        texts = {"signal": guess.signal, "unit": guess.unit and _quoted(guess.unit)}
        texts |= {"scale": scale, "hold": hold}
        said = ", ".join(f"{key}: {text}" for key, text in texts.items() if text is not None)
        why = "; ".join(filter(None, [guess.why, hold and "other rows have no value"]))
        draft.add(f"  {_quoted(name)}: {{{said}}}", why or None)


def _hold(rows: pa.Table, name: str, others: Sequence[str], time: GuessedTime | None) -> str | None:
    """How long values last, for a column that was recorded in rows of its own."""
    if time is None:
        return None
    known = time.times.known & _known(rows, name)
    apart = [_are_apart(known, time.times.known & _known(rows, other)) for other in others]
    usual_ns = _usual_step(time.times.times_ns[known])
    if not any(apart) or not usual_ns:
        return None
    return f"{float(f'{usual_ns * HOLD_STEPS / NS_PER_S:.2g}'):g} s"


def _known(rows: pa.Table, name: str) -> Bools:
    return np.asarray(pc.is_valid(rows.column(name)).to_numpy(), bool)


def _are_apart(one: Bools, other: Bools) -> bool:
    """Whether two columns have their values in other rows, or one of them in few of the other's."""
    least = min(int(one.sum()), int(other.sum()))
    both, either = int((one & other).sum()), int((one | other).sum())
    is_slower = both == least and least < 0.8 * either and int(one.sum()) == least
    return least > 0 and (both < 0.1 * least or is_slower)


def _usual_step(times_ns: Ints) -> float:
    steps = np.diff(times_ns)
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0


def _quoted(text: str) -> str:
    """Text as YAML takes it for text, in a list too."""
    words = {"true", "false", "null", "nan", "inf"}
    if re.fullmatch(r"[A-Za-z][\w./^ ]*\w|[A-Za-z]", text, re.ASCII) and text.lower() not in words:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)  # names may have line breaks, which YAML would fold


def _comment(text: str) -> str:
    """A comment on one line, whatever the names in it have."""
    return f"# {' '.join(text.split())}"
