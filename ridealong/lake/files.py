"""Files of the lake: written under a temporary name, then named by their own sha256.

A data file is ``<table>/<commit>/<sha256>.parquet``, a blob (a clip, a network's weights) is
``blobs/<commit>/<sha256><suffix>``; both paths are relative to the home. Workers call the
write functions and need no other part of the lake. Writing a file twice is harmless, and a file
that no commit names is never read.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from ridealong.lake.tables import TableSpec
from ridealong.limits import refused

BLOBS = "blobs"
SCRATCH = "scratch"
TEMPORARY = ".tmp-"
# A drive is one row group. Smaller groups cost more in footers than they save, even for a clip's
# window: telemetry has 53 columns, and with 600 rows a group a query took 30 times as long (see
# benchmarks/lake.py).
ROW_GROUP_ROWS = 122_880
COMPRESSION_LEVEL = 1  # at level 3 telemetry takes 2% less room, and 7% more time

_COMMIT_ID = re.compile(r"[0-9a-f]{24}")
_FILE_NAME = re.compile(r"[0-9a-f]{64}(\.[A-Za-z0-9.]+)?")
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]+)*")
_ORDER_KEY = b"ridealong.order"


@dataclass(frozen=True)
class DataFile:
    """A file that a command wrote: a Parquet file of one table, or a blob.

    ``path`` is relative to the home; ``schema`` is the fingerprint of a Parquet file's columns. A
    blob has no rows and no schema.
    """

    path: str
    bytes: int
    rows: int = 0
    schema: str = ""

    @property
    def table(self) -> str:
        """The table it belongs to; ``blobs`` for a blob."""
        return self.path.split("/", maxsplit=1)[0]

    @property
    def is_blob(self) -> bool:
        """Whether it is a blob."""
        return self.table == BLOBS

    @property
    def commit_id(self) -> str:
        """The command that wrote it."""
        return self.path.split("/")[1]


def new_commit_id() -> str:
    """A new random id for one command's work."""
    return secrets.token_hex(12)


def scratch_folder(home: Path) -> Path:
    """A folder for temporary files on the home's disk; vacuum removes old files from it."""
    folder = home / SCRATCH
    with disk_errors(folder):
        folder.mkdir(exist_ok=True)
    return folder


def is_commit_id(name: str) -> bool:
    """Whether a folder's name is a commit id."""
    return _COMMIT_ID.fullmatch(name) is not None


def is_file_name(name: str) -> bool:
    """Whether a file is named by a sha256, as all files of the lake are."""
    return _FILE_NAME.fullmatch(name) is not None


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn errors of the operating system and of Arrow into one line for the user."""
    try:
        yield
    except (pa.ArrowException, MemoryError) as error:
        raise refused(error, where) or RidealongError(
            f"cannot be read ({error})", where=where, hint="see `ridealong lake check`"
        ) from error
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else where
        raise refused(error, place) or RidealongError(
            (error.strerror or str(error)).lower(), where=place
        ) from error


def write_data_file(home: Path, commit_id: str, spec: TableSpec, rows: pa.Table) -> DataFile | None:
    """Write rows as one data file of a command, sorted by the spec's order; None if there are none.

    The same rows give the same bytes, and therefore the same name.

    Raises:
        ValueError: The rows do not have the spec's columns and types.
        RidealongError: The disk is full or may not be written.
    """
    rows = conform(rows, spec)
    if rows.num_rows == 0:
        return None
    rows = _sorted(rows, spec.order)
    order = {_ORDER_KEY: json.dumps(list(spec.order)).encode()}
    rows = rows.replace_schema_metadata((spec.schema.metadata or {}) | order)

    def write(path: Path) -> None:
        pq.write_table(
            rows,
            path,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            row_group_size=ROW_GROUP_ROWS,
            **_encodings(rows.schema),
        )

    path, size = _publish(home, f"{spec.name}/{commit_id}", ".parquet", write)
    return DataFile(path, size, rows.num_rows, fingerprint(spec.schema))


def _sorted(rows: pa.Table, order: tuple[str, ...]) -> pa.Table:
    """The rows in order; telemetry nearly always is already, and sorting 53 columns is slow."""
    if _is_ordered(rows, order):
        return rows
    import pyarrow.compute as pc  # slow to load, and only needed here

    return rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in order]))


def _is_ordered(rows: pa.Table, order: tuple[str, ...]) -> bool:
    """Whether the rows are in order; False if a null makes that unknown."""
    import pyarrow.compute as pc

    tied = pa.scalar(True)
    for name in order:
        above, below = rows[name].slice(0, rows.num_rows - 1), rows[name].slice(1)
        kept = pc.less(above, below), pc.equal(above, below)
        if pc.all(pc.or_(pc.invert(tied), pc.or_(*kept)), skip_nulls=False).as_py() is not True:
            return False
        tied = pc.and_(tied, kept[1])
    return True


@lru_cache
def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """How Parquet encodes each column.

    - Whole numbers: by the differences between rows.
    - Doubles: these are positions, which rarely repeat. Their bytes are split into streams, so the
      slow bytes are apart from the noisy ones.
    - The rest: by a dictionary. Signals of 32 bits have a sensor's resolution, so they repeat.
    """
    steps = [field.name for field in schema if pa.types.is_integer(field.type)]
    split = [field.name for field in schema if pa.types.is_float64(field.type)]
    others = [
        path for field in schema if field.name not in {*steps, *split} for path in _leaves(field)
    ]
    return {
        "use_dictionary": others,
        "column_encoding": dict.fromkeys(steps, "DELTA_BINARY_PACKED")
        | dict.fromkeys(split, "BYTE_STREAM_SPLIT"),
    }


def _leaves(field: pa.Field, above: str = "") -> Iterator[str]:
    """The paths of a field's columns, in Parquet's notation."""
    path = f"{above}{field.name}"
    if pa.types.is_struct(field.type):
        for inner in field.type.fields:
            yield from _leaves(inner, f"{path}.")
    elif pa.types.is_list(field.type):
        yield from _leaves(field.type.value_field, f"{path}.list.")
    else:
        yield path


def write_blob(home: Path, commit_id: str, source: Path, suffix: str) -> DataFile:
    """Copy a finished file into the lake; its row names the returned path in its column ``blob``.

    Raises:
        ValueError: The suffix is not like ``.mcap``.
        RidealongError: The source cannot be read, or the disk is full or may not be written.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"suffix {suffix!r}: expected one like '.mcap'")

    def write(path: Path) -> None:
        shutil.copyfile(source, path)

    return DataFile(*_publish(home, f"{BLOBS}/{commit_id}", suffix, write))


