"""An MCAP file of anyone, read from front to back.

The index at the end of a file is not used: it is missing in a recording that broke off, and
everything is read once in any case. So whole, truncated and unindexed files are read alike. What is
damaged is left out, and the rest is read.
"""

import io
import os
import struct
import zlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import zstandard
from lz4.frame import LZ4FrameDecompressor
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Schema

from ingest.sources.bags.recognition import MCAP_MAGIC
from ingest.sources.bags.store import Message, Read, Topic
from ridealong.errors import UnreadableError
from ridealong.terminal.readable import counted, size

LARGEST_CHUNK = 1 << 30  # a larger size is a damaged one
_HEAD = struct.Struct("<BQ")  # kind of record, its length
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log and publish time
_CHUNKS_KEPT = 8


class _Place(NamedTuple):
    """A chunk's position in the file, and a message's in the chunk; in the file if not chunked."""

    chunk: int | None
    start: int
    end: int


class McapFile:
    """One MCAP file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._faults: list[str] = []
        self._schemas: dict[int, Schema] = {}
        self._topics: dict[int, Topic] = {}

    @property
    def faults(self) -> list[str]:
        """What `scan` could not read."""
        return self._faults

    def topics(self) -> list[Topic]:
        """The topics that were found; complete after `scan`."""
        return list(dict.fromkeys(self._topics.values()))

    def scan(self) -> Iterator[Message]:
        """All messages, in the order of the file; what cannot be read is added to `faults`.

        Raises:
            UnreadableError: It is not an MCAP file.
        """
        damaged, why = 0, ""
        with self.path.open("rb") as stream:
            if stream.read(len(MCAP_MAGIC)) != MCAP_MAGIC:
                raise UnreadableError(
                    "is not an MCAP file", where=self.path, expected="a file that starts as MCAP"
                )
            for kind, start, body in self._records(stream):
                if kind == Opcode.CHUNK:
                    try:
                        content = _unpacked(body)
                    # Damaged bytes raise the errors of zstd, lz4, struct or the checksum.
                    except Exception as error:
                        damaged += 1
                        why = why or (f": {error}" if isinstance(error, _SizeError) else "")
                        continue
                    yield from self._messages(content, start)
                else:
                    yield from self._record(kind, body, _Place(None, start, start + len(body)))
        if damaged:
            verb = "was" if damaged == 1 else "were"
            self._faults.append(f"{counted(damaged, 'damaged chunk')} {verb} left out{why}")

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """Read single messages by their place; the chunks used last are kept in memory."""
        chunks: dict[int, bytes] = {}
        with self.path.open("rb") as stream:

            def read(place: Hashable) -> bytes:
                assert isinstance(place, _Place)
                if place.chunk is None:
                    stream.seek(place.start + _MESSAGE.size)
                    return stream.read(place.end - place.start - _MESSAGE.size)
                if place.chunk not in chunks:
                    if len(chunks) >= _CHUNKS_KEPT:
                        del chunks[next(iter(chunks))]
                    chunks[place.chunk] = _unpacked(_body(stream, place.chunk))
                return chunks[place.chunk][place.start + _MESSAGE.size : place.end]

            yield read

    def _records(self, stream: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
        """Kind, position of the content, and content of the records that have data."""
        file_bytes = os.fstat(stream.fileno()).st_size
        while head := stream.read(_HEAD.size):
            if len(head) < _HEAD.size:
                self._faults.append("the file breaks off")
                return
            kind, length = _HEAD.unpack(head)
            start = stream.tell()
            if kind in (Opcode.DATA_END, Opcode.FOOTER):
                return
            if kind == 0 or start + length > file_bytes:
                self._faults.append("the file breaks off")
                return
            if kind in (Opcode.CHUNK, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE):
                yield kind, start, stream.read(length)
            else:
                stream.seek(length, os.SEEK_CUR)
        self._faults.append("the file breaks off")  # a whole file has an end

    def _messages(self, content: bytes, chunk: int) -> Iterator[Message]:
        at, topics, heads = 0, self._topics, _HEAD.unpack_from
        while at + _HEAD.size <= len(content):
            kind, length = heads(content, at)
            at += _HEAD.size
            end = at + length
            if end > len(content):
                self._faults.append("a chunk holds a broken record")
                return
            if kind == Opcode.MESSAGE:
                channel, _, log_ns, _ = _MESSAGE.unpack_from(content, at)
                if channel in topics:
                    data = content[at + _MESSAGE.size : end]
                    yield Message(topics[channel], log_ns, _Place(chunk, at, end), data)
            else:
                yield from self._record(kind, content[at:end], _Place(chunk, at, end))
            at = end

    def _record(self, kind: int, body: bytes, place: _Place) -> Iterator[Message]:
        try:
            if kind == Opcode.SCHEMA:
                schema = Schema.read(ReadDataStream(_stream(body)))
                self._schemas[schema.id] = schema
            elif kind == Opcode.CHANNEL:
                self._add(Channel.read(ReadDataStream(_stream(body))))
            elif kind == Opcode.MESSAGE:
                channel, _, log_ns, _ = _MESSAGE.unpack_from(body)
                if channel in self._topics:
                    yield Message(self._topics[channel], log_ns, place, body[_MESSAGE.size :])
        # Damaged bytes raise the errors of struct and of text.
        except Exception as error:
            self._faults.append(f"a damaged record was left out ({type(error).__name__})")

    def _add(self, channel: Channel) -> None:
        schema = self._schemas.get(channel.schema_id)
        known = self._topics.get(channel.id)
        if known is not None and known.name == channel.topic:
            return  # writers repeat the channels in every chunk
        found = Topic(
            channel.topic,
            schema.name if schema else "",
            channel.message_encoding,
            schema.encoding if schema else "",
            schema.data if schema else b"",
        )
        # Several programs may send on one topic, each in a channel of its own.
        alike = (one for one in self._topics.values() if _form(one) == _form(found))
        self._topics[channel.id] = next(alike, found)


def _form(topic: Topic) -> tuple[str, str, str, bytes]:
    return topic.name, topic.type, topic.encoding, topic.schema


def _body(stream: IO[bytes], start: int) -> bytes:
    stream.seek(start - _HEAD.size)
    _, length = _HEAD.unpack(stream.read(_HEAD.size))
    return stream.read(length)


def _unpacked(body: bytes) -> bytes:
    """A chunk's records, checked.

    Raises:
        ValueError: It is too large, or its checksum is wrong; damaged bytes raise any error.
    """
    chunk = Chunk.read(ReadDataStream(_stream(body)))
    stated = chunk.uncompressed_size
    if stated > LARGEST_CHUNK:
        raise _SizeError(stated)
    content = _UNPACK[chunk.compression](chunk.data, stated)
    if chunk.uncompressed_crc and zlib.crc32(content) != chunk.uncompressed_crc:
        raise ValueError("its checksum is wrong")
    return content


class _SizeError(ValueError):
    """A chunk that says of itself that it is too large."""

    def __init__(self, stated: int) -> None:
        super().__init__(f"one says that it unpacks to {size(stated)}")


def _unpacked_zstd(data: bytes, most: int) -> bytes:
    # The size that a frame states itself is allocated, whatever the most is that may come.
    own = zstandard.frame_content_size(data)
    if own > most:
        raise _SizeError(own)
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=most)


def _unpacked_lz4(data: bytes, most: int) -> bytes:
    unpacking = LZ4FrameDecompressor()
    content = bytes(unpacking.decompress(data, max_length=most + 1))
    if len(content) > most or not unpacking.eof:
        raise ValueError("it is larger than it says")
    return content


_UNPACK: dict[str, Callable[[bytes, int], bytes]] = {
    "": lambda data, most: data,
    "zstd": _unpacked_zstd,
    "lz4": _unpacked_lz4,
}


def _stream(body: bytes) -> IO[bytes]:
    return io.BytesIO(body)
