"""Units of time that cannot be nanoseconds, and clocks that only look odd."""

from typing import Any

import numpy as np
import pytest

from ingest.telemetry.clock import check_clock
from ridealong.errors import UnreadableError

SECOND, DAY = 10**9, 86_400 * 10**9
NOW_S = 1_761_440_400  # 2025-10-26


def rows(start_ns: int, hz: float, count: int = 600) -> np.ndarray[Any, Any]:
    return start_ns + (np.arange(count) * (SECOND / hz)).astype(np.int64)


@pytest.mark.parametrize("hz", [1, 10, 100, 1000])
@pytest.mark.parametrize(
    ("per_s", "unit", "factor"),
    [(1, "seconds", "1,000,000,000"), (1000, "milliseconds", "1,000,000"),
     (10**6, "microseconds", "1,000")],
)  # fmt: skip
def test_other_units_since_1970(per_s: int, unit: str, factor: str, hz: float) -> None:
    seconds = NOW_S + np.arange(600) / hz
    times = np.unique((seconds * per_s).astype(np.int64))
    if len(times) < 2:
        return  # whole seconds of half a second
    with pytest.raises(UnreadableError) as caught:
        check_clock(times, "x.parquet")
    assert str(caught.value).startswith("x.parquet: wrong unit of time: ")
    assert str(caught.value).endswith(f"they look like {unit}: multiply them by {factor}")


def test_a_unit_that_a_mapping_gives() -> None:
    times = ((NOW_S + np.arange(600) / 10) * 10**6).astype(np.int64)  # seconds, said to be ms
    with pytest.raises(UnreadableError) as caught:
        check_clock(times, "x.csv", mapped=True)
    assert str(caught.value) == (
        "x.csv: wrong unit of time: 600 rows lie within 59.9 ms; "
        "the mapping's unit of time seems 1,000 times too small, or is missing"
    )


@pytest.mark.parametrize(
    ("per_s", "hz", "unit"),
    [(1000, 10, "milliseconds"), (1000, 100, "milliseconds"), (10**6, 10, "microseconds"),
     (10**6, 100, "microseconds")],
)  # fmt: skip
def test_other_units_since_the_drive_began(per_s: int, hz: float, unit: str) -> None:
    with pytest.raises(UnreadableError, match=f"they look like {unit}"):
        check_clock((np.arange(600) / hz * per_s).astype(np.int64), "x")


@pytest.mark.parametrize(
    "times",
    [
        rows(NOW_S * SECOND, 10),
        rows(NOW_S * SECOND, 1000),
        rows(0, 10),  # since the drive began
        rows(0, 100),
        rows(1800 * SECOND, 100),  # since a computer booted half an hour ago
        rows(20 * DAY, 100),  # a phone, three weeks ago
        rows(20 * DAY, 500),
        rows(2 * SECOND, 1),
        np.array([0, 31 * 365 * DAY]),  # a clock that was set
        np.array([5]),
        np.array([], np.int64),
    ],
)
def test_clocks_that_may_be(times: np.ndarray[Any, Any]) -> None:
    check_clock(times, "x")


def test_before_1970() -> None:
    with pytest.raises(
        UnreadableError, match="wrong clock: timestamp_ns starts at 1969-12-31T23:59:55Z,"
    ):
        check_clock(rows(-5 * SECOND, 100, 100), "x")
    check_clock(rows(-SECOND, 10, 100), "x")  # one second of ten before a moment that counts as 0
