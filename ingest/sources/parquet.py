"""``--source parquet``: your own telemetry in Parquet, with the names of the signal catalogue.

Columns: ``timestamp_ns`` and any recorded signals (``docs/signals.md``). A file with the column
``drive_id`` contains many drives; without it, the file is one drive. Attributes are in
``<name>.drive.yaml`` beside the file.

Parts of one table, as Spark and others write them (``part-00000…``, Hive folders), are read
together: a drive may have rows in several of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.sources.attributes import (
    attributes_file,
    camera_names,
    drive_attributes,
    with_attributes,
)
from ingest.sources.files import drive_identity, files_under, hash_files
from ingest.sources.parts import are_parts, hive_name, look_into
from ingest.telemetry.validation import check_schema
from ridealong.errors import RidealongError, UnreadableError
from ridealong.hashing import full_hash, short_hash
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import DriveFiles, Image, Recording

SUFFIXES = frozenset({".parquet", ".pq"})
DRIVE_ID = "drive_id"
LONGEST_ID, LONGEST_SHOWN = 200, 40
# Checks the checksum of each page, if the writer stored one; else damaged values go unnoticed.
CHECKED = {"page_checksum_verification": True}


class ParquetSource:
    """Parquet files of telemetry: a drive per file, or per ``drive_id`` in it."""

    name = "parquet"

    def recognises(self, path: Path) -> bool:
        """Whether it is a Parquet file by its suffix, or a folder with the parts of one table."""
        if path.is_dir():
            return is_table_of_parts(path)
        return path.suffix.lower() in SUFFIXES

    def discover(self, path: Path) -> list[DriveFiles]:
        """The drives of each file, by path and then by ``drive_id``.

        Raises:
            RidealongError: No Parquet file.
            UnreadableError: A part of a table cannot be read, so any of its drives may lack rows.
        """
        files = files_under(path, SUFFIXES)
        if not files:
            raise RidealongError("no Parquet file in this folder", where=path)
        if path.is_dir() and is_table_of_parts(path):
            return _drives_of_parts(path, files)
        return [drive for file in files for drive in _drives_in(file)]

    def open(self, files: DriveFiles) -> Recording:
        """Open one drive; raises `UnreadableError` for a damaged file or a wrong schema."""
        path = Path(files.path)
        named = camera_names(path) or ()
        if named:
            raise UnreadableError(
                f"cameras: {len(named)} {'is' if len(named) == 1 else 'are'} named",
                where=attributes_file(path),
                expected="none: a Parquet file has no video tracks",
            )
        return ParquetRecording(files)


class ParquetRecording:
    """One drive of a Parquet file, or of the parts of a table, opened."""

    def __init__(self, files: DriveFiles) -> None:
        path = Path(files.path)
        is_table = path.is_dir()
        self._telemetry = (_rows_of_parts if is_table else _rows_of)(path, files.drive_id)
        self.attributes = drive_attributes(path)

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """None."""
        return {}

    def telemetry(self) -> pa.Table:
        """The drive's rows, as they are in the file."""
        return self._telemetry

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """None."""
        return iter(())

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """None: it has no labels."""
        return None


def _rows_of(path: Path, drive_id: str) -> pa.Table:
    # `read_table` looks for the files of a dataset first, which takes a third of the time. One
    # thread is enough: other threads read other drives.
    with reading(path), pq.ParquetFile(path, **CHECKED) as file:
        schema = file.schema_arrow
        check_schema(_without_drive_id(schema), where=path)
        if DRIVE_ID not in schema.names:
            return file.read(use_threads=False)
    _check_drive_id(schema, path)
    with reading(path):
        # partitioning=None: a folder named "x=1" above the file must not become a column.
        only = [(DRIVE_ID, "=", drive_id)]
        table = pq.read_table(path, filters=only, partitioning=None, **CHECKED)
    if not table.num_rows:
        _drive_ids(path)  # raises if rows belong to no drive
    return table.drop_columns([DRIVE_ID])


def is_table_of_parts(folder: Path) -> bool:
    """Whether a folder has no log but the parts of one table, or Hive folders of such parts."""
    inside = look_into(folder, lambda file: file.suffix.lower() in SUFFIXES)
    if inside.others:
        return False
    return are_parts(inside.tables) if inside.tables else bool(inside.hive)


def _rows_of_parts(folder: Path, drive_id: str) -> pa.Table:
    """The rows of a drive in all parts, by time: the order of parts says nothing."""
    of_folder = [file for file in files_under(folder, SUFFIXES) if file.parent == folder]
    named = [file for file in files_under(folder, SUFFIXES) if drive_id in _names_in(file)]
    tables = [_rows_of(file, drive_id) for file in named or of_folder]
    with reading(folder):
        return pa.concat_tables(tables, promote_options="permissive").sort_by("timestamp_ns")


