"""Shards of an ingest: whatever their size the tables are the same, and a kill costs one."""

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest import cutting, reading
from ingest.discovery import find_drives
from ingest.report import IngestReport
from ingest.run import ingest
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE, TELEMETRY
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.processes.pool import cores
from ridealong.execution.shards import LEAST_A_CORE, MOST, MOST_ELSEWHERE, shard_size, shards
from ridealong.lake import Lake
from ridealong.specs import parse_spec
from ridealong.terminal.console import Console

pytestmark = pytest.mark.slow

DRIVES_WRITTEN = 6
BUDGET = parse_spec(
    """
name: fast
description: Fast, four times a day over all vehicles, and twice a vehicle.
when: Vehicle.Speed > '50 km/h'
pre: 1 s
post: 1 s
budget: {per_day: 4, per_vehicle_per_day: 2}
""",
    TriggerSpec,
    where="fast.yaml",
)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drives of three vehicles on one day, each of which is fast twice; one file is torn."""
    folder = tmp_path_factory.mktemp("logs")
    for number in range(DRIVES_WRITTEN):
        start = 1_700_000_000_000_000_000 + number * 60_000_000_000
        speeds = [60.0 if step in (50, 150) else 40.0 for step in range(200)]
        rows = {
            "timestamp_ns": [start + step * 100_000_000 for step in range(200)],
            "Vehicle.Speed": speeds,
        }
        pq.write_table(pa.table(rows), folder / f"drive{number}.parquet")
        (folder / f"drive{number}.drive.yaml").write_text(f"vehicle_id: van-{number % 3}")
    (folder / "torn.parquet").write_bytes(b"PAR1 but no more")
    return folder


def run(home: Path, logs: Path, at_once: int | None) -> IngestReport:
    found = find_drives(logs).drives
    return ingest(Lake.create(home), found, (BUDGET,), Console(True), (), at_once)


def content(home: Path) -> dict[str, Any]:
    """All rows, without the names that come from commits."""
    snapshot = Lake.open(home).snapshot()
    tables = {spec.name: snapshot.read(spec) for spec in (DRIVES, TELEMETRY, EVENTS, QUARANTINE)}
    clips = snapshot.read(CLIPS)
    names = [Path(blob).name for blob in clips["blob"].to_pylist()]
    tables["clips"] = clips.drop_columns(["blob"]).append_column("file", pa.array(names))
    return {name: table.to_pylist() for name, table in tables.items()}


@pytest.fixture(scope="module")
def whole(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("whole") / "home"
    run(home, logs, 1000)
    return content(home)


def test_a_budget_counts_over_the_shards_of_its_day(whole: dict[str, Any]) -> None:
    kept = [event for event in whole["events"] if event["kept"]]
    assert len(whole["events"]) == 12 and len(kept) == 4
    # A vehicle's two of four come first, then the day's four of those six.
    assert {event["inclusion_probability"] for event in kept} == {2 / 4 * 4 / 6}


def test_the_tables_do_not_depend_on_the_size_of_a_shard(
    logs: Path, home: Path, whole: dict[str, Any]
) -> None:
    report = run(home, logs, 2)
    assert content(home) == whole
    assert len(report.commits) >= 5 and report.commit == report.commits[-1]
    assert (report.drives, report.files, report.files_quarantined) == (6, 7, 1)
    assert run(home, logs, 2).commit is None


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [2, 6])
def test_a_kill_costs_the_shard_in_hand(
    logs: Path, home: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    commits = itertools.count(1)
    commit = Lake.commit

    def until_killed(self: Lake, *arguments: Any) -> Any:
        if next(commits) == killed_at:
            raise KeyboardInterrupt
        return commit(self, *arguments)

    monkeypatch.setattr(Lake, "commit", until_killed)
    with pytest.raises(KeyboardInterrupt):
        run(home, logs, 2)
    monkeypatch.undo()
    before = content(home)
    assert len(before["drives"]) == min(2 * (killed_at - 1), DRIVES_WRITTEN)
    assert run(home, logs, 2).drives == DRIVES_WRITTEN - len(before["drives"])
    after = content(home)
    for name in ("drives", "telemetry", "quarantine"):
        assert after[name] == whole[name], name
    # What came after a kill was drawn from the room that was left.
    assert sum(event["kept"] for event in after["events"]) == len(after["clips"]) == 4
    assert len(after["events"]) == 12


def test_once_the_disk_is_full_no_other_shard_is_tried(
    logs: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, calls = cutting.cut_clips, itertools.count(1)

    def filling(*arguments: Any) -> Any:
        outcomes = cut(*arguments)
        if next(calls) == 1:
            return [
                type(o)(o.clip_id, failure="the disk is full; make room and run the command again")
                for o in outcomes
            ]
        return outcomes

    monkeypatch.setattr(cutting, "cut_clips", filling)
    report = run(home, logs, 2)
    assert next(calls) == 2  # the second was never asked for
    assert (report.drives, report.clips) == (6, 0)
    [line] = report.failures
    assert line.endswith("the disk is full; make room and run the command again")
    monkeypatch.undo()
    assert run(home, logs, 2).clips == 4
    monkeypatch.setattr(reading, "read_drives", lambda *_: pytest.fail("nothing is left"))
    assert run(home, logs, 2).files == 0


def test_sizes_of_shards() -> None:
    assert shard_size(75) == LEAST_A_CORE * cores()
    assert shard_size(2_000) == 200 and shard_size(1_000_000) == MOST
    assert shard_size(75, ["--runner=DaskRunner"]) == MOST_ELSEWHERE
    assert list(shards("abcde", 2)) == ["ab", "cd", "e"] and list(shards("", 2)) == []
