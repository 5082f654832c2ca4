"""Text files of numbers in rows, without a header: MOTChallenge and KITTI.

A row that cannot be read is reported with its line. Only then is the file read a second time, line
by line.
"""

import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError

LARGEST_INTEGER = 2**53  # beyond, numbers of double precision skip integers
SNIFFED_BYTES = 65_536
LONGEST_SHOWN = 40
_BLANKS = re.compile(rb"[ \t]+")


@dataclass(frozen=True)
class Layout:
    """What the rows of a format have.

    Attributes:
        title: The format's title, for messages.
        fields: Names of the leading fields, in their order; later ones are not read.
        least: How many fields a row has at least.
        words: Those fields that are text; all others are numbers.
        unread: Those fields that are not read.
        whitespace: Whether fields are separated by blanks, any number of them; otherwise by a
            comma, semicolon, tab or blank, as in the first row.
    """

    title: str
    fields: tuple[str, ...]
    least: int
    words: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    whitespace: bool = False


@dataclass(frozen=True)
class TextRows:
    """N rows of a file.

    Attributes:
        path: The file.
        columns: Fields by name, ``(N,)`` each: numbers, or words as a dictionary array.
        width: Number of fields of a row, with those that were not read; 0 if there is no row.
    """

    path: Path
    columns: dict[str, Floats | pa.DictionaryArray]
    width: int

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def numbers(self, name: str) -> Floats:
        """A field of numbers.

        Raises:
            RidealongError: A value is not finite.
        """
        values = self.columns[name]
        assert isinstance(values, np.ndarray)
        self.refuse(~np.isfinite(values), name, values, "a finite number")
        return values

    def integers(self, name: str) -> Ints:
        """A field of whole numbers.

        Raises:
            RidealongError: A value is not whole, or so large that others would be equal to it.
        """
        values = self.numbers(name)
        odd = (values != np.floor(values)) | (np.abs(values) >= LARGEST_INTEGER)
        self.refuse(odd, name, values, "a whole number")
        return values.astype(np.int64)

    def refuse(
        self, odd: Bools, name: str, values: Floats | Ints | Sequence[object], expected: str
    ) -> None:
        """Report the first odd value.

        Raises:
            RidealongError: There is one.
        """
        if odd.any():
            row = int(np.argmax(odd))
            what = f"line {_line_of(self.path, row)}: {name} is {values[row]}"
            more = f" ({np.count_nonzero(odd):,} such lines)" if np.count_nonzero(odd) > 1 else ""
            raise RidealongError(what + more, where=self.path, expected=expected)


def read_rows(path: Path, layout: Layout) -> TextRows:
    """Read all rows of a file; an empty file has none.

    Raises:
        RidealongError: It is missing or no text, or a row has another number of fields or a word
            where a number is expected.
    """
    first = first_line(path, layout.title)
    if first is None:
        nothing: dict[str, Floats | pa.DictionaryArray] = {
            name: pa.array([], pa.string()).dictionary_encode()
            if name in layout.words
            else np.empty(0)
            for name in layout.fields
        }
        return TextRows(path, nothing, 0)
    separator = _separator(first, layout)
    width = len(_fields(first, separator))
    if width < layout.least:
        raise _mistake(path, 1, f"has {_count(width)}", layout)
    names = layout.fields[:width]
    try:
        table = _parse(path, layout, names, width, separator)
    except pa.ArrowInvalid as error:
        raise _explained(path, layout, names, width, separator, str(error)) from error
    columns = {}
    for name in table.column_names:  # one at a time, so that few exist twice
        columns[name] = _column(table[name])
        table = table.drop_columns([name])
    pa.default_memory_pool().release_unused()
    return TextRows(path, columns, width)


