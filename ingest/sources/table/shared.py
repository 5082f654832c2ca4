"""Files with rows of many drives: where those of each are, and reading them."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.files import drive_identity
from ingest.sources.parts import SEPARATOR
from ingest.sources.table.columns import whole
from ingest.sources.table.files import Piece, TableFile, open_table
from ingest.sources.table.sorted_copy import SortedCopy
from ingest.sources.table.spec import TableMapping, mapping_text, stored_mapping
from ridealong.errors import UnreadableError
from ridealong.hashing import short_hash

CACHED_BYTES = 128 * 2**20
FEW_PIECES, FEW_DRIVES = 8, 3
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Index:
    """Where the rows of each drive are in a file.

    Attributes:
        places: The pieces with rows of a drive, by the name that its columns give.
        nameless, ragged: How many rows name no drive, or have another number of columns.
    """

    places: Mapping[str, tuple[Place, ...]]
    nameless: int
    ragged: int

    def of_no_drive(self, mapping: TableMapping) -> list[tuple[int, str]]:
        """How many rows are of no drive, and why."""
        why = [
            (self.nameless, f"without {', '.join(mapping.id_columns)}"),
            (self.ragged, "with another number of columns than the first line"),
        ]
        return [(count, text) for count, text in why if count]

    @cached_property
    def sharing(self) -> Counter[Place]:
        """How many drives have rows in a piece."""
        return Counter(place for places in self.places.values() for place in places)

    @property
    def is_mixed(self) -> bool:
        """Whether many pieces have rows of many drives each."""
        pieces = len(self.sharing)
        return pieces > FEW_PIECES and self.sharing.total() > FEW_DRIVES * pieces

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """The names by what a drive's id makes of them."""
        found: dict[str, list[str]] = {}
        for name in self.places:
            found.setdefault(plain(drive_id_of(name, "")), []).append(name)
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
    nameless = ragged = 0
    for piece in table.pieces(columns):
        names = _names(piece.rows, columns)
        nameless, ragged = nameless + names.null_count, ragged + len(piece.ragged)
        for code in pc.unique(names.indices).drop_null().to_pylist():
            places.setdefault(names.dictionary[code].as_py(), []).append(piece.place)
    return Index({name: tuple(found) for name, found in places.items()}, nameless, ragged)


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


def plain(drive_id: str) -> str:
    """What a drive's id makes of its name."""
    return drive_id.rpartition("-")[0]


def pieces_of(file: Path, table: TableFile, name: str, mapping: TableMapping) -> Iterator[Piece]:
    """The rows of one drive in a file, in order."""
    index = index_of(file, mapping_text(mapping))
    if index.is_mixed:
        yield from _sorted(file, mapping_text(mapping)).pieces(name)
        return
    for place in index.places[name]:
        yield _only(_piece(file, table, place, index.sharing[place], mapping), name)


_ONE_AT_A_TIME = Lock()


def _sorted(file: Path, text: str) -> SortedCopy:
    with _ONE_AT_A_TIME:
        return _sorted_once(file, text, *_version(file))


@lru_cache(maxsize=4)
def _sorted_once(file: Path, text: str, modified_ns: int, size: int) -> SortedCopy:
    mapping = stored_mapping(text)
    table = open_table(file, mapping)
    each = ((p, _names(p.rows, mapping.id_columns)) for p in table.pieces(mapping.columns))
    return SortedCopy(each)


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


def _piece(
    file: Path, table: TableFile, place: Place, drives: int, mapping: TableMapping
) -> _Named:
    def read() -> _Named:
        piece = table.piece(place, mapping.columns)
        return _Named(piece, _names(piece.rows, mapping.id_columns))

    return _CACHE.get((file, *_version(file), place, mapping_text(mapping)), drives, read)


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
