"""Each shipped trigger fires in its scenario, and in none of the others'."""

import numpy as np
import pyarrow as pa
import pytest

from ingest.telemetry.signals import lookup
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import load_triggers, shipped_triggers

START, ROWS = 1_700_000_000_000_000_000, 300
BRAKE, SIDE = "Vehicle.Acceleration.Longitudinal", "Vehicle.Acceleration.Lateral"
YAW, SPEED = "Vehicle.AngularVelocity.Yaw", "Vehicle.Speed"
TRACK, DISTANCE = "Perception.Lead.TrackId", "Perception.Lead.Distance"
TTC = "Perception.Lead.TimeToCollision"
WIPERS, RAIN = "Vehicle.Body.Windshield.Front.Wiping.Mode", "Vehicle.Body.Raindetection.Intensity"
EBA = "Vehicle.ADAS.EBA.IsEngaged"

CALM = {
    BRAKE: -0.5,
    SIDE: 0.5,
    YAW: 2.0,
    SPEED: 50.0,
    TRACK: 7,
    DISTANCE: 40.0,
    TTC: None,
    WIPERS: "OFF",
    RAIN: 0,
    EBA: False,
    "Vehicle.Chassis.Brake.IsDriverEmergencyBrakingDetected": False,
}


def drive(changes):
    """A calm half minute; ``changes`` are ``signal: (from row, to row, value)``."""
    columns = {"drive_id": ["d"] * ROWS}
    columns["timestamp_ns"] = pa.array(START + np.arange(ROWS) * 100_000_000)
    for name, value in CALM.items():
        values = [value] * ROWS
        for first, last, other in changes.get(name, []):
            values[first:last] = [other] * (last - first)
        columns[name] = pa.array(values, lookup(name).arrow_type)
    return pa.table(columns)


SCENARIOS = {
    "calm": ({}, set()),
    "a firm stop": ({BRAKE: [(100, 120, -4.0)]}, set()),
    "a jolt of one sample": ({BRAKE: [(100, 101, -8.0)]}, set()),
    "a hard stop": ({BRAKE: [(100, 110, -5.0)]}, {"hard_brake"}),
    "a hard stop while parking": ({BRAKE: [(100, 110, -5.0)], SPEED: [(0, 300, 8.0)]}, set()),
    "a full stop": ({BRAKE: [(100, 110, -7.0)]}, {"hard_brake", "severe_brake"}),
    "a hard stop at speed": (
        {BRAKE: [(100, 110, -5.0)], SPEED: [(0, 300, 110.0)]},
        {"hard_brake", "highway_brake"},
    ),
    "a fast right bend": ({SIDE: [(100, 120, -6.0)]}, {"hard_corner"}),
    "round an obstacle": ({YAW: [(100, 104, 12.0), (104, 108, -9.0)]}, {"swerve"}),
    "a roundabout": ({YAW: [(100, 150, 14.0)]}, set()),
    "close behind": ({TTC: [(100, 110, 1.2)]}, {"low_ttc"}),
    "closing slowly": ({TTC: [(100, 110, 2.5)]}, set()),
    "brake assist": ({EBA: [(100, 110, True)]}, {"driver_emergency"}),
    "cutting in": ({TRACK: [(100, 300, 8)], DISTANCE: [(100, 300, 18.0)]}, {"cut_in"}),
    "cutting out": ({TRACK: [(100, 300, 8)], DISTANCE: [(100, 300, 70.0)]}, set()),
    "from nowhere": (
        {TRACK: [(0, 100, None)], DISTANCE: [(0, 100, None), (100, 300, 12.0)]},
        {"cut_in"},
    ),
    "caught up with": ({TRACK: [(0, 100, None)], DISTANCE: [(0, 100, None)]}, set()),
    "wipers": ({WIPERS: [(100, 300, "FAST")]}, {"weather"}),
    "one wipe": ({WIPERS: [(100, 110, "FAST")]}, set()),
    "a downpour": ({RAIN: [(100, 300, 80)]}, {"weather"}),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios(scenario):
    changes, expected = SCENARIOS[scenario]
    drives = pa.table({"drive_id": ["d"], "vehicle_id": ["v"], "start_ns": [START]})
    triggers = [t for t in shipped_triggers() if t.name != "random_control"]
    events = evaluate(drive(changes), drives, triggers)
    assert set(events["trigger"].to_pylist()) == expected
    assert events.num_rows == len(expected)


def test_the_example_agrees_with_a_few_lines_of_numpy(pytestconfig):
    path = pytestconfig.rootpath / "examples" / "triggers" / "gentle_brake.yaml"
    rng = np.random.default_rng(5)
    values = np.convolve(rng.standard_normal(ROWS + 9), np.ones(10) / 4, "valid")
    values = values.astype(np.float32)
    below = values <= -0.5
    runs = np.flatnonzero(np.diff(np.concatenate([[0], below, [0]]))).reshape(-1, 2)
    ends = [(start + 5) / 10 for start, end in runs if end - start > 5]

    telemetry = drive({})
    place = telemetry.schema.get_field_index(BRAKE)
    telemetry = telemetry.set_column(place, BRAKE, pa.array(values))
    drives = pa.table({"drive_id": ["d"], "vehicle_id": ["v"], "start_ns": [START]})
    events = evaluate(telemetry, drives, load_triggers(path))
    assert len(ends) > 3
    assert events["time_s"].to_pylist() == ends
    assert events["onset_s"].to_pylist() == pytest.approx([end - 0.5 for end in ends])