def _drives_of_parts(folder: Path, files: Sequence[Path]) -> list[DriveFiles]:
    """The drives of a table by their first parts; without ``drive_id``, each folder is one."""
    parts: dict[str | Path, list[Path]] = {}
    for file in files:
        for name in _names_in(file) or [file.parent]:
            parts.setdefault(name, []).append(file)
    digests = {file: hash_files(file.parent, with_attributes(file)) for file in files}
    return [_drive_of_parts(folder, name, inside, digests) for name, inside in parts.items()]


def _drive_of_parts(
    folder: Path,
    name: str | Path,
    files: Sequence[Path],
    digests: Mapping[Path, tuple[str, int]],
) -> DriveFiles:
    size = sum(digests[file][1] // max(1, len(_names_in(file))) for file in files)
    sha256 = short_hash(str(name), *(digests[file][0] for file in files))
    if isinstance(name, Path):
        sha256 = short_hash(*(digests[file][0] for file in files))
        drive_id = drive_identity(hive_name(name, folder) or name.name, sha256)
        return DriveFiles(ParquetSource.name, drive_id, str(name.absolute()), sha256, size)
    where = folder if len(files) > 1 else files[0]
    return DriveFiles(ParquetSource.name, name, str(where.absolute()), sha256, size)


def _names_in(file: Path) -> tuple[str, ...]:
    """The drives that a part names; none if it has no ``drive_id``."""
    with reading(file):
        status = file.stat()
    return _known_names(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _known_names(file: Path, modified_ns: int, size: int) -> tuple[str, ...]:
    return tuple(_drive_ids(file)) if DRIVE_ID in _schema(file).names else ()


def _drives_in(file: Path) -> list[DriveFiles]:
    sha256, size = hash_files(file.parent, with_attributes(file))
    path = str(file.absolute())
    whole = [DriveFiles(ParquetSource.name, drive_identity(file.stem, sha256), path, sha256, size)]
    try:
        if DRIVE_ID not in _schema(file).names:
            return whole
        ids = _drive_ids(file)
    except UnreadableError:
        # It is found anyway: opening it reports the reason, and it is quarantined.
        return whole
    return [
        DriveFiles(ParquetSource.name, name, path, full_hash(sha256, name), size // len(ids))
        for name in ids
    ] or whole


def _drive_ids(file: Path) -> list[str]:
    """The drives of a file, sorted; raises `UnreadableError` if rows belong to no drive."""
    with reading(file):
        table = pq.read_table(file, columns=[DRIVE_ID], partitioning=None, **CHECKED)
    column = table.column(DRIVE_ID)
    _check_drive_ids(column, file)
    with reading(file):
        ids = sorted(pc.unique(column.cast(pa.string())).to_pylist())
    for name in ids:
        if not name.isprintable() or not 0 < len(name) <= LONGEST_ID:
            raise UnreadableError(
                f"{DRIVE_ID} {name[:LONGEST_SHOWN]!r} cannot be one",
                where=file,
                expected=f"1 to {LONGEST_ID} characters that can be printed",
            )
    return ids


def _check_drive_ids(column: pa.ChunkedArray, file: Path) -> None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise UnreadableError(
            f"wrong schema: column {DRIVE_ID!r} holds {kind}", where=file, expected="string"
        )
    if column.null_count:
        raise UnreadableError(f"{column.null_count} rows have no {DRIVE_ID!r}", where=file)


def _schema(file: Path) -> pa.Schema:
    with reading(file):
        schema = pq.read_schema(file)
    _check_drive_id(schema, file)
    return schema


def _check_drive_id(schema: pa.Schema, file: Path) -> None:
    if DRIVE_ID in schema.names:
        _check_drive_ids(pa.chunked_array([pa.nulls(0, schema.field(DRIVE_ID).type)]), file)


def _without_drive_id(schema: pa.Schema) -> pa.Schema:
    index = schema.get_field_index(DRIVE_ID)
    return schema if index < 0 else schema.remove(index)


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Raise `UnreadableError` with the reason if a Parquet file cannot be read inside the block."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        # Arrow's messages have several lines; the first names the problem.
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableError(
            f"cannot be read as Parquet ({why})", where=file, expected="a whole Parquet file"
        ) from error
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"holds text that is not UTF-8 ({error.object!r})", where=file, expected="UTF-8"
        ) from error
