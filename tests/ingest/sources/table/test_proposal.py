"""What `sources map` proposes, and that it can be used as it is."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.sources.mapping.guessing import guess_field
from ingest.sources.table.proposal import propose
from ingest.sources.table.spec import TableMapping, open_lines, parse_mapping
from ridealong.errors import RidealongError

ACCELERATION = "Vehicle.Acceleration"


@pytest.mark.parametrize(
    ("name", "signal", "unit"),
    [
        ("speed_mps", "Vehicle.Speed", "m/s"),
        ("VehicleSpeed [km/h]", "Vehicle.Speed", "km/h"),
        ("velocity (mph)", "Vehicle.Speed", "mph"),
        ("accel_x", f"{ACCELERATION}.Longitudinal", "m/s^2"),
        ("imu.acc_y_g", f"{ACCELERATION}.Lateral", "g_0"),
        ("yaw_rate_deg_s", "Vehicle.AngularVelocity.Yaw", "degrees/s"),
        ("gyro_z_rad_s", "Vehicle.AngularVelocity.Yaw", "radian/s"),
        ("GPS_Latitude", "Vehicle.CurrentLocation.Latitude", "degrees"),
        ("lng", "Vehicle.CurrentLocation.Longitude", "degrees"),
        ("SteeringWheelAngle", "Vehicle.Chassis.SteeringWheel.Angle", "degrees"),
        ("brake_pedal_pct", "Vehicle.Chassis.Brake.PedalPosition", "percent"),
        ("outside_temp_f", "Vehicle.Exterior.AirTemperature", "degF"),
        ("ttc", "Perception.Lead.TimeToCollision", "s"),
    ],
)
def test_plain_names(name: str, signal: str, unit: str) -> None:
    guess = guess_field(name, pa.array([0.5, 20.0]))
    assert guess is not None and (guess.signal, guess.unit) == (signal, unit)


@pytest.mark.parametrize(
    "name", ["SpeedLimit", "wind_speed", "engine_temp", "WindSpeedAv", "wheel_rpm", "x", "label"]
)
def test_other_names_are_left_alone(name: str) -> None:
    assert guess_field(name, pa.array([0.5, 20.0])) is None


def test_a_share_is_scaled_and_text_is_no_number() -> None:
    guess = guess_field("throttle", pa.array([0.0, 0.5]))
    assert guess is not None and guess.scale == 100
    assert guess_field("speed", pa.array(["slow"])) is None


def proposed(content: str, path: Path) -> tuple[TableMapping, str]:
    path.write_text(content)
    proposal = propose(path)
    return parse_mapping(proposal.text, "map.yaml"), proposal.text


def test_a_table_of_trips(tmp_path: Path, read_tables: Any) -> None:
    text = "trip_id;timestamp_ms;speed_mps;GpsSpeed;note\n"
    rows = "".join(f"{'ab'[k // 5]};{1767268800000 + 100 * k};{k},5;1,5;x\n" for k in range(10))
    mapping, said = proposed(text + rows, tmp_path / "trips.csv")
    assert mapping.time.column == ("timestamp_ms",) and mapping.time.unit == "ms"
    assert mapping.drive == ("trip_id",) and list(mapping.signals) == ["speed_mps"]
    for name in ("GpsSpeed", "note"):
        assert f"\n  # {name}: {{signal: FILL_IN, unit: FILL_IN}}\n" in said
    first, second = read_tables(said, tmp_path / "trips.csv")
    assert first.values() == [pytest.approx(3.6 * (k + 0.5)) for k in range(5)]
    assert first.times[0] == 1767268800 * 10**9 and len(second.times) == 5


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("t", ["0", "1"], {"unit": "s"}),
        ("time_us", ["0", "100000"], {"unit": "us"}),
        ("ts", ["1767268800.5", "1767268801"], {"unit": "s"}),
        ("epoch", ["1767268800000000000", "1767268800100000000"], {"unit": "ns"}),
        ("time", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"], {}),
        ("time", ["2026-01-01 00:00:00", "2026-01-01 00:00:01"], {"zone": "UTC"}),
        (
            "DateTime",
            ["31.12.2026 10:00:00", "31.12.2026 10:00:01"],
            {"format": "%d.%m.%Y %H:%M:%S", "zone": "UTC"},
        ),
        (
            "date",
            ["12/31/2026 10:00:00.5", "12/31/2026 10:00:01.0"],
            {"format": "%m/%d/%Y %H:%M:%S.%f", "zone": "UTC"},
        ),
    ],
)
def test_times(tmp_path: Path, column: str, cells: list[str], expected: dict[str, str]) -> None:
    content = f"{column},speed\n" + "".join(f"{cell},{k}\n" for k, cell in enumerate(cells))
    mapping, _ = proposed(content, tmp_path / "x.csv")
    said = mapping.time.model_dump(exclude_none=True)
    assert said == {"column": (column,), **expected}


def test_rows_of_mixed_rates_hold(tmp_path: Path, read_tables: Any) -> None:
    rows = [(k * 100, 60.0, None) for k in range(100)]
    rows += [(k * 1000 + 33, None, 48.0) for k in range(10)]
    t, v, lat = zip(*sorted(rows), strict=True)
    pq.write_table(pa.table({"t_ms": t, "speed": v, "lat": lat}), tmp_path / "x.parquet")
    said = propose(tmp_path / "x.parquet").text
    mapping = parse_mapping(said, "map.yaml")
    assert [field.hold for field in mapping.signals.values()] == ["0.25 s", "2.5 s"]
    (read,) = read_tables(said)
    assert read.values() == [60.0] * 110


def test_nothing_that_looks_like_time_or_signal(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    text = propose(tmp_path / "x.csv").text
    assert list(open_lines(text)) == [3, 5]
    with pytest.raises(RidealongError, match=r"map\.yaml:3: FILL_IN"):
        parse_mapping(text, "map.yaml")


def test_a_proposal_that_nobody_filled_in_is_refused() -> None:
    text = "time:\n  column: FILL_IN  # guessed\nsignals:\n  v: {signal: Vehicle.Speed}\n"
    with pytest.raises(RidealongError, match=r"^m\.yaml:2: FILL_IN is not filled in yet"):
        parse_mapping(text, "m.yaml")
    assert parse_mapping(text.replace("FILL_IN", "t  # FILL_IN"), "m.yaml").time.column == ("t",)


def test_names_that_yaml_would_take_for_others(tmp_path: Path) -> None:
    content = "'no: #1',true,t,speed (km/h)\n1,1,0,3\n2,1,1,4\n"
    mapping, _ = proposed(content, tmp_path / "x.csv")
    assert list(mapping.signals) == ["speed (km/h)"]


def test_line_breaks_in_names_stay_in_their_line(tmp_path: Path) -> None:
    rows = {"t_ms": [1, 2], "speed\n[km/h]": [3.0, 4.0], "odd\nformat: {skip_lines: 9}": ["a", "b"]}
    pq.write_table(pa.table(rows), tmp_path / "x.parquet")
    mapping = parse_mapping(propose(tmp_path / "x.parquet").text, "map.yaml")
    assert list(mapping.signals) == ["speed\n[km/h]"] and mapping.format.skip_lines == 0
