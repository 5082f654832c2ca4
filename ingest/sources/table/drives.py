"""Which drives the files of a table are: by the columns that name them, by folder, or by file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.sources.attributes import with_attributes
from ingest.sources.files import drive_identity, files_under, hash_files
from ingest.sources.parts import are_parts, hive_name, look_into
from ingest.sources.table.files import Piece, TableFile, open_table
from ingest.sources.table.shared import drive_id_of, index_of, pieces_of, plain
from ingest.sources.table.spec import FOLDER, TableMapping, mapping_text
from ridealong.errors import RidealongError, UnreadableError
from ridealong.hashing import full_hash, short_hash
from ridealong.lake.marker import is_home
from ridealong.perception.recording import DriveFiles, Trouble
from ridealong.terminal.readable import counted

SOURCE = "table"
SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".pq"})
COMPRESSED = frozenset({".gz", ".bz2", ".zst", ".lz4"})


@dataclass(frozen=True)
class Group:
    """Files whose rows are one drive, and where the drive's recording is said to be."""

    name: str
    path: Path
    files: tuple[Path, ...]


def table_files(path: Path) -> list[Path]:
    """The files with tables below a folder, by path; a file is itself, whatever its suffix.

    Raises:
        RidealongError: There is none.
    """
    if not path.exists():
        raise RidealongError("no such file or folder", where=path, expected="a table")
    every = files_under(path, SUFFIXES | COMPRESSED)
    files = [file for file in every if file == path or _is_table(file, path)]
    if not files:
        raise RidealongError(
            "no table in this folder",
            where=path,
            expected="files like .csv, .csv.gz, .tsv or .parquet",
        )
    return files


def stem_of(path: Path) -> str:
    """The name without suffixes: ``trip.csv.gz`` → ``trip``."""
    inner = Path(path.stem) if path.suffix.lower() in COMPRESSED else path
    return inner.stem


def is_one_log(folder: Path, mapping: TableMapping) -> bool:
    """Whether a folder is searched as a whole, because a drive may be in several of its files."""
    if mapping.id_columns:
        return True
    inside = look_into(folder, lambda file: _is_table(file, folder))
    return bool(inside.hive) or (bool(inside.tables) and _is_one_drive(inside.tables, mapping))


def groups(path: Path, mapping: TableMapping) -> list[Group]:
    """The files of each drive, if files or folders are drives."""
    files = table_files(path)
    by_folder: dict[Path, list[Path]] = {}
    for file in files:
        by_folder.setdefault(file.parent, []).append(file)
    found = []
    for folder, inside in by_folder.items():
        is_one = path.is_dir() and _is_one_drive(inside, mapping)
        if is_one:
            found.append(Group(hive_name(folder, path) or folder.name, folder, tuple(inside)))
        else:
            found += [Group(stem_of(file), file, (file,)) for file in inside]
    return found


def _is_table(file: Path, root: Path) -> bool:
    suffix = file.suffix.lower()
    inner = Path(file.stem).suffix.lower() if suffix in COMPRESSED else suffix
    if inner not in SUFFIXES:
        return False
    above = [folder for folder in file.parents if folder.is_relative_to(root)]
    return not any(map(is_home, above))  # a lake's own files


def _is_one_drive(files: Sequence[Path], mapping: TableMapping) -> bool:
    if mapping.drive:
        return mapping.drive == (FOLDER,)
    return are_parts(files)


def discover(path: Path, mapping: TableMapping) -> list[DriveFiles]:
    """The drives of a table; what belongs to none is among them, with its trouble.

    Raises:
        RidealongError: There is no table.
    """
    if mapping.id_columns:
        return list(_by_id(path, mapping))
    return [_drive(group, mapping) for group in groups(path, mapping)]


def _drive(group: Group, mapping: TableMapping) -> DriveFiles:
    root = group.path if group.path.is_dir() else group.path.parent
    described = described_by(group.path)
    digest, size = hash_files(root.parent, [*group.files, *described])
    sha256 = _with_mapping(digest, mapping)
    return DriveFiles(
        SOURCE,
        drive_identity(group.name, sha256),
        str(group.path.absolute()),
        sha256,
        size,
        mapping=mapping_text(mapping),
    )


