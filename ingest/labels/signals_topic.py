"""Telemetry as typed Protobuf messages, so that viewers plot every signal.

A clip has its telemetry as exact JSON. Foxglove and Rerun plot the fields of Protobuf messages
without further setting up. A field is named like its signal, with ``_`` for ``.``; a signal that
has no value at an instant is left out of the message.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import DESCRIPTOR as TIMESTAMP_FILE
from google.protobuf.timestamp_pb2 import Timestamp

TOPIC = "/signals"
_MESSAGE, _TIME = "ridealong.Signals", "timestamp"
_NO_SIGNALS = frozenset({"drive_id", "timestamp_ns"})


def signals_in(telemetry: pa.Table) -> list[str]:
    """The signals that have any value."""
    return [
        name
        for name in telemetry.schema.names
        if name not in _NO_SIGNALS
        and telemetry[name].null_count < telemetry.num_rows
        and _kind(telemetry.schema.field(name).type) is not None
    ]


def field_name(signal: str) -> str:
    """The field of a signal."""
    return signal.replace(".", "_")


def message_class(telemetry: pa.Table) -> Any:
    """The class of the messages of a table: an optional field for each signal that has a value."""
    file = FileDescriptorProto(
        name="ridealong/signals.proto", package="ridealong", syntax="proto2",
        dependency=[TIMESTAMP_FILE.name],
    )  # fmt: skip
    message = file.message_type.add(name="Signals")
    message.field.add(
        name=_TIME,
        number=1,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=".google.protobuf.Timestamp",
    )
    for number, signal in enumerate(signals_in(telemetry), 2):
        message.field.add(
            name=field_name(signal),
            number=number,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=_kind(telemetry.schema.field(signal).type),
        )
    pool = DescriptorPool()
    pool.AddSerializedFile(TIMESTAMP_FILE.serialized_pb)
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(_MESSAGE))


def signal_messages(telemetry: pa.Table, kind: Any) -> Iterator[tuple[int, bytes]]:
    """Log time and message of every row, in time; ``kind`` is `message_class` of the table."""
    signals = signals_in(telemetry)
    rows = telemetry.select(["timestamp_ns", *signals]).sort_by("timestamp_ns")
    for row in rows.to_pylist():
        time = row.pop("timestamp_ns")
        stamp = Timestamp()
        stamp.FromNanoseconds(time)
        known = {field_name(name): value for name, value in row.items() if value is not None}
        message = kind(**known)
        message.timestamp.seconds, message.timestamp.nanos = stamp.seconds, stamp.nanos
        yield time, message.SerializeToString(deterministic=True)


def _kind(kind: pa.DataType) -> Any:
    """The Protobuf type of a column; None if it has none."""
    if pa.types.is_boolean(kind):
        return FieldDescriptorProto.TYPE_BOOL
    if pa.types.is_integer(kind):
        return FieldDescriptorProto.TYPE_INT64
    if pa.types.is_floating(kind):
        return FieldDescriptorProto.TYPE_DOUBLE
    return FieldDescriptorProto.TYPE_STRING if pa.types.is_string(kind) else None
