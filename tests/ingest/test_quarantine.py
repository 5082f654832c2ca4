"""Bad input is quarantined once, with its reason; what may pass has failed, and is tried again."""

import errno
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from av.error import InvalidDataError
from av.error import OSError as FFmpegOSError

from ingest import clip_jobs
from ingest import drives as ingest_drives
from ingest.discovery import find_drives
from ingest.report import IngestReport, problems
from ingest.run import ingest
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE
from ingest.sources.registry import source
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import TriggerSpec
from ridealong.errors import RidealongError, UnreadableError
from ridealong.execution.failures import may_pass
from ridealong.execution.processes.pool import ProcessDiedError
from ridealong.lake import Lake
from ridealong.specs import parse_spec
from ridealong.terminal.console import Console

pytestmark = pytest.mark.slow

CASES = Path(__file__).parent / "cases"
VIDEO = Path(__file__).parents[2] / "examples" / "udacity_highway_video" / "solidWhiteRight.mp4"
FAST, SLOW = (
    parse_spec(
        f"{{name: {name}, description: x, when: \"Vehicle.Speed {sign} '50 km/h'\", "
        "pre: 1 s, post: 1 s}",
        TriggerSpec,
        where="x.yaml",
    )
    for name, sign in (("fast", ">"), ("slow", "<"))
)


def write_trip(path: Path, speeds: Sequence[float] = (40.0, 60.0, 40.0), **more: Any) -> Path:
    times = pa.array([1_700_000_000_000_000_000 + 10**9 * n for n in range(len(speeds))])
    pq.write_table(pa.table({"timestamp_ns": times, "Vehicle.Speed": speeds, **more}), path)
    return path


def run(home: Path, logs: Path, *triggers: TriggerSpec) -> IngestReport:
    found = find_drives(logs).drives
    return ingest(Lake.create(home), found, triggers or (FAST,), Console(True))


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (ValueError("year 2026-02-30"), False),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), False),
        (UnreadableError("torn"), False),
        (caused(UnreadableError("part missing"), FileNotFoundError(errno.ENOENT, "no")), False),
        (caused(UnreadableError("header promises too much"), MemoryError()), False),
        (caused(UnreadableError("no Parquet"), OSError("Couldn't deserialize thrift")), False),
        (caused(UnreadableError("no video"), InvalidDataError(1, "x")), False),
        (caused(UnreadableError("no video"), FFmpegOSError(errno.EIO, "x")), False),
        (RidealongError("a spec that does not fit"), False),
        (caused(UnreadableError("denied"), PermissionError(errno.EACCES, "no")), True),
        (caused(UnreadableError("disk"), OSError(errno.EIO, "x")), True),
        (caused(RidealongError("lake"), OSError(errno.EINVAL, "x")), True),
        (OSError(errno.ENOSPC, "full"), True),
        (OSError(errno.EMFILE, "too many"), True),
        (MemoryError(), True),
        (ProcessDiedError("killed"), True),
    ],
)
def test_what_may_pass(error: Exception, passing: bool) -> None:
    assert may_pass(error) is passing


