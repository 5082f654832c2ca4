"""Sparse logs: which trigger cannot see enough of which signal, and when nothing is said."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.schemas import DRIVES
from ingest.triggers.blind_spots import blind_lines, blind_spots
from ingest.triggers.spec import TriggerSpec

START = 1_767_225_600_000_000_000
SPEED, LATITUDE = "Vehicle.Speed", "Vehicle.CurrentLocation.Latitude"
DISTANCE, FLAG = "Perception.Lead.Distance", "Vehicle.ADAS.ABS.IsEngaged"


def drive(seconds, **columns):
    table = {
        "drive_id": ["d"] * len(seconds),
        "timestamp_ns": START + np.round(np.asarray(seconds) * 1e9).astype(np.int64),
    }
    names = {"speed": SPEED, "latitude": LATITUDE, "distance": DISTANCE}
    return pa.table(table | {names[key]: pa.array(values) for key, values in columns.items()})


def union():
    """A minute at 10 Hz, and position rows of their own between, once a second."""
    seconds = np.append(np.arange(600) / 10, np.arange(60) + 0.033)
    speed = [60.0] * 600 + [None] * 60
    latitude = [None] * 600 + [48.1] * 60
    order = np.argsort(seconds)
    return drive(seconds, speed=speed, latitude=latitude).take(order)


def curve():
    """Two minutes to gather speed at 1 Hz, then twenty with one row a minute."""
    seconds = np.append(np.arange(120), 120 + np.arange(20) * 60)
    return drive(seconds, speed=np.minimum(np.arange(140) * 1.1, 130.0))


def steady(step=0.1, rows=600):
    return drive(np.arange(rows) * step, speed=[60.0] * rows, latitude=[48.1] * rows)


def stopped():
    """Ten minutes, a night, ten minutes."""
    seconds = np.arange(601)
    return drive(np.append(seconds, seconds + 30_000), speed=[60.0] * 1202)


def approaching():
    """Nobody ahead, but for half a second now and then."""
    distance = [9.0 if n % 100 < 5 else None for n in range(600)]
    return drive(np.arange(600) / 10, speed=[60.0] * 600, distance=distance)


def said(telemetry, when, **keys):
    spec = TriggerSpec(name="tried", description="d", when=when, **keys)
    row = dict.fromkeys(DRIVES.schema.names) | {"drive_id": "d", "start_ns": START}
    drives = pa.Table.from_pylist([row], schema=DRIVES.schema)
    lines = blind_lines(blind_spots(telemetry, drives, [spec]))
    return lines[0] if lines else None


@pytest.mark.parametrize(
    ("telemetry", "when", "words"),
    [
        (union, f"held({SPEED} > 50, '10 s')", [SPEED, "null at 9%", "10 s in a row", "over 0%"]),
        (union, f"{SPEED} > 50 and {LATITUDE} > 48", [SPEED, LATITUDE, "known at no sample"]),
        (union, f"delta({LATITUDE}) > 0.1", [LATITUDE, "known at no sample"]),
        (union, f"count_over(held({SPEED} > 50, '5 s'), '1 s') > 2", [SPEED, "5 s in a row"]),
        (curve, f"held({SPEED} > 110, '60 s')", [SPEED, "60 s apart (over 2.5 s is a gap)", "10%"]),
        (curve, f"avg_over({SPEED}, '60 s') > 110", [SPEED, "60 s apart (over 2.5 s is a gap)"]),
        (curve, f"{SPEED} > 9 or held({SPEED} > 110, '60 s')", [SPEED, "60 s apart"]),
        (stopped, f"held({SPEED} > 50, '1 h')", [SPEED, "over 0%"]),
    ],
)
def test_sparse_rows(telemetry, when, words):
    line = said(telemetry(), when)
    assert line.startswith("trigger tried has too few values of ")
    assert "on 1 drive: " in line and line.endswith("(docs/triggers.md, Sparse signals)")
    for word in words:
        assert word in line, line


@pytest.mark.parametrize(
    ("telemetry", "when"),
    [
        (union, f"{SPEED} > 50"),
        (union, f"{SPEED} > 50 or {LATITUDE} > 48"),
        (union, f"held({SPEED} > 50, '0.5 s')"),
        (union, f"max_over({SPEED}, '5 s') > 100"),
        (union, f"held({SPEED} > 50, '2 h')"),  # longer than the drive
        (union, f"held({FLAG}, '10 s')"),  # not recorded at all
        (curve, f"{SPEED} > 110"),
        (curve, f"held({SPEED} > 110, '1 h')"),
        (steady, f"held({SPEED} > 50, '30 s') and {LATITUDE} > 48"),
        (stopped, f"held({SPEED} > 50, '5 min')"),
        (approaching, f"held({DISTANCE} < 5, '2 s')"),  # seldom there is not sparse
        (approaching, f"{DISTANCE} < 5 and {SPEED} > 100"),
    ],
)
def test_nothing_is_said(telemetry, when):
    assert said(telemetry(), when) is None


def test_a_trigger_that_does_not_look_at_the_drive_says_nothing():
    when = f"held({SPEED} > 50, '10 s')"
    assert said(union(), when, where="country = 'DE'") is None
    assert said(union().slice(0, 1), when) is None


def test_drives_are_counted():
    row = dict.fromkeys(DRIVES.schema.names) | {"drive_id": "d", "start_ns": START}
    drives = pa.Table.from_pylist([row], schema=DRIVES.schema)
    spec = TriggerSpec(name="tried", description="d", when=f"held({SPEED} > 50, '10 s')")
    spots = [spot for _ in range(3) for spot in blind_spots(union(), drives, [spec])]
    (line,) = blind_lines(spots)
    assert "on 3 drives: " in line


def test_ingest_says_which_signals_no_drive_has(home: Path, program: Any, tmp_path: Path) -> None:
    pq.write_table(union().drop_columns(["drive_id"]), tmp_path / "union.parquet")
    trigger = tmp_path / "braking.yaml"
    when = "Vehicle.Acceleration.Longitudinal < -3"
    trigger.write_text(f"name: braking\ndescription: It brakes.\nwhen: {when}\n")
    done = program("ingest", tmp_path / "union.parquet", "--triggers", trigger, "--home", home)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith(
        "no trigger fired; 1 trigger reads signals that no drive has: "
        "Vehicle.Acceleration.Longitudinal; see docs/signals.md\n"
    )


def test_ingest_says_it(home: Path, program: Any, tmp_path: Path) -> None:
    pq.write_table(union().drop_columns(["drive_id"]), tmp_path / "union.parquet")
    trigger = tmp_path / "moving.yaml"
    when = f"held({SPEED} > 50, '10 s')"
    trigger.write_text(f"name: moving\ndescription: It moves.\nwhen: {when}\n")
    log = tmp_path / "union.parquet"
    done = program("ingest", log, "--triggers", trigger, "--home", home, "--json")
    assert done.returncode == 0, done.stderr
    (note,) = json.loads(done.stdout)["notes"]
    assert note.startswith(f"trigger moving has too few values of {SPEED} on 1 drive: ")
    assert note in done.stderr