def first_line(path: Path, title: str) -> str | None:
    """The first line with anything in it; None if there is none.

    Raises:
        RidealongError: The file is missing, is not a file, or is not text.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise RidealongError("is not a file", where=path, expected=f"a {title} text file")
        with path.open("rb") as file:
            start = file.read(SNIFFED_BYTES)
    except OSError as error:
        raise RidealongError(f"cannot be read ({error.strerror})", where=path) from error
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in start:
        kind = "UTF-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "a binary file"
        raise RidealongError(f"is {kind}", where=path, expected=f"{title} in UTF-8 text")
    text = start.decode("utf-8-sig", "replace")
    return next((line.strip() for line in text.splitlines() if line.strip()), None)


def looks_numeric(line: str, separators: str, numbers: Sequence[int]) -> bool:
    """Whether the given fields of a line are numbers."""
    fields = re.split(separators, line.strip())
    return all(place < len(fields) and is_number(fields[place]) for place in numbers)


def _parse(
    path: Path, layout: Layout, names: Sequence[str], width: int, separator: str
) -> pa.Table:
    """All rows, by Arrow's parser."""
    every = [*names, *(f"field {place}" for place in range(len(names), width))]
    read = [name for name in names if name not in layout.unread]
    word = pa.dictionary(pa.int32(), pa.string())
    types = {name: word if name in layout.words else pa.float64() for name in read}
    with path.open("rb") as file:
        return pyarrow.csv.read_csv(
            _Squeezed(file) if layout.whitespace or separator == " " else file,
            read_options=pyarrow.csv.ReadOptions(column_names=every),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator, quote_char=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types, include_columns=read, null_values=[]
            ),
        )


class _Squeezed:
    """A file in which any number of blanks is one, and lines neither start nor end with any."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._start = True

    def read(self, size: int = -1) -> bytes:
        lines = self._file.readlines(max(size // 2, 1))
        if self._start and lines:
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
        self._start = False
        return b"".join(_BLANKS.sub(b" ", line.strip()) + b"\n" for line in lines)

    def close(self) -> None:
        self.closed = True


def _column(column: pa.ChunkedArray) -> Floats | pa.DictionaryArray:
    if pa.types.is_dictionary(column.type):
        return column.unify_dictionaries().combine_chunks()
    return np.asarray(column.to_numpy(), np.float64)


def _separator(line: str, layout: Layout) -> str:
    found = (mark for mark in (",", ";", "\t") if mark in line and not layout.whitespace)
    return next(found, " ")


def _fields(line: str, separator: str) -> list[str]:
    return line.split() if separator == " " else line.strip().split(separator)


def _explained(
    path: Path, layout: Layout, names: Sequence[str], width: int, separator: str, said: str
) -> RidealongError:
    """What is wrong with the first bad row, found line by line."""
    for line, text in _lines(path):
        fields = _fields(text, separator)
        if len(fields) != width:
            return _mistake(path, line, f"has {_count(len(fields))}, not {width}", layout)
        for name, field in zip(names, fields, strict=False):
            text_here = name in layout.words or name in layout.unread
            if not text_here and not is_number(field):
                what = f"{name} is {field.strip()[:LONGEST_SHOWN]!r}, not a number"
                return _mistake(path, line, what, layout)
    return RidealongError(said, where=path, expected=f"a {layout.title} text file")


def _mistake(path: Path, line: int, what: str, layout: Layout) -> RidealongError:
    expected = f"{layout.title} rows without a header: {', '.join(layout.fields)}"
    return RidealongError(f"line {line}: {what}", where=path, expected=expected)


def _count(fields: int) -> str:
    return f"{fields} field{'' if fields == 1 else 's'}"


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with anything in them, and their numbers from 1."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _line_of(path: Path, row: int) -> int:
    return next((line for at, (line, _) in enumerate(_lines(path)) if at == row), row + 1)


def is_number(field: str) -> bool:
    """Whether a field is a number; Python alone would also read ``1_000`` and other digits."""
    try:
        float(field)
    except ValueError:
        return False
    return field.isascii() and "_" not in field
