"""Video and telemetry in files of their own, as one drive."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.discovery import find_drives
from ingest.drives import DriveOutcome, DrivePlan, ingest_drive
from ingest.sources.registry import open_drive
from ridealong.execution.accounting import Status
from ridealong.perception.recording import DriveFiles, Recording

S = 10**9
DATE = "2026-03-01T10:00:00"
START = 1_772_359_200 * S  # that date
PERIOD = S // 20
MAP = "time: {column: t, unit: s}\nsignals: {v: {signal: Vehicle.Speed}}\n"


@pytest.fixture
def film(write_video: Any) -> Any:
    """Write a video of 1.5 s; frame k is grey of 4 k at its right."""

    def write(name: str, recorded: str | None = f"{DATE}Z", **more: Any) -> Path:
        return write_video(name, frames=30, creation_time=recorded or "", **more)

    return write


def telemetry(path: Path, start_ns: int = START, seconds: int = 5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = start_ns + np.arange(seconds * 10) * S // 10
    if path.suffix == ".parquet":
        speed = np.full(len(times), 36.0)
        pq.write_table(pa.table({"timestamp_ns": times, "Vehicle.Speed": speed}), path)
    else:
        path.write_text("t,v\n" + "".join(f"{t / S:.1f},36\n" for t in times.tolist()))
    return path


def one(path: Path, **how: Any) -> tuple[DriveFiles, Recording]:
    found = find_drives(path, **how)
    ids = {files.drive_id: files for files in found.drives}
    assert len(ids) == 1 and not found.remarks, found
    (files,) = ids.values()
    assert files.trouble is None, files.trouble
    return files, open_drive(files)


def seen(recording: Recording, camera: str, start: int = 0, end: int = 2**62) -> list[Any]:
    """When each frame is shown, in periods since `START`, and its number."""
    frames = recording.frames(start, end, [camera])
    return [
        ((time - START) / PERIOD, round(float(images[camera][:, -8:].mean()) / 4))
        for time, images in frames
    ]


def test_one_name_and_times_that_overlap(film: Any, tmp_path: Path) -> None:
    telemetry(tmp_path / "trip.parquet", START - S)
    film("trip.mp4")
    (tmp_path / "trip.drive.yaml").write_text("vehicle_id: van\ncameras: [front]\n")
    files, recording = one(tmp_path)
    assert files.source == "joined" and files.drive_id.startswith("trip-")
    assert recording.telemetry().num_rows == 50 and list(recording.cameras) == ["front"]
    known = recording.attributes
    assert (known.vehicle_id, known.assumed, known.start_ns) == ("van", None, START - S)
    assert known.end_ns == START + 39 * S // 10
    assert seen(recording, "front") == [(k, k) for k in range(30)]
    assert [k for k, _ in seen(recording, "front", START + S)] == list(range(20, 30))
    assert (
        find_drives(tmp_path / "trip.mp4").drives == find_drives(tmp_path / "trip.parquet").drives
    )


def test_a_video_without_a_time_begins_with_the_telemetry(film: Any, tmp_path: Path) -> None:
    telemetry(tmp_path / "trip.parquet")
    film("trip.mp4", None)
    _, recording = one(tmp_path)
    assert recording.attributes.assumed == (
        "camera main begins with the telemetry, because trip.mp4 has no recorded time",
    )
    assert seen(recording, "main")[:2] == [(0, 0), (1, 1)]


def test_a_table_with_a_mapping(film: Any, tmp_path: Path) -> None:
    telemetry(tmp_path / "logs/trip.csv")
    film("logs/trip.mp4")
    film("logs/other.mp4")
    (tmp_path / "map.yaml").write_text(MAP)
    how = {"source": "table", "mapping": tmp_path / "map.yaml"}
    files, recording = one(tmp_path / "logs", **how)
    assert files.source == "joined" and files.mapping is not None
    assert recording.telemetry().num_rows == 50 and list(recording.cameras) == ["main"]
    assert one(tmp_path / "logs/trip.csv", **how)[0] == files


def test_several_videos_of_one_name(film: Any, tmp_path: Path) -> None:
    telemetry(tmp_path / "trip.parquet")
    film("trip.mp4")
    film("trip.mkv")
    _, recording = one(tmp_path)
    assert list(recording.cameras) == ["main", "main_mp4"]


def test_times_that_do_not_overlap_are_two_drives_and_a_line(film: Any, tmp_path: Path) -> None:
    telemetry(tmp_path / "trip.parquet", START + 3600 * S)
    film("trip.mp4")
    found = find_drives(tmp_path)
    assert sorted(files.source for files in found.drives) == ["parquet", "video"]
    (line,) = found.notes()
    assert "trip.mp4 (2026-03-01T10:00:00Z to 2026-03-01T10:00:01.5Z) and its telemetry" in line
    assert "do not overlap in time" in line and "drive.yaml" in line


@pytest.mark.parametrize("spoilt", ["trip.mp4", "trip.parquet"])
def test_a_file_that_cannot_be_read_costs_itself(film: Any, tmp_path: Path, spoilt: str) -> None:
    telemetry(tmp_path / "trip.parquet")
    film("trip.mp4")
    (tmp_path / spoilt).write_bytes(b"nothing")
    found = find_drives(tmp_path).drives
    assert sorted(files.source for files in found) == ["parquet", "video"]


def test_a_file_with_several_drives_is_joined_to_no_video(film: Any, tmp_path: Path) -> None:
    times = [START, START + S]
    table = pa.table({"timestamp_ns": times, "Vehicle.Speed": [1.0, 1.0], "drive_id": ["a", "b"]})
    pq.write_table(table, tmp_path / "trip.parquet")
    film("trip.mp4")
    found = find_drives(tmp_path).drives
    assert sorted(files.source for files in found) == ["parquet", "parquet", "video"]


STATED = f"""
telemetry: logs/trip.csv
map: map.yaml
start: {DATE.replace("10:", "11:")}
zone: Europe/Berlin
cameras:
  CAM_FRONT: {{file: a.mp4}}
  left: {{file: b.mp4, fps: 10, offset: -0.5 s}}
