"""Triggers over many rows: prefilter and runs, compared with a bare scan and a sliding window.

Run as ``python benchmarks/triggers.py [ROWS]``; prints Markdown. 36,000,000 rows are a thousand
hours at 10 Hz.
"""

import argparse
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa

from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import LIBRARY, load_triggers, shipped_triggers

START_NS, STEP_NS = 1_700_000_000_000_000_000, 100_000_000
ACCELERATION, SPEED = "Vehicle.Acceleration.Longitudinal", "Vehicle.Speed"
SCAN = f'select count(*) from telemetry where "{ACCELERATION}" <= -4.4::float'
WINDOW = f"""
select count(*) from (
  select "{SPEED}" as speed, bool_and("{ACCELERATION}" <= -4.4::float) over (
    partition by drive_id order by timestamp_ns
    range between {STEP_NS} preceding and current row) as held
  from telemetry)
where held and speed > 10
"""


def drives_of(count: int) -> pa.Table:
    ids = [f"drive-{number:05}" for number in range(count)]
    starts = pa.array([START_NS] * count, pa.int64())
    return pa.table({"drive_id": ids, "vehicle_id": ids, "start_ns": starts})


def telemetry_of(drives: int, rows: int) -> pa.Table:
    """Smooth accelerations with about seven hard brakings an hour, as in a fleet."""
    rng = np.random.default_rng(1)
    total = drives * rows
    phase = np.arange(total, dtype=np.float32) / 60
    acceleration = np.sin(phase) + rng.standard_normal(total, np.float32) * np.float32(0.3)
    for start in rng.integers(0, total - 8, total // 5000):
        acceleration[start : start + 8] -= 6
    ids = np.repeat(np.arange(drives, dtype=np.int32), rows)
    names = pa.array(drives_of(drives)["drive_id"].to_pylist())
    return pa.table(
        {
            "drive_id": pa.DictionaryArray.from_arrays(pa.array(ids), names).cast(pa.string()),
            "timestamp_ns": np.tile(START_NS + np.arange(rows) * STEP_NS, drives),
            ACCELERATION: acceleration,
            SPEED: 60 + 30 * np.cos(phase),
        }
    )


def best(work: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def many_rows(total: int) -> None:
    rows = 36_000
    count = max(total // rows, 1)
    telemetry, drives = telemetry_of(count, rows), drives_of(count)
    hard_brake = load_triggers(LIBRARY / "hard_brake.yaml")
    connection = duckdb.connect()
    connection.register("telemetry", telemetry)
    scan = best(lambda: connection.execute(SCAN).fetchall(), 3)
    ours = best(lambda: evaluate(telemetry, drives, hard_brake), 3)
    window = best(lambda: connection.execute(WINDOW).fetchall(), 1)
    events = evaluate(telemetry, drives, hard_brake).num_rows
    print(f"hard_brake over {count * rows:,} rows of {count} drives, {events:,} events\n")
    print("| | seconds | million rows a second |\n|---|---|---|")
    for name, seconds in {
        "bare scan of the column": scan,
        "`evaluate`: prefilter, runs, events": ours,
        "one sliding window": window,
    }.items():
        print(f"| {name} | {seconds:.3f} | {count * rows / seconds / 1e6:.1f} |")


def one_drive() -> None:
    telemetry, drives = telemetry_of(1, 1800), drives_of(1)
    triggers = shipped_triggers()
    evaluate(telemetry, drives, triggers)
    seconds = best(lambda: evaluate(telemetry, drives, triggers), 50)
    print(f"\nAll {len(triggers)} shipped triggers over one drive of 1,800 rows: ", end="")
    print(f"{seconds * 1e3:.1f} ms a call.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=3_600_000)
    rows = parser.parse_args().rows
    many_rows(rows)
    one_drive()


if __name__ == "__main__":
    main()
