"""Video files as drives: the real one, odd ones, and things that are none."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.drives import drive_row
from ingest.sources.video.source import VideoSource
from ingest.telemetry.validation import validate_telemetry
from ridealong.errors import RidealongError, UnreadableError

pytestmark = pytest.mark.slow


SOURCE = VideoSource()
MS = 1_000_000


def open_one(path: Path) -> Any:
    (files,) = SOURCE.discover(path)
    return SOURCE.open(files)


def all_frames(recording: Any) -> list[tuple[int, np.ndarray]]:
    drive = recording.attributes
    found = recording.frames(drive.start_ns, drive.end_ns, ["main"])
    return [(time - drive.start_ns, images["main"]) for time, images in found]


def number_of(image: np.ndarray) -> int:
    """Which frame of a video made by `write_video` it is: its right half is grey of 4 a frame."""
    return round(float(image[:, image.shape[1] * 3 // 4 :].mean()) / 4)


def test_the_real_video(highway: Path) -> None:
    recording = open_one(highway)
    (files,) = SOURCE.discover(highway)
    drive = drive_row(files, recording, validate_telemetry(recording.telemetry(), files.drive_id))
    assert drive.drive_id.startswith("solidWhiteRight-")
    assert drive.start_ns == 1_472_418_968 * 10**9  # 2016-08-28T21:16:08Z
    assert drive.duration_s == 8.84
    assert drive.vehicle_id == drive.cluster_id == drive.drive_id
    assert recording.telemetry().num_rows == 0
    assert recording.labels(0, 1) is None
    camera = recording.cameras["main"]
    assert (camera.width, camera.height, camera.known) == (960, 540, False)
    frames = all_frames(recording)
    assert [time for time, _ in frames] == [k * 40 * MS for k in range(221)]
    assert {image.shape for _, image in frames} == {(540, 960, 3)}
    assert frames[0][1].dtype == np.uint8
    # A highway by day: the sky is blue, the road below is darker.
    top, bottom = frames[100][1][:150].mean((0, 1)), frames[100][1][400:].mean((0, 1))
    assert top[2] > top[0] and top.mean() > bottom.mean()


def test_both_ends_of_a_window_count(highway: Path) -> None:
    recording = open_one(highway)
    start = recording.attributes.start_ns
    window = list(recording.frames(start + 4000 * MS, start + 4200 * MS, ["main", "rear"]))
    assert [(time - start) // MS for time, _ in window] == [4000, 4040, 4080, 4120, 4160, 4200]
    assert list(recording.frames(start + 4001 * MS, start + 4039 * MS, ["main"])) == []
    assert list(recording.frames(start + 4000 * MS, start + 4200 * MS, ["rear"])) == []
    assert list(recording.frames(0, start - 1, ["main"])) == []
    assert list(recording.frames(start + 10**12, start + 2 * 10**12, ["main"])) == []


KINDS = {
    "mp4": {"name": "a b|c: d.mp4"},
    "mp4, reordered": {"name": "x.mp4", "bf": "3"},
    "mkv": {"name": "x.mkv", "bf": "3"},
    "mov": {"name": "x.MOV"},
    "avi": {"name": "x.avi", "bf": "3"},
    "transport stream": {"name": "x.ts", "kind": "mpegts"},
    "bare h264": {"name": "x.h264", "kind": "h264"},
    "bare h265": {"name": "x.hevc", "kind": "hevc", "codec": "libx265"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_window_of_every_container_is_exact(write_video: Any, kind: str) -> None:
    recording = open_one(write_video(**KINDS[kind]))
    period = 50 * MS
    assert recording.attributes.duration_s == 1.5
    for first, last in [(0, 29), (0, 0), (9, 9), (8, 11), (10, 10), (17, 22), (29, 29)]:
        window = recording.frames(
            recording.attributes.start_ns + first * period,
            recording.attributes.start_ns + last * period,
            ["main"],
        )
        numbers = [number_of(images["main"]) for _, images in window]
        assert numbers == list(range(first, last + 1)), (first, last)


def test_a_variable_rate_keeps_its_times(write_video: Any) -> None:
    ticks = [0, 1, 5, 6, 20, 21]
    path = write_video("x.mkv", 6, ticks=ticks)
    frames = all_frames(open_one(path))
    assert [time for time, _ in frames] == [tick * 50 * MS for tick in ticks]


def test_turned_on_its_side(write_video: Any) -> None:
    """A phone held upright writes lying frames and a matrix that turns them."""
    path = write_video("x.mp4", 3)
    upright = all_frames(open_one(path))[0][1]
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    # 90 degrees clockwise, 16.16 fixed point (the last column 2.30)
    turn = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    content[matrix : matrix + 36] = turn
    path.write_bytes(content)
    recording = open_one(path)
    assert (recording.cameras["main"].width, recording.cameras["main"].height) == (48, 64)
    np.testing.assert_array_equal(all_frames(recording)[0][1], np.rot90(upright, -1))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-05-06T07:08:09.250000Z", 1_714_979_289_250_000_000),
        ("1970-01-01T00:00:00Z", 0),
        ("", 0),
    ],
)
def test_when_it_was_recorded(write_video: Any, written: str, expected: int) -> None:
    assert open_one(write_video("x.mkv", 2, creation_time=written)).attributes.start_ns == expected


def test_of_a_file_that_breaks_off_the_beginning_is_there(write_video: Any) -> None:
    path = write_video("x.mp4", 60, movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    recording = open_one(path)
    frames = all_frames(recording)
    numbers = [number_of(image) for _, image in frames]
    assert [time for time, _ in frames] == [number * 50 * MS for number in numbers]
    # Around the break, a frame may be there whose neighbour is lost.
    assert numbers[:20] == list(range(20))
    assert numbers == sorted(set(numbers)) and len(numbers) < 60
    assert recording.attributes.duration_s < 3


def test_attributes_beside_it(write_video: Any) -> None:
    path = write_video("my trip.mp4", 2)
    before = SOURCE.discover(path)[0].sha256
    beside = path.with_name("my trip.drive.yaml")
    beside.write_text("vehicle_id: v7\ncountry: DE\nlight: night\nfeatures: [acc]\n")
    told = open_one(path).attributes
    assert [getattr(told, k) for k in ("vehicle_id", "country", "light", "features", "road")] == [
        "v7", "DE", "night", ("acc",), None,
    ]  # fmt: skip
    (files,) = SOURCE.discover(path)
    no_rows = validate_telemetry(open_one(path).telemetry(), files.drive_id)
    assert drive_row(files, open_one(path), no_rows).cluster_id == files.drive_id
    assert SOURCE.discover(path)[0].sha256 != before
    beside.write_text("country: DE\nlight: nigt\n")
    with pytest.raises(UnreadableError, match=r"my trip.drive.yaml:2: light: Input should be"):
        open_one(path)


NOT_A_VIDEO = {
    "empty": b"",
    "text": b"hello, I am not a video\n" * 100,
    "a playlist": b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n",
    "a list of other files": b"ffconcat version 1.0\nfile 'other.mkv'\n",
}


@pytest.mark.parametrize("kind", NOT_A_VIDEO)
def test_not_a_video(tmp_path: Path, write_video: Any, kind: str) -> None:
    write_video("other.mkv", 2)
    path = tmp_path / "no video | at all.mp4"
    path.write_bytes(NOT_A_VIDEO[kind])
    with pytest.raises(UnreadableError) as caught:
        open_one(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as video (")
    assert "expected a video in MP4" in str(caught.value)


def test_half_an_mp4_without_its_index(write_video: Any) -> None:
    path = write_video("x.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableError, match="cannot be read as video"):
        open_one(path)


def test_no_frame_in_it(write_video: Any) -> None:
    path = write_video("x.mp4")
    content = bytearray(path.read_bytes())
    data, index = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[data:index] = bytes(index - data)
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match="not one frame can be decoded"):
        open_one(path)


def test_a_folder(tmp_path: Path, write_video: Any) -> None:
    write_video("b/two.mkv", 2)
    write_video("a one.mp4", 2)
    write_video(".hidden/x.mp4", 2)
    (tmp_path / "notes.txt").write_text("x")
    found = SOURCE.discover(tmp_path)
    assert [Path(files.path).name for files in found] == ["a one.mp4", "two.mkv"]
    assert found[0].drive_id.startswith("a_one-")
    assert found == SOURCE.discover(tmp_path)


def test_a_folder_without_videos(tmp_path: Path) -> None:
    assert not SOURCE.recognises(tmp_path)
    with pytest.raises(RidealongError, match="no video in this folder"):
        SOURCE.discover(tmp_path)