def write_archive(home: Path, commit_id: str, sources: Sequence[Path]) -> DataFile:
    """Copy finished files into the lake as one uncompressed tar archive, in their order.

    The same files give the same bytes, whoever owns them and whenever they were written.

    Raises:
        RidealongError: A source cannot be read, or the disk is full or may not be written.
    """

    def write(path: Path) -> None:
        with tarfile.open(path, "w") as archive:
            for source in sources:
                about = tarfile.TarInfo(source.name)
                about.size = source.stat().st_size
                with source.open("rb") as content:
                    archive.addfile(about, content)

    return DataFile(*_publish(home, f"{BLOBS}/{commit_id}", ".tar", write))


def conform(rows: pa.Table, spec: TableSpec) -> pa.Table:
    """The same rows with exactly the spec's columns, types and metadata.

    Raises:
        ValueError: A column is missing, unknown, duplicate, or has values of another type.
    """
    given, wanted = set(rows.column_names), set(spec.schema.names)
    if given != wanted or len(rows.column_names) != len(given):
        odd = sorted(given ^ wanted) or sorted(rows.column_names)
        raise ValueError(
            f"rows for table {spec.name}: columns missing, unknown or duplicate: {odd}"
        )
    if rows.schema.equals(spec.schema, check_metadata=True):
        return rows
    return rows.select(spec.schema.names).cast(spec.schema)


@lru_cache
def fingerprint(schema: pa.Schema) -> str:
    """A short hash of the schema's columns and types, without metadata."""
    columns = "\n".join(f"{field.name}\t{_type_name(field.type)}" for field in schema)
    return hashlib.sha256(columns.encode()).hexdigest()[:16]


def _type_name(kind: pa.DataType) -> str:
    """The name of a type; Parquet gives the inside of a map another name than Arrow does."""
    return f"map<{kind.key_type}, {kind.item_type}>" if pa.types.is_map(kind) else str(kind)


def read_file(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Rows of one data file, without schema metadata.

    The file is opened by its path, never as a Python file: Arrow's threads would release that at
    the interpreter's exit, and abort the process.
    """
    with pq.ParquetFile(path) as file:
        return file.read(columns).replace_schema_metadata(None)


@lru_cache(maxsize=4096)
def schema_of(path: Path) -> pa.Schema:
    """The Arrow schema of a data file, with its metadata; cached, because files never change."""
    with disk_errors(path):
        return pq.read_schema(path)


def order_of(schema: pa.Schema) -> tuple[str, ...]:
    """The row order that is stored in a data file's schema."""
    return tuple(json.loads((schema.metadata or {}).get(_ORDER_KEY, b"[]")))


def _publish(
    home: Path, folder: str, suffix: str, write: Callable[[Path], None]
) -> tuple[str, int]:
    """Let ``write`` fill a temporary file, flush it to the disk, and name it by its hash."""
    place = home / folder
    with disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        temporary = place / f"{TEMPORARY}{secrets.token_hex(8)}"
        try:
            write(temporary)
            flush(temporary)
            size, name = temporary.stat().st_size, sha256_of(temporary) + suffix
            temporary.replace(place / name)
        finally:
            temporary.unlink(missing_ok=True)
        flush(place)
    return f"{folder}/{name}", size


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
