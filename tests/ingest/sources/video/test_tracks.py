"""Which tracks of a file are cameras, and which cameras they are."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ingest.sources.video.source import VideoSource
from ingest.sources.video.tracks import cameras_of, open_tracks
from ridealong.errors import UnreadableError

SOURCE = VideoSource()
TICK = Fraction(1, 10_000)


@pytest.mark.parametrize(
    ("titles", "cameras"),
    [
        ([""], ["main"]),
        (["VideoHandler", "VideoHandler"], ["main", "rear"]),
        (["", "", ""], ["main", "rear", "narrow"]),
        (["Rear camera", "Front camera"], ["rear", "main"]),
        (["REAR", ""], ["rear", "main"]),
        (["left pillar", "left_repeater"], ["left_pillar", "left_repeater"]),
        (["front", "front"], ["main", "rear"]),
        (["", "Cabin"], ["main", None]),
        (["cabin"], ["main"]),  # a file's only track is its drive
        ([""] * 9, ["main", "rear", "narrow", "wide", "left_pillar", "right_pillar",
                    "left_repeater", "right_repeater", None]),
        ([], []),
    ],
)  # fmt: skip
def test_names(titles: list[str], cameras: list[str | None]) -> None:
    assert cameras_of(titles) == cameras


Track = dict[str, Any]


def write_tracks(path: Path, *tracks: Track, delay: float = 0.0, title: str = "title") -> Path:
    """A file whose track ``k`` is grey of ``40 k``; each but the first starts later by ``delay``.

    A track has ``frames``, and may have a ``title``.
    """
    with av.open(str(path), "w") as container:
        streams = []
        for track in tracks:
            stream = container.add_stream("libx264", rate=20, options={"bf": "0"})
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            stream.codec_context.time_base = TICK
            stream.metadata["handler_name" if path.suffix == ".mp4" else "title"] = track.get(
                "title", ""
            )
            streams.append(stream)
        for order, (track, stream) in enumerate(zip(tracks, streams, strict=True)):
            for number in range(track["frames"]):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * order, np.uint8))
                frame.pts = number * 500 + round(10_000 * delay * (order > 0))
                frame.time_base = TICK
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


def opened(path: Path) -> Any:
    (files,) = SOURCE.discover(path)
    return SOURCE.open(files)


def shown(path: Path) -> list[tuple[int, dict[str, int]]]:
    """Milliseconds since the drive's start, and each camera's grey, of every set of frames."""
    recording = opened(path)
    drive = recording.attributes
    sets = recording.frames(drive.start_ns, drive.end_ns, list(recording.cameras))
    return [
        (
            (time - drive.start_ns) // 1_000_000,
            {n: round(float(i.mean()) / 40) for n, i in s.items()},
        )
        for time, s in sets
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_titles_in_a_file(tmp_path: Path, suffix: str) -> None:
    tracks = {"frames": 3, "title": "Rear"}, {"frames": 3, "title": "Front"}
    path = write_tracks(tmp_path / f"x{suffix}", *tracks)
    titled = suffix != ".mov"  # there FFmpeg writes no titles
    names = ["rear", "main"] if titled else ["main", "rear"]
    assert list(opened(path).cameras) == names
    assert shown(path)[0] == (0, dict(zip(names, (0, 1), strict=True)))


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_tracks_are_in_step(tmp_path: Path, suffix: str) -> None:
    """One that begins later does so in the drive, too (in MP4 by an empty edit)."""
    path = write_tracks(tmp_path / f"x{suffix}", {"frames": 4}, {"frames": 4}, delay=0.1)
    both = {"main": 0, "rear": 1}
    assert shown(path) == [
        (0, {"main": 0}), (50, {"main": 0}), (100, both), (150, both),
        (200, {"rear": 1}), (250, {"rear": 1}),
    ]  # fmt: skip
    assert opened(path).attributes.duration_s == 0.3


def test_tracks_with_clocks_of_their_own_keep_their_times(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "x.mkv", {"frames": 3}, {"frames": 3}, delay=0.02)
    assert [time for time, _ in shown(path)] == [0, 20, 50, 70, 100, 120]


def test_only_the_cameras_that_are_asked_for(tmp_path: Path) -> None:
    recording = opened(write_tracks(tmp_path / "x.mkv", {"frames": 2}, {"frames": 2}))
    assert [list(s) for _, s in recording.frames(0, 10**9, ["rear"])] == [["rear"]] * 2
    assert list(recording.frames(0, 10**9, ["wide"])) == []


def test_a_still_beside_a_video_is_no_camera(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "x.mkv", {"frames": 1}, {"frames": 5})
    tracks = open_tracks(path)
    assert list(tracks.cameras) == ["main"] and tracks.cameras["main"].track == 1
    assert [item.reason for item in tracks.left_out] == ["video track 1 is one still picture"]
    lone = write_tracks(tmp_path / "lone.mkv", {"frames": 1})
    assert list(open_tracks(lone).cameras) == ["main"]
    assert opened(lone).attributes.duration_s == 0.05


def test_no_place_in_the_rig(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "x.mkv", {"frames": 3}, {"frames": 3, "title": "Cabin"})
    (left_out,) = opened(path).left_out()
    assert left_out.frames == 3
    assert left_out.reason.startswith("video track 2 ('Cabin') is not a camera of the rig; ")
    assert "x.drive.yaml" in left_out.reason


@pytest.mark.parametrize(
    ("text", "cameras"),
    [
        ("cameras: [wide, main]", {"wide": 0, "main": 1}),
        ("cameras: [null, main]", {"main": 1}),
        ("cameras: [rear]", {"rear": 0}),
        ("cameras: [cam.front-1, cabin]", {"cam.front-1": 0, "cabin": 1}),
    ],
)
def test_named_by_their_owner(tmp_path: Path, text: str, cameras: dict[str, int]) -> None:
    path = write_tracks(tmp_path / "x.mkv", {"frames": 2}, {"frames": 2, "title": "Front"})
    (tmp_path / "x.drive.yaml").write_text(text)
    assert {name: index.track for name, index in open_tracks(path).cameras.items()} == cameras
    assert list(opened(path).cameras) == list(cameras)
    assert sum(item.frames for item in opened(path).left_out()) == 2 * (2 - len(cameras))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "cameras: [main, rear, wide]",
            "3 are named; expected at most 2, one for each video track",
        ),
        ("cameras: [main, main]", r"x.drive.yaml:1: cameras: 'main' is named for two tracks"),
        ("cameras: [a/b]", r"x.drive.yaml:1: cameras.0: 'a/b' cannot be the name of a camera"),
        ("cameras: [null, null]", "no video track is a camera"),
    ],
)
def test_named_wrongly(tmp_path: Path, text: str, message: str) -> None:
    path = write_tracks(tmp_path / "x.mkv", {"frames": 2}, {"frames": 2})
    (tmp_path / "x.drive.yaml").write_text(text)
    with pytest.raises(UnreadableError, match=message):
        opened(path)
