"""Single rows: what is unknown, and values that a float would not hold."""

import numpy as np
import pyarrow as pa
import pytest

from ingest.triggers.conditions import parse_when
from ingest.triggers.grid import make_grid
from ingest.triggers.readings import Readings

ROWS = 4
SPEED, TRACK = "Vehicle.Speed", "Perception.Lead.TrackId"
MODE, ENGAGED = "Vehicle.Body.Windshield.Front.Wiping.Mode", "Vehicle.ADAS.EBA.IsEngaged"
BIG = 2**62
COLUMNS = {
    SPEED: pa.array([1.0, None, float("nan"), float("inf")], pa.float32()),
    TRACK: pa.array([BIG, BIG + 1, None, -1], pa.int64()),
    MODE: pa.array(["FAST", None, "OFF", "FAST"]),
    ENGAGED: pa.array([True, False, None, True]),
}


def truth(text: str, columns: dict[str, pa.Array | pa.ChunkedArray] = COLUMNS) -> list[int]:
    times = pa.array(np.arange(ROWS, dtype=np.int64))
    telemetry = pa.table({"drive_id": pa.array(["d"] * ROWS), "timestamp_ns": times, **columns})
    found: list[int] = Readings(make_grid(telemetry), {}).rows.truth(parse_when(text)).tolist()
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SPEED} > 0", [1, 0, 0, 0]),
        (f"{SPEED} is null", [-1, 1, 1, 1]),
        (f"{SPEED} / 0 is null", [1, 1, 1, 1]),
        (f"{SPEED} * 1e300 * 1e300 is null", [1, 1, 1, 1]),
        (f"not {SPEED} > 0 or {ENGAGED}", [1, 0, 0, 1]),
        (f"{SPEED} > 0 and {ENGAGED}", [1, -1, 0, 0]),
        (f"least({TRACK}, 5) < 2", [-1, -1, 0, 1]),
        (f"{TRACK} = {BIG}", [1, -1, 0, -1]),
        (f"{TRACK} < {BIG + 1}", [1, -1, 0, 1]),
        (f"abs({TRACK}) = 1", [-1, -1, 0, 1]),
        (f"{MODE} in ('FAST', 'MEDIUM')", [1, 0, -1, 1]),
        (f"'FAST' <> {MODE}", [-1, 0, 1, -1]),
        (f"{ENGAGED} = ({TRACK} > 0)", [1, -1, 0, -1]),
        ("Trip.IsBookmarked", [0, 0, 0, 0]),
        ("Trip.IsBookmarked is null", [1, 1, 1, 1]),
        ("true", [1, 1, 1, 1]),
        ("1 > 2", [-1, -1, -1, -1]),
    ],
)
def test_truth_of_single_rows(text: str, expected: list[int]) -> None:
    assert truth(text) == expected


def test_chunks_and_dictionaries_are_columns_like_others() -> None:
    halves = {
        name: pa.chunked_array([values.slice(0, 1), values.slice(1)])
        for name, values in COLUMNS.items()
    }
    halves[MODE] = halves[MODE].dictionary_encode()
    for text in (f"{MODE} = 'FAST'", f"{TRACK} = {BIG}", ENGAGED, f"{SPEED} = 1"):
        assert truth(text, halves) == truth(text)
