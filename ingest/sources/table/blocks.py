"""The text of a CSV file in blocks of whole lines, as UTF-8, whatever it is stored as."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any

import pyarrow as pa

from ingest.sources.table.dialect import Dialect
from ridealong.errors import UnreadableError

BLOCK_BYTES = 4 * 2**20
SAMPLE_BYTES = 256 * 2**10
LONGEST_LINE = 32 * 2**20
COMPRESSIONS = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
)


def sample_of(path: Path) -> bytes:
    """The first bytes of a file, uncompressed.

    Raises:
        UnreadableError: It cannot be read.
    """
    with _opened(path) as file:
        return bytes(file.read(SAMPLE_BYTES))


@dataclass(frozen=True)
class Block:
    """Whole lines of values.

    ``start``: where they begin in the text as UTF-8, which is their place in the file if it is
    neither compressed nor in another encoding.
    """

    start: int
    text: bytes


def blocks(path: Path, dialect: Dialect) -> Iterator[Block]:
    """Blocks of whole lines of values in UTF-8, without the head.

    Raises:
        UnreadableError: It breaks off, or is not in the encoding of the dialect.
    """
    rest, head, start = b"", dialect.head, dialect.mark
    for text in _texts(path, dialect):
        rest += text
        while head and b"\n" in rest:
            line = rest.index(b"\n") + 1
            rest, head, start = rest[line:], head - 1, start + line
        cut = _end_of_lines(rest)
        if head == 0 and cut:
            yield Block(start, rest[:cut])
            rest, start = rest[cut:], start + cut
        elif len(rest) > LONGEST_LINE:
            raise UnreadableError("has no end of line", where=path, expected="a CSV file")
    if head == 0 and rest.strip():
        yield Block(start, rest)


def block_at(path: Path, dialect: Dialect, start: int, length: int) -> bytes:
    """The text of one block again.

    Raises:
        UnreadableError: As for `blocks`.
    """
    if dialect.encoding == "utf-8" and _compression(path) is None:
        with _opened(path) as file:
            file.seek(start)
            return _plain(bytes(file.read(length)))
    status = path.stat()
    return _unpacked(path, dialect, status.st_mtime_ns, status.st_size).read(start, length)


class _Unpacked:
    """The text of a file as UTF-8, in a temporary file that nobody else sees.

    Otherwise each of its drives would unpack the file from its start.
    """

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - open until this object is gone
        self._lock = Lock()
        self._file.write(b"\0" * dialect.mark)  # places count from the start of the file
        for text in _texts(path, dialect):
            self._file.write(text)

    def read(self, start: int, length: int) -> bytes:
        """Some of it."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(length)


_ONE_AT_A_TIME = Lock()


def _unpacked(path: Path, dialect: Dialect, modified_ns: int, size: int) -> _Unpacked:
    with _ONE_AT_A_TIME:
        return _unpacked_once(path, dialect, modified_ns, size)


@lru_cache(maxsize=4)
def _unpacked_once(path: Path, dialect: Dialect, modified_ns: int, size: int) -> _Unpacked:
    return _Unpacked(path, dialect)


def _end_of_lines(text: bytes) -> int:
    """Where the last whole line ends; 0 if none does. A quoted line break is not the end of one."""
    cut = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, cut)
    while cut and quotes % 2:
        before = text.rfind(b"\n", 0, cut - 1) + 1
        quotes -= text.count(b'"', before, cut)
        cut = before
    return cut


def _texts(path: Path, dialect: Dialect) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(dialect.encoding)()
    is_utf8 = dialect.encoding == "utf-8"
    with _opened(path) as file:
        file.read(dialect.mark)
        while chunk := bytes(file.read(BLOCK_BYTES)):
            yield _plain(chunk) if is_utf8 else _plain(_decoded(decoder, chunk, path, dialect))
        if not is_utf8:
            yield _decoded(decoder, b"", path, dialect, final=True)


def _plain(text: bytes) -> bytes:
    """Lines that end with a carriage return alone, as old programs write them, get a line feed."""
    return text if b"\n" in text else text.replace(b"\r", b"\n")


def _decoded(
    decoder: Any, chunk: bytes, path: Path, dialect: Dialect, final: bool = False
) -> bytes:
    try:
        return str(decoder.decode(chunk, final)).encode("utf-8")
    except UnicodeError as error:
        raise UnreadableError(
            f"is not {dialect.encoding} text ({error})",
            where=path,
            hint="set its encoding in the mapping, like format: {encoding: cp1252}",
        ) from error


def _compression(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for magic, name in COMPRESSIONS if start.startswith(magic)), None)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        kind = _compression(path)
        if kind is None:
            with path.open("rb") as file:
                yield file
        else:
            with pa.input_stream(str(path), compression=kind) as stream:
                yield stream
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(
            f"cannot be read ({str(error).splitlines()[0] if str(error) else 'damaged'})",
            where=path,
        ) from error