attributes: {{country: DE}}
"""


@pytest.fixture
def stated(film: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "my drive"
    telemetry(folder / "logs/trip.csv", START - S)
    film("my drive/a.mp4", None)
    film("my drive/b.mp4", "2001-01-01T00:00:00Z")
    (folder / "map.yaml").write_text(MAP)
    (folder / "drive.yaml").write_text(STATED)
    return folder


def test_a_drive_yaml(stated: Path) -> None:
    files, recording = one(stated.parent)
    assert files.drive_id.startswith("my_drive-") and files.path == str(stated)
    assert list(recording.cameras) == ["CAM_FRONT", "left"]
    assert recording.attributes.country == "DE" and recording.attributes.assumed is None
    assert seen(recording, "CAM_FRONT")[:2] == [(0, 0), (1, 1)]
    assert seen(recording, "left")[:3] == [(-10, 0), (-8, 1), (-6, 2)]  # 10 a second, 0.5 s early
    assert recording.telemetry().num_rows == 50
    (stated / "map.yaml").write_text(MAP.replace("Speed}", "Speed, unit: m/s}"))
    assert one(stated.parent)[0].sha256 != files.sha256


def test_cameras_alone(stated: Path) -> None:
    (stated / "drive.yaml").write_text("cameras: {front: {file: a.mp4}}")
    _, recording = one(stated)
    assert recording.telemetry().num_rows == 0 and recording.attributes.start_ns == 0
    assert recording.attributes.assumed == (
        "camera front begins in 1970, because a.mp4 has no recorded time",
    )


def outcome(files: DriveFiles, home: Path) -> DriveOutcome:
    return ingest_drive(home, "commit", DrivePlan(files, new=True, triggers=()), ())


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ("a.mp4", "c.mp4", "there is no file 'c.mp4'"),
        ("a.mp4", "../x.mp4", "'../x.mp4' is in another folder; expected a file in its folder"),
        ("map: map.yaml", "", "'logs/trip.csv' needs a mapping"),
        ("Europe/Berlin", "Europe/Bielefeld", "unknown time zone 'Europe/Bielefeld'"),
        ("zone: Europe/Berlin", "", "has no zone"),
        ("-0.5 s", "half", "'half' is not a duration"),
        ("fps: 10", "fps: 0", "cameras.left.fps"),
        ("fps: 10", "track: 3", "has no video track 3; expected 1 to 1"),
        ("2026-03-01", "2025-03-01", "do not overlap in time"),
        ("cameras:", "camera:", "unknown key 'camera'"),
    ],
)
def test_a_drive_yaml_that_is_wrong(
    stated: Path, tmp_path: Path, was: str, now: str, why: str
) -> None:
    (stated / "drive.yaml").write_text(STATED.replace(was, now, 1))
    files = find_drives(stated).drives[0]
    reason = files.trouble.reason if files.trouble else None
    if reason is None:
        result = outcome(files, tmp_path / "home")
        assert result.status is Status.QUARANTINED
        reason = result.reason
    assert reason is not None and why in reason and str(stated) in reason and "\n" not in reason


def test_a_trigger_cuts_a_clip_with_a_picture(stated: Path, tmp_path: Path, program: Any) -> None:
    from ingest.clips.read import open_clip
    from ingest.schemas import CLIPS
    from ridealong.lake import Lake

    (tmp_path / "fast.yaml").write_text(
        "name: fast\ndescription: Fast.\nwhen: Vehicle.Speed > 20\npre: 1 s\npost: 2 s\n"
    )
    home = tmp_path / "home"
    done = program("ingest", stated, "--triggers", tmp_path / "fast.yaml", "--home", home)
    assert done.returncode == 0, done.stderr
    (clip,) = Lake.open(home).snapshot().read(CLIPS).to_pylist()
    assert clip["cameras"] == ["CAM_FRONT", "left"] and clip["frames"] > 10
    with open_clip(home / clip["blob"]) as reader:
        assert len(list(reader.frames("left"))) > 10
