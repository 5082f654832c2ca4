"""Table rows as JSON messages and back, exactly: telemetry and sparse annotations.

Nulls are left out. The message's log time is the row's timestamp to the nanosecond; viewers read
the ``timestamp`` inside (``sec``, ``nsec``). Numbers are written with all digits. Those that JSON
cannot express become ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
"""

import base64
import json
import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic_core import from_json  # exact like json.loads, and five times as fast

from ridealong.perception.annotations import ANNOTATIONS
from ridealong.units import NS_PER_S

TIMESTAMP = "timestamp_ns"
JsonObject = dict[str, object]

_TIME_SCHEMA = {
    "type": "object",
    "title": "time",
    "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}},
    "required": ["sec", "nsec"],
}


def row_schema(title: str, schema: pa.Schema) -> bytes:
    """The JSON Schema of rows of an Arrow schema."""
    properties = {"timestamp": _TIME_SCHEMA} | _properties(schema)
    return _dump(
        {"title": title, "type": "object", "properties": properties, "required": ["timestamp"]}
    )


def annotations_schema(title: str) -> bytes:
    """The JSON Schema of one frame's annotations."""
    rows = {"type": "array", "items": {"type": "object", "properties": _properties(ANNOTATIONS)}}
    properties = {"timestamp": _TIME_SCHEMA, "annotations": rows}
    required = ["timestamp", "annotations"]
    return _dump({"title": title, "type": "object", "properties": properties, "required": required})


def row_messages(table: pa.Table) -> Iterator[tuple[int, bytes]]:
    """Log time and JSON of every row, in time."""
    for row in table.sort_by(TIMESTAMP).to_pylist():
        timestamp_ns = row.pop(TIMESTAMP)
        yield timestamp_ns, _dump({"timestamp": _time(timestamp_ns)} | _known(row))


def annotation_messages(
    sparse: pa.Table, timestamps_ns: NDArray[np.int64]
) -> Iterator[tuple[int, bytes]]:
    """Log time and JSON of every labelled or judged frame, including empty ones."""
    by_frame = frame_rows(sparse)
    for timestamp_ns in timestamps_ns.tolist():
        rows = [_known(row) for row in by_frame.get(timestamp_ns, [])]
        yield timestamp_ns, _dump({"timestamp": _time(timestamp_ns), "annotations": rows})


def frame_rows(sparse: pa.Table) -> dict[int, list[JsonObject]]:
    """The rows of each frame, without their timestamp, in their own order."""
    rows = sparse.sort_by(TIMESTAMP).to_pylist()
    frames = groupby(rows, key=lambda row: row.pop(TIMESTAMP))
    return {timestamp_ns: list(group) for timestamp_ns, group in frames}


def read_rows(messages: Sequence[tuple[int, bytes]], schema: pa.Schema) -> pa.Table:
    """The table that `row_messages` wrote."""
    rows = [from_json(data) | {TIMESTAMP: timestamp_ns} for timestamp_ns, data in messages]
    return _table(rows, schema)


def read_annotations(messages: Sequence[tuple[int, bytes]]) -> pa.Table:
    """The rows that `annotation_messages` wrote."""
    rows = [
        row | {TIMESTAMP: timestamp_ns}
        for timestamp_ns, data in messages
        for row in from_json(data)["annotations"]
    ]
    return _table(rows, ANNOTATIONS)


def schema_text(schema: pa.Schema) -> str:
    """An Arrow schema, field metadata included, as text."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def parse_schema_text(text: str) -> pa.Schema:
    """The schema that `schema_text` wrote."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def _table(rows: list[JsonObject], schema: pa.Schema) -> pa.Table:
    columns = [_column([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: list[object], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type=kind)
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
    ):  # words instead of numbers are rare, so the fast way is tried first
        return pa.array([_number(value, kind) for value in values], type=kind)


def _number(value: object, kind: pa.DataType) -> object:
    """Convert the words for numbers back to numbers."""
    if isinstance(value, str) and pa.types.is_floating(kind):
        return float(value)
    if isinstance(value, list):
        return [_number(item, kind.value_type) for item in value]
    return value


def _known(row: JsonObject) -> JsonObject:
    return {name: value for name, value in row.items() if value is not None}


def _time(timestamp_ns: int) -> dict[str, int]:
    seconds, nanoseconds = divmod(timestamp_ns, NS_PER_S)
    return {"sec": seconds, "nsec": nanoseconds}


def _dump(document: JsonObject) -> bytes:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # NaN and infinities are rare, so the fast way is tried first
        return _dump({name: _worded(value) for name, value in document.items()})
    return text.encode()


def _worded(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [_worded(item) for item in value]
    if isinstance(value, dict):
        return {name: _worded(item) for name, item in value.items()}
    return value


def _properties(schema: pa.Schema) -> dict[str, object]:
    return {field.name: _property(field) for field in schema if field.name != TIMESTAMP}


def _property(field: pa.Field) -> dict[str, object]:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    words = [metadata[key] for key in ("description",) if metadata.get(key)]
    if metadata.get("unit"):
        words.append(f"[{metadata['unit']}]")
    return _json_type(field.type) | ({"description": " ".join(words)} if words else {})


def _json_type(kind: pa.DataType) -> dict[str, object]:
    if pa.types.is_boolean(kind):
        return {"type": "boolean"}
    if pa.types.is_integer(kind):
        return {"type": "integer"}
    if pa.types.is_floating(kind):
        return {"type": "number"}
    if pa.types.is_list(kind):
        return {"type": "array", "items": _json_type(kind.value_type)}
    return {"type": "string"}
