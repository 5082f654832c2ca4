"""Telemetry by its rules: hand-computed cases, and plausibility of what traffic gives."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ingest.simulation.drive_log import read_drive_file, read_log, read_table
from ingest.simulation.telemetry.assistance import RuleInputs, autonomy, lane_changes, moves_over
from ingest.simulation.telemetry.signals import until_released
from ingest.simulation.telemetry.weather import wiper_modes
from ingest.simulation.traffic.dynamics import motion_of
from ingest.simulation.traffic.road_users import EGO_FRONT_M, WHEELBASE_M
from ingest.telemetry.signals import recorded
from ingest.telemetry.validation import validate_telemetry
from tests.oracles.scenarios import (
    DRIVE,
    bend,
    braking,
    closing,
    other_lead,
    rainy,
    replace_drive,
    walker,
)


def column(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].to_numpy())


def test_every_recorded_signal_is_there(small_fleet: Path) -> None:
    for folder in sorted((small_fleet / "drives").iterdir()):
        names = read_table(folder, "telemetry").column_names
        assert names == ["timestamp_ns", *(signal.name for signal in recorded())]


def test_only_faulty_rows_are_refused(small_fleet: Path) -> None:
    for folder in sorted((small_fleet / "drives").iterdir()):
        faults = read_drive_file(folder).drive.faults
        valid = validate_telemetry(read_table(folder, "telemetry"), folder.name)
        assert valid.quarantine.num_rows == (10 if "duplicate_segment" in faults else 0)


def test_a_straight_line_does_not_turn() -> None:
    at = np.arange(100) * 0.1
    motion = motion_of(15 * at, np.zeros(100), np.full(100, 90.0), np.full(100, 15.0), 0 * at)
    assert np.abs(motion.yaw_rate_rps).max() < 1e-9
    assert motion.x_m[50] == pytest.approx(15 * 5 - EGO_FRONT_M)
    assert np.abs(motion.steering_rad).max() < 1e-9


def test_a_circle_turns_as_a_circle() -> None:
    radius, speed = 40.0, 10.0
    angle = np.arange(200) * 0.1 * speed / radius
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    heading = 90 - np.degrees(angle + np.pi / 2)
    motion = motion_of(x, y, heading, np.full(200, speed), np.zeros(200))
    inner = np.hypot(motion.x_m, motion.y_m)[100]
    assert inner == pytest.approx(np.sqrt(radius**2 - EGO_FRONT_M**2), abs=0.25)
    assert motion.yaw_rate_rps[100] == pytest.approx(speed / radius, rel=0.01)
    assert motion.lateral[100] == pytest.approx(speed**2 / radius, rel=0.01)
    assert motion.steering_rad[100] == pytest.approx(np.arctan(WHEELBASE_M / radius), rel=0.02)


def test_braking_by_hand() -> None:
    rows = braking(72, 5.0, seconds=2.0).telemetry()
    speed = column(rows, "Vehicle.Speed")
    assert speed[0] == pytest.approx(72, abs=0.05)
    assert speed[-1] == pytest.approx(72 - 36, abs=0.05)
    a = column(rows, "Vehicle.Acceleration.Longitudinal")
    assert a[155:165].mean() == pytest.approx(-5, abs=0.1)
    assert column(rows, "Vehicle.Chassis.Brake.PedalPosition")[160] == pytest.approx(55, abs=3)
    assert column(rows, "Vehicle.Chassis.Accelerator.PedalPosition")[160] == 0


def test_a_bend_leans() -> None:
    rows = bend(4.0).telemetry()
    assert column(rows, "Vehicle.Acceleration.Lateral")[170] == pytest.approx(4, abs=0.25)
    assert column(rows, "Vehicle.AngularVelocity.Yaw")[170] == pytest.approx(15.3, abs=0.8)
    assert column(rows, "Vehicle.Chassis.SteeringWheel.Angle")[170] > 20


def test_time_to_collision_by_hand() -> None:
    rows = closing(2.0).telemetry()
    ttc = rows["Perception.Lead.TimeToCollision"].to_pylist()
    assert ttc[150] == pytest.approx(2.0, abs=0.25)
    assert ttc[-1] is None  # both drive at one speed
    gap = column(rows, "Perception.Lead.Distance")
    assert gap[-1] == pytest.approx(
        gap[150] - 11.04, abs=0.1
    )  # sum of 9.2, 8.8, … 0.4 m/s, times 0.1 s
    assert column(rows, "Perception.Lead.RelativeSpeed")[100] == pytest.approx(-10, abs=0.05)


def test_another_lead_is_another_track() -> None:
    rows = other_lead(40, 12).telemetry()
    assert rows["Perception.Lead.TrackId"].to_pylist()[149:151] == [7, 8]
    assert rows["Perception.Lead.Distance"].to_pylist()[149:151] == pytest.approx([40, 12])


def test_an_emergency_is_abrupt() -> None:
    hard, soft = walker(8.0).telemetry(), walker(3.0).telemetry()
    name = "Vehicle.Chassis.Brake.IsDriverEmergencyBrakingDetected"
    assert column(hard, name).any()
    assert not column(soft, name).any()
    assert not column(soft, "Vehicle.ADAS.EBA.IsEngaged").any()
    near = hard["Perception.VulnerableRoadUser.Distance"]
    assert pc.min(near).as_py() == pytest.approx(3.0, abs=0.6)


def test_rain_is_felt() -> None:
    wet, dry = rainy("rain", 0.8).telemetry(), rainy("clear", 0.0).telemetry()
    assert pc.min(wet["Vehicle.Body.Raindetection.Intensity"]).as_py() > 40
    assert set(dry["Vehicle.Body.Windshield.Front.Wiping.Mode"].to_pylist()) == {"OFF"}
    grip = "Vehicle.ADAS.ESC.RoadFriction.MostProbable"
    assert pc.max(wet[grip]).as_py() < pc.min(dry[grip]).as_py()


def test_wipers_keep_a_mode_for_three_seconds() -> None:
    rain = np.where(np.arange(100) % 2, 30.0, 60.0)
    modes = wiper_modes(rain)
    changes = np.flatnonzero(modes[1:] != modes[:-1])
    assert len(changes) > 0
    assert (np.diff(changes) >= 30).all()


def test_until_released_by_hand() -> None:
    begins = np.array([0, 1, 0, 0, 0, 1, 0], bool)
    ends = np.array([1, 0, 0, 1, 0, 1, 0], bool)
    assert until_released(begins, ends).astype(int).tolist() == [0, 1, 1, 0, 0, 1, 1]


def _view(features: tuple[str, ...], **changes: np.ndarray) -> RuleInputs:
    steps = 400
    usual = {
        "speed_mps": np.full(steps, 15.0),
        "acceleration": np.zeros(steps),
        "lateral": np.zeros(steps),
        "lane": np.repeat(np.array(["road_2"]), steps),
        "at_junction": np.zeros(steps, bool),
        "emergency": np.zeros(steps, bool),
        "left": np.zeros(steps, bool),
        "right": np.zeros(steps, bool),
    }
    drive = replace_drive(DRIVE, 40.0, features=features)
    return RuleInputs(drive=drive, **{**usual, **changes})  # type: ignore[arg-type]


def test_autonomy_gives_up_in_an_emergency_and_comes_back() -> None:
    emergency = np.zeros(400, bool)
    emergency[100:110] = True
    level = autonomy(_view(("autopilot",), emergency=emergency), np.zeros(400, bool)).tolist()
    assert level[99:101] == ["SAE_2", "SAE_2_DISENGAGING"]
    assert level[110:120] == ["SAE_0"] * 10
    assert level[189] == "SAE_2"  # eight seconds after the last emergency step
    assert level.count("SAE_2_DISENGAGING") == 10


def test_without_the_feature_the_driver_drives() -> None:
    assert set(autonomy(_view(()), np.zeros(400, bool)).tolist()) == {"SAE_0"}


def test_a_lane_change_is_proposed_before_it_is_made() -> None:
    lane = np.where(np.arange(400) < 200, "road_1", "road_2")
    assert moves_over(lane) == [200]
    proposed, confirmed = lane_changes(_view(("lane_change",), lane=lane))
    assert proposed[160:201].all()
    assert not confirmed[184]
    assert confirmed[185:201].all()
    assert not lane_changes(_view((), lane=lane))[0].any()


def test_another_road_is_no_lane_change() -> None:
    lane = np.array(["a_0", "a_0", ":j_1_0", ":j_1_0", "b_1", "b_1"])
    assert moves_over(lane) == []


def test_the_logged_way_agrees_with_the_speed(small_fleet: Path) -> None:
    for folder in sorted((small_fleet / "drives").iterdir()):
        ego = read_log(folder).ego
        way = np.hypot(np.diff(ego["x_m"]), np.diff(ego["y_m"])).sum()
        assert way == pytest.approx(float(ego["speed_mps"][1:].sum() * 0.1), rel=0.04, abs=1.5)


def test_ranges_are_plausible(small_fleet: Path) -> None:
    tables = [read_table(f, "telemetry") for f in sorted((small_fleet / "drives").iterdir())]
    rows = pa.concat_tables(tables)
    limits = {
        "Vehicle.Speed": (0, 150),
        "Vehicle.Acceleration.Longitudinal": (-9.5, 4.5),
        "Vehicle.Acceleration.Lateral": (-7, 7),
        "Vehicle.AngularVelocity.Yaw": (-60, 60),
        "Vehicle.Chassis.SteeringWheel.Angle": (-550, 550),
        "Vehicle.Exterior.AirTemperature": (-10, 40),
        "Perception.Lead.Distance": (0, 100),
    }
    for name, (low, high) in limits.items():
        found = pc.min_max(rows[name]).as_py()
        assert low <= found["min"] <= found["max"] <= high, name