def described_by(path: Path) -> list[Path]:
    """The file of attributes beside a recording, if there is one."""
    return with_attributes(beside(path))[1:]


def beside(path: Path) -> Path:
    """The path whose ``.drive.yaml`` describes a recording: without what compression adds."""
    return path.with_name(f"{stem_of(path)}.table") if path.is_file() else path


def _with_mapping(digest: str, mapping: TableMapping) -> str:
    """A corrected mapping gives another drive, and tries again what could not be used."""
    return full_hash(digest, mapping_text(mapping))


def _by_id(path: Path, mapping: TableMapping) -> Iterator[DriveFiles]:
    """The drives by the columns that name them, in the order of their first rows."""
    text = mapping_text(mapping)
    files_of: dict[str, list[Path]] = {}
    digests: dict[Path, tuple[str, int, int]] = {}
    for file in table_files(path):
        digest, size = hash_files(file.parent, [file, *described_by(file)])
        try:
            index = index_of(file, text)
        except UnreadableError as error:
            yield _troubled(file, digest, size, str(error), mapping)
            continue
        for count, why in index.of_no_drive(mapping):
            what = f"{file}: {counted(count, 'row')} {why}, so of no drive"
            yield _troubled(file, digest, size, what, mapping)
        digests[file] = digest, size, max(1, len(index.places))
        for name in index.places:
            files_of.setdefault(name, []).append(file)
    for name, files in files_of.items():
        sha256 = short_hash(name, *(digests[file][0] for file in files))
        sha256 = _with_mapping(sha256, mapping)
        where = files[0] if len(files) == 1 else path
        size = sum(digests[file][1] // digests[file][2] for file in files)
        drive_id = drive_id_of(name, sha256)
        yield DriveFiles(SOURCE, drive_id, str(where.absolute()), sha256, size, mapping=text)


def _troubled(file: Path, digest: str, size: int, reason: str, mapping: TableMapping) -> DriveFiles:
    sha256 = short_hash(_with_mapping(digest, mapping), reason)
    drive_id, path = drive_identity(stem_of(file), sha256), str(file.absolute())
    return DriveFiles(SOURCE, drive_id, path, sha256, size, Trouble(reason), mapping_text(mapping))


@dataclass(frozen=True)
class DriveTables:
    """The tables that a drive is in.

    Attributes:
        tables: In the order of their paths.
        pieces: Gives the pieces with rows of the drive, each with its table's decimal sign.
    """

    tables: tuple[TableFile, ...]
    pieces: Callable[[], Iterator[tuple[Piece, str]]]


def tables_of(files: DriveFiles, mapping: TableMapping) -> DriveTables:
    """The tables of a drive.

    Raises:
        UnreadableError: A file cannot be read, or lacks a column, or the drive is not there.
    """
    path = Path(files.path)
    if not mapping.id_columns:
        inside = [path] if path.is_file() else [f for f in table_files(path) if f.parent == path]
        tables = tuple(open_table(file, mapping) for file in inside)
        return DriveTables(
            tables, lambda: ((p, t.decimal) for t in tables for p in t.pieces(mapping.columns))
        )
    found = [(file, _name_in(file, files)) for file in table_files(path)]
    there = [(file, open_table(file, mapping), name) for file, name in found if name]
    if not there:
        raise UnreadableError("has no row of this drive any more", where=path)
    return DriveTables(
        tuple(table for _, table, _ in there),
        lambda: (
            (piece, table.decimal)
            for file, table, name in there
            for piece in pieces_of(file, table, name, mapping)
        ),
    )


def _name_in(file: Path, files: DriveFiles) -> str | None:
    """The name of a drive in a file; None if it is not there."""
    try:
        index = index_of(file, files.mapping or "")
    except UnreadableError:
        return None  # a file beside it, which was reported when it was found
    alike = index.alike.get(plain(files.drive_id), ())
    return next((n for n in alike if drive_id_of(n, files.sha256) == files.drive_id), None)
