"""Videos that are cut, damaged or odd: what decodes is the drive, at its own time."""

import random
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ingest.sources.video.source import VideoSource
from ridealong.errors import UnreadableError

pytestmark = pytest.mark.slow


SOURCE = VideoSource()
MS = 1_000_000
PERIOD = 50 * MS


def opened(path: Path) -> Any:
    (files,) = SOURCE.discover(path)
    return SOURCE.open(files)


def number_of(image: np.ndarray) -> int:
    """Which frame of a video made by `write_video` it is."""
    return round(float(image[:, image.shape[1] * 3 // 4 :].mean()) / 4)


def shown(path: Path) -> list[tuple[int, int]]:
    """Times in frame periods since the drive's start, and the number that each frame shows."""
    recording = opened(path)
    drive = recording.attributes
    frames = recording.frames(drive.start_ns, drive.end_ns, ["main"])
    return [((t - drive.start_ns) // PERIOD, number_of(i["main"])) for t, i in frames]


def reasons(path: Path) -> list[str]:
    return [item.reason for item in opened(path).left_out()]


# --- edit lists


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def replaced(content: bytes, path: list[bytes], new: bytes) -> bytes:
    """MP4 boxes with that nested one replaced."""
    at = 0
    while at < len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == path[0]:
            inner = content[at + 8 : at + size]
            changed = new if len(path) == 1 else box(kind, replaced(inner, path[1:], new))
            return content[:at] + changed + content[at + size :]
        at += size
    raise KeyError(path)


@pytest.fixture
def edited(write_video: Any) -> Any:
    """60 frames as MP4, under an edit list of ``(frames shown, first frame or None for empty)``."""

    def make(*edits: tuple[int, float | None], **options: str) -> Path:
        path: Path = write_video("edited.mp4", 60, **options)
        content = path.read_bytes()
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.time_base is not None
            frame = int(Fraction(1, 20) / stream.time_base)
        was = struct.unpack(">i", content[content.index(b"elst") + 16 :][:4])[0]  # of reordering
        starts = [-1 if first is None else was + round(first * frame) for _, first in edits]
        rows = [
            struct.pack(">Iihh", count * 50, start, 1, 0)
            for (count, _), start in zip(edits, starts, strict=True)
        ]
        table = box(b"elst", struct.pack(">II", 0, len(rows)) + b"".join(rows))
        path.write_bytes(replaced(content, [b"moov", b"trak", b"edts"], box(b"edts", table)))
        return path

    return make


@pytest.mark.parametrize(
    ("edits", "numbers"),
    [
        ([(40, 20)], range(20, 60)),  # the beginning trimmed
        ([(35, 0)], range(35)),  # the end trimmed
        ([(20, 13)], range(13, 33)),  # both, from a frame where decoding cannot start
        ([(10, None), (20, 5)], range(5, 25)),  # shown later than the sound: the drive waits not
        ([(5, 30), (5, 30)], [*range(30, 35)] * 2),  # a piece twice
    ],
)
@pytest.mark.parametrize("reordered", ["0", "2"])
def test_edit_lists(edited: Any, edits: Any, numbers: Any, reordered: str) -> None:
    path = edited(*edits, bf=reordered)
    assert shown(path) == list(enumerate(numbers))
    assert opened(path).attributes.duration_s == len(list(numbers)) / 20


@pytest.mark.parametrize("reordered", ["0", "2"])
def test_pieces_are_joined_and_told_of(edited: Any, reordered: str) -> None:
    """FFmpeg plays them; with reordered frames it may be off by one where they meet."""
    path = edited((10, 40), (10, 5), bf=reordered)
    times, numbers = zip(*shown(path), strict=True)
    assert numbers == (*range(40, 50), *range(5, 15))
    assert max(abs(time - k) for k, time in enumerate(times)) <= (reordered != "0")
    assert reasons(path)[-1] == (
        "camera main: its edit list joins 2 pieces; where they meet, times may be a frame off"
    )


def test_an_edit_list_that_shows_nothing(edited: Any) -> None:
    with pytest.raises(UnreadableError, match="its edit list hides every frame"):
        opened(edited((0, 5), bf="0"))


# --- damage

CONTAINERS = {
    "mp4": {"name": "x.mp4", "bf": "2"},
    "mkv": {"name": "x.mkv", "bf": "2"},
    "ts": {"name": "x.ts", "kind": "mpegts", "bf": "2"},
    "avi": {"name": "x.avi", "bf": "2"},
    "avi, mpeg-4": {"name": "x.avi", "codec": "mpeg4", "bf": "2"},
    "h264": {"name": "x.h264", "kind": "h264", "bf": "2"},
    "webm": {"name": "x.webm", "codec": "libvpx"},
}


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
def test_a_lost_packet_moves_no_other(write_video: Any, container: str) -> None:
    """Its frame is missing, the others show their own numbers at their own times."""
    path = write_video(frames=30, **CONTAINERS[container])
    whole = shown(path)
    assert whole == [(k, k) for k in range(30)]
    lost = shown(blanked(path, 15))
    assert 20 <= len(lost) < 30
    # Up to the next key frame a neighbour may lack what it builds on.
    assert [t for t, _ in lost] == sorted({t for t, _ in lost})
    assert [(t, n) for t, n in lost if not 10 < t < 20] == [
        (k, k) for k in (*range(11), *range(20, 30))
    ]


def blanked(path: Path, number: int) -> Path:
    """The same file with the data of one packet (in the order of decoding) overwritten."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        data, near = bytes(packets[number]), packets[number].pos or 0
    body = data[4:]  # a bare stream marks there where a packet begins
    content = bytearray(path.read_bytes())
    at = content.index(body, near)
    content[at : at + len(body)] = b"\x01" * len(body)
    path.write_bytes(content)
    return path


def test_a_stream_that_begins_between_key_frames(write_video: Any) -> None:
    path = write_video("x.ts", 40, kind="mpegts", bf="2")
    content = path.read_bytes()
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    head = 3 * 188  # what says which streams there are
    path.write_bytes(content[:head] + content[places[4] :])
    assert shown(path) == [(k, k + 10) for k in range(30)]
    assert opened(path).attributes.duration_s == 1.5
    assert reasons(path) == ["camera main: 6 of 36 frames cannot be decoded"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_whatever_is_damaged_the_rest_is_the_drive(write_video: Any, container: str) -> None:
    path = write_video(frames=24, **CONTAINERS[container])
    whole = path.read_bytes()
    came = 0
    for seed in range(12):
        path.write_bytes(damaged(whole, random.Random(seed)))
        try:
            recording = opened(path)
        except UnreadableError:
            continue
        drive = recording.attributes
        times = [t for t, _ in recording.frames(drive.start_ns, drive.end_ns, ["main"])]
        assert times and times == sorted(set(times)) and times[0] == drive.start_ns
        assert times[-1] <= drive.end_ns and all(recording.left_out() or [True])
        came += 1
    assert came


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes overwritten, left out, flipped, or the end cut off."""
    out = bytearray(content)
    at, count = rng.randrange(len(out)), rng.randrange(1, 400)
    match rng.randrange(4):
        case 0:
            out[at : at + count] = bytes(byte ^ 0xA5 for byte in out[at : at + count])
        case 1:
            del out[at : at + count]
        case 2:
            out[at] ^= 1 << rng.randrange(8)
        case _:
            del out[max(at, len(out) // 2) :]
    return bytes(out)


# --- odd ones


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("x.avi", "mjpeg", "yuvj420p"),
        ("x.mov", "mjpeg", "yuvj422p"),
        ("x.mkv", "ffv1", "gray"),
        ("x.mkv", "ffv1", "gray16le"),
        ("x.mkv", "ffv1", "yuv420p10le"),
        ("x.mp4", "libx264", "yuv444p"),
        ("x.mov", "png", "rgb24"),
        ("x.avi", "rawvideo", "bgr24"),
    ],
)
def test_pixel_formats_and_odd_sizes(write_video: Any, name: str, codec: str, pixels: str) -> None:
    path = write_video(name, 4, (63, 47), codec=codec, pixels=pixels)
    camera = opened(path).cameras["main"]
    assert (camera.width, camera.height) == (63, 47)
    assert shown(path) == [(k, k) for k in range(4)]


def test_a_cover_wherever_it_stands(tmp_path: Path, write_video: Any) -> None:
    video, cover = write_video("plain.mp4", 3), write_video("cover.mov", 1, codec="mjpeg",
                                                            pixels="yuvj420p")  # fmt: skip
    for order in (("video", "cover"), ("cover", "video")):
        path = tmp_path / f"{order[0]}_first.m4v"
        with (
            av.open(str(video)) as film,
            av.open(str(cover)) as picture,
            av.open(str(path), "w", format="mp4") as out,
        ):
            sources = {"video": film, "cover": picture}
            tracks = {n: out.add_stream_from_template(sources[n].streams.video[0]) for n in order}
            tracks["cover"].disposition = av.stream.Disposition.attached_pic
            for name in order:
                for packet in sources[name].demux(video=0):
                    if packet.size:
                        packet.stream = tracks[name]
                        out.mux(packet)
        assert shown(path) == [(k, k) for k in range(3)]
        assert list(opened(path).cameras) == ["main"]


def test_a_picture_alone_is_no_video(tmp_path: Path, write_video: Any) -> None:
    cover = write_video("cover.mov", 1, codec="mjpeg", pixels="yuvj420p")
    path = tmp_path / "song.mp4"
    with av.open(str(cover)) as picture, av.open(str(path), "w") as out:
        track = out.add_stream_from_template(picture.streams.video[0])
        track.disposition = av.stream.Disposition.attached_pic
        for packet in picture.demux(video=0):
            if packet.size:
                packet.stream = track
                out.mux(packet)
    with pytest.raises(UnreadableError, match="contains no video, only pictures"):
        opened(path)


def test_one_frame(write_video: Any) -> None:
    for kind in CONTAINERS.values():
        path = write_video(frames=1, **kind)
        assert shown(path) == [(0, 0)]
        assert opened(path).attributes.duration_s == 0.05


def test_titles_that_are_no_utf8(write_video: Any) -> None:
    path = write_video("x.mkv", 2)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Lavf", b"La\xe9\xff"))
    assert shown(path) == [(0, 0), (1, 1)]
