"""How fast fleets are simulated (traffic, all signals, files), compared with SUMO alone.

Prints a Markdown table. The peer is SUMO's own time for the same traffic: the time inside
``simulationStep`` of one of the runs, without reading or writing anything. The limit is a ratio to
the peer, because vehicle-steps per second differ between machines. Run as
``python benchmarks/traffic.py [--drives N] [--seconds S]``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = 0.4  # of the vehicle-steps of SUMO alone in the same time


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--drives", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare(json.loads(options.bare))
        return
    with tempfile.TemporaryDirectory() as folder:
        report(Path(folder) / "fleet", options.drives, options.seconds)


def report(out: Path, drives: int, seconds: int) -> None:
    from ingest.simulation.fleet import FleetSpec
    from ingest.simulation.plan import plan_fleet
    from ingest.simulation.simulate import simulate, traffic_job
    from ridealong.terminal.console import Console

    spec = FleetSpec(name="bench", drives=drives, duration=f"{seconds} s")
    done = simulate(spec, out, Console(as_json=True))
    job = vars(traffic_job(plan_fleet(spec)[0], spec, out)) | {"seed": 1}
    ours, steps, whole = stepping(job)
    rate = done.vehicle_steps / done.seconds
    size = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    print("| what | figure |\n|---|---|")
    print(f"| simulated, two processes, all signals, files written | {rate:,.0f} vehicle-steps/s |")
    print(f"| one run: bare SUMO stepping (peer) | {steps / ours:,.0f} vehicle-steps/s |")
    print(f"| the same run with everything logged | {steps / whole:,.0f} vehicle-steps/s |")
    print(f"| logged : bare | {ours / whole:.2f} |")
    print(f"| target | {TARGET}: {'met' if ours / whole >= TARGET else 'MISSED'} |")
    print(f"| drives × seconds | {drives} × {seconds} in {done.seconds:.1f} s |")
    print(f"| on disk | {size / done.telemetry_rows:.0f} B per row of telemetry, world included |")


def stepping(job: dict[str, object]) -> tuple[float, int, float]:
    """Seconds inside SUMO's step, vehicle-steps, and seconds of the whole run, in a process."""
    command = [sys.executable, "-W", "ignore", __file__, "--bare", json.dumps(job)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(printed.splitlines()[-1])
    return found["stepping"], found["steps"], found["whole"]


def bare(job: dict[str, object]) -> None:
    import numpy as np

    from ingest.simulation.traffic import run as traffic_run

    spent = 0.0
    step = traffic_run.sumo.simulationStep

    def timed() -> None:
        nonlocal spent
        started = time.perf_counter()
        step()
        spent += time.perf_counter() - started

    traffic_run.sumo.simulationStep = timed
    traffic_run.warm_up(str(job["network"]))
    started = time.perf_counter()
    traffic_run.run_job(traffic_run.Job(**job))
    whole = time.perf_counter() - started
    steps = int(np.load(str(job["out"]))["vehicle_steps"])
    print(json.dumps({"stepping": spent, "steps": steps, "whole": whole}))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
