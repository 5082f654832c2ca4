"""Ingest of many rows of simulated telemetry with the ten triggers, beside bare Arrow.

Makes ROWS rows (default 1,000,000; 36,000,000 are a thousand hours) of all recorded signals from a
few simulated drives: each hour-long drive is a row of them end to end, in an order of its own, on a
vehicle and a day of its own. Positions and speeds jump where two meet, and the drives repeat; no
signal is made up. They are written as a Parquet source, a file a drive, and ingested: read,
validated, passed by the triggers, written, committed; clips of telemetry cut where budgets allow.

The peer reads the same files and writes them again with pyarrow, zstd: nothing checked, nothing
evaluated. Run as ``python benchmarks/telemetry.py [ROWS] [--fleet DIR] [--out DIR]``; ``--out``
keeps the files for other figures.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
HOUR_ROWS = 36_000
DAY_NS, STEP_NS = 86_400_000_000_000, 100_000_000
START_NS = 1_780_000_000_000_000_000
TARGET = 300_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--fleet", type=Path, help="a simulated fleet; default: a small new one")
    parser.add_argument("--out", type=Path, help="keep the files here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        logs = options.out or Path(scratch) / "logs"
        fleet = options.fleet or small_fleet(Path(scratch) / "fleet")
        rows = write_source(fleet, logs, options.rows)
        report(logs, Path(scratch), rows)


def small_fleet(out: Path) -> Path:
    from ingest.console import Console
    from ingest.simulation.fleet import FleetSpec
    from ingest.simulation.simulate import simulate

    simulate(FleetSpec(name="rows", drives=8, duration="60 s"), out, Console(as_json=True))
    return out


def write_source(fleet: Path, logs: Path, total: int) -> int:
    """Write hour-long drives until there are that many rows; give how many there are."""
    logs.mkdir(parents=True, exist_ok=True)
    rows = 0
    for number, hour in enumerate(hours(fleet, total)):
        pq.write_table(hour, logs / f"drive-{number:05d}.parquet", compression="zstd")
        rows += hour.num_rows
    return rows


def hours(fleet: Path, total: int) -> Iterator[pa.Table]:
    from ingest.sources.simulation import SimulationSource
    from ingest.validation import validate_telemetry

    source = SimulationSource()
    pieces = []
    for files in source.discover(fleet):
        rows = validate_telemetry(source.open(files).telemetry(), files.drive_id).rows
        pieces.append(rows.drop_columns(["drive_id"]))
    for number in range(-(-total // HOUR_ROWS)):
        yield one_hour(pieces, number, min(HOUR_ROWS, total - number * HOUR_ROWS))


def one_hour(pieces: list[pa.Table], number: int, rows: int) -> pa.Table:
    rng = np.random.default_rng(number)
    chosen, count = [], 0
    while count < rows:
        chosen.append(pieces[int(rng.integers(len(pieces)))])
        count += chosen[-1].num_rows
    table = pa.concat_tables(chosen).slice(0, rows).combine_chunks()
    times = START_NS + number % 365 * DAY_NS + np.arange(rows, dtype=np.int64) * STEP_NS
    return table.set_column(0, "timestamp_ns", pa.array(times))


def bare(logs: Path, out: Path) -> float:
    """Seconds to read and write all files with pyarrow, as many at once as there are cores."""
    out.mkdir()

    def copy(path: Path) -> None:
        pq.write_table(pq.read_table(path), out / path.name, compression="zstd")

    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(copy, sorted(logs.glob("*.parquet"))))
    return time.perf_counter() - started


def report(logs: Path, scratch: Path, rows: int) -> None:
    from ingest.console import Console
    from ingest.drives import DrivePlan, ingest_drive
    from ingest.lake import Lake
    from ingest.run import ingest
    from ingest.sources.parquet import ParquetSource
    from ingest.triggers.spec import shipped_triggers

    triggers, found = shipped_triggers(), ParquetSource().discover(logs)
    names = tuple(trigger.name for trigger in triggers)
    lake = Lake.create(scratch / "direct")
    commit = lake.new_commit_id()
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        plans = [DrivePlan(files, True, names) for files in found]
        work = [pool.submit(ingest_drive, lake.home, commit, plan, triggers) for plan in plans]
        events = sum(len(one.result().events) for one in work)
    direct_s = time.perf_counter() - started
    peer_s = bare(logs, scratch / "bare")
    whole = ingest(Lake.create(scratch / "home"), found, triggers, Console(as_json=True))
    size = sum(path.stat().st_size for path in logs.glob("*.parquet"))
    rate = rows / direct_s
    signals = len(pq.read_schema(next(logs.glob("*.parquet")))) - 1
    print("| what | figure |\n|---|---|")
    print(f"| rows, signals, drives | {rows:,} × {signals}, {len(found)} |")
    print(f"| in the source's files | {size / rows:.1f} B a row |")
    print(f"| read, validate, ten triggers, write | {rate:,.0f} rows/s, {events} firings |")
    print(f"| target | {TARGET:,} rows/s: {'met' if rate >= TARGET else 'MISSED'} |")
    print(f"| pyarrow reads and writes the same rows (peer) | {rows / peer_s:,.0f} rows/s |")
    print(f"| ours : peer | {peer_s / direct_s:.2f} |")
    commanded = rows / whole.seconds
    print(f"| whole command with budgets, commit, {whole.clips} clips | {commanded:,.0f} rows/s |")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
