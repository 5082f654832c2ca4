"""Columns of Feather and Parquet files, told by their content and not by their name.

Text is dictionary-encoded batch by batch, because ids that repeat in every row would otherwise need
many times the size of the file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError

EXPECTED = "a Feather or Parquet file"
_TEXT = pa.dictionary(pa.int32(), pa.string())
_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)
_MAGIC = {b"ARROW1": "feather", b"PAR1": "parquet"}
_LOOKS_LIKE = ((b"{", "JSON"), (b"[", "JSON"), (b"FEA1", "a file of the old Feather version 1"))


def schema(path: Path) -> pa.Schema:
    """The columns of a file.

    Raises:
        RidealongError: It cannot be read.
    """
    try:
        found = _schema(path)
        names = found.names
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    if twice := [name for name in names if names.count(name) > 1]:
        raise RidealongError(f"has the column {twice[0]} twice", where=path)
    return found


def columns(path: Path, names: Sequence[str]) -> pa.Table:
    """Some columns of a file; text is of dictionary type.

    Raises:
        RidealongError: It cannot be read.
    """
    kept = schema(path)
    fields = [kept.field(name) for name in kept.names if name in set(names)]
    encoded = pa.schema([f.with_type(_TEXT) if is_text(f.type) else f for f in fields])
    try:
        batches = [_encoded(batch) for batch in _batches(path, [f.name for f in fields])]
        return pa.Table.from_batches(batches, encoded.remove_metadata())
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def numbers(table: pa.Table, name: str, where: Path) -> Floats:
    """``(N,)`` a column of numbers; an empty value is NaN.

    Raises:
        RidealongError: It has something else.
    """
    kind = table.schema.field(name).type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not numeric and not pa.types.is_null(kind):
        raise RidealongError(
            f"the column {name} is of type {_plain(kind)}", where=where, expected="numbers"
        )
    column = table[name].cast(pa.float64(), safe=False)
    return np.asarray(column.fill_null(np.nan).to_numpy(), np.float64)


def matrix(table: pa.Table, names: Sequence[str], where: Path) -> Floats:
    """``(N, C)`` columns of numbers."""
    values = np.empty((len(table), len(names)))
    for at, name in enumerate(names):
        values[:, at] = numbers(table, name, where)
    return values


def whole_numbers(table: pa.Table, name: str, where: Path) -> Ints:
    """``(N,)`` a column of whole numbers, or of time stamps in nanoseconds.

    Raises:
        RidealongError: It has something else, or empty values.
    """
    kind = table.schema.field(name).type
    if pa.types.is_timestamp(kind):
        column = table[name].cast(pa.timestamp("ns")).cast(pa.int64())
    elif pa.types.is_integer(kind):
        try:
            column = table[name].cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise RidealongError(f"{name} is too large a number", where=where) from error
    else:
        raise RidealongError(
            f"the column {name} is of type {_plain(kind)}", where=where, expected="whole numbers"
        )
    _all_there(table, name, where)
    return np.asarray(column.to_numpy(), np.int64)


def codes(table: pa.Table, name: str, where: Path) -> tuple[list[str], Ints]:
    """A column of text as its values, in order, and ``(N,)`` an index into them.

    Raises:
        RidealongError: It has something else, or empty values.
    """
    kind = table.schema.field(name).type
    if not is_text(kind):
        raise RidealongError(
            f"the column {name} is of type {_plain(kind)}", where=where, expected="text"
        )
    _all_there(table, name, where)
    values, code = plain_codes(table[name])
    order = sorted(range(len(values)), key=values.__getitem__)
    place = np.empty(len(values), np.int64)
    place[order] = np.arange(len(values))
    used = np.unique(place[code])
    return [values[order[at]] for at in used.tolist()], np.searchsorted(used, place[code])


def plain_codes(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """The values of a column in any order, and ``(N,)`` an index into them; -1 where it is empty.

    Values that the column does not use may be among them.
    """
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    if not column.num_chunks:
        return [], np.zeros(0, np.int64)
    parts = [
        pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in column.chunks
    ]
    return column.chunk(0).dictionary.to_pylist(), np.concatenate(parts).astype(np.int64)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column is of text, encoded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _all_there(table: pa.Table, name: str, where: Path) -> None:
    if empty := table[name].null_count:
        raise RidealongError(
            f"the column {name} has {empty} empty values",
            where=where,
            expected="a value in each row",
        )


def _plain(kind: pa.DataType) -> str:
    return "text" if is_text(kind) else str(kind)


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    looks = next((name for magic, name in _LOOKS_LIKE if start.lstrip().startswith(magic)), None)
    what = "is empty" if not start else f"looks like {looks}" if looks else "is of another kind"
    raise RidealongError(what, where=path, expected=EXPECTED)


def _schema(path: Path) -> pa.Schema:
    if _kind(path) == "parquet":
        return pq.read_schema(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).schema


def _batches(path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    if _kind(path) == "parquet":
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(columns=names)
        return
    with pa.memory_map(str(path)) as source:
        every = pa.ipc.open_file(source).schema
        places = [every.get_field_index(name) for name in names]
        reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=places))
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def _encoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its text dictionary-encoded, and no longer in the mapped file."""
    batch.validate(full=True)  # in a damaged file, places of text may lie outside of it
    arrays = []
    for column in batch.columns:
        if not is_text(column.type):
            arrays.append(column)
            continue
        encoded = pa.types.is_dictionary(column.type)
        plain = column.cast(column.type.value_type) if encoded else column
        arrays.append(plain.cast(pa.string()).dictionary_encode())
    return pa.record_batch(arrays, names=batch.schema.names)


def _unreadable(path: Path, error: Exception) -> RidealongError:
    if isinstance(error, OSError) and error.strerror:
        return RidealongError(error.strerror, where=path, expected=EXPECTED)
    first = str(error).split("\n", maxsplit=1)[0]
    return RidealongError(
        f"cannot be read ({first})", where=path, expected=EXPECTED, hint="the file may be cut short"
    )
