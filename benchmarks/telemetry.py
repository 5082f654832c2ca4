"""Ingest of many rows of simulated telemetry with the ten triggers, compared with bare Arrow.

Makes ROWS rows (default 10,000,000; 36,000,000 are a thousand hours) of all recorded signals. A few
simulated drives of a quarter of an hour are repeated with other vehicles and times, so that no two
rows are equal. All signals are simulated. The rows are written as a Parquet source, one file per
drive.

Two things are measured: the functions that ``ridealong ingest`` calls for a drive (open, read,
validate, ten triggers, write; two threads), and the whole command over the first COMMAND_DRIVES
drives (Beam, budgets, clips of telemetry, commit). Most drives of the fleet have a staged incident,
so triggers fire far more often than on real roads. Cutting those clips takes most of the command's
time.

The peer reads the same files and writes them again with pyarrow and the same compression, without
checks and triggers. The limit is a ratio to the peer, because rows per second differ between
machines.

Run as ``python -m benchmarks.telemetry [ROWS] [--fleet DIR] [--out DIR]``; ``--out`` keeps the
source's files for other figures.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.drives import DrivePlan, ingest_drive
from ingest.run import IngestReport, ingest
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.simulate import simulate
from ingest.sources.parquet import ParquetSource
from ingest.sources.simulation.source import SimulationSource
from ingest.telemetry.validation import validate_telemetry
from ingest.triggers.spec import shipped_triggers
from ridealong.lake import Lake
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.console import Console

START_NS, SLOT_NS = 1_780_012_800 * 10**9, 1_200 * 10**9
WORKERS = 2
COMMAND_DRIVES = 40
TARGET = 0.4  # of the peer's rows in the same processor time
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs="?", default=10_000_000)
    parser.add_argument("--fleet", type=Path, help="a simulated fleet; default: a small new fleet")
    parser.add_argument("--out", type=Path, help="keep the files here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        fleet = options.fleet or small_fleet(scratch / "fleet")
        made_s, logs = timed(
            lambda: write_source(fleet, options.out or scratch / "logs", options.rows)
        )
        report(logs, made_s, scratch)


def small_fleet(out: Path) -> Path:
    """Simulate four drives of a quarter of an hour."""
    spec = FleetSpec(name="rows", drives=4, duration="900 s")
    simulate(spec, out, Console(as_json=True))
    return out


def write_source(fleet: Path, logs: Path, total: int) -> Path:
    """Write that many rows as a Parquet source, one file per drive; returns the folder."""
    logs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda made: write_drive(logs, *made), drives(fleet, total)):
            pass
    return logs


def drives(fleet: Path, total: int) -> Iterator[tuple[int, pa.Table]]:
    """Drives with their numbers: the fleet's drives in turn, each time with another start.

    A drive starts every twenty minutes. A file that names no vehicle counts as a separate vehicle.
    """
    source = SimulationSource()
    originals = [
        validate_telemetry(source.open(files).telemetry(), files.drive_id).rows.drop(["drive_id"])
        for files in source.discover(fleet)
    ]
    number = 0
    while total > 0:
        rows = originals[number % len(originals)].slice(0, total)
        yield number, moved(rows, START_NS + number * SLOT_NS)
        total, number = total - rows.num_rows, number + 1


def moved(rows: pa.Table, start_ns: int) -> pa.Table:
    """The same rows with another start time."""
    times = rows["timestamp_ns"]
    moved_times = pc.add(times, start_ns - times[0].as_py())
    return rows.set_column(0, rows.schema.field(0), moved_times)


def write_drive(logs: Path, number: int, rows: pa.Table) -> None:
    path = logs / f"drive-{number:05d}.parquet"
    pq.write_table(rows, path, compression="zstd", use_dictionary=False)


def drive_by_drive(home: Path, found: list[DriveFiles]) -> tuple[float, int, int]:
    """Seconds for all drives, their rows and the firings."""
    lake, triggers = Lake.create(home), shipped_triggers()
    commit, names = lake.new_commit_id(), tuple(trigger.name for trigger in triggers)

    def one(files: DriveFiles) -> tuple[int, int]:
        outcome = ingest_drive(lake.home, commit, DrivePlan(files, True, names), triggers)
        return outcome.rows, len(outcome.events)

    seconds, counts = timed(lambda: mapped(one, found))
    rows, events = map(sum, zip(*counts, strict=True))
    return seconds, rows, events


def bare(out: Path, found: list[DriveFiles]) -> float:
    """Seconds to read and write all files with pyarrow."""
    out.mkdir()

    def copy(files: DriveFiles) -> None:
        path = Path(files.path)
        pq.write_table(pq.read_table(path), out / path.name, compression="zstd")

    return timed(lambda: mapped(copy, found))[0]


def mapped(work: Callable[[DriveFiles], T], found: list[DriveFiles]) -> list[T]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, found))


def timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def whole_command(home: Path, found: list[DriveFiles]) -> tuple[float, IngestReport]:
    """Seconds that ``ridealong ingest`` takes, and its report."""
    lake, console = Lake.create(home), Console(as_json=True)
    return timed(lambda: ingest(lake, found, shipped_triggers(), console))


def report(logs: Path, made_s: float, scratch: Path) -> None:
    found = ParquetSource().discover(logs)
    before = time.process_time()
    seconds, rows, firings = drive_by_drive(scratch / "direct", found)
    core_s = time.process_time() - before
    before = time.process_time()
    peer_s = bare(scratch / "bare", found)
    peer_core_s = time.process_time() - before
    rate = rows / seconds
    signals = len(pq.read_schema(found[0].path)) - 1
    source, stored = size_of(logs) / rows, size_of(scratch / "direct" / "telemetry") / rows
    show("what", "figure")
    show("---", "---")
    show("rows, signals, drives", f"{rows:,} × {signals}, {len(found):,}")
    show("made of simulated drives", f"{rows / made_s:,.0f} rows/s")
    show("in the source's files, in the lake", f"{source:.1f}, {stored:.1f} B a row")
    show("read, validate, ten triggers, write", f"{rate:,.0f} rows/s, {firings:,} firings")
    show("processor time that it was given", f"{core_s / seconds:.2f} of {WORKERS} cores")
    show("the same by processor time", f"{rows / core_s:,.0f} rows a second and core")
    show("pyarrow reads and writes the same rows (peer)", f"{rows / peer_s:,.0f} rows/s")
    show("the same by processor time", f"{rows / peer_core_s:,.0f} rows a second and core")
    ratio = peer_core_s / core_s
    show("ours : peer, by processor time", f"{ratio:.2f}")
    show("target", f"{TARGET}: {'met' if ratio >= TARGET else 'MISSED'}")
    command_s, report = whole_command(scratch / "home", found[:COMMAND_DRIVES])
    what = f"whole command over {report.drives:,} of the drives, {report.clips:,} clips cut"
    show(what, f"{report.rows / command_s:,.0f} rows/s")
    show("peak memory", f"{peak_bytes() / 2**30:.2f} GiB")


def show(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def peak_bytes() -> int:
    """The peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
