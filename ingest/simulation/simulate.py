"""``ridealong simulate``: a fleet's spec becomes a folder of drives.

Drives are independent: each has its own traffic run and seed, and is written whole or not at all.
After a kill the same command continues where it stopped, and the folder gets the same bytes.
"""

import os
import queue
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.simulation.drive_log import write_drive
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.folders import DRIVES, MAPS, MARKER
from ingest.simulation.maps.build import build_map
from ingest.simulation.maps.sumo_program import sumo_binary
from ingest.simulation.plan import DriveSpec, plan_fleet
from ingest.simulation.telemetry import weather
from ingest.simulation.telemetry.faults import spoil
from ingest.simulation.telemetry.signals import telemetry_of
from ingest.simulation.traffic.log import (
    DISK_FULL,
    TrafficError,
    TrafficJob,
    TrafficProcess,
    check_sumo,
)
from ridealong.errors import RidealongError
from ridealong.specs import Spec
from ridealong.terminal.console import Console

FORMAT = 1


class FleetFile(Spec):
    """The contents of ``fleet.json``, which marks a folder as a simulated fleet."""

    format: int = FORMAT
    seed: int
    spec: FleetSpec


@dataclass
class SimulationReport:
    """The result of one ``simulate``; the document that ``--json`` prints.

    ``drives = simulated + already_there + failed``; ``failures`` names each failed drive;
    ``vehicle_steps`` counts every vehicle at every step of 0.1 s.
    """

    out: str
    seed: int
    drives: int
    simulated: int = 0
    already_there: int = 0
    failed: int = 0
    telemetry_rows: int = 0
    vehicle_steps: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


def simulate(
    spec: FleetSpec, out: Path, console: Console, seed: int | None = None, processes: int = 2
) -> SimulationReport:
    """Simulate every drive of a fleet that is not there yet.

    Raises:
        RidealongError: The folder has another fleet or is not writable, or the disk is full.
            A failed traffic run is not an error here: the report lists it.
    """
    started = time.monotonic()
    chosen = spec.seed if seed is None else seed
    try:
        check_sumo()
        sumo_binary("netconvert")
        drives = plan_fleet(spec, chosen)
        _claim(out, spec, chosen)
        report = SimulationReport(str(out), chosen, len(drives))
        missing = [drive for drive in drives if not (out / DRIVES / drive.drive_id).exists()]
        report.already_there = len(drives) - len(missing)
        _simulate_all(missing, spec, out, console, report, processes)
    except OSError as error:
        raise _explained(error, out) from error
    report.seconds = round(time.monotonic() - started, 2)
    return report


def _claim(out: Path, spec: FleetSpec, seed: int) -> None:
    """Write the marker, or check that an existing one has the same spec."""
    marker = out / MARKER
    text = FleetFile(seed=seed, spec=spec).model_dump_json(indent=1) + "\n"
    if marker.exists():
        if marker.read_text("utf-8") != text:
            raise RidealongError(
                "the folder contains another fleet",
                where=out,
                hint="name another folder with --out",
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RidealongError("not an empty folder", where=out, hint="name another with --out")
    (out / DRIVES).mkdir(parents=True, exist_ok=True)
    for left in (out / DRIVES).glob(".*"):  # by a run that was killed
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    partial = out / f"{MARKER}.partial"
    partial.write_text(text, "utf-8")
    partial.replace(marker)


def _simulate_all(
    drives: Sequence[DriveSpec],
    spec: FleetSpec,
    out: Path,
    console: Console,
    report: SimulationReport,
    processes: int,
) -> None:
    """One thread per traffic process; each takes the next drive when it has finished one."""
    for name, left_hand in sorted({(drive.map, drive.left_hand) for drive in drives}):
        build_map(out / MAPS, name, left_hand)
    left: queue.SimpleQueue[DriveSpec] = queue.SimpleQueue()
    for drive in drives:
        left.put(drive)
    lock, problems = threading.Lock(), list[BaseException]()
    traffic = [TrafficProcess() for _ in range(min(processes, len(drives)))]
    with console.steps("drives", len(drives)) as steps:

        def work(process: TrafficProcess) -> None:
            try:
                with process:
                    while not problems:
                        drive = left.get_nowait()
                        done = _simulate_one(process, drive, spec, out)
                        with lock:
                            _count(report, drive, done)
                            steps.advance()
            except queue.Empty:
                return
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=[process]) for process in traffic]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt as interrupt:
            problems.insert(0, interrupt)  # the cause of the problems of the other threads
            for process in traffic:
                process.kill()
            for thread in threads:
                thread.join()
    if problems:
        raise problems[0]
    report.failures.sort()


@dataclass(frozen=True)
class _Done:
    rows: int = 0
    vehicle_steps: int = 0
    failure: str | None = None


def _simulate_one(process: TrafficProcess, drive: DriveSpec, spec: FleetSpec, out: Path) -> _Done:
    try:
        traffic = process.run(traffic_job(drive, spec, out))
    except TrafficError as error:
        return _Done(failure=str(error))
    telemetry = spoil(telemetry_of(drive, traffic), drive, spec.faults)
    write_drive(out / DRIVES / drive.drive_id, drive, spec.rig, telemetry, traffic)
    return _Done(telemetry.num_rows, traffic.vehicle_steps)


def traffic_job(drive: DriveSpec, spec: FleetSpec, out: Path) -> TrafficJob:
    """The job for the traffic process."""
    network = build_map(out / MAPS, drive.map, drive.left_hand)
    return TrafficJob(
        network=str(network),
        out=str(out / DRIVES / f".{drive.drive_id}-{os.getpid()}.npz"),
        seed=drive.seed,
        seconds=drive.seconds,
        road=drive.road,
        temper=drive.temper,
        vehicles=spec.traffic.vehicles,
        people=spec.traffic.pedestrians if drive.road == "city" else 0,
        mix={kind.value: weight for kind, weight in spec.traffic.mix.items() if weight > 0},
        aggressive=spec.drivers.others_aggressive,
        speed_factor=weather.SPEED_FACTOR[drive.weather],
        incidents=drive.incidents,
        summon="summon" in drive.features,
    )


def _count(report: SimulationReport, drive: DriveSpec, done: _Done) -> None:
    if done.failure is not None:
        report.failed += 1
        report.failures.append(f"{drive.drive_id}: {done.failure}")
        return
    report.simulated += 1
    report.telemetry_rows += done.rows
    report.vehicle_steps += done.vehicle_steps


def _explained(error: OSError, out: Path) -> RidealongError:
    if error.errno in DISK_FULL:
        return RidealongError(
            "the disk is full",
            where=out,
            hint="make room and run the same command again: it goes on where it stopped",
        )
    return RidealongError(f"{error.strerror or error}", where=error.filename or out)
