"""MCAP files as this package writes and reads them: topics in, messages by topic and time out."""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Channel, ChunkIndex, MessageIndex
from mcap.stream_reader import MAGIC_SIZE, StreamReader
from mcap.summary import Summary
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import Writer
from mcap_protobuf.schema import build_file_descriptor_set
from numpy.typing import NDArray

from ingest.clips import topics
from ingest.errors import RidealongError, UnreadableError

# Small enough that one camera's seek reads little, large enough that JSON compresses well.
CHUNK_BYTES = 256 * 1024
# The footer's fields: where the index starts, where its offsets start, its checksum.
_FOOTER_TAIL = struct.Struct("<QQI")
_CHECKSUM_BYTES = 4
MEND = "cut the clip again, or restore the file from a copy"


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
    """Turn whatever goes wrong in a damaged file into one error that names it."""
    try:
        yield
    except RidealongError:
        raise
    except OSError as error:
        if error.strerror is None or error.filename != str(path):  # a seek to where no byte is
            raise damaged(path, error) from error
        raise UnreadableError(error.strerror, where=path) from error
    # Damaged bytes surface as whatever struct, zstd, protobuf, JSON or FFmpeg raise for them.
    except (Exception, MemoryError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: BaseException) -> UnreadableError:
    """The error for a file whose bytes are not those of a clip."""
    said = str(error) or type(error).__name__
    return UnreadableError(
        f"is truncated, damaged, or not an MCAP clip ({said})", where=path, mend=MEND
    )


class TopicReader:
    """Reads an MCAP file by its index; chunk checksums are checked on the way.

    Methods may raise anything for damaged bytes: call them inside `reading`.
    """

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        try:
            size = self._stream.seek(0, io.SEEK_END)
            self._stream.seek(0)
            # A damaged length must not make the reader ask for more than the file has.
            self._reader = SeekingReader(
                self._stream, validate_crcs=True, record_size_limit=max(size, 1)
            )
            self._summary = self._index()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    @property
    def channels(self) -> list[Channel]:
        """The topics with their metadata, in the order of their declaration."""
        return list(self._summary.channels.values())

    @property
    def summary(self) -> Summary:
        """Schemas, channels and indexes."""
        return self._summary

    def metadata(self) -> dict[str, str] | None:
        """The metadata record; None where this is no clip of ours."""
        found = [m for m in self._reader.iter_metadata() if m.name == topics.METADATA]
        return found[0].metadata if found else None

    def channel(self, topic: str) -> Channel | None:
        """The topic's channel, where the file has it."""
        return next((channel for channel in self.channels if channel.topic == topic), None)

    def times(self, topic: str) -> NDArray[np.int64]:
        """Timestamps of a topic's messages, ascending, from the index alone."""
        channel = self.channel(topic)
        if channel is None:
            return np.empty(0, np.int64)
        found = [
            time
            for chunk in self._summary.chunk_indexes
            for time, _ in self._message_index(chunk, channel.id)
        ]
        return np.sort(np.array(found, np.int64))

    def messages(
        self, names: Sequence[str], start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[tuple[str, int, bytes]]:
        """Topic, timestamp and data with ``start_ns <= timestamp <= end_ns``, in time."""
        wanted = set(names)
        for _, channel, message in self._reader.iter_messages(
            wanted, starting_at=start_ns, ending_at=end_ns
        ):
            yield channel.topic, message.log_time, message.data

    def _index(self) -> Summary:
        _check_index(self._stream)
        summary = self._reader.get_summary()
        if summary is None or summary.statistics is None:
            raise McapError("it has no index")
        if summary.statistics.chunk_count != len(summary.chunk_indexes):
            raise McapError("its index lacks chunks")
        return summary

    def _message_index(self, chunk: ChunkIndex, channel_id: int) -> list[tuple[int, int]]:
        offset = chunk.message_index_offsets.get(channel_id)
        if offset is None:
            return []
        self._stream.seek(offset)
        record = next(StreamReader(self._stream, skip_magic=True).records)
        if not isinstance(record, MessageIndex):
            raise McapError("its message index is damaged")
        return record.records


def check_whole(path: Path) -> None:
    """Read a file from its first byte to its last against all its checksums.

    Raises:
        UnreadableError: It is damaged or ends early.
    """
    with reading(path), path.open("rb") as stream:
        for _ in StreamReader(stream, validate_crcs=True).records:
            pass
        if stream.read(1):
            raise McapError("bytes follow its end")


def _check_index(stream: IO[bytes]) -> None:
    """Hold the index against its checksum, which the MCAP library does not look at."""
    end = stream.seek(-(_FOOTER_TAIL.size + MAGIC_SIZE), io.SEEK_END) + _FOOTER_TAIL.size
    start, _, checksum = _FOOTER_TAIL.unpack(stream.read(_FOOTER_TAIL.size))
    stream.seek(start)
    covered = stream.read(max(0, end - start - _CHECKSUM_BYTES))
    if checksum and zlib.crc32(covered) != checksum:
        raise McapError("its index does not match its checksum")
