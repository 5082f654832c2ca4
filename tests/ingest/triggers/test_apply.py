"""Triggers are applied to the drives in the lake: once, exactly as ingest does it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.applying import apply_triggers
from ingest.schemas import CLIPS, DRIVES, EVENTS
from ingest.triggers.spec import TriggerSpec
from ridealong.lake import Lake
from ridealong.specs import parse_spec
from ridealong.terminal.console import Console

Write = Callable[[str], Path]
QUIET = "name: quiet\ndescription: Never.\nwhen: Vehicle.Speed > '900 km/h'\n"


def rows(home: Path, table: Any, key: str) -> list[dict[str, Any]]:
    found = Lake.open(home).snapshot().read(table).to_pylist()
    return sorted(found, key=lambda row: str(row[key]))


def test_it_records_what_ingest_would(
    braking_home: Path, braking_logs: Path, brake: str, trigger_file: Write, program: Any, ask: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    file, other = trigger_file(brake), tmp_path / "other"
    report = ask("triggers", "apply", file, "--home", braking_home)
    assert (report["events"], report["clips"], report["files"]) == (30, 8, 12)
    assert (report["drives"], report["rows"], report["failures"]) == (0, 0, [])
    program("ingest", braking_logs, "--triggers", file, "--home", other)
    assert rows(braking_home, EVENTS, "event_id") == rows(other, EVENTS, "event_id")
    mine, theirs = (rows(one, CLIPS, "clip_id") for one in (braking_home, other))
    for row in (*mine, *theirs):
        del row["blob"]  # it names the commit
    assert mine == theirs
    done = program("triggers", "apply", file, "--home", braking_home)
    assert done.returncode == 0 and done.stdout.startswith("nothing new")
    again = ask("ingest", braking_logs, "--triggers", file, "--home", braking_home)
    assert (again["commit"], again["events"]) == (None, 0)  # one key for both commands
    assert len(rows(braking_home, EVENTS, "event_id")) == 30


def test_recordings_that_are_gone_or_changed_are_named(
    braking_logs: Path, brake: str, trigger_file: Write, program: Any, ask: Any, tmp_path: Path
) -> None:
    braking_home, logs = tmp_path / "home", tmp_path / "logs"
    shutil.copytree(braking_logs, logs)
    ask("ingest", logs, "--triggers", trigger_file(QUIET), "--home", braking_home)
    file = trigger_file(brake.replace("budget:", "sample: 1\n# budget:"))
    before = ask("triggers", "dry-run", file, "--home", braking_home)
    kept = {r["drive_id"]: r["source_path"] for r in rows(braking_home, DRIVES, "drive_id")}
    gone, changed = logs / "drive00.parquet", logs / "drive01.parquet"
    content = gone.read_bytes()
    gone.unlink()
    changed.write_bytes(changed.read_bytes() + b" ")
    (logs / "drive02.parquet").unlink()
    told = ask("triggers", "dry-run", file, "--home", braking_home)
    assert (told["recordings_gone"], told["clips_gone"]) == (2, 3)
    done = program("triggers", "apply", file, "--home", braking_home)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert len(lines) == 2  # one for each reason
    assert "and 1 more: the recording is gone from" in done.stderr
    assert "has changed" in done.stderr
    events = rows(braking_home, EVENTS, "event_id")
    named = {name for name, path in kept.items() if "drive00" in path or "drive01" in path}
    assert not named & {event["drive_id"] for event in events} and len(events) > 15
    keep = ("--keep-going", "--home", braking_home)
    assert program("triggers", "apply", file, *keep).returncode == 0
    # What comes back is done, and it alone.
    gone.write_bytes(content)
    report = ask("triggers", "apply", file, *keep)
    assert report["clips"] == 1 and len(report["failures"]) == 2
    assert before["clips"] == len(rows(braking_home, CLIPS, "clip_id")) + 2 + 2


def test_a_new_clip_is_cut_beside_those_that_overlap_it(
    braking_home: Path, brake: str, fast: str, trigger_file: Write, ask: Any
) -> None:
    ask("triggers", "apply", trigger_file(fast), "--home", braking_home)
    before = rows(braking_home, CLIPS, "clip_id")
    ask("triggers", "apply", trigger_file(brake), "--home", braking_home)
    after = rows(braking_home, CLIPS, "clip_id")
    assert [row for row in after if row in before] == before
    new = [row for row in after if row not in before]
    assert {tuple(row["triggers"]) for row in new} == {("brake",)}
    spans = [(row["drive_id"], row["start_ns"], row["end_ns"]) for row in before]
    assert any(
        row["drive_id"] == drive and row["start_ns"] <= end and start <= row["end_ns"]
        for row in new
        for drive, start, end in spans
    )


def test_an_interrupt_leaves_nothing_half_done(
    braking_home: Path, brake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = parse_spec(brake, TriggerSpec, "brake.yaml")
    lake, commits = Lake.open(braking_home), []
    commit = Lake.commit

    def interrupted(*arguments: Any, **named: Any) -> Any:
        if len(commits) == 1:  # the second shard of clips
            raise KeyboardInterrupt
        commits.append(arguments)
        return commit(*arguments, **named)

    monkeypatch.setattr(Lake, "commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        apply_triggers(lake, [spec], Console(True), at_once=3)
    monkeypatch.undo()
    events, clips = rows(braking_home, EVENTS, "event_id"), rows(braking_home, CLIPS, "clip_id")
    assert {e["clip_id"] for e in events if e["kept"]} == {clip["clip_id"] for clip in clips}
    report = apply_triggers(lake, [spec], Console(True), at_once=3)
    assert report.events + len(events) == 30


def test_over_some_drives(braking_home: Path, brake: str, trigger_file: Write, ask: Any) -> None:
    night = ("--over", "light = 'night'", "--home", braking_home)
    assert ask("triggers", "apply", trigger_file(brake), *night)["files"] == 3
    assert ask("triggers", "apply", trigger_file(brake), "--home", braking_home)["files"] == 9
