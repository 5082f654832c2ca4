"""Logs as people have them, through the whole program: one test each, named after the case."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.clips.read import open_clip
from ingest.drives import DrivePlan, ingest_drive
from ingest.schemas import CLIPS, DRIVES, QUARANTINE
from ingest.sources.parquet import ParquetSource
from ridealong.execution.accounting import Status
from ridealong.lake import Lake
from ridealong.lake.tables import TableSpec

pytestmark = pytest.mark.slow

LOGS = Path(__file__).parents[2] / "data/logs"
REPOSITORY = Path(__file__).parents[3]
PERIOD_NS = 50_000_000  # all of these videos have 20 frames a second


@dataclass(frozen=True)
class Ingested:
    """A home into which logs came, and what the program said of it."""

    home: Path
    report: dict[str, Any]

    def rows(self, table: TableSpec) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = Lake.open(self.home).snapshot().read(table).to_pylist()
        return rows


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """All the videos in one folder, ingested at once."""
    folder = tmp_path_factory.mktemp("videos")
    for file in LOGS.rglob("*"):
        if file.suffix in (".mp4", ".avi", ".ts"):
            (folder / file.name).write_bytes(file.read_bytes())
    home = tmp_path_factory.mktemp("home") / "home"
    done = subprocess.run(
        [sys.executable, "-m", "ridealong", "ingest", folder, "--home", home, "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return Ingested(home, json.loads(done.stdout))


@dataclass(frozen=True)
class Seen:
    """One drive as its row and its clip show it."""

    drive: dict[str, Any]
    clip: dict[str, Any]
    left_out: list[str]
    frames: Callable[..., list[tuple[int, np.ndarray]]]

    def numbers(self, camera: str = "main") -> list[tuple[int, int]]:
        """When each frame is shown, in frame periods, and the number that it shows."""
        return [(time // PERIOD_NS, number_of(image)) for time, image in self.frames(camera)]


@pytest.fixture
def see(videos: Ingested) -> Callable[[str], Seen]:
    """The drive made from the file of that name."""

    def of_drive(table: TableSpec, drive: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in videos.rows(table) if row["drive_id"] == drive["drive_id"]]

    def of(name: str) -> Seen:
        (drive,) = [row for row in videos.rows(DRIVES) if Path(row["source_path"]).name == name]
        clip, aside = of_drive(CLIPS, drive), of_drive(QUARANTINE, drive)
        assert len(clip) == 1

        def frames(camera: str = "main") -> list[tuple[int, np.ndarray]]:
            with open_clip(videos.home / clip[0]["blob"]) as reader:
                start = drive["start_ns"]
                return [(time - start, image) for time, image in reader.frames(camera)]

        return Seen(drive, clip[0], [row["reason"] for row in aside], frames)

    return of


def number_of(image: np.ndarray) -> int:
    """The number that a frame shows: ten stripes of 16 pixels, the lowest bit at the left."""
    stripes = image[:, :, 1].reshape(image.shape[0], 10, 16)[:, :, 4:12].mean(axis=(0, 2))
    return sum(1 << bit for bit, brightness in enumerate(stripes) if brightness > 110)


def test_all_came_in(videos: Ingested) -> None:
    assert (videos.report["drives"], videos.report["files_quarantined"]) == (9, 0)
    assert videos.report["frames_left_out"] == 20 + 15


def test_mp4_trimmed_editlist(see: Any) -> None:
    """An edit list hides the first second of five: frame 20 is the first."""
    seen = see("edit_trim.mp4")
    assert seen.drive["duration_s"] == 4.0
    assert seen.numbers() == [(k, 20 + k) for k in range(80)]
    assert seen.left_out == ["camera main: 20 of 100 frames are hidden by the file's edit list"]


def test_avi_dropped_frames(see: Any) -> None:
    """40 empty chunks in the middle: frame 40 is shown at 4.0 s."""
    seen = see("avi_drops.avi")
    assert seen.drive["duration_s"] == 6.0
    assert seen.numbers() == [(k, k) for k in range(40)] + [(k + 40, k) for k in range(40, 80)]
    assert seen.left_out == []


def test_ts_concat(see: Any) -> None:
    """Two segments of 2 s, one behind the other, whose clocks both start at 0."""
    seen = see("ts_concat.ts")
    assert seen.drive["duration_s"] == 4.0
    assert seen.numbers() == [(k, k if k < 40 else k + 60) for k in range(80)]
    assert seen.left_out == ["camera main: its clock starts over once; what follows was joined on"]


def test_mp4_damaged_bframes(see: Any) -> None:
    """What decodes is the drive, in ascending times, and what does not is counted."""
    seen, whole = see("damaged.mp4"), see("src2.mp4")
    assert whole.numbers() == [(k, k) for k in range(100)] and whole.left_out == []
    assert seen.drive["duration_s"] == 5.0
    times = [time for time, _ in seen.numbers()]
    assert len(times) == 85 and times == sorted(set(times))
    assert set(range(21)) | set(range(48, 100)) <= set(times)
    assert seen.left_out == ["camera main: 15 of 100 frames cannot be decoded"]
    # Frames that do not build on damaged ones show their own number.
    own = [(time, number) for time, number in seen.numbers() if time < 21 or time >= 48]
    assert own == [(k, k) for k in (*range(21), *range(48, 100))]


def test_mirrored_matrix(see: Any) -> None:
    """The matrix mirrors left and right: red belongs top right, blue bottom left."""

    def corners(name: str) -> list[str]:
        image = see(name).frames()[0][1].astype(int)
        colours = [image[row, column] for row in (8, -8) for column in (8, -8)]
        return ["red" if r > b + 90 else "blue" if b > r + 90 else "" for r, _, b in colours]

    assert corners("plain.mp4") == ["red", "", "", "blue"]
    assert corners("hflip.mp4") == ["", "red", "blue", ""]


def test_cover_first(see: Any) -> None:
    """Stream 0 is a cover picture, the video comes after it."""
    seen = see("cover_first.mp4")
    assert (seen.drive["duration_s"], seen.drive["cameras"]) == (1.0, ["main"])
    assert [time for time, _ in seen.numbers()] == list(range(20))
    assert seen.frames()[0][1].shape == (96, 160, 3)


def test_two_video_tracks(see: Any) -> None:
    """Each track is a camera, in step: the rear's numbers are 512 higher."""
    seen = see("two_tracks.mp4")
    assert (seen.drive["duration_s"], seen.drive["cameras"]) == (2.0, ["main", "rear"])
    assert seen.numbers("main") == [(k, k) for k in range(40)]
    assert seen.numbers("rear") == [(k, k + 512) for k in range(40)]
    assert seen.drive["start_ns"] == 1_772_359_200 * 10**9  # 2026-03-01T10:00:00Z
    assert (seen.clip["cameras"], seen.clip["frames"]) == (["main", "rear"], 40)


@pytest.mark.parametrize(
    ("name", "unit", "factor", "span"),
    [
        ("ms", "milliseconds", "1,000,000", "59.9 µs"),
        ("us", "microseconds", "1,000", "59.9 ms"),
        ("sec", "seconds", "1,000,000,000", "599 ns"),
    ],
)
def test_ts_unit_ms(tmp_path: Path, name: str, unit: str, factor: str, span: str) -> None:
    """Other units under the name of nanoseconds are refused, with the way out."""
    path = LOGS / "ts_unit_ms" / f"{name}.parquet"
    (files,) = ParquetSource().discover(path)
    outcome = ingest_drive(tmp_path, "commit", DrivePlan(files, new=False, triggers=()), ())
    assert outcome.status is Status.QUARANTINED
    assert outcome.reason == (
        f"{path}: wrong unit of time: 600 rows of timestamp_ns lie within {span}; expected "
        f"nanoseconds since 1970, UTC; they look like {unit}: multiply them by {factor}"
    )
