"""Rows of the tables drives, events and clips: a dataclass for each table, a field for each column.

Fields are in the order of the columns; what each means, and its unit, is in `ingest.schemas`. There
is one row for each drive, event and clip. Rows of telemetry stay in Arrow.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import pyarrow as pa

from ingest.schemas import EVENTS
from ridealong.lake.tables import TableSpec


@dataclass(frozen=True, kw_only=True)
class DriveRow:
    """A row of the table drives; None is unknown."""

    drive_id: str
    vehicle_id: str
    source: str
    source_path: str
    source_sha256: str
    start_ns: int
    end_ns: int
    duration_s: float
    distance_m: float | None
    country: str | None
    weather: str | None
    light: str | None
    road: str | None
    hardware: str | None
    software: str | None
    features: tuple[str, ...] | None
    cluster_id: str
    cameras: tuple[str, ...]
    labelled: bool
    telemetry_rows: int
    mapping: str | None = None
    assumed: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """A row of the table events."""

    event_id: str
    drive_id: str
    vehicle_id: str
    trigger: str
    trigger_sha256: str
    onset_ns: int
    time_ns: int
    onset_s: float
    time_s: float
    margin: float | None
    kept: bool
    reason: str | None
    inclusion_probability: float
    clip_id: str | None


@dataclass(frozen=True, kw_only=True)
class ClipRow:
    """A row of the table clips."""

    clip_id: str
    drive_id: str
    start_ns: int
    end_ns: int
    start_s: float
    end_s: float
    triggers: tuple[str, ...]
    event_ids: tuple[str, ...]
    by_disagreement: bool
    cameras: tuple[str, ...]
    frames: int
    telemetry_rows: int
    labelled: bool
    bytes: int
    blob: str


TableRow = DriveRow | EventRow | ClipRow


def columns(row: TableRow) -> dict[str, object]:
    """A row's values by column, in the table's order."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def table_of(rows: Iterable[TableRow], spec: TableSpec) -> pa.Table:
    """Rows of one table as that table."""
    return pa.Table.from_pylist([columns(row) for row in rows], schema=spec.schema)


def event_rows(events: pa.Table) -> list[EventRow]:
    """The rows of a table of events."""
    return [EventRow(**row) for row in events.select(EVENTS.schema.names).to_pylist()]