def test_bad_files_are_quarantined_once_and_what_is_good_comes_in(
    home: Path, tmp_path: Path, program: Any
) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(CASES / "quarantine_exit0", logs)
    write_trip(logs / "good.parquet")
    write_trip(logs / "dated.parquet")
    (logs / "dated.drive.yaml").write_text("weather: hail")
    first = program("ingest", logs, "--home", home, "--json")
    assert first.returncode == 2 and "Traceback" not in first.stderr
    document = json.loads(first.stdout)
    assert (document["drives"], document["files"], document["files_quarantined"]) == (1, 4, 3)
    assert document["rows_in"] == document["rows"] + document["rows_quarantined"] == 3
    said = [line for line in first.stderr.splitlines() if line.startswith("quarantined: ")]
    assert (
        len(said) == 3
        and "time, speed_mps" in first.stderr
        and "dated.drive.yaml:1: weather" in first.stderr
    )
    again = program("ingest", logs, "--home", home)
    assert (again.returncode, again.stdout.strip()) == (0, "nothing new")
    assert "3 files known as unusable: ridealong quarantine list" in again.stderr
    assert "drives:" not in again.stderr  # nothing was read
    listed = json.loads(program("quarantine", "list", "--json", "--home", home).stdout)
    assert [(Path(row["path"]).name, row["kind"]) for row in listed] == [
        ("dated.parquet", "file"), ("door5.parquet", "file"), ("door5c.parquet", "file"),
    ]  # fmt: skip
    some = program("quarantine", "list", "--where", "source = 'video'", "--json", "--home", home)
    assert json.loads(some.stdout) == []
    (logs / "dated.drive.yaml").write_text("weather: rain")
    mended = program("ingest", logs, "--home", home)
    assert mended.returncode == 0 and "1 drive," in mended.stdout


def test_keep_going_exits_with_0(home: Path, tmp_path: Path, program: Any) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    done = program("ingest", tmp_path / "torn.parquet", "--keep-going", "--home", home)
    assert done.returncode == 0 and "quarantined: " in done.stderr


