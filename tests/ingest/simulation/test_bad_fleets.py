"""`simulate` when something is wrong: one clear line, exit code 2, and the next run completes."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.simulation import simulate as simulation
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.maps import build
from ingest.simulation.plan import plan_fleet
from ingest.simulation.traffic.log import TrafficJob, TrafficProcess
from tests.waiting import until

pytestmark = pytest.mark.slow

MOUNT = "drives: 4\nrig: {{mounts: {{{camera}: {{fov_deg: {fov}, yaw_deg: 0, xyz_m: {xyz}}}}}}}"
SPECS = {
    "unknown key": ("drives: 4\ndrivves: 5", ":2: unknown key 'drivves'; did you mean 'drives'?"),
    "fraction over 1": (
        "drives: 4\nincidents: {cut_in: 1.5}",
        ":2: incidents.cut_in: Input should be less than or equal to 1, not 1.5",
    ),
    "no drives": ("drives: 0", ":1: drives: Input should be greater than or equal to 1, not 0"),
    "unknown country": (
        "drives: 4\ncountry: {DE: 1, XX: 1}",
        ":2: country: unknown country 'XX'; known: DE, GB, JP, US",
    ),
    "unknown map": ("drives: 4\nmap: tset", ":2: map: unknown map 'tset'; did you mean 'test'?"),
    "endless weight": (
        "drives: 4\nlight: {day: .inf}",
        ":2: light.day: Input should be a finite number, not .inf",
    ),
    "impossible lens": (
        MOUNT.format(camera="main", fov=190, xyz=[1.6, 0, 1.4]),
        ":2: rig.mounts.main.fov_deg: Input should be less than or equal to 150, not 190",
    ),
    "camera beside the car": (
        MOUNT.format(camera="rear", fov=60, xyz=[1.6, 4, 1.4]),
        ":2: rig.mounts.rear.xyz_m: y = 4.0 m is not on the vehicle; expected -1.3 to 1.3",
    ),
    "unknown camera": (
        MOUNT.format(camera="mian", fov=60, xyz=[1.6, 0, 1.4]),
        ":2: rig.mounts.mian: Input should be 'narrow', 'main', 'wide'",
    ),
}
FULL = "the disk is full; make room and run the same command again"


def refused(done: Any, *words: str) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    for word in words:
        assert word in lines[0], lines[0]


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def fleet(small_spec: FleetSpec, tmp_path: Path) -> Path:
    """The small fleet's file."""
    path = tmp_path / "small.yaml"
    path.write_text(small_spec.model_dump_json(), "utf-8")
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "out"


@pytest.mark.parametrize("case", SPECS)
def test_a_bad_spec(case: str, program: Any, out: Path, tmp_path: Path) -> None:
    text, message = SPECS[case]
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    refused(program("simulate", path, "--out", out), f"{path}{message}")
    assert not out.exists()


@pytest.mark.parametrize("seed", ["-1", str(2**31), "x"])
def test_a_bad_seed(seed: str, program: Any, fleet: Path, out: Path) -> None:
    assert program("simulate", fleet, "--out", out, "--seed", seed).returncode == 2
    assert not out.exists()


def test_a_file_that_is_none(program: Any, out: Path, tmp_path: Path) -> None:
    refused(program("simulate", tmp_path / "no.yaml", "--out", out), "no.yaml: No such file")
    (tmp_path / "list.yaml").write_text("[a]")
    refused(program("simulate", tmp_path / "list.yaml", "--out", out), "expected a YAML mapping")


