"""Tables as files have them: the columns that are wanted, piece by piece.

A piece is a block of lines of a CSV file, or a row group of a Parquet file. Memory is bounded by
pieces, and a drive among many in one file is read from those pieces alone that have rows of it.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from ingest.sources.parquet import CHECKED, SUFFIXES, reading
from ingest.sources.parts import hive_values
from ingest.sources.table.blocks import block_at, blocks, sample_of
from ingest.sources.table.dialect import check_columns, find_dialect
from ingest.sources.table.spec import TableMapping
from ridealong.arrays import Ints
from ridealong.errors import UnreadableError

PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Piece:
    """A part of a table.

    Attributes:
        place: Where it is in its file, for `TableFile.piece`.
        rows: The wanted columns, ``N`` rows.
        numbers: ``(N,)`` numbers of the rows in the file, from 0.
        ragged: Lines with another number of columns, by the number of the row.
    """

    place: tuple[int, int, int]
    rows: pa.Table
    numbers: Ints
    ragged: Mapping[int, str] = field(default_factory=dict)


class TableFile(Protocol):
    """A file with a table."""

    @property
    def decimal(self) -> str:
        """The decimal sign of numbers in text."""

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the file does not say and was assumed."""

    def pieces(self, columns: Sequence[str]) -> Iterator[Piece]:
        """All pieces, in the order of the file."""

    def piece(self, place: tuple[int, int, int], columns: Sequence[str]) -> Piece:
        """One piece again."""


def open_table(path: Path, mapping: TableMapping) -> TableFile:
    """Open a CSV or Parquet file, which its content tells.

    Raises:
        UnreadableError: It cannot be read, or lacks a column.
    """
    constants = hive_values(path)
    return (ParquetTable if is_parquet(path) else CsvTable)(path, mapping, constants)


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes or its suffix.

    Raises:
        UnreadableError: It cannot be read.
    """
    with reading(path), path.open("rb") as file:
        return file.read(4) == PARQUET_MAGIC or path.suffix.lower() in SUFFIXES


class ParquetTable:
    """A Parquet file."""

    decimal = "."
    assumed: tuple[str, ...] = ()

    def __init__(self, path: Path, mapping: TableMapping, constants: Mapping[str, str]) -> None:
        self._path, self._constants = path, constants
        with reading(path), pq.ParquetFile(path, **CHECKED) as file:
            names = file.schema_arrow.names
            self._lengths = [
                file.metadata.row_group(number).num_rows
                for number in range(file.metadata.num_row_groups)
            ]
        check_columns([*names, *(set(constants) - set(names))], mapping.columns, str(path))
        self._names = frozenset(names)

    def pieces(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Row groups."""
        first = 0
        for number, length in enumerate(self._lengths):
            yield self.piece((number, first, length), columns)
            first += length

    def piece(self, place: tuple[int, int, int], columns: Sequence[str]) -> Piece:
        """One row group."""
        number, first, length = place
        own = [name for name in columns if name in self._names]
        with reading(self._path), pq.ParquetFile(self._path, **CHECKED) as file:
            rows = file.read_row_group(number, own, use_threads=False)
        numbers = np.arange(first, first + length)
        return Piece(place, _with_constants(rows, columns, self._constants, length), numbers)


