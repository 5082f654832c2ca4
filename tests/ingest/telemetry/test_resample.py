"""Resampling: hand-computed cases, numpy as an oracle, and laws that hold for any input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ingest.telemetry.resample import (
    centred_difference,
    distance_m,
    grid_ns,
    interpolate,
    latest,
    window_mean,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("length", "step", "expected"),
    [(0, 10, [0]), (9, 10, [0]), (10, 10, [0, 10]), (25, 10, [0, 10, 20])],
    ids=["empty", "short", "end included", "rest left"],
)
def test_grid(length: int, step: int, expected: list[int]) -> None:
    assert grid_ns(length, step).tolist() == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0.9, NAN),  # before the stream
        (1.0, 10.0),  # its first sample
        (1.25, 12.5),
        (2.0, 20.0),  # a sample beside a gap is known
        (3.0, NAN),  # in the gap
        (4.0, 40.0),
        (4.5, 45.0),
        (5.0, 50.0),  # its last sample
        (5.1, NAN),  # after it
    ],
)
def test_interpolate(at: float, expected: float) -> None:
    time, values = np.array([1.0, 2.0, 4.0, 5.0]), np.array([10.0, 20.0, 40.0, 50.0])
    assert_allclose(interpolate(np.array([at]), time, values, 1.5), [expected])


def test_interpolate_takes_unknown_samples_as_missing() -> None:
    time, values = np.arange(4.0), np.array([0.0, NAN, 2.0, NAN])
    at = np.array([1.0, 2.5])
    assert_allclose(interpolate(at, time, values, 2.0), [1.0, NAN])
    assert_allclose(interpolate(at, time, values, 1.0), [NAN, NAN])


def test_nothing_gives_nothing() -> None:
    none, at = np.empty(0), np.array([0.0, 1.0])
    assert np.isnan(interpolate(at, none, none, 1.0)).all()
    assert np.isnan(window_mean(at, none, none, 1.0)).all()
    assert latest(at, none, 1.0).tolist() == [-1, -1]
    assert len(centred_difference(none, 0.1, 0.5)) == 0
    assert distance_m(np.empty(0, np.int64), none) == 0


def test_window_mean_is_half_open() -> None:
    time, values = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0, 8.0])
    # [0, 2), [1, 3), nothing in [2.4, 2.6), outside
    assert_allclose(window_mean(np.array([1.0, 2.0]), time, values, 2.0), [1.5, 3.0])
    assert_allclose(window_mean(np.array([2.5, -0.1, 3.1]), time, values, 0.2), [NAN] * 3)


def test_latest() -> None:
    time = np.array([1.0, 2.0])
    assert latest(np.array([0.9, 1.0, 1.4, 1.6, 2.0]), time, 0.5).tolist() == [-1, 0, 0, -1, 1]


def test_centred_difference_by_hand() -> None:
    values = np.array([0.0, 1.0, 4.0, 9.0, 16.0, 25.0, 36.0])
    # at 3: ((v5 + v6) / 2 - (v0 + v1) / 2) / 5 = (30.5 - 0.5) / 5
    expected = [NAN] * 3 + [6.0] + [NAN] * 3
    assert_allclose(centred_difference(values, 1.0, 5.0), expected)


def test_centred_difference_needs_no_neighbour_of_a_point_it_hits() -> None:
    values = np.array([NAN, 1.0, 2.0, 3.0, NAN])
    assert_allclose(centred_difference(values, 1.0, 2.0), [NAN, NAN, 1.0, NAN, NAN])


def test_distance() -> None:
    times = np.array([0, 1, 2, 3, 20]) * 1_000_000_000
    speed = np.array([36.0, 36.0, NAN, 72.0, 72.0])
    # 10 m in the first second, 15 m/s over the next two, the interval of 17 s does not count
    assert distance_m(times, speed) == pytest.approx(40.0)


samples = st.lists(st.floats(0.01, 0.3), min_size=2, max_size=60).map(np.cumsum)
numbers = st.floats(-100, 100)


@given(samples, numbers, numbers)
def test_a_line_stays_a_line(time: np.ndarray, slope: float, start: float) -> None:
    at = np.arange(time[0], time[-1], 0.05)
    at = at[at <= time[-1]]  # the last may be beyond the end, by rounding
    found = interpolate(at, time, slope * time + start, 1.0)
    assert_allclose(found, slope * at + start, atol=1e-9)


@given(samples)
def test_agrees_with_numpy_inside_and_is_unknown_outside(time: np.ndarray) -> None:
    values = np.sin(time * 7)
    at = np.arange(time[0] - 1, time[-1] + 1, 0.03)
    oracle = np.interp(at, time, values, left=NAN, right=NAN)
    assert_allclose(interpolate(at, time, values, 1.0), oracle)


@given(numbers, numbers, st.integers(0, 40))
def test_the_rate_of_a_ramp_is_its_slope(slope: float, start: float, count: int) -> None:
    rate = centred_difference(slope * np.arange(count) * 0.1 + start, 0.1, 0.5)
    known = np.isfinite(rate)
    assert_allclose(rate[known], slope, atol=1e-9)
    assert known.sum() == max(0, count - 6)


@given(numbers, st.floats(0.11, 2.0))
def test_a_steady_stream_has_its_own_mean(value: float, width: float) -> None:
    time = np.arange(50) * 0.1
    mean = window_mean(np.arange(10) * 0.5, time, np.full(50, value), width)
    assert_allclose(mean, value, atol=1e-9)
