"""MCAP files: write messages by topic, read them by topic and time."""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk
from mcap.stream_reader import MAGIC_SIZE, StreamReader, get_chunk_data_stream
from mcap.summary import Summary
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import Writer
from mcap_protobuf.schema import build_file_descriptor_set
from numpy.typing import NDArray

from ingest.clips import topics
from ridealong.errors import RidealongError, UnreadableError

# Small enough that a seek of one camera reads little, large enough that JSON compresses well.
CHUNK_BYTES = 256 * 1024
# The footer's fields: where the index starts, where its offsets start, its checksum.
_FOOTER_TAIL = struct.Struct("<QQI")
_CHECKSUM_BYTES = 4
_RECORD_HEAD = struct.Struct("<BQ")  # kind of record, its length
_MESSAGE_HEAD = struct.Struct("<BQHIQQ")  # the same, channel, sequence, log and publish time
_INDEX_HEAD = struct.Struct("<HI")  # channel, length in bytes
_ENTRY = np.dtype([("time", "<i8"), ("chunk", "<i8"), ("offset", "<i8")])
_CHUNKS_KEPT = 64
HINT = "cut the clip again, or restore the file from a copy"


class TopicWriter:
    """Writes messages by topic; nothing in the file depends on a clock or a library's version."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._writer = Writer(stream, chunk_size=CHUNK_BYTES, enable_data_crcs=True)
        self._writer.start(profile="", library=topics.LIBRARY)
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def add_protobuf_topic(
        self, topic: str, message: Any, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Declare a topic of protobuf messages of one class."""
        name = message.DESCRIPTOR.full_name
        if name not in self._schemas:
            data = build_file_descriptor_set(message).SerializeToString(deterministic=True)
            self._schemas[name] = self._writer.register_schema(name, SchemaEncoding.Protobuf, data)
        self._add_topic(topic, MessageEncoding.Protobuf, self._schemas[name], metadata)

    def add_json_topic(
        self, topic: str, name: str, schema: bytes, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Declare a topic of JSON messages with their JSON Schema."""
        if name not in self._schemas:
            self._schemas[name] = self._writer.register_schema(
                name, SchemaEncoding.JSONSchema, schema
            )
        self._add_topic(topic, MessageEncoding.JSON, self._schemas[name], metadata)

    def copy_topic(
        self, channel: Channel, schema_name: str, schema_encoding: str, schema: bytes
    ) -> None:
        """Declare a topic as another file has it."""
        if schema_name not in self._schemas:
            self._schemas[schema_name] = self._writer.register_schema(
                schema_name, schema_encoding, schema
            )
        encoding, schema_id = channel.message_encoding, self._schemas[schema_name]
        self._add_topic(channel.topic, encoding, schema_id, channel.metadata)

    def add(self, topic: str, timestamp_ns: int, data: bytes) -> None:
        """Write one message of a declared topic."""
        self._writer.add_message(
            self._channels[topic], timestamp_ns, data, timestamp_ns, self._counts[topic]
        )
        self._counts[topic] += 1

    def count(self, topic: str) -> int:
        """Messages written on a topic so far."""
        return self._counts[topic]

    def finish(self, metadata: Mapping[str, str]) -> None:
        """Write the metadata record, the index and the footer."""
        self._writer.add_metadata(topics.METADATA, dict(metadata))
        self._writer.finish()  # type: ignore[no-untyped-call]

    def _add_topic(
        self, topic: str, encoding: str, schema_id: int, metadata: Mapping[str, str] | None
    ) -> None:
        self._channels[topic] = self._writer.register_channel(
            topic, encoding, schema_id, dict(metadata or {})
        )
        self._counts[topic] = 0


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Convert every error that damaged bytes cause into one error that names the file."""
    try:
        yield
    except RidealongError:
        raise
    except OSError as error:
        if error.strerror is None or error.filename != str(path):  # a seek beyond the end
            raise damaged(path, error) from error
        raise UnreadableError(error.strerror, where=path) from error
    # Damaged bytes raise the errors of struct, zstd, protobuf, JSON or FFmpeg.
    except (Exception, MemoryError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: BaseException) -> UnreadableError:
    """The error for a file that is damaged or not a clip."""
    reason = str(error) or type(error).__name__
    return UnreadableError(
        f"is truncated, damaged, or not an MCAP clip ({reason})", where=path, hint=HINT
    )


class TopicReader:
    """Reads an MCAP file by its index, and checks the checksum of each chunk that it reads.

    Methods may raise any error for damaged bytes: call them inside `reading`.
    """

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        self._chunks: dict[int, bytes] = {}
        self._known_entries: dict[str, NDArray[np.void]] = {}
        try:
            size = self._stream.seek(0, io.SEEK_END)
            self._stream.seek(0)
            # A damaged length must not make the reader allocate more than the size of the file.
            self._reader = SeekingReader(self._stream, record_size_limit=max(size, 1))
            self._summary = self._index()
            self._channels = {c.topic: c for c in self._summary.channels.values()}
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._stream.closed

    @property
    def channels(self) -> list[Channel]:
        """The topics with their metadata, in the order of their declaration."""
        return list(self._summary.channels.values())

    @property
    def summary(self) -> Summary:
        """Schemas, channels and indexes."""
        return self._summary

    def metadata(self) -> dict[str, str] | None:
        """The metadata record; None if the file is not a clip of ridealong."""
        found = [m for m in self._reader.iter_metadata() if m.name == topics.METADATA]
        return found[0].metadata if found else None

    def channel(self, topic: str) -> Channel | None:
        """The topic's channel; None if the file has none."""
        return self._channels.get(topic)

    def times(self, topic: str) -> NDArray[np.int64]:
        """Timestamps of a topic's messages, ascending, from the index alone."""
        return self._entries(topic)["time"].astype(np.int64)

    def messages(
        self, names: Sequence[str], start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[tuple[str, int, bytes]]:
        """Topic, timestamp and data with ``start_ns <= timestamp <= end_ns``, in time."""
        found = [self._entries(name) for name in names]
        entries = np.concatenate([np.empty(0, _ENTRY), *found])
        topic_of = np.repeat(np.arange(len(names)), [len(part) for part in found])
        inside = np.ones(len(entries), np.bool_)
        if start_ns is not None:
            inside &= entries["time"] >= start_ns
        if end_ns is not None:
            inside &= entries["time"] <= end_ns
        order = np.flatnonzero(inside)
        order = order[np.lexsort([entries[order][key] for key in ("offset", "chunk", "time")])]
        for at in order.tolist():
            time, chunk, offset = entries[at].item()
            name = names[topic_of[at]]
            yield name, time, self._message(name, time, chunk, offset)

    def _message(self, topic: str, time: int, chunk: int, offset: int) -> bytes:
        data = self._chunk(chunk)
        kind, length, channel_id, _, log_time, _ = _MESSAGE_HEAD.unpack_from(data, offset)
        channel = self._channels.get(topic)
        if channel is None or (kind, channel_id, log_time) != (Opcode.MESSAGE, channel.id, time):
            raise McapError("its message index does not match its messages")
        start = offset + _MESSAGE_HEAD.size
        return data[start : offset + _RECORD_HEAD.size + length]

    def _chunk(self, number: int) -> bytes:
        """A chunk's bytes, unpacked and checked; cached, because several topics share a chunk."""
        if number not in self._chunks:
            self._stream.seek(self._summary.chunk_indexes[number].chunk_start_offset)
            self._stream.read(_RECORD_HEAD.size)
            chunk = Chunk.read(ReadDataStream(self._stream))
            content, length = get_chunk_data_stream(chunk, validate_crc=True)
            if len(self._chunks) >= _CHUNKS_KEPT:
                del self._chunks[next(iter(self._chunks))]
            self._chunks[number] = content.read(length)
        return self._chunks[number]

    def _entries(self, topic: str) -> NDArray[np.void]:
        """``(N,)`` records of `_ENTRY`: a topic's messages by time."""
        if topic not in self._known_entries:
            channel = self._channels.get(topic)
            parts = [np.empty(0, _ENTRY)]
            if channel is not None:
                parts += [
                    self._chunk_entries(number, index.message_index_offsets[channel.id])
                    for number, index in enumerate(self._summary.chunk_indexes)
                    if channel.id in index.message_index_offsets
                ]
            entries = np.concatenate(parts)
            self._check_count(channel, len(entries))
            entries.sort(order=["time", "chunk", "offset"])
            self._known_entries[topic] = entries
        return self._known_entries[topic]

    def _chunk_entries(self, number: int, offset: int) -> NDArray[np.void]:
        self._stream.seek(offset)
        kind, _ = _RECORD_HEAD.unpack(self._stream.read(_RECORD_HEAD.size))
        _, length = _INDEX_HEAD.unpack(self._stream.read(_INDEX_HEAD.size))
        if kind != Opcode.MESSAGE_INDEX:
            raise McapError("its message index is damaged")
        pairs = np.frombuffer(self._stream.read(length), "<u8").reshape(-1, 2)
        entries = np.empty(len(pairs), _ENTRY)
        entries["time"], entries["chunk"], entries["offset"] = pairs[:, 0], number, pairs[:, 1]
        return entries

    def _check_count(self, channel: Channel | None, found: int) -> None:
        statistics = self._summary.statistics
        if channel is None or statistics is None:
            return
        counted = statistics.channel_message_counts.get(channel.id, 0)
        if found != counted:
            raise McapError(f"{channel.topic} has {found} messages, its index has {counted}")

    def _index(self) -> Summary:
        _check_index(self._stream)
        summary = self._reader.get_summary()
        if summary is None or summary.statistics is None:
            raise McapError("it has no index")
        if summary.statistics.chunk_count != len(summary.chunk_indexes):
            raise McapError("its index lacks chunks")
        return summary


def check_whole(path: Path) -> None:
    """Read a whole file and compare it with all its checksums.

    Raises:
        UnreadableError: It is damaged or ends early.
    """
    with reading(path), path.open("rb") as stream:
        for _ in StreamReader(stream, validate_crcs=True).records:
            pass
        if stream.read(1):
            raise McapError("bytes follow its end")


def _check_index(stream: IO[bytes]) -> None:
    """Compare the index with its checksum, which the MCAP library does not check."""
    end = stream.seek(-(_FOOTER_TAIL.size + MAGIC_SIZE), io.SEEK_END) + _FOOTER_TAIL.size
    start, _, checksum = _FOOTER_TAIL.unpack(stream.read(_FOOTER_TAIL.size))
    stream.seek(start)
    covered = stream.read(max(0, end - start - _CHECKSUM_BYTES))
    if checksum and zlib.crc32(covered) != checksum:
        raise McapError("its index does not match its checksum")
