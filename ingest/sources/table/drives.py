"""Which drives the files of a table are: by the columns that name them, by folder, or by file."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.attributes import with_attributes
from ingest.sources.files import drive_identity, files_under, hash_files
from ingest.sources.parts import SEPARATOR, are_parts, hive_name, look_into
from ingest.sources.table.columns import whole
from ingest.sources.table.files import Piece, TableFile, open_table
from ingest.sources.table.spec import FOLDER, TableMapping, mapping_text, stored_mapping
from ridealong.errors import RidealongError, UnreadableError
from ridealong.hashing import full_hash, short_hash
from ridealong.lake.marker import is_home
from ridealong.perception.recording import DriveFiles, Trouble
from ridealong.terminal.readable import counted

SOURCE = "table"
SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".pq"})
COMPRESSED = frozenset({".gz", ".bz2", ".zst", ".lz4"})
CACHED_BYTES = 128 * 2**20
Place = tuple[int, int, int]


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
        if index.nameless:
            rows = counted(index.nameless, "row")
            what = f"{file}: {rows} without {', '.join(mapping.id_columns)}, so of no drive"
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
class Index:
    """Where the rows of each drive are in a file.

    Attributes:
        places: The pieces with rows of a drive, by the name that its columns give.
        nameless: How many rows name no drive.
    """

    places: Mapping[str, tuple[Place, ...]]
    nameless: int

    @cached_property
    def sharing(self) -> Counter[Place]:
        """How many drives have rows in a piece."""
        return Counter(place for places in self.places.values() for place in places)

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """The names by what a drive's id makes of them."""
        found: dict[str, list[str]] = {}
        for name in self.places:
            found.setdefault(_plain(drive_id_of(name, "")), []).append(name)
        return found


def index_of(file: Path, text: str) -> Index:
    """The index of a file, made once; ``text`` is the mapping.

    Raises:
        UnreadableError: The file cannot be read, or lacks a column.
    """
    return _index(file, text, *_version(file))


@lru_cache(maxsize=1024)
def _index(file: Path, text: str, modified_ns: int, size: int) -> Index:
    mapping = stored_mapping(text)
    table, columns = open_table(file, mapping), mapping.id_columns
    places: dict[str, list[Place]] = {}
    nameless = 0
    for piece in table.pieces(columns):
        names = _names(piece.rows, columns)
        nameless += names.null_count
        for code in pc.unique(names.indices).drop_null().to_pylist():
            places.setdefault(names.dictionary[code].as_py(), []).append(piece.place)
    return Index({name: tuple(found) for name, found in places.items()}, nameless)


def _version(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError as error:
        raise UnreadableError(error.strerror or str(error), where=file) from error
    return status.st_mtime_ns, status.st_size


def _names(rows: pa.Table, columns: Sequence[str]) -> pa.DictionaryArray:
    """The drive's name in each row, coded; null where a column that gives it is empty."""
    coded = [_coded(rows.column(name)) for name in columns]
    if len(coded) == 1:
        return coded[0]
    texts = [each.dictionary_decode() for each in coded]
    return pc.binary_join_element_wise(*texts, SEPARATOR).dictionary_encode()


def _coded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column as text without spaces around it; what is empty is null. Each text is read once."""
    values = whole(column)
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    texts = pc.utf8_trim_whitespace(coded.dictionary.cast(pa.string()))
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if texts.null_count or len(pc.unique(texts)) < len(texts):
        return texts.take(coded.indices).dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices, texts)


def drive_id_of(name: str, sha256: str) -> str:
    """The id of a drive that columns name; the hash tells apart names that look alike in paths."""
    return drive_identity(name, short_hash(name, sha256))


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
    found = [(file, *_in_index(file, files)) for file in table_files(path)]
    there = [(file, open_table(file, mapping), name, at) for file, name, at in found if at]
    if not there:
        raise UnreadableError("has no row of this drive any more", where=path)
    return DriveTables(
        tuple(table for _, table, _, _ in there),
        lambda: (
            (_only(_piece(file, table, place, mapping), name), table.decimal)
            for file, table, name, places in there
            for place in places
        ),
    )


def _in_index(file: Path, files: DriveFiles) -> tuple[str, tuple[Place, ...]]:
    """The name of a drive in a file, and the pieces with its rows; none if it is not there."""
    try:
        index = index_of(file, files.mapping or "")
    except UnreadableError:
        return "", ()  # a file beside it, which was reported when it was found
    for name in index.alike.get(_plain(files.drive_id), ()):
        if drive_id_of(name, files.sha256) == files.drive_id:
            return name, index.places[name]
    return "", ()


def _plain(drive_id: str) -> str:
    return drive_id.rpartition("-")[0]


@dataclass(frozen=True)
class _Named:
    """A piece with the drive's name of each row, coded."""

    piece: Piece
    names: pa.DictionaryArray


class _Cache:
    """The pieces that other drives need, too; the last of them takes a piece away."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, tuple[_Named, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: object, drives: int, read: Callable[[], _Named]) -> _Named:
        """A piece with rows of so many drives."""
        with self._lock:
            found, due = self._kept.pop(key, (None, drives))
        found = read() if found is None else found
        with self._lock:
            if due > 1:
                self._kept[key] = found, due - 1
            while len(self._kept) > 1 and self._bytes() > CACHED_BYTES:
                self._kept.popitem(last=False)
        return found

    def _bytes(self) -> int:
        return sum(named.piece.rows.nbytes for named, _ in self._kept.values())


_CACHE = _Cache()


def _piece(file: Path, table: TableFile, place: Place, mapping: TableMapping) -> _Named:
    def read() -> _Named:
        piece = table.piece(place, mapping.columns)
        return _Named(piece, _names(piece.rows, mapping.id_columns))

    text = mapping_text(mapping)
    drives = index_of(file, text).sharing[place]
    return _CACHE.get((file, *_version(file), place, text), drives, read)


def _only(named: _Named, name: str) -> Piece:
    """The rows of one drive."""
    code = pc.index(named.names.dictionary, name).as_py()
    places = np.flatnonzero(pc.fill_null(named.names.indices, -1).to_numpy() == code)
    piece = named.piece
    first, count = int(places[0]), len(places)
    if places[-1] - first == count - 1:  # in one stretch, as in most files: nothing is copied
        rows = piece.rows.slice(first, count)
    else:
        rows = piece.rows.take(pa.array(places))
    return Piece(piece.place, rows, piece.numbers[places])
