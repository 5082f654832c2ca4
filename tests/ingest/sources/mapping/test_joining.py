"""Signals with instants of their own, in one table."""

import numpy as np
import pyarrow as pa
import pytest

from ingest.sources.mapping.fields import FieldSpec
from ingest.sources.mapping.joining import joined, samples
from ridealong.errors import UnreadableError

S = 10**9
SPEED = FieldSpec(signal="Vehicle.Speed")
HELD = FieldSpec(signal="Vehicle.CurrentLocation.Latitude", hold="2 s")


def test_samples_are_known_ascending_and_single() -> None:
    found = samples(np.array([3, 1, 2, 2]) * S, pa.array([3.0, None, 2.0, 2.5]), SPEED, "v")
    assert found.times_ns.tolist() == [2 * S, 3 * S] and found.values.to_pylist() == [2.5, 3.0]


def test_a_value_lasts_as_long_as_hold_says() -> None:
    speed = samples(np.arange(5) * S, pa.array([0.0, 1, 2, 3, 4]), SPEED, "v")
    place = samples(np.array([0, S // 2]), pa.array([48.0, 49.0]), HELD, "lat")
    table = joined([speed, place])
    assert (table["timestamp_ns"].to_numpy() / S).tolist() == [0, 0.5, 1, 2, 3, 4]
    assert table[HELD.signal].to_pylist() == [48.0, 49.0, 49.0, 49.0, None, None]
    assert table[SPEED.signal].to_pylist() == [0.0, None, 1.0, 2.0, 3.0, 4.0]


def test_rows_are_added_where_values_last_over_a_gap() -> None:
    times = np.array([0, 1, 2, 3, 8]) * S
    table = joined([samples(times, pa.array([1.0, 2, 3, 4, 5]), HELD, "lat")])
    assert (table["timestamp_ns"].to_numpy() / S).tolist() == [0, 1, 2, 3, 4, 5, 8]
    assert table[HELD.signal].to_pylist() == [1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 5.0]


def test_without_hold_nothing_is_added() -> None:
    times = np.array([0, 1, 2, 3, 8]) * S
    assert joined([samples(times, pa.array([1.0, 2, 3, 4, 5]), SPEED, "v")]).num_rows == 5


def test_nothing_at_all() -> None:
    empty = samples(np.empty(0, np.int64), pa.array([], pa.float64()), SPEED, "v")
    assert joined([empty]).num_rows == 0
    assert joined([empty], np.array([5])).num_rows == 1


def test_a_hold_that_would_fill_the_memory() -> None:
    field = FieldSpec(signal="Vehicle.Speed", hold="1 h")
    times = np.cumsum(np.tile([1, 1, 1, 3600 * S], 10))
    with pytest.raises(UnreadableError, match="'hold' would add 35,999,999,999,990 rows"):
        joined([samples(times, pa.array(np.arange(40.0)), field, "v")])