class CsvTable:
    """A CSV file."""

    def __init__(self, path: Path, mapping: TableMapping, constants: Mapping[str, str]) -> None:
        self._path, self._mapping, self._constants = path, mapping, constants
        wanted = [name for name in mapping.columns if name not in constants]
        self._dialect, _ = find_dialect(sample_of(path), mapping.format, wanted, str(path))
        check_columns(self._dialect.names, wanted, str(path))

    @property
    def decimal(self) -> str:
        """The decimal sign of numbers."""
        return self._dialect.decimal

    @property
    def assumed(self) -> tuple[str, ...]:
        """That the encoding was guessed."""
        guessed = f"{self._path.name} is {self._dialect.encoding} text, because it is not UTF-8"
        return (guessed,) if self._dialect.guessed else ()

    def pieces(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Blocks of lines."""
        first = 0
        for block in blocks(self._path, self._dialect):
            piece = self._read((block.start, len(block.text), first), block.text, columns)
            first += len(piece.numbers) + len(piece.ragged)
            yield piece

    def piece(self, place: tuple[int, int, int], columns: Sequence[str]) -> Piece:
        """One block."""
        return self._read(place, block_at(self._path, self._dialect, *place[:2]), columns)

    def _read(self, place: tuple[int, int, int], text: bytes, columns: Sequence[str]) -> Piece:
        first = place[2]
        own = [name for name in columns if name in self._names]
        try:
            rows = self._parse(text, own, self._types)
            ragged: dict[int, str] = {}
        except pa.ArrowInvalid:  # a line or a value is odd: all as text, and line by line
            rows, ragged = self._parse_odd(text, own)
        except UnicodeDecodeError as error:
            raise self._not_utf8() from error
        lines = np.delete(np.arange(rows.num_rows + len(ragged)), list(ragged))
        constant = _with_constants(rows, columns, self._constants, rows.num_rows)
        odd = {number + first: line for number, line in ragged.items()}
        return Piece(place, constant, lines + first, odd)

    def _parse(
        self,
        text: bytes,
        columns: Sequence[str],
        types: Mapping[str, pa.DataType],
        odd: list[csv.InvalidRow] | None = None,
    ) -> pa.Table:
        def aside(row: csv.InvalidRow) -> str:
            assert odd is not None
            odd.append(row)
            return "skip"

        return csv.read_csv(
            io.BytesIO(text),
            read_options=csv.ReadOptions(
                column_names=self._unique_names,
                use_threads=odd is None,
            ),
            parse_options=csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                newlines_in_values=b'"' in text,
                invalid_row_handler=None if odd is None else aside,
            ),
            convert_options=csv.ConvertOptions(
                include_columns=list(columns),
                column_types={name: types.get(name, pa.string()) for name in columns},
                decimal_point=self._dialect.decimal,
            ),
        )

    def _parse_odd(self, text: bytes, columns: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        odd: list[csv.InvalidRow] = []
        try:
            rows = self._parse(text, columns, {}, odd)
        except pa.ArrowInvalid as error:
            if "UTF8" in str(error):
                raise self._not_utf8() from error
            raise UnreadableError(
                f"cannot be read as CSV ({str(error).splitlines()[0]})", where=self._path
            ) from error
        return rows, {row.number - 1: row.text for row in odd}

    def _not_utf8(self) -> UnreadableError:
        return UnreadableError(
            "is not UTF-8 text from some line on",
            where=self._path,
            hint="set its encoding in the mapping, like format: {encoding: cp1252}",
        )

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._dialect.names)

    @cached_property
    def _unique_names(self) -> list[str]:
        """Names of all columns; those without one, or with another's, are never read."""
        names = list(self._dialect.names)
        return [n if n and names.index(n) == at else f"\0{at}" for at, n in enumerate(names)]

    @cached_property
    def _types(self) -> dict[str, pa.DataType]:
        """The types that columns of numbers have in most files; others are read as text."""
        numbers = {
            name: pa.float64()
            for name, field in self._mapping.signals.items()
            if field.values is None and field.of_signal.datatype not in ("boolean", "string")
        }
        unit = self._mapping.time.unit
        times = {} if unit is None else dict.fromkeys(self._mapping.time.column, pa.int64())
        return {**numbers, **times}


def _with_constants(
    rows: pa.Table, columns: Sequence[str], constants: Mapping[str, str], length: int
) -> pa.Table:
    arrays = [
        rows.column(name)
        if name in rows.column_names
        else pa.repeat(pa.scalar(constants[name], pa.string()), length)
        for name in columns
    ]
    return pa.table(arrays, names=list(columns))