def test_video_and_telemetry_side_by_side_are_one_drive(home: Path, program: Any) -> None:
    done = program("ingest", CASES / "mixed_folder", "--home", home, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["drives"] == 1
    (drive,) = Lake.open(home).snapshot().read(DRIVES).to_pylist()
    assert (drive["source"], drive["telemetry_rows"], drive["cameras"]) == ("joined", 600, ["main"])
    assert drive["assumed"] == [
        "camera main begins with the telemetry, because trip.mp4 has no recorded time"
    ]


def test_bad_rows_are_told_with_their_place(home: Path, tmp_path: Path, program: Any) -> None:
    path = write_trip(tmp_path / "trip.parquet", (40.0, 60.0, float("inf")))
    done = program("ingest", path, "--home", home)
    assert done.returncode == 0
    assert f"left out: {path}: 1 row, first row 2: Vehicle.Speed: inf" in done.stderr


def test_twenty_lines_at_most() -> None:
    report = IngestReport(
        None, 0, 30, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0.0, quarantined=tuple(map(str, range(30)))
    )
    lines = problems(report)
    assert len(lines) == 21 and lines[-1] == "and 10 more: ridealong quarantine list"


def test_a_recording_without_permission_is_tried_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trip(tmp_path / "trip.parquet")
    parquet = source("parquet")
    opened = type(parquet).open

    def denied(self: Any, files: Any) -> Any:
        denial = PermissionError(errno.EACCES, "Permission denied", files.path)
        raise UnreadableError("cannot be read", where=files.path) from denial

    monkeypatch.setattr(type(parquet), "open", denied)
    first = run(home, tmp_path)
    assert (first.files_failed, first.files_quarantined, first.commit) == (1, 0, None)
    monkeypatch.setattr(type(parquet), "open", opened)
    assert run(home, tmp_path).drives == 1


def test_a_recording_that_is_gone_is_not_held_for_bad(home: Path, tmp_path: Path) -> None:
    path = write_trip(tmp_path / "trip.parquet")
    found = find_drives(tmp_path).drives
    path.unlink()
    report = ingest(Lake.create(home), found, (FAST,), Console(True))
    assert (report.files_failed, report.files_quarantined) == (1, 0)


def test_a_trigger_that_cannot_be_evaluated_leaves_the_drive_and_the_others(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overflowing(rows: Any, drives: Any, triggers: Sequence[TriggerSpec]) -> Any:
        if any(trigger.name == "slow" for trigger in triggers):
            raise ArithmeticError("out of range")
        return evaluate(rows, drives, triggers)

    write_trip(tmp_path / "trip.parquet")
    monkeypatch.setattr(ingest_drives, "evaluate", overflowing)
    report = run(home, tmp_path, FAST, SLOW)
    assert (report.drives, report.events, report.files_quarantined) == (1, 1, 0)
    assert "trigger 'slow' cannot be evaluated: ArithmeticError" in report.left_out[0]
    [row] = Lake.open(home).snapshot().read(QUARANTINE).to_pylist()
    assert row["kind"] == "trigger"
    assert run(home, tmp_path, FAST, SLOW).commit is None


def spoil_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips are cut in this process, and what is cut holds something bad."""

    def bad(*_: object) -> None:
        raise ValueError("frames do not ascend")

    monkeypatch.setattr(clip_jobs, "_content", bad)
    monkeypatch.setattr("ingest.pipeline._has_cameras", lambda job: False)


def test_a_clip_that_cannot_be_cut_is_left_out_of_its_drive(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trip(tmp_path / "trip.parquet")
    spoil_clips(monkeypatch)
    report = run(home, tmp_path)
    assert (report.drives, report.clips, report.clips_left_out) == (1, 0, 1)
    assert (report.files_quarantined, report.failures) == (0, ())
    assert "clip from 0.0 s to 2.0 s: ValueError: frames do not ascend" in report.left_out[0]
    snapshot = Lake.open(home).snapshot()
    [event] = snapshot.read(EVENTS).to_pylist()
    assert (event["kept"], event["reason"], event["clip_id"]) == (False, "unreadable", None)
    assert [row["kind"] for row in snapshot.read(QUARANTINE).to_pylist()] == ["clip"]
    assert run(home, tmp_path).commit is None


def test_a_video_that_cannot_be_cut_gives_no_drive(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(VIDEO, tmp_path / "trip.mp4")
    spoil_clips(monkeypatch)
    report = run(home, tmp_path)
    assert (report.drives, report.clips, report.files_quarantined) == (0, 0, 1)
    assert "trip.mp4: ValueError: frames do not ascend" in report.quarantined[0]
    snapshot = Lake.open(home).snapshot()
    assert snapshot.read(DRIVES).num_rows == snapshot.read(CLIPS).num_rows == 0
    assert [row["kind"] for row in snapshot.read(QUARANTINE).to_pylist()] == ["file"]
    again = run(home, tmp_path)
    assert (again.commit, again.files_known_unusable) == (None, 1)


def test_a_drive_id_that_came_in_with_other_content(home: Path, tmp_path: Path) -> None:
    write_trip(tmp_path / "trip.parquet", drive_id=["van"] * 3)
    assert run(home, tmp_path).drives == 1
    write_trip(tmp_path / "trip.parquet", (10.0, 20.0, 30.0), drive_id=["van"] * 3)
    report = run(home, tmp_path)
    assert (report.drives, report.files_quarantined) == (0, 1)
    assert "drive 'van' is already in the lake with other content" in report.quarantined[0]
    assert Lake.open(home).snapshot().read(DRIVES).num_rows == 1
    again = run(home, tmp_path)
    assert (again.commit, again.files_known_unusable) == (None, 1)


def test_parts_of_one_drive_do_not_stop_the_rest(home: Path, tmp_path: Path) -> None:
    for part in range(2):
        write_trip(tmp_path / f"part-{part}.parquet", (40.0, part), drive_id=["trip7"] * 2)
    os.mkfifo(tmp_path / "pipe.parquet")
    raw = pa.array([b"\xff\xfe"] * 3, pa.binary()).buffers()
    write_trip(tmp_path / "ids.parquet", drive_id=pa.Array.from_buffers(pa.string(), 3, raw))
    write_trip(tmp_path / "good.parquet")
    report = run(home, tmp_path)
    assert (report.drives, report.files_quarantined, report.files) == (1, 4, 5)
    assert sum("ids.parquet" in line and "UTF-8" in line for line in report.quarantined) == 1
    assert sum("'trip7' is in 2 files" in line for line in report.quarantined) == 2
    (tmp_path / "part-1.parquet").unlink()  # whoever made them joined them
    assert run(home, tmp_path).drives == 1
