"""Clips of a simulated fleet, cut by processes: the same bytes, and what goes wrong stays small."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from ingest.clip_jobs import ClipCutter, clip_jobs, plan_clips
from ingest.discovery import find_drives
from ingest.report import IngestReport
from ingest.rows import DriveRow, event_rows
from ingest.run import ingest
from ingest.schemas import CLIPS, DRIVES, EVENTS
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.failures import DISK_FULL
from ridealong.execution.processes import pool
from ridealong.lake import Lake
from ridealong.specs import parse_spec
from ridealong.terminal.console import Console
from tests.waiting import until

pytestmark = pytest.mark.slow

START_YAML = """
name: start
description: Every drive's first moment.
when: Vehicle.Speed >= 0
pre: 1 s
post: 1 s
"""
START = parse_spec(START_YAML, TriggerSpec, where="start.yaml")
# The program in a process that may only write files of so many bytes, or with Ctrl-C in force
# (whoever starts a process in the background may have turned it off).
LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
if (most := int(sys.argv.pop(1))) > 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
from ridealong.cli import main
main()
"""


def run(home: Path, fleet: Path) -> IngestReport:
    found = find_drives(fleet).drives
    return ingest(Lake.create(home), found, (START,), Console(as_json=True))


def run_with_one_process(home: Path, fleet: Path) -> IngestReport:
    """As `run`, where the number of processes does not matter: each takes seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
        return run(home, fleet)


@dataclass(frozen=True)
class Ingested:
    """A lake with the small fleet, and what ingesting it reported and printed."""

    home: Path
    report: IngestReport
    said: list[str]


@pytest.fixture(scope="module")
def ingested(small_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """The small fleet, ingested once for the tests that only read the lake."""
    home = tmp_path_factory.mktemp("ingested") / "home"
    with contextlib.redirect_stderr(io.StringIO()) as said:
        report = run(home, small_fleet)
    return Ingested(home, report, said.getvalue().splitlines())


def start(fleet: Path, home: Path, folder: Path, most_bytes: int = 0) -> "subprocess.Popen[str]":
    trigger = folder / "start.yaml"
    trigger.write_text(START_YAML)
    words = ("ingest", fleet, "--triggers", trigger, "--home", home, "--json")
    return subprocess.Popen(
        [sys.executable, "-c", LIMITED, str(most_bytes), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def dying() -> "subprocess.Popen[bytes]":
    """In a worker's place, a process that dies of its first job."""
    program = "import os, sys; sys.stdin.buffer.read(1); os.kill(os.getpid(), 9)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", program], **pipes)


def test_processes_cut_what_this_one_would(
    serving: Any, small_fleet: Path, ingested: Ingested
) -> None:
    home, report, said = ingested.home, ingested.report, ingested.said
    assert (report.drives, report.events, report.clips, report.failures) == (4, 4, 4, ())
    assert serving(os.getpid()) == []
    assert said[-1] == "clips: 4/4" and "drives: 4/4" in said
    snapshot = Lake.open(home).snapshot()
    drives = {row["drive_id"]: DriveRow(**row) for row in snapshot.read(DRIVES).to_pylist()}
    events = event_rows(snapshot.read(EVENTS))
    blobs = {row["clip_id"]: Path(row["blob"]).name for row in snapshot.read(CLIPS).to_pylist()}
    cutter, commit_id = ClipCutter(home), Lake.open(home).new_commit_id()
    for files in find_drives(small_fleet).drives[:2]:
        drive = drives[files.drive_id]
        mine = [event for event in events if event.drive_id == files.drive_id]
        for job in clip_jobs(commit_id, files, drive, plan_clips(drive, mine, (START,))):
            outcome = cutter.cut(job)
            assert outcome.written is not None, outcome.failure
            assert Path(outcome.written.path).name == blobs[outcome.clip_id]


def test_a_process_that_dies_fails_the_clips_of_its_drive_alone(
    serving: Any, small_fleet: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = chain([dying], repeat(pool._start))

    def start_next() -> "subprocess.Popen[bytes]":
        return next(starts)()

    monkeypatch.setattr(pool, "_start", start_next)
    report = run(home, small_fleet)
    [failure] = report.failures
    assert "the process that did it died (SIGKILL)" in failure
    assert (report.drives, report.clips, report.files_failed) == (4, 3, 1)
    assert serving(os.getpid()) == []
    again = run(home, small_fleet)
    assert (again.drives, again.clips, again.failures) == (0, 1, ())


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_loses_nothing(
    small_fleet: Path, ingested: Ingested, home: Path, tmp_path: Path
) -> None:
    whole = ingested.home
    sizes = [path.stat().st_size for path in (whole / "blobs").glob("*/*.mcap")]
    others = [path.stat().st_size for path in whole.rglob("*") if path.suffix != ".mcap"]
    most = (min(sizes) + max(others)) // 2
    assert max(others) < most < min(sizes)
    process = start(small_fleet, home, tmp_path, most_bytes=most)
    out, said = process.communicate()
    assert process.returncode == 2, said
    assert (json.loads(out)["drives"], json.loads(out)["clips"]) == (4, 0)
    told = [line for line in said.splitlines() if line.startswith("failed: ")]
    assert len(told) == 1 and told[0].endswith(f"and 3 more: {DISK_FULL}"), said
    assert list((home / "scratch").iterdir()) == []
    report = run_with_one_process(home, small_fleet)
    assert (report.drives, report.clips, report.failures) == (0, 4, ())


@pytest.mark.slow
@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_command(
    serving: Any, small_fleet: Path, home: Path, tmp_path: Path, ends: signal.Signals
) -> None:
    process = start(small_fleet, home, tmp_path)
    until(lambda: len(serving(process.pid)) >= min(2, pool.cores()))
    mine = serving(process.pid)
    os.killpg(process.pid, ends) if ends is signal.SIGINT else process.kill()
    _, said = process.communicate(timeout=30)
    assert process.returncode == (130 if ends is signal.SIGINT else -9)
    assert "Traceback" not in said, said
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in mine))
    snapshot = Lake.open(home).snapshot()
    # The drives were committed before the first clip was cut; none of the clips was.
    assert (snapshot.read(DRIVES).num_rows, snapshot.read(CLIPS).num_rows) == (4, 0)
    assert run_with_one_process(home, small_fleet).clips == 4
