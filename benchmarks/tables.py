"""Tables of any naming, read with a mapping file: CSV and Parquet, compared with DuckDB's COPY.

Makes ROWS rows (default 4,000,000) of eight columns at 10 rows a second, as CSV files and as
Parquet files, each a drive, and once more as one file with all drives by an id.

Measured is what ``ridealong ingest --source table`` does for the drives without triggers: find and
hash the files, read, convert and validate the rows, and write them as sorted Parquet (two drives at
a time). The peer is DuckDB on two threads: ``COPY (SELECT … ORDER BY …) TO`` a Parquet file of the
same compression, for each file. The limit is a ratio to the peer.

Memory is that of a process of its own which reads the drives of the one file, and of one which
reads two of these drives from files of their own: ingest reads two drives at a time, too.

Run as ``python -m benchmarks.tables [ROWS]``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from ingest.drives import DrivePlan, ingest_drive
from ingest.sources.registry import mapped, source
from ridealong.execution.accounting import Status
from ridealong.lake import Lake

THREADS = 2
DRIVES = 20
TARGET = 0.5
MORE_MB = 100
ROUNDS = 3
MAPPING = """
time: {column: time_ms, unit: ms}
signals:
  speed_mps: {signal: Vehicle.Speed, unit: m/s}
  accel_x: {signal: Vehicle.Acceleration.Longitudinal}
  yaw_rate: {signal: Vehicle.AngularVelocity.Yaw, unit: rad/s}
  lat: {signal: Vehicle.CurrentLocation.Latitude}
  lon: {signal: Vehicle.CurrentLocation.Longitude}
  abs: {signal: Vehicle.ADAS.ABS.IsEngaged}
"""
BY_ID = MAPPING + "drive: trip\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs="?", default=4_000_000)
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        ours(options.memory, BY_ID, options.memory.parent / f"home-{options.memory.stem}")
        print(own_peak_mb())
        return
    with tempfile.TemporaryDirectory() as folder:
        report(Path(folder), options.rows)


def report(scratch: Path, rows: int) -> None:
    kinds = {name: scratch / name for name in ("csv", "parquet", "ids-csv", "ids-parquet")}
    for number in range(DRIVES):
        table = drive(number, rows // DRIVES)
        for kind in ("csv", "parquet"):
            write(table, kinds[kind] / f"trip{number:02}.{kind}")
    for kind in ("csv", "parquet"):
        whole = pa.concat_tables(drive(number, rows // DRIVES) for number in range(DRIVES))
        write(whole, kinds[f"ids-{kind}"] / f"all.{kind}")
    print(f"{rows:,} rows of {DRIVES} drives, 6 signals. Best of {ROUNDS} runs of each.\n")
    print("| files | ridealong | DuckDB's COPY | ratio | target |\n|---|---|---|---|---|")
    for name, path in kinds.items():
        mapping = BY_ID if name.startswith("ids") else MAPPING
        mine, peer = (
            min(timed(partial(run, path, mapping), scratch) for _ in range(ROUNDS))
            for run in (ours, theirs)
        )
        size = sum(file.stat().st_size for file in path.iterdir()) / 1e6
        what = f"{len(list(path.iterdir()))} × {name.rpartition('-')[2]}, {size:,.0f} MB"
        print(f"| {what} | {mine:.2f} s | {peer:.2f} s | {peer / mine:.2f} | ≥ {TARGET} |")
    for kind in ("csv", "parquet"):
        memory(kinds[f"ids-{kind}"] / f"all.{kind}", kinds[kind], scratch / f"two-{kind}")


def memory(many: Path, each: Path, two: Path) -> None:
    two.mkdir()
    for path in sorted(each.iterdir())[:THREADS]:
        path.rename(two / path.name)
    of_many, of_two = peak_mb(many), peak_mb(two)
    print(
        f"\nPeak memory of reading {DRIVES} drives from one {many.suffix} file: {of_many} MB; of "
        f"{THREADS} of them from files of their own: {of_two} MB (limit: {MORE_MB} MB more)."
    )


def peak_mb(path: Path) -> int:
    command = [sys.executable, "-m", "benchmarks.tables", "--memory", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def own_peak_mb() -> int:
    """The most memory that this program took; ``ru_maxrss`` counts that of its parent too."""
    (line,) = [
        each for each in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in each
    ]
    return int(line.split()[1]) // 1024


def drive(number: int, rows: int) -> pa.Table:
    """One drive: 10 rows a second, with the digits that recorders write."""
    random = np.random.default_rng(number)
    walk = np.cumsum(random.normal(0, 0.05, rows))
    return pa.table(
        {
            "trip": pa.repeat(pa.scalar(f"trip{number:02}"), rows),
            "time_ms": 1_767_225_600_000 + number * 10**9 + 100 * np.arange(rows),
            "speed_mps": np.round(15 + 5 * np.sin(walk), 2),
            "accel_x": np.round(random.normal(0, 1, rows), 3),
            "yaw_rate": np.round(random.normal(0, 0.1, rows), 4),
            "lat": np.round(48 + walk / 1000, 7),
            "lon": np.round(11 + walk / 1000, 7),
            "abs": (random.random(rows) < 0.01).astype(np.int8),
        }
    )


def write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=128 * 1024)


def timed(run: Callable[[Path], None], scratch: Path) -> float:
    with tempfile.TemporaryDirectory(dir=scratch) as out:
        started = time.perf_counter()
        run(Path(out))
        return time.perf_counter() - started


def ours(path: Path, mapping: str, out: Path) -> None:
    """What ingest does with each drive, without triggers."""
    Lake.create(out / "home")
    reader = mapped(source("table"), mapping, "mapping")
    plans = [DrivePlan(files, new=True, triggers=()) for files in reader.discover(path)]
    with ThreadPoolExecutor(THREADS) as pool:
        done = list(pool.map(lambda plan: ingest_drive(out / "home", "commit", plan, ()), plans))
    bad = [each.reason for each in done if each.status is not Status.DONE or each.rows_quarantined]
    assert not bad, bad[0]


def theirs(path: Path, mapping: str, out: Path) -> None:
    """DuckDB's COPY of the same columns of each file to sorted Parquet."""
    with duckdb.connect() as connection:
        connection.execute(f"set threads = {THREADS}")
        for file in sorted(path.iterdir()):
            read = "read_csv" if file.suffix == ".csv" else "read_parquet"
            connection.execute(
                f"copy (select * from {read}('{file}') order by trip, time_ms) "
                f"to '{out / file.stem}.parquet' (format parquet, compression zstd)"
            )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
    main()
