"""Faults in telemetry: what is spoilt, and that validation finds exactly it."""

import numpy as np
import pyarrow as pa
import pytest

from ingest.simulation.fleet import DroppedSamples, Faults, JitteredClock, Segments
from ingest.simulation.telemetry.faults import spoil
from ingest.telemetry.validation import validate_telemetry
from tests.oracles.scenarios import DRIVE, replace_drive

STEP_NS = 100_000_000
FAULTS = Faults(
    dropped_samples=DroppedSamples(drives=1, samples=0.1),
    jittered_clock=JitteredClock(drives=1, jitter="15 ms"),
    duplicate_segment=Segments(drives=1, length="2 s"),
    late_segment=Segments(drives=1, length="2 s"),
)


def rows(count: int = 600) -> pa.Table:
    times = DRIVE.start_ns + np.arange(count, dtype=np.int64) * STEP_NS
    speed = np.arange(count, dtype=np.float32)
    return pa.table({"timestamp_ns": times, "Vehicle.Speed": speed})


def spoilt(*faults: str, count: int = 600) -> pa.Table:
    return spoil(rows(count), replace_drive(DRIVE, count / 10, faults=faults), FAULTS)


def test_without_faults_nothing_changes() -> None:
    assert spoilt().equals(rows())


def test_dropped_samples_are_gone() -> None:
    found = spoilt("dropped_samples")
    assert 600 * 0.8 < found.num_rows < 600 * 0.97
    ends = found["timestamp_ns"].to_pylist()
    assert (ends[0], ends[-1]) == (DRIVE.start_ns, DRIVE.start_ns + 599 * STEP_NS)
    assert validate_telemetry(found, "d").quarantine.num_rows == 0


def test_a_jittered_clock_keeps_the_order() -> None:
    found = spoilt("jittered_clock")
    off = found["timestamp_ns"].to_numpy() - rows()["timestamp_ns"].to_numpy()
    assert (np.diff(found["timestamp_ns"].to_numpy()) > 0).all()
    assert off[0] == 0
    assert off.std() == pytest.approx(15e6, rel=0.15)
    assert np.abs(off).max() <= 45e6


def test_a_doubled_segment_is_found() -> None:
    found = spoilt("duplicate_segment")
    valid = validate_telemetry(found, "d")
    assert (found.num_rows, valid.quarantine.num_rows) == (620, 20)
    assert valid.rows["Vehicle.Speed"].to_pylist() == rows()["Vehicle.Speed"].to_pylist()


def test_a_late_segment_is_found() -> None:
    found = spoilt("late_segment")
    assert sorted(found["Vehicle.Speed"].to_pylist()) == rows()["Vehicle.Speed"].to_pylist()
    valid = validate_telemetry(found, "d")
    assert (found.num_rows, valid.quarantine.num_rows) == (600, 20)


def test_all_faults_together_are_the_same_every_time() -> None:
    names = ("dropped_samples", "jittered_clock", "duplicate_segment", "late_segment")
    assert spoilt(*names).equals(spoilt(*names))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_short_drives_survive(count: int) -> None:
    names = ("dropped_samples", "jittered_clock", "duplicate_segment", "late_segment")
    found = spoilt(*names, count=count)
    assert validate_telemetry(found, "d").rows.num_rows >= 1
