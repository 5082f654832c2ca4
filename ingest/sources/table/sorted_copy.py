"""The rows of a table by drive, where the table has them by time.

Otherwise each drive would read the whole table. The copy is a temporary file that nobody else sees.
"""

from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.table.files import Piece

ROWS = 100_000  # at most in a piece that is read again, unless one was larger
NUMBERS = "\0number"


class SortedCopy:
    """The rows of many drives, each drive's together."""

    def __init__(self, pieces: Iterable[tuple[Piece, pa.DictionaryArray]]) -> None:
        """Read all pieces once; with each, the name of the drive of every row."""
        self._file = TemporaryFile()  # noqa: SIM115 - open until this object is gone
        self._lock = Lock()
        self._parts: dict[str, list[tuple[int, int]]] = {}  # place and length, by drive
        for piece, names in pieces:
            for name, rows in _by_name(piece, names):
                self._parts.setdefault(name, []).append(self._write(rows))

    def pieces(self, name: str) -> Iterator[Piece]:
        """The rows of one drive, in order."""
        waiting: list[pa.Table] = []
        for place, length in self._parts[name]:
            with self._lock:
                self._file.seek(place)
                rows = pa.ipc.open_stream(self._file.read(length)).read_all()
            is_alike = not waiting or rows.schema == waiting[0].schema
            if not is_alike or sum(map(len, waiting)) + len(rows) > ROWS:
                yield from _joined(waiting)
                waiting = []
            waiting.append(rows)
        yield from _joined(waiting)

    def _write(self, rows: pa.Table) -> tuple[int, int]:
        place = self._file.tell()
        with pa.ipc.new_stream(self._file, rows.schema) as out:
            out.write_table(rows)
        return place, self._file.tell() - place


def _by_name(piece: Piece, names: pa.DictionaryArray) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each drive in a piece, with their numbers; those of none are left out."""
    codes = np.asarray(pc.fill_null(names.indices, -1).to_numpy(), np.int64)
    order = np.argsort(codes, kind="stable")
    rows = piece.rows.append_column(NUMBERS, pa.array(piece.numbers)).take(pa.array(order))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-2))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        code = int(codes[order[start]])
        if code >= 0:
            yield names.dictionary[code].as_py(), rows.slice(start, end - start)


def _joined(parts: list[pa.Table]) -> Iterator[Piece]:
    if parts:
        rows = pa.concat_tables(parts)
        numbers = np.asarray(rows.column(NUMBERS).to_numpy(), np.int64)
        yield Piece((0, 0, 0), rows.drop_columns([NUMBERS]), numbers)