MISSING = {
    "library": ("libsumo", "raise ImportError('libboost.so: no such file')", "libboost.so"),
    "program": ("sumo", "SUMO_HOME = '/nowhere'", "SUMO's netconvert is not installed"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", MISSING)
def test_without_sumo(
    case: str, program_process: Any, fleet: Path, out: Path, tmp_path: Path
) -> None:
    package, text, message = MISSING[case]
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(text)
    done = program_process("simulate", fleet, "--out", out, PYTHONPATH=str(tmp_path))
    refused(done, message, "pip install eclipse-sumo libsumo")
    assert not list(out.glob("drives/*"))


def test_one_failed_drive_is_reported_and_the_others_stand(
    small_fleet: Path, small_spec: FleetSpec, program: Any, fleet: Path, out: Path
) -> None:
    victim = plan_fleet(small_spec)[1]
    usual = simulation.traffic_job

    def broken(drive: Any, spec: FleetSpec, out: Path) -> TrafficJob:
        job = usual(drive, spec, out)
        network = "none.net.xml" if drive == victim else job.network
        return TrafficJob(**{**vars(job), "network": network})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "traffic_job", broken)
        done = program("simulate", fleet, "--out", out, "--json")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert len(told) == 1 and f"{victim.drive_id}: traffic failed:" in told[0]
    assert len(list((out / "drives").iterdir())) == 3
    assert program("simulate", fleet, "--out", out).returncode == 0
    assert contents(out) == contents(small_fleet)


def no_room(*args: object, **kwargs: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def in_the_tables(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("ingest.simulation.drive_log.pq.write_table", no_room)


def in_the_traffic(patch: pytest.MonkeyPatch) -> None:
    said = {"ok": False, "error": "No space left on device", "errno": errno.ENOSPC}
    patch.setattr(TrafficProcess, "_ask", lambda self, job: said)


def in_the_map(patch: pytest.MonkeyPatch) -> None:
    """As netconvert does it: half a file, and a good end."""

    def half(command: list[str], **kwargs: object) -> "subprocess.CompletedProcess[str]":
        made = next(part for part in command if part.startswith("--output-file="))
        Path(made.partition("=")[2]).write_text("<net>\n <edge")
        return subprocess.CompletedProcess(command, 0, "", "")

    patch.setattr(build.subprocess, "run", half)


@pytest.mark.parametrize("fill", [in_the_tables, in_the_traffic, in_the_map])
def test_a_full_disk(
    fill: Callable[[pytest.MonkeyPatch], None],
    small_fleet: Path,
    program: Any,
    fleet: Path,
    out: Path,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fill(patch)
        refused(program("simulate", fleet, "--out", out), str(out), FULL)
    half = [path for folder in ("drives", "maps") for path in (out / folder).glob(".*")]
    assert half == [] and list((out / "drives").iterdir()) == []
    assert program("simulate", fleet, "--out", out).returncode == 0
    assert contents(out) == contents(small_fleet)


def started(fleet: Path, out: Path) -> "subprocess.Popen[str]":
    """The program in a process of its own, with one traffic process and Ctrl-C in force.

    Whoever started these tests in the background may have turned Ctrl-C off.
    """
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    start += "from ridealong.cli import main; main()"
    command = [sys.executable, "-c", start, "simulate", fleet, "--out", out]
    return subprocess.Popen(
        [*map(str, command), "--processes", "1"], stderr=subprocess.PIPE, text=True
    )


def child(pid: int) -> int:
    """Wait for a traffic process of a process (a child of any of its threads)."""

    def found() -> int | None:
        with contextlib.suppress(OSError):  # threads and children come and go
            tasks = Path(f"/proc/{pid}/task").glob("*/children")
            for found in " ".join(task.read_text() for task in tasks).split():
                if b"traffic.worker" in Path(f"/proc/{found}/cmdline").read_bytes():
                    return int(found)
        return None

    return until(found)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_sumo_dies_midway(small_fleet: Path, program: Any, fleet: Path, out: Path) -> None:
    run = started(fleet, out)
    traffic = child(child(run.pid))
    os.kill(traffic, signal.SIGSTOP)  # or it could be done before it is killed
    assert alive(traffic)
    os.kill(traffic, signal.SIGKILL)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 2
    told = [line for line in said.splitlines() if line.startswith("failed: ")]
    assert len(told) == 1 and told[0].endswith("traffic failed: SUMO died (SIGKILL)")
    assert len(list((out / "drives").iterdir())) == 3
    assert program("simulate", fleet, "--out", out).returncode == 0
    assert contents(out) == contents(small_fleet)


@pytest.mark.slow
def test_ctrl_c(small_fleet: Path, program: Any, fleet: Path, out: Path) -> None:
    run = started(fleet, out)
    worker = child(run.pid)
    traffic = child(worker)
    os.kill(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130 and "Traceback" not in said
    assert said.splitlines()[-1].startswith("interrupted; nothing half-done is visible")
    assert not alive(worker)
    until(
        lambda: not alive(traffic)
    )  # killed too, but it is nobody's child, so nobody waits for it
    assert not list((out / "drives").glob(".*"))
    assert program("simulate", fleet, "--out", out).returncode == 0
    assert contents(out) == contents(small_fleet)
