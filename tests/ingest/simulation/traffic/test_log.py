"""Traffic runs: whole, the same from one seed, resumed after a kill, failing one by one."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ingest.simulation.drive_log import read_log
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.maps.build import build_map
from ingest.simulation.scene import CATEGORIES
from ingest.simulation.simulate import SimulationReport, simulate
from ingest.simulation.traffic import log as traffic
from ingest.simulation.traffic.log import TrafficError, TrafficJob, TrafficProcess
from ingest.simulation.traffic.road_users import BICYCLE, KINDS, PEDESTRIAN
from ridealong.errors import RidealongError
from ridealong.terminal.console import Console
from tests.waiting import until

pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_kinds_are_the_scenes_categories() -> None:
    assert tuple(category.value for category in CATEGORIES) == KINDS


def test_the_report_adds_up(small_run: tuple[Path, SimulationReport]) -> None:
    _, report = small_run
    assert (report.drives, report.simulated, report.failed) == (4, 4, 0)
    assert report.failures == []
    assert report.vehicle_steps > 4 * 120 * 10


def test_again_there_is_nothing_to_do(small_fleet: Path, small_spec: FleetSpec) -> None:
    before = contents(small_fleet)
    report = simulate(small_spec, small_fleet, Console(as_json=True))
    assert (report.already_there, report.simulated) == (4, 0)
    assert contents(small_fleet) == before


def test_a_lost_drive_comes_back_with_the_same_bytes(
    small_fleet: Path, small_spec: FleetSpec, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_fleet, copy)
    lost = sorted((copy / "drives").iterdir())[2]
    shutil.rmtree(lost)
    (copy / "drives" / ".half-123").mkdir()
    report = simulate(small_spec, copy, Console(as_json=True), processes=1)
    assert (report.already_there, report.simulated) == (3, 1)
    assert contents(copy) == contents(small_fleet)


@pytest.mark.slow
def test_a_killed_run_is_resumed(small_fleet: Path, small_spec: FleetSpec, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    spec = tmp_path / "small.yaml"
    spec.write_text(small_spec.model_dump_json(), "utf-8")
    command = [sys.executable, "-m", "ridealong", "simulate", str(spec), "--out", str(out)]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: list((out / "drives").glob("small*")))
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    report = simulate(small_spec, out, Console(as_json=True))
    assert report.already_there >= 1
    assert report.drives == report.already_there + report.simulated
    # A traffic process that outlived its asker may still drop its hidden file.
    found = {name: body for name, body in contents(out).items() if "/." not in name}
    assert found == contents(small_fleet)


def test_who_is_seen_is_near_and_known(small_fleet: Path) -> None:
    kinds = set()
    for folder in sorted((small_fleet / "drives").iterdir()):
        log = read_log(folder)
        ego_x, ego_y = log.ego["x_m"][log.seen.step], log.ego["y_m"][log.seen.step]
        assert np.hypot(log.seen.x_m - ego_x, log.seen.y_m - ego_y).max() < 135
        assert np.isin(log.seen.track, log.tracks.number).all()
        assert (np.diff(log.seen.step) >= 0).all()
        kinds |= set(log.tracks.kind.tolist())
    assert {PEDESTRIAN, BICYCLE, 0} <= kinds


def test_nobody_jumps(small_fleet: Path) -> None:
    for folder in sorted((small_fleet / "drives").iterdir()):
        seen = read_log(folder).seen
        order = np.lexsort([seen.step, seen.track])
        same = (np.diff(seen.track[order]) == 0) & (np.diff(seen.step[order]) == 1)
        way = np.hypot(np.diff(seen.x_m[order]), np.diff(seen.y_m[order]))[same]
        assert way.max() < 6.0


def test_another_fleet_is_not_overwritten(small_fleet: Path, small_spec: FleetSpec) -> None:
    with pytest.raises(
        RidealongError, match="the folder contains another fleet; name another folder"
    ):
        simulate(small_spec, small_fleet, Console(as_json=True), seed=6)


def test_a_foreign_folder_is_not_touched(small_spec: FleetSpec, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RidealongError, match="not an empty folder"):
        simulate(small_spec, tmp_path, Console(as_json=True))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_signal_that_kills_sumo_is_told(tmp_path: Path) -> None:
    job = _job(tmp_path, seconds=20_000.0)  # SUMO is still busy with it when it is killed
    with TrafficProcess() as process:
        run = traffic._start()
        process._process = run
        with (
            subprocess.Popen([sys.executable, "-c", _KILL_CHILD, str(run.pid)]),
            pytest.raises(TrafficError, match=r"traffic failed: SUMO died \(SIGKILL\)"),
        ):
            process.run(job)
        # The process itself lives on and does the next job.
        assert len(process.run(_job(tmp_path, seconds=1.0)).motion.speed_mps) == 10


_KILL_CHILD = """
import os, signal, sys, time
from pathlib import Path
children = Path(f"/proc/{sys.argv[1]}/task/{sys.argv[1]}/children")
for _ in range(4000):
    found = children.read_text().split()
    if found:
        time.sleep(0.3)
        os.kill(int(found[0]), signal.SIGKILL)
        break
    time.sleep(0.05)
"""


def _job(folder: Path, seconds: float) -> TrafficJob:
    network = build_map(folder / "maps", "test", False)
    out = str(folder / "run.npz")
    return TrafficJob(str(network), out, seed=3, seconds=seconds, road="city", vehicles=4, people=0)


def test_a_process_that_ends_is_told_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stillborn() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.exit(7)"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    job = _job(tmp_path, seconds=1.0)
    with TrafficProcess() as process:
        with monkeypatch.context() as patch:
            patch.setattr(traffic, "_start", stillborn)
            with pytest.raises(TrafficError, match="the traffic process ended with 7"):
                process.run(job)
        assert len(process.run(job).motion.speed_mps) == 10


def test_missing_sumo_is_told(
    small_spec: FleetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RidealongError, match="SUMO's library is not installed; pip install"):
        simulate(small_spec, tmp_path / "out", Console(as_json=True))
    assert not (tmp_path / "out").exists()
