"""Values as people read them, against hand-computed cases."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.terminal import readable


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.0042, "4.2 ms"),
        (0.0000123, "0.0123 ms"),
        (0.9996, "1.0 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min"),
        (167.2, "2 min 47 s"),
        (3600, "1 h"),
        (11_100, "3 h 5 min"),
        (86_400 * 12 + 4 * 3600 + 59, "12 d 4 h"),
        (-2.5, "-2.5 s"),
        (float("nan"), "-"),
        (None, "-"),
    ],
)
def test_durations(seconds: float | None, told: str) -> None:
    assert readable.duration(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (52_924, "52.9 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2_071_307, "2.1 MB"),
        (7 * 10**12, "7.0 TB"),
        (3 * 10**18, "3,000.0 PB"),
        (None, "-"),
    ],
)
def test_sizes(count: int | None, told: str) -> None:
    assert readable.size(count) == told


@pytest.mark.parametrize(
    ("metres", "told"), [(517.4, "517 m"), (999.6, "1.0 km"), (12_345, "12.3 km"), (None, "-")]
)
def test_distances(metres: float | None, told: str) -> None:
    assert readable.distance(metres) == told


def test_instants_are_iso() -> None:
    assert readable.instant(1_533_223_987_250_000_000) == "2018-08-02T15:33:07.250Z"
    assert readable.instant(0) == "1970-01-01T00:00:00Z"
    assert readable.instant(-1_000_000_000) == "1969-12-31T23:59:59Z"
    assert readable.instant(None) == "-"
    assert readable.instant(10**21).endswith("after 1970")


@given(st.integers(-(10**18), 4 * 10**18))
def test_instants_are_what_datetime_says(epoch_ns: int) -> None:
    told = datetime.fromisoformat(readable.instant(epoch_ns))
    exact = datetime.fromtimestamp(epoch_ns // 10**9, UTC)
    assert 0 <= (told - exact).total_seconds() < 1


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [
        (-0.1701, -0.1154, 3),  # half-width 0.027
        (-0.0797, 0.0076, 3),  # 0.044
        (-0.1148, -0.1075, 4),  # 0.0036
        (100.0, 124.0, 0),  # 12
        (0.0, 500.0, -1),  # 250
        (0.0, 0.0, 3),
        (None, None, 3),
        (0.0, float("nan"), 3),
    ],
)
def test_digits_that_an_interval_supports(
    low: float | None, high: float | None, decimals: int
) -> None:
    assert readable.decimals_known(low, high) == decimals


@pytest.mark.parametrize(
    ("low", "high", "values", "decimals"),
    [
        (-1.3, 1.4, (0.27, 0.33, 0.06), 2),  # one by the interval: 0.3, 0.3, +0.1
        (0.636315, 0.636316, (0.132249, 0.768564, 0.636315), 4),
        (-0.17, -0.115, (0.2434, 0.1006, -0.1427), 3),
        (-40.0, 400.0, (1240.0, None, 180.0), -1),
        (None, None, (0.375, 0.25, -0.125), 3),
        (0.0, 0.0, (0.0, 0.0, 0.0), 3),
    ],
)
def test_values_keep_two_to_four_digits(
    low: float | None, high: float | None, values: tuple[float | None, ...], decimals: int
) -> None:
    assert readable.decimals_known(low, high, *values) == decimals


@pytest.mark.parametrize(
    ("known", "decimals", "told"),
    [
        (-0.14267, 3, "-0.143"),
        (-3.7e-05, 3, "0.000"),
        (0.0181, 3, "+0.018"),
        (1243.7, 0, "+1,244"),
        (1243.7, -1, "+1,240"),
        (None, 3, "-"),
    ],
)
def test_estimates_are_rounded(known: float | None, decimals: int, told: str) -> None:
    assert readable.rounded(known, decimals, signed=True) == told


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (78_922, "78,922"),
        (0.2034, "0.203"),
        (517_400.4, "517,400"),
        (float("inf"), "-"),
        ([], "-"),
        (["main", "rear"], "main, rear"),
        ({"planned": 3, "done": None}, "planned 3, done -"),
        ("", "-"),
    ],
)
def test_any_value_is_told_without_python(thing: object, told: str) -> None:
    assert readable.value(thing) == told


def test_counts_have_a_plural() -> None:
    assert readable.counted(1, "drive") == "1 drive"
    assert readable.counted(0, "drive") == "0 drives"
    assert readable.counted(2, "entry", "entries") == "2 entries"
