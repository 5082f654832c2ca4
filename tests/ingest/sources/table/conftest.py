"""Tables of every kind, ingested without a lake."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from ingest.drives import validated
from ingest.sources.table.source import TableSource
from ingest.telemetry.validation import ValidTelemetry
from ridealong.perception.recording import DriveFiles, Recording, Selective

SPEED = "signals: {v: {signal: Vehicle.Speed}}"


@dataclass(frozen=True)
class Read:
    """A drive as ingest reads it."""

    files: DriveFiles
    recording: Recording
    telemetry: ValidTelemetry

    @property
    def times(self) -> list[int]:
        return self.telemetry.rows["timestamp_ns"].to_pylist()

    def values(self, signal: str = "Vehicle.Speed") -> list[object]:
        return self.telemetry.rows[signal].to_pylist()

    @property
    def bad(self) -> list[tuple[int, str]]:
        rows: pa.Table = self.telemetry.quarantine
        return list(zip(rows["row"].to_pylist(), rows["reason"].to_pylist(), strict=True))

    @property
    def notes(self) -> list[str]:
        assert isinstance(self.recording, Selective)
        return [note.reason for note in self.recording.left_out()]


ReadTable = Callable[..., Read]
ReadTables = Callable[..., list[Read]]


def read_all(path: Path, mapping: str) -> list[Read]:
    source = TableSource().mapped(mapping, "map.yaml")
    found = []
    for files in source.discover(path):
        assert files.trouble is None, files.trouble
        recording = source.open(files)
        found.append(Read(files, recording, validated(recording, files.drive_id)))
    return found


@pytest.fixture
def read_tables(tmp_path: Path) -> ReadTables:
    """Read all drives below a path."""
    return lambda mapping, path=tmp_path: read_all(path, mapping)


@pytest.fixture
def read_table(tmp_path: Path) -> ReadTable:
    """Read text as a CSV file that is one drive; ``mapping`` is completed by the speed `v`."""

    def read(content: str | bytes, mapping: str, name: str = "trip.csv") -> Read:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        full = mapping if "signals:" in mapping else f"{mapping}\n{SPEED}"
        (found,) = read_all(path, full)
        return found

    return read
