"""Columns of Parquet files of every type that may be a time, an id or a value."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ridealong.errors import UnreadableError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9
SIGNALS = "signals: {v: {signal: Vehicle.Speed}}"
NAIVE = [NOON.replace(tzinfo=None) + timedelta(seconds=k) for k in range(2)]


BERLIN = [at + timedelta(hours=1) for at in NAIVE]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array(NAIVE, pa.timestamp("ms")), ""),
        (pa.array(NAIVE, pa.timestamp("us", tz="UTC")), ""),
        (pa.array(NAIVE, pa.timestamp("ns", tz="Europe/Berlin")), ""),
        (pa.array(BERLIN, pa.timestamp("s")), "zone: Europe/Berlin"),
        (pa.array([NOON_NS // 10**6, NOON_NS // 10**6 + 1000], pa.uint64()), "unit: ms"),
        (pa.array([NOON_NS / 1e9, NOON_NS / 1e9 + 1], pa.float64()), "unit: s"),
        (pa.array([f"{at.isoformat()}Z" for at in NAIVE], pa.large_string()), ""),
        (pa.array([f"{at.isoformat()}Z" for at in NAIVE]).dictionary_encode(), ""),
    ],
)  # fmt: skip
def test_times(tmp_path: Path, read_tables: Any, values: pa.Array, said: str) -> None:
    pq.write_table(pa.table({"t": values, "v": [1.0, 2.0]}), tmp_path / "x.parquet")
    (read,) = read_tables(f"time: {{column: t, {said}}}\n{SIGNALS}")
    assert read.times == [NOON_NS, NOON_NS + 10**9] and not read.bad


def test_a_date_and_a_time_of_day(tmp_path: Path, read_tables: Any) -> None:
    columns = {"day": [date(2026, 1, 1)] * 2, "clock": [time(12, 0, 0), time(12, 0, 1)]}
    pq.write_table(pa.table({**columns, "v": [1.0, 2.0]}), tmp_path / "x.parquet")
    (read,) = read_tables(f"time: {{column: [day, clock], zone: UTC}}\n{SIGNALS}")
    assert read.times == [NOON_NS, NOON_NS + 10**9]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([Decimal("1.5"), Decimal("2.5")]),
        pa.array([1.5, 2.5], pa.float16()),
        pa.array(["1.5", "2.5"]).dictionary_encode(),
    ],
)
def test_values(tmp_path: Path, read_tables: Any, values: pa.Array) -> None:
    pq.write_table(pa.table({"t": [0, 1], "v": values}), tmp_path / "x.parquet")
    (read,) = read_tables(f"time: {{column: t, unit: s}}\n{SIGNALS}")
    assert read.values() == [1.5, 2.5]


@pytest.mark.parametrize(
    "ids", [pa.array([7, 8]), pa.array(["7", "8"]).dictionary_encode(), pa.array([7.0, 8.0])]
)
def test_ids(tmp_path: Path, read_tables: Any, ids: pa.Array) -> None:
    pq.write_table(pa.table({"t": [0, 1], "v": [1.0, 2.0], "trip": ids}), tmp_path / "x.parquet")
    found = read_tables(f"time: {{column: t, unit: s}}\n{SIGNALS}\ndrive: trip")
    assert [read.values() for read in found] == [[1.0], [2.0]]


@pytest.mark.parametrize("values", [pa.array([[1], [2]]), pa.array([{"a": 1}, {"a": 2}])])
def test_nested_columns_are_refused(tmp_path: Path, read_tables: Any, values: pa.Array) -> None:
    pq.write_table(pa.table({"t": [0, 1], "v": values, "w": values}), tmp_path / "x.parquet")
    with pytest.raises(UnreadableError, match=r"x\.parquet: 'v' holds .*expected numbers"):
        read_tables(f"time: {{column: t, unit: s}}\n{SIGNALS}")
    with pytest.raises(UnreadableError, match=r"x\.parquet: 't' holds numbers; set their unit"):
        read_tables(f"time: {{column: t}}\n{SIGNALS}")
    with pytest.raises(UnreadableError, match=r"x\.parquet: 'w' holds .*expected times"):
        read_tables(f"time: {{column: w, unit: s}}\n{SIGNALS}")


def test_an_empty_table(tmp_path: Path, read_tables: Any) -> None:
    empty = pa.table({"t": pa.array([], pa.int64()), "v": pa.array([], pa.float64())})
    pq.write_table(empty, tmp_path / "x.parquet")
    (read,) = read_tables(f"time: {{column: t, unit: s}}\n{SIGNALS}")
    assert read.times == []


def test_row_groups_of_other_types_of_time(tmp_path: Path, read_tables: Any) -> None:
    """Parts whose columns differ: whole numbers in one, fractions in the other."""
    folder = tmp_path / "table"
    folder.mkdir()
    for part, values in enumerate(([1, 2], [2.5, None])):
        table = pa.table({"t": [2 * part, 2 * part + 1], "v": values})
        pq.write_table(table, folder / f"part-{part}.parquet")
    (read,) = read_tables(f"time: {{column: t, unit: s}}\n{SIGNALS}", folder)
    assert read.values() == [1, 2, 2.5, None]
