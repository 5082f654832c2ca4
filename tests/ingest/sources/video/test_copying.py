"""Clips copy the video of a recording where that loses nothing, and encode it anew elsewhere."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ingest.clips.packets import CopiedVideo
from ingest.clips.read import open_clip
from ingest.clips.verify import verify_clip
from ingest.clips.write import ClipContent, write_clip
from ingest.discovery import find_drives
from ingest.sources.registry import open_drive
from tests.data.encoded import grey

NS = 1_000_000_000
FPS = 20
LOGS = Path(__file__).parents[3] / "data" / "logs"


def video(
    path: Path,
    *,
    codec: str = "libx264",
    frames: int = 60,
    pixels: str = "yuv420p",
    size: tuple[int, int] = (160, 96),
    bframes: int = 0,
    gop: int = 25,
    ratio: Fraction | None = None,
    rotated: bool = False,
) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=FPS)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.codec_context.max_b_frames, stream.codec_context.gop_size = bframes, gop
        if ratio:
            stream.codec_context.sample_aspect_ratio = ratio
        if rotated:
            stream.set_display_rotation(90)
        named = {"libx264": "x264-params", "libx265": "x265-params"}[codec]
        quiet = "log-level=none:" if codec == "libx265" else ""
        params = f"{quiet}keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}"
        stream.options = {named: params, "crf": "10"}
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(grey(number, size), format="rgb24")
            out.mux(stream.encode(frame.reformat(format=pixels)))
        out.mux(stream.encode(None))
    return path


def opened(path: Path):
    (files,) = find_drives(path).drives
    return open_drive(files)


def cut(path: Path, first: int, last: int, out: Path):
    """A clip of the frames ``first`` to ``last``, exclusive, by copying."""
    drive = opened(path)
    start_ns, end_ns = first * NS // FPS, (last - 1) * NS // FPS
    (name,) = drive.cameras
    copied = drive.copied_video(name, start_ns, end_ns)
    assert isinstance(copied, CopiedVideo), copied
    content = ClipContent(
        clip_id="c",
        drive={"drive_id": "d"},
        start_ns=start_ns,
        end_ns=end_ns,
        events=[],
        telemetry=None,
        cameras=dict(drive.cameras),
        frames=iter(()),
        labels=None,
        copied={name: copied},
    )
    summary = write_clip(out, content)
    assert summary.camera_frames == {name: last - first}
    return name


@pytest.mark.parametrize(("first", "last"), [(0, 60), (30, 50), (25, 26), (59, 60), (7, 24)])
def test_a_copied_clip_has_the_frames_of_the_window(tmp_path, first, last):
    path, clip = video(tmp_path / "a.mp4"), tmp_path / "clip.mcap"
    name = cut(path, first, last, clip)
    assert verify_clip(clip) == []
    drive = opened(path)
    due = list(drive.frames(first * NS // FPS, (last - 1) * NS // FPS, [name]))
    with open_clip(clip) as reader:
        found = list(reader.frames(name))
        origin = reader.video_origin(name)
        movie = reader.video_mp4(name)
        packets = reader.packet_times(name)
    assert [time for time, _ in found] == [time for time, _ in due]
    for (_, image), (_, images) in zip(found, due, strict=True):
        assert np.array_equal(image, images[name])
    assert (origin.made, origin.why, origin.lead_in) == ("copied", None, first % 25)
    with av.open(io.BytesIO(movie)) as container:
        assert (
            sum(1 for _ in container.decode(video=0)) == len(packets) == last - first + first % 25
        )


@pytest.mark.parametrize("suffix", ["mkv", "mov"])
def test_other_files_that_say_where_keyframes_are(tmp_path, suffix):
    path = video(tmp_path / f"a.{suffix}")
    drive = opened(path)
    (name,) = drive.cameras
    assert isinstance(drive.copied_video(name, NS, 2 * NS), CopiedVideo)


@pytest.mark.parametrize(("name", "options", "why"), [
    ("a.mp4", {"codec": "libx265"}, "it is H.265, which not all browsers play"),
    ("a.mp4", {"bframes": 2}, "it has B-frames"),
    ("a.mp4", {"rotated": True}, "it has a display matrix"),
    ("a.mp4", {"pixels": "yuv422p"}, "its pixels are yuv422p, and"),
    ("a.mp4", {"ratio": Fraction(4, 3)}, "its pixels are not square"),
    ("a.ts", {}, "its file does not say where decoding can start"),
    ("a.h264", {}, "its file does not say where decoding can start"),
])  # fmt: skip
def test_everything_else_is_encoded_and_says_why(tmp_path, name, options, why):
    drive = opened(video(tmp_path / name, **options))
    (camera,) = drive.cameras
    said = drive.copied_video(camera, NS, 2 * NS)
    assert isinstance(said, str) and said.startswith(why)


def test_hidden_frames_are_not_copied():
    drive = opened(LOGS / "mp4_trimmed_editlist" / "edit_trim.mp4")
    (camera,) = drive.cameras
    assert isinstance(drive.copied_video(camera, 0, NS), str)


def test_damaged_video_is_not_copied(tmp_path):
    path = video(tmp_path / "a.mp4", frames=80)
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat")
    at += int.from_bytes(data[at - 4 : at], "big") // 2
    data[at : at + 60] = bytes(byte ^ 0xA5 for byte in data[at : at + 60])
    path.write_bytes(data)
    drive = opened(path)
    (camera,) = drive.cameras
    assert isinstance(drive.copied_video(camera, 0, 3 * NS), str)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_large_video_is_probed_without_decoding(tmp_path, monkeypatch, codec):
    path = video(tmp_path / "a.mp4", codec=codec, size=(1920, 1080), frames=30)
    from ingest.sources.video import decoding

    decoded = []
    tried = decoding._tried
    monkeypatch.setattr(decoding, "_tried", lambda *given: [decoded.append(1), *tried(*given)][1:])
    drive = opened(path)
    assert drive.attributes.duration_s == pytest.approx(1.5)
    assert drive.left_out() == [] and list(drive.cameras) == ["main"]
    assert len(decoded) < 20  # to find the first frame


def test_what_was_done_is_shown(program, tmp_path, ask):
    (tmp_path / "in").mkdir()
    for codec in ("libx264", "libx265"):
        video(tmp_path / "in" / f"{codec}.mp4", codec=codec)
    home = tmp_path / "home"
    assert program("ingest", tmp_path / "in", "--home", home).returncode == 0
    clips = ask("clips", "list", "--home", home)
    videos = {
        clip["drive_id"].split("-")[0]: ask("clips", "show", clip["clip_id"], "--home", home)[
            "videos"
        ]["main"]
        for clip in clips
    }
    assert videos["libx264"] == {"made": "copied", "why": None, "lead_in": 0}
    assert videos["libx265"]["made"] == "encoded" and "H.265" in videos["libx265"]["why"]
    assert program("lake", "check", "--home", home).returncode == 0
