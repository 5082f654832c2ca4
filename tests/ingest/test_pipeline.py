"""The ingest pipeline: equal to direct calls, exact accounting, only what is new."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.discovery import find_drives
from ingest.drives import DriveOutcome, DrivePlan, ingest_drive
from ingest.report import IngestReport
from ingest.rows import columns
from ingest.run import ingest
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE, TELEMETRY
from ingest.triggers.spec import TriggerSpec
from ridealong.errors import RidealongError
from ridealong.execution import runner
from ridealong.execution.accounting import ItemsLostError, Status, settle
from ridealong.execution.failures import DISK_FULL, described, one_line_each
from ridealong.lake import Lake
from ridealong.lake.files import disk_errors
from ridealong.perception.recording import DriveFiles
from ridealong.specs import parse_spec
from ridealong.terminal.console import Console

pytestmark = pytest.mark.slow

NS_PER_S = 1_000_000_000
ACCELERATION = "Vehicle.Acceleration.Longitudinal"
BRAKE_YAML = f"""
name: brake
description: Brakes for half a second.
when: held({ACCELERATION} <= -3, '0.5 s')
pre: 2 s
post: 2 s
"""
BRAKE = parse_spec(BRAKE_YAML, TriggerSpec, where="brake.yaml")
FAST = parse_spec(
    "{name: fast, description: Fast., when: \"Vehicle.Speed > '50 km/h'\", pre: 1 s, post: 1 s}",
    TriggerSpec,
    where="fast.yaml",
)


def write_drive(folder: Path, name: str, brake_at_s: float, seconds: float = 30.0) -> Path:
    """A drive at 36 km/h that brakes at -4 m/s² for one second."""
    folder.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(int(seconds * 10)) / 10
    braking = (time_s >= brake_at_s - 1e-9) & (time_s < brake_at_s + 1 - 1e-9)
    table = pa.table(
        {
            "timestamp_ns": (1_700_000_000 * NS_PER_S + np.round(time_s * NS_PER_S)).astype(
                "int64"
            ),
            "Vehicle.Speed": np.full(len(time_s), 36.0, np.float32),
            ACCELERATION: np.where(braking, -4.0, 0.0).astype(np.float32),
        }
    )
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    return path


def run(home: Path, logs: Path, *triggers: TriggerSpec, at_once: int | None = None) -> IngestReport:
    found = find_drives(logs).drives
    return ingest(Lake.create(home), found, triggers or (BRAKE,), Console(True), (), at_once)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "my logs | all"
    for index in range(5):
        write_drive(folder, f"drive {index}", brake_at_s=5.0 + index)
    return folder


def test_events_are_where_they_were_put(home: Path, logs: Path) -> None:
    report = run(home, logs)
    assert (report.drives, report.rows, report.rows_quarantined) == (5, 1500, 0)
    assert report.rows_in == report.rows + report.rows_quarantined
    assert (report.events, report.clips) == (5, 5)
    events = Lake.open(home).snapshot().read(EVENTS)
    assert sorted(events["onset_s"].to_pylist()) == pytest.approx([5, 6, 7, 8, 9])
    assert sorted(events["time_s"].to_pylist()) == pytest.approx([5.5, 6.5, 7.5, 8.5, 9.5])
    clips = Lake.open(home).snapshot().read(CLIPS)
    assert sorted(clips["start_s"].to_pylist()) == pytest.approx([3.5, 4.5, 5.5, 6.5, 7.5])
    assert set(events["clip_id"].to_pylist()) == set(clips["clip_id"].to_pylist())


def test_the_pipeline_equals_direct_calls(home: Path, logs: Path, tmp_path: Path) -> None:
    run(home, logs)
    other = Lake.create(tmp_path / "direct")
    found = find_drives(logs).drives
    plans = [DrivePlan(files, True, ("brake",)) for files in found]
    direct = [ingest_drive(other.home, other.new_commit_id(), plan, (BRAKE,)) for plan in plans]
    events = Lake.open(home).snapshot().read(EVENTS).to_pylist()
    by_id = {event["event_id"]: event for event in events}
    for outcome in direct:
        for event in outcome.events:
            assert by_id[event.event_id] | {"clip_id": None} == columns(event)
    names = {Path(file.path).name for outcome in direct for file in outcome.written}
    assert names == {Path(f).name for f in Lake.open(home).snapshot().files(TELEMETRY)}


def test_a_second_run_ingests_only_what_is_new(home: Path, logs: Path) -> None:
    run(home, logs)
    again = run(home, logs)
    assert (again.commit, again.drives, again.events) == (None, 0, 0)
    write_drive(logs, "late drive", brake_at_s=20.0)
    more = run(home, logs)
    assert (more.drives, more.files, more.events, more.clips) == (1, 1, 1, 1)
    assert Lake.open(home).snapshot().read(DRIVES).num_rows == 6


def test_a_new_trigger_passes_over_old_drives(home: Path, logs: Path) -> None:
    run(home, logs)
    report = run(home, logs, BRAKE, FAST)
    assert (report.drives, report.rows, report.events) == (0, 0, 0)
    slow = FAST.model_copy(update={"name": "slow", "when": "Vehicle.Speed > '30 km/h'"})
    report = run(home, logs, slow)
    assert (report.drives, report.rows, report.events) == (0, 0, 5)
    assert Lake.open(home).snapshot().read(TELEMETRY).num_rows == 1500


def test_bad_files_and_rows_are_quarantined(home: Path, logs: Path) -> None:
    (logs / "torn.parquet").write_bytes(b"PAR1 but no more")
    table = pq.read_table(logs / "drive 0.parquet")
    pedal = pa.array([500] + [50] * (len(table) - 1), pa.int16())
    pq.write_table(
        table.append_column("Vehicle.Chassis.Brake.PedalPosition", pedal), logs / "odd.parquet"
    )
    report = run(home, logs)
    assert (report.drives, report.files, report.files_quarantined) == (6, 7, 1)
    assert (report.rows_quarantined, report.rows_in) == (1, 1800)
    rows = Lake.open(home).snapshot().read(QUARANTINE).to_pylist()
    by_kind = {row["kind"]: row for row in rows}
    assert by_kind["file"]["path"].endswith("torn.parquet")
    assert "PedalPosition" in by_kind["row"]["reason"] and by_kind["row"]["row"] == 0
    assert run(home, logs).commit is None  # what is quarantined is not tried again


@pytest.mark.parametrize("victim", ["drive", "clip"])
def test_a_runner_that_loses_an_item_commits_nothing_of_its_shard(
    home: Path, logs: Path, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    whole = runner.Do.process
    seen: list[object] = []

    def lossy(self: runner.Do, item: object) -> Iterator[Any]:
        seen.extend([item] if isinstance(item, DrivePlan) == (victim == "drive") else [])
        for emitted in whole(self, item):
            if len(seen) != 4 or seen[-1] is not item:  # of two a shard, one of the second
                yield emitted

    monkeypatch.setattr(runner.Do, "process", lossy)
    with pytest.raises(ItemsLostError, match="nothing of them was committed"):
        run(home, logs, at_once=2)
    snapshot = Lake.open(home).snapshot()
    drives, clips = snapshot.read(DRIVES).num_rows, snapshot.read(CLIPS).num_rows
    assert (drives, clips) == ((2, 0) if victim == "drive" else (5, 2))
    monkeypatch.undo()
    again = run(home, logs)
    assert (again.drives, again.clips) == (5 - drives, 5 - clips)
    assert snapshot_of(home, EVENTS).num_rows == 5


def snapshot_of(home: Path, table: Any) -> pa.Table:
    return Lake.open(home).snapshot().read(table)


def test_a_runner_that_repeats_work_counts_it_once(
    home: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = runner.Do.process

    def twice(self: runner.Do, item: object) -> Iterator[Any]:
        yield from whole(self, item)
        yield from whole(self, item)

    monkeypatch.setattr(runner.Do, "process", twice)
    report = run(home, logs)
    assert (report.drives, report.rows, report.events) == (5, 1500, 5)


def test_failures_of_one_cause_share_a_line() -> None:
    failures = [("a", "full"), ("b", "torn"), ("c", "full"), ("d", "full")]
    assert one_line_each(failures) == ("a and 2 more: full", "b: torn")
    assert one_line_each([]) == ()
    full = OSError(errno.ENOSPC, "No space left on device")
    assert described(full) == DISK_FULL
    try:
        with disk_errors(Path("x")):
            raise full
    except RidealongError as error:
        assert described(error) == DISK_FULL
    assert described(RidealongError("torn", where="x")) == "x: torn"


def test_settle_names_what_was_lost_and_what_is_strange() -> None:
    files = DriveFiles("parquet", "a", "a", "0", 0)
    done = DriveOutcome(Status.DONE, DrivePlan(files, True, ()))
    assert settle(["a (a)"], [done, done]) == [done]
    with pytest.raises(ItemsLostError, match=r"lost: .'b'."):
        settle(["a (a)", "b"], [done])
    with pytest.raises(ItemsLostError, match=r"not planned: .'a \(a\)'."):
        settle([], [done])


@pytest.mark.slow
def test_dask_carries_the_same_pipeline(
    home: Path, logs: Path, tmp_path: Path, program_process: Any
) -> None:
    pytest.importorskip("distributed")
    run(home, logs)
    brake = tmp_path / "brake.yaml"
    brake.write_text(BRAKE_YAML)
    # In a process of its own: Beam's Dask runner leaves its cluster behind.
    words = ("ingest", logs, "--triggers", brake, "--home", tmp_path / "dask", "--json")
    done = program_process(*words, "--", "--runner=DaskRunner")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["drives"], report["events"], report["clips"]) == (5, 5, 5)
    found, expected = (
        Lake.open(folder).snapshot().read(EVENTS).sort_by("event_id")
        for folder in (tmp_path / "dask", home)
    )
    assert found.equals(expected)
