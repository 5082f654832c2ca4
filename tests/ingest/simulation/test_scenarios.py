"""Each shipped trigger fires in its scenario and lets its counter-scenario pass."""

import pyarrow as pa
import pytest

from ingest.schemas import DRIVES
from ingest.telemetry.validation import validate_telemetry
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import shipped_triggers
from tests.oracles.scenarios import PAIRS, Scenario, speed_profile

TRIGGERS = {trigger.name: trigger for trigger in shipped_triggers()}


def firings(scenario: Scenario, trigger: str) -> list[float]:
    drive = scenario.drive
    valid = validate_telemetry(scenario.telemetry(), drive.drive_id)
    assert valid.quarantine.num_rows == 0
    row = dict.fromkeys(DRIVES.schema.names) | {
        "drive_id": drive.drive_id,
        "vehicle_id": drive.vehicle_id,
        "start_ns": drive.start_ns,
        "end_ns": drive.start_ns + round(drive.seconds * 10 - 1) * 100_000_000,
        "country": drive.country,
    }
    drives = pa.Table.from_pylist([row], schema=DRIVES.schema)
    events = evaluate(valid.rows, drives, [TRIGGERS[trigger]])
    return [float(time) for time in events["time_s"].to_pylist()]


def test_every_shipped_trigger_has_its_pair() -> None:
    assert set(PAIRS) == set(TRIGGERS)


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_it_fires_in_its_scenario(name: str) -> None:
    assert firings(PAIRS[name].fires(), name)


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_it_lets_the_counter_scenario_pass(name: str) -> None:
    assert firings(PAIRS[name].silent(), name) == []


@pytest.mark.parametrize("name", ["hard_brake", "severe_brake", "highway_brake"])
def test_a_braking_fires_when_its_hold_ends(name: str) -> None:
    # Braking begins at 15.0 s; acceleration is a centred difference of 0.2 s, held for 0.1 s.
    assert firings(PAIRS[name].fires(), name)[0] == pytest.approx(15.1, abs=0.11)


def test_speed_profile_by_hand() -> None:
    speed = speed_profile(1.0, 2.0, (0.5, 1.0, -10.0))
    assert speed.tolist() == pytest.approx([2, 2, 2, 2, 2, 1, 0, 0, 0, 0])
