"""Telemetry against the catalogue: what passes, what is set aside, and that nothing is lost."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.schemas import QUARANTINE, TELEMETRY
from ingest.telemetry.signals import INTEGER_RANGES, recorded
from ingest.telemetry.validation import in_order, validate_telemetry
from ridealong.errors import UnreadableError

LATITUDE = "Vehicle.CurrentLocation.Latitude"
BRAKE = "Vehicle.Chassis.Brake.PedalPosition"
WHEEL = "Vehicle.Chassis.SteeringWheel.Angle"
WIPING = "Vehicle.Body.Windshield.Front.Wiping.Mode"
ABS = "Vehicle.ADAS.ABS.IsEngaged"


def table(**columns: Any) -> pa.Table:
    count = len(next(iter(columns.values())))
    return pa.table({"timestamp_ns": pa.array(range(count), pa.int64()), **columns})


def reasons(valid: Any) -> list[str]:
    return valid.quarantine["reason"].to_pylist()


def test_good_rows_pass_into_the_schema_of_telemetry() -> None:
    raw = table(**{"Vehicle.Speed": [1.5, None], ABS: [True, None], WIPING: ["OFF", None]})
    valid = validate_telemetry(raw, "d")
    assert valid.rows.schema.equals(TELEMETRY.schema, check_metadata=True)
    assert valid.quarantine.schema.equals(QUARANTINE.schema)
    assert valid.quarantine.num_rows == 0
    assert valid.rows.select(
        ["drive_id", "timestamp_ns", "Vehicle.Speed", ABS, WIPING]
    ).to_pylist() == [
        {"drive_id": "d", "timestamp_ns": 0, "Vehicle.Speed": 1.5, ABS: True, WIPING: "OFF"},
        {"drive_id": "d", "timestamp_ns": 1, "Vehicle.Speed": None, ABS: None, WIPING: None},
    ]


def test_no_rows() -> None:
    valid = validate_telemetry(pa.table({"timestamp_ns": pa.array([], pa.int64())}), "d")
    assert (valid.rows.num_rows, valid.quarantine.num_rows) == (0, 0)


def test_nan_is_unknown_and_infinity_is_bad() -> None:
    raw = table(**{"Vehicle.Speed": [float("nan"), float("inf"), 3.0]})
    valid = validate_telemetry(raw, "d")
    assert valid.rows["Vehicle.Speed"].to_pylist() == [None, 3.0]
    assert reasons(valid) == ["Vehicle.Speed: inf; expected a finite float km/h"]
    assert json.loads(valid.quarantine["content"][0].as_py()) == {
        "timestamp_ns": 1,
        "Vehicle.Speed": "inf",
    }


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (LATITUDE, 90.5, f"{LATITUDE}: 90.5; expected -90 to 90 degrees"),
        (BRAKE, 101, f"{BRAKE}: 101; expected 0 to 100 percent"),
        (BRAKE, -0.4, f"{BRAKE}: -0.4; expected 0 to 100 percent"),
        (WHEEL, 40000, f"{WHEEL}: 40000; expected -32768 to 32767 degrees"),
        (
            "Perception.Lead.Distance",
            -1.0,
            "Perception.Lead.Distance: -1.0; expected at least 0 m, finite",
        ),
        ("Vehicle.Speed", 1e300, "Vehicle.Speed: 1e+300; expected a finite float km/h"),
        (
            WIPING,
            "MEDIUMS",
            f"{WIPING}: 'MEDIUMS'; expected one of OFF, SLOW, MEDIUM, FAST, INTERVAL, RAIN_SENSOR",
        ),
    ],
)
def test_a_value_out_of_range_spoils_its_row_alone(column: str, value: Any, reason: str) -> None:
    valid = validate_telemetry(table(**{column: [None, value, None]}), "d")
    assert valid.rows["timestamp_ns"].to_pylist() == [0, 2]
    row = valid.quarantine.to_pylist()[0]
    assert row["reason"] == reason
    assert (row["kind"], row["row"], row["drive_id"]) == ("row", 1, "d")
    assert json.loads(row["content"]) == {"timestamp_ns": 1, column: value}


def test_every_reason_of_a_row_is_told() -> None:
    valid = validate_telemetry(table(**{LATITUDE: [91.0], BRAKE: [200]}), "d")
    assert len(reasons(valid)) == 1
    assert LATITUDE in reasons(valid)[0] and BRAKE in reasons(valid)[0]


def test_whole_numbers_are_rounded_half_to_even() -> None:
    valid = validate_telemetry(table(**{WHEEL: [0.5, 1.5, -0.5, -4.6, 2.4]}), "d")
    assert valid.rows[WHEEL].to_pylist() == [0, 2, 0, -5, 2]


@pytest.mark.parametrize("name", INTEGER_RANGES)
def test_the_bounds_of_whole_types_fit_their_columns(name: str) -> None:
    low, high = INTEGER_RANGES[name]
    for signal in recorded():
        if signal.datatype == name:
            bounds = [max(low, signal.minimum), min(high, signal.maximum)]
            valid = validate_telemetry(table(**{signal.name: pa.array(bounds, pa.float64())}), "d")
            assert valid.rows[signal.name].to_pylist() == bounds


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(),
        pa.uint8(),
        pa.int64(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.null(),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "signal", [s.name for s in recorded() if s.datatype not in ("string", "boolean")]
)
def test_any_number_becomes_the_signals_type(kind: pa.DataType, signal: str) -> None:
    value = [None] if pa.types.is_null(kind) else [7]
    valid = validate_telemetry(table(**{signal: pa.array(value).cast(kind)}), "d")
    assert valid.rows[signal].to_pylist() == value


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_any_text_is_text(kind: pa.DataType) -> None:
    valid = validate_telemetry(table(**{WIPING: pa.array(["SLOW", None, "x"]).cast(kind)}), "d")
    assert valid.rows[WIPING].to_pylist() == ["SLOW", None]
    assert len(reasons(valid)) == 1


def test_timestamps_may_be_arrow_timestamps() -> None:
    times = pa.array([1, 2], pa.timestamp("us", tz="UTC"))
    valid = validate_telemetry(pa.table({"timestamp_ns": times}), "d")
    assert valid.rows["timestamp_ns"].to_pylist() == [1000, 2000]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"Vehicle.Speed": [1.0]},
            "no column 'timestamp_ns'; expected whole nanoseconds since 1970, UTC; "
            "columns found: Vehicle.Speed",
        ),
        (
            {"timestamp_ns": [1], "Vehicle.Sped": [1.0]},
            "column 'Vehicle.Sped' is not a recorded signal; did you mean 'Vehicle.Speed'?",
        ),
        (
            {"timestamp_ns": [1], "Vehicle.Speed": ["fast"]},
            "column 'Vehicle.Speed' holds string; expected float",
        ),
        (
            {"timestamp_ns": [1], ABS: [1]},
            f"column {ABS!r} holds int64; expected boolean",
        ),
        (
            {"timestamp_ns": [1.0]},
            "column 'timestamp_ns' holds double; expected int64 nanoseconds since 1970, UTC, "
            "or an Arrow timestamp; double cannot hold them exactly: convert the column",
        ),
        (
            {"timestamp_ns": [1], "speed_mps": [1.0], "accel_x": [1.0], "qqq": [1.0]},
            "3 columns are not recorded signals: speed_mps, accel_x, qqq; expected names of "
            "docs/signals.md; did you mean 'Vehicle.Speed' for 'speed_mps', "
            "'Vehicle.Acceleration.Lateral' or 'Vehicle.Acceleration.Vertical' or "
            "'Vehicle.Acceleration.Longitudinal' for 'accel_x'?",
        ),
        (
            {"time": [1.0], "lat": [1.0]},
            "no column 'timestamp_ns'; expected whole nanoseconds since 1970, UTC; columns found: "
            "time, lat; did you mean 'Vehicle.Acceleration.Lateral' or "
            "'Vehicle.CurrentLocation.Latitude' for 'lat'?",
        ),
        (
            {"timestamp_ns": [1], "qqq": [1.0]},
            "column 'qqq' is not a recorded signal; expected a name of docs/signals.md",
        ),
    ],
    ids=[
        "no time",
        "unknown column",
        "text for a number",
        "number for a boolean",
        "float time",
        "unknown columns",
        "no time, unknown columns",
        "like no signal",
    ],
)
def test_a_wrong_schema_spoils_the_drive(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        validate_telemetry(pa.table(columns), "d")
    assert str(caught.value) == f"d: wrong schema: {message}"


def test_a_column_twice() -> None:
    raw = pa.Table.from_arrays([pa.array([1])] * 2, names=["timestamp_ns", "timestamp_ns"])
    with pytest.raises(UnreadableError, match="duplicate column"):
        validate_telemetry(raw, "d")


def test_a_time_beyond_reach() -> None:
    times = pa.array([2**62], pa.timestamp("s"))
    with pytest.raises(UnreadableError, match="outside 1677 to 2262"):
        validate_telemetry(pa.table({"timestamp_ns": times}), "d")


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        ([], []),
        ([5], [0]),
        ([1, 2, 3], [0, 1, 2]),
        ([1, 2, 2, 3], [0, 1, 3]),
        ([1, 2, 10, 3, 4], [0, 1, 3, 4]),
        ([1, 2, 5, 6, 3, 4, 7], [0, 1, 2, 3, 6]),
        ([1, 2, 1, 2, 3], [0, 1, 4]),
    ],
    ids=["none", "one", "good", "double", "jump ahead", "late segment", "repeated segment"],
)
def test_in_order(times: list[int], kept: list[int]) -> None:
    assert np.flatnonzero(in_order(np.array(times, np.int64))).tolist() == kept


def test_disorder_is_explained() -> None:
    times = pa.array([10, 20, 20, 15, 99, 30, None, 40], pa.int64())
    valid = validate_telemetry(pa.table({"timestamp_ns": times}), "d")
    assert valid.rows["timestamp_ns"].to_pylist() == [10, 20, 30, 40]
    assert valid.quarantine["row"].to_pylist() == [2, 3, 4, 6]
    epoch, expected = "1970-01-01T00:00:00", "expected ascending timestamps"
    assert reasons(valid) == [
        f"timestamp_ns: {epoch}.00000002Z is a duplicate of another row's; {expected}",
        f"timestamp_ns: {epoch}.000000015Z is late: it comes after {epoch}.00000002Z; {expected}",
        f"timestamp_ns: {epoch}.000000099Z is later than the rows after it; {expected}",
        "timestamp_ns: is null; expected nanoseconds since 1970",
    ]


def test_instants_that_no_window_could_be_added_to_are_no_instants() -> None:
    times = [-(2**63), -(2**61), 0, 2**62 - 1, 2**62, 2**63 - 1]
    valid = validate_telemetry(pa.table({"timestamp_ns": pa.array(times, pa.int64())}), "d")
    assert valid.rows["timestamp_ns"].to_pylist() == times[1:4]
    assert valid.quarantine["row"].to_pylist() == [0, 4, 5]
    assert "is before 1896 or after 2116" in valid.quarantine["reason"][0].as_py()


def test_a_bad_row_does_not_make_its_twin_a_duplicate() -> None:
    raw = pa.table({"timestamp_ns": [1, 1], LATITUDE: [99.0, 10.0]})
    assert validate_telemetry(raw, "d").rows[LATITUDE].to_pylist() == [10.0]


def longest(times: list[int]) -> int:
    best: list[int] = []
    for row, time in enumerate(times):
        best.append(1 + max((best[k] for k in range(row) if times[k] < time), default=0))
    return max(best, default=0)


@given(st.lists(st.integers(0, 30), max_size=40))
def test_the_fewest_rows_are_set_aside(times: list[int]) -> None:
    kept = np.array(times, np.int64)[in_order(np.array(times, np.int64))]
    assert (np.diff(kept) > 0).all()
    assert len(kept) == longest(times)


words = st.one_of(st.none(), st.sampled_from(["OFF", "FAST", "", "off"]))
floats = st.one_of(st.none(), st.floats(-200, 200), st.sampled_from([np.inf, np.nan, 1e39]))
rows = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 50)), floats, words), max_size=30)


@given(rows)
def test_no_row_is_lost_and_what_stays_is_good(rows: list[tuple[Any, Any, Any]]) -> None:
    raw = pa.table(
        {
            "timestamp_ns": pa.array([row[0] for row in rows], pa.int64()),
            LATITUDE: pa.array([row[1] for row in rows], pa.float64()),
            WIPING: pa.array([row[2] for row in rows], pa.string()),
        }
    )
    valid = validate_telemetry(raw, "d")
    assert valid.rows.num_rows + valid.quarantine.num_rows == len(rows)
    assert all(-90 <= v <= 90 for v in valid.rows[LATITUDE].to_pylist() if v is not None)
    assert set(valid.rows[WIPING].to_pylist()) <= {"OFF", "FAST", None}
    assert all(reasons(valid))
    # What passed once passes again, unchanged.
    again = validate_telemetry(valid.rows.drop_columns(["drive_id"]), "d")
    assert again.rows.equals(valid.rows) and not again.quarantine.num_rows
