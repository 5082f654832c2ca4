"""Queries on the lake before and after compaction, compared with bare DuckDB on one file; commits.

    python -m benchmarks.lake [--files 300] [--commits 200]

Every drive is one file of ten minutes of telemetry, as after an ingest. The limit is bare DuckDB on
one file of all rows, in the same order and in the same process. Rounds alternate. Prints medians as
Markdown tables. The lake's times include the snapshot.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.schemas import DRIVES, TELEMETRY
from ridealong.lake import Lake, write_data_file
from ridealong.lake.files import ROW_GROUP_ROWS

ROWS = 6000  # ten minutes at 10 Hz
ROUNDS = 7
SPAN = 20  # commits at each end whose times are compared
GROUPS = (600, 8192, ROW_GROUP_ROWS)  # the lake writes the last
QUERIES = {
    "hard brakes in all drives": """
        SELECT count(*) FROM telemetry WHERE "Vehicle.Acceleration.Longitudinal" <= -4.4""",
    "mean speed of each drive": """
        SELECT sum(mean) FROM (SELECT avg("Vehicle.Speed") AS mean FROM telemetry GROUP BY drive_id)
        """,
    "20 s of one drive, six signals": """
        SELECT sum("Vehicle.Speed"), count("Vehicle.AngularVelocity.Yaw"),
            max("Vehicle.Acceleration.Lateral"), max("Vehicle.Acceleration.Vertical"),
            max("Vehicle.Acceleration.Longitudinal"), max(timestamp_ns)
        FROM telemetry WHERE drive_id = 'drive-00007' AND timestamp_ns BETWEEN 1000 AND 1200""",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--commits", type=int, default=200)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        compaction(Path(folder), options.files)
    with TemporaryDirectory() as folder:
        commits(Path(folder), options.commits)


def drive(index: int) -> pa.Table:
    """Ten minutes of seven signals on the grid, quantised as a vehicle's bus does it."""
    random = np.random.default_rng(index)
    signals = {
        "Vehicle.Speed": np.round(60 + np.cumsum(random.normal(0, 0.3, ROWS)), 1),
        "Vehicle.Acceleration.Longitudinal": np.round(random.normal(0, 1.2, ROWS), 2),
        "Vehicle.Acceleration.Lateral": np.round(random.normal(0, 0.8, ROWS), 2),
        "Vehicle.Acceleration.Vertical": np.round(random.normal(0, 0.4, ROWS), 2),
        "Vehicle.AngularVelocity.Yaw": np.round(random.normal(0, 2, ROWS), 1),
        "Vehicle.Chassis.SteeringWheel.Angle": random.integers(-90, 90, ROWS),
        "Vehicle.Chassis.Brake.PedalPosition": random.integers(0, 100, ROWS),
    }
    known = {"drive_id": np.full(ROWS, f"drive-{index:05}"), "timestamp_ns": np.arange(ROWS)}
    given = known | signals
    columns = [
        pa.array(given[field.name], field.type)
        if field.name in given
        else pa.nulls(ROWS, field.type)
        for field in TELEMETRY.schema
    ]
    return pa.Table.from_arrays(columns, schema=TELEMETRY.schema)


def fill(home: Path, count: int) -> tuple[Lake, float]:
    """A lake of ``count`` drives in one commit, and the rows written per second."""
    lake = Lake.create(home)
    commit_id, began = lake.new_commit_id(), time.perf_counter()
    drives = (drive(index) for index in range(count))
    files = [write_data_file(lake.home, commit_id, TELEMETRY, rows) for rows in drives]
    lake.commit(commit_id, "benchmark", [file for file in files if file], ["benchmark"])
    return lake, count * ROWS / (time.perf_counter() - began)


def compaction(folder: Path, count: int) -> None:
    """Time the queries on many files, on the compacted ones, and on one file."""
    lake, written = fill(folder / "home", count)
    many = lake.snapshot()  # does not change when the lake is compacted
    began = time.perf_counter()
    lake.compact()
    compacted_s = time.perf_counter() - began
    limits = {size: one_file(lake, folder / f"one-{size}.parquet", size) for size in GROUPS}
    runs: dict[str, Callable[[str], object]] = {
        f"{count} files": lambda query: many.connect(TELEMETRY).sql(query).fetchall(),
        f"compacted, {len(lake.snapshot().files(TELEMETRY))} files": lambda query: (
            lake.snapshot().connect(TELEMETRY).sql(query).fetchall()
        ),
    } | {
        f"bare DuckDB, one file, row groups of {size}": lambda query, path=path: bare(path, query)
        for size, path in limits.items()
    }
    print(f"{count * ROWS:,} rows in {count} files, written at {written:,.0f} rows/s, ", end="")
    print(f"compacted in {compacted_s:.1f} s.\n")
    print(f"| query, median of {ROUNDS} (ms) | {' | '.join(runs)} |")
    print("|---" * (len(runs) + 1) + "|")
    for name, query in QUERIES.items():
        times = alternate([lambda run=run, query=query: run(query) for run in runs.values()])
        print(f"| {name} | {' | '.join(f'{1000 * one:.1f}' for one in times)} |")


def one_file(lake: Lake, path: Path, group_rows: int) -> Path:
    """All telemetry in one sorted file."""
    files = sorted(lake.snapshot().files(TELEMETRY))
    parts = [pq.ParquetFile(file).read() for file in files]
    rows = pa.concat_tables(parts).sort_by([(name, "ascending") for name in TELEMETRY.order])
    options = {"compression": "zstd", "compression_level": 3, "row_group_size": group_rows}
    pq.write_table(rows, path, **options)
    return path


def bare(path: Path, query: str) -> object:
    """The query by DuckDB alone."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW telemetry AS SELECT * FROM read_parquet('{path}')")
        return connection.sql(query).fetchall()


def alternate(works: list[Callable[[], object]]) -> list[float]:
    """Median seconds of each, in alternating rounds; all must give the same result."""
    times: list[list[float]] = [[] for _ in works]
    answers = set()
    for _ in range(ROUNDS):
        for one, work in zip(times, works, strict=True):
            began = time.perf_counter()
            answer = work()
            one.append(time.perf_counter() - began)
            answers.add(str([round(float(v), 3) for v in answer[0]]))  # type: ignore[index]
    assert len(answers) == 1, answers
    return [statistics.median(one) for one in times]


def commits(folder: Path, count: int) -> None:
    """One process commits one small file at a time; then a snapshot is read.

    The last commits are compared with the first ones, which had hardly any commits to read.
    """
    lake = Lake.create(folder / "home")
    seconds = []
    for index in range(count):
        began = time.perf_counter()
        commit_id = lake.new_commit_id()
        rows = pa.Table.from_pylist([{"drive_id": f"d{index}"}], schema=DRIVES.schema)
        file = write_data_file(lake.home, commit_id, DRIVES, rows)
        lake.commit(commit_id, "benchmark", [file] if file else [], [str(index)])
        seconds.append(time.perf_counter() - began)
    began = time.perf_counter()
    lake.snapshot().read(DRIVES)
    read_s = time.perf_counter() - began
    print(f"\n| commits, one after another | {count} |\n|---|---|")
    print(f"| commits a second | {count / sum(seconds):.1f} |")
    print(f"| median of one (ms) | {1000 * statistics.median(seconds):.0f} |")
    ratio = sum(seconds[-SPAN:]) / sum(seconds[:SPAN])
    print(f"| the last {SPAN} over the first {SPAN}, in time (ratio) | {ratio:.2f} |")
    print(f"| snapshot and read of all (ms) | {1000 * read_s:.0f} |")


if __name__ == "__main__":
    main()
