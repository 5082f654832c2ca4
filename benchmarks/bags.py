"""A ROS 2 bag to clips, and copying video, each compared with bare libraries.

The bag is an MCAP of five minutes with six topics: two cameras as JPEG, CameraInfo, Imu, Odometry,
NavSatFix; once with large pictures, and once with small ones. The peer decodes the same messages
with rosbags, and decodes and encodes with PyAV the frames of the clips that were cut. Ours is the
whole ingest with the triggers that come with ridealong. Processor time counts, with that of worker
processes: it depends less on what else runs. The video is 1080p H.264; the peer decodes and encodes
the frames that are copied. Run it as ``python -m benchmarks.bags [--seconds S] [--rounds N]``.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import av
import numpy as np
from rosbags.highlevel import AnyReader

from ingest.clips.encode import VideoEncoder
from ingest.clips.packets import CopiedVideo
from ingest.clips.write import ClipContent, write_clip
from ingest.discovery import find_drives
from ingest.run import ingest
from ingest.schemas import CLIPS
from ingest.sources.registry import open_drive
from ingest.triggers.home import active_specs, home_triggers
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from tests.data.braking_bag import braking_messages, write_bag

SIZES, CAMERA_HZ = ((1280, 720), (640, 480)), 20.0
TARGET, REMUX_TARGET = 1.3, 50.0
VIDEO_SIZE, VIDEO_FPS, VIDEO_S = (1920, 1080), 30, 20
NS = 1_000_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300.0, help="length of the bag")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the median counts")
    asked = parser.parse_args()
    print("| what | figure |\n|---|---|")
    for size in SIZES:
        with TemporaryDirectory() as folder:
            bags(Path(folder), size, asked.seconds, asked.rounds)
    with TemporaryDirectory() as folder:
        remuxing(Path(folder), asked.rounds)


def bags(folder: Path, size: tuple[int, int], seconds: float, rounds: int) -> None:
    warm = write_bag(folder / "warm", braking_messages(seconds=3, camera_hz=2), "mcap")
    ingested(folder / "warm-home", warm)
    messages = braking_messages(seconds=seconds, size=size, camera_hz=CAMERA_HZ)
    bag = write_bag(folder / "bag", messages, "mcap")
    ours, peers = [], []
    for number in range(rounds):
        home = folder / f"home-{number}"
        ours.append(timed(lambda home=home: ingested(home, bag)))
        windows = clips_of(home)
        peers.append(timed(lambda windows=windows: peer(bag, size, windows)))
    own, other = median(ours), median(peers)
    clips = f"{len(windows)} clip{'s' if len(windows) != 1 else ''} cut"
    pictures = f"pictures of {size[0]}×{size[1]} at {CAMERA_HZ:g}/s"
    show("the bag", f"{seconds:g} s, {pictures}, {size_mb(bag):.0f} MB, {clips}")
    show("ingest it", str(own))
    show("rosbags decodes it, PyAV encodes the clips (peer)", str(other))
    ratio = own.core_s / other.core_s
    show("ours : peer, by processor time", f"{ratio:.2f}")
    show("target", f"at most {TARGET}: {'met' if ratio <= TARGET else 'MISSED'}")


def ingested(home: Path, bag: Path) -> None:
    """The whole command but its start."""
    lake = Lake.create(home)
    specs = active_specs(home_triggers(lake.snapshot()))
    report = ingest(lake, find_drives(bag).drives, specs, Console(as_json=True, quiet=True))
    assert report.drives == 1 and report.failures == (), report


def clips_of(home: Path) -> list[tuple[int, int]]:
    rows = Lake.open(home).snapshot().read(CLIPS, ["start_ns", "end_ns"]).to_pylist()
    return [(row["start_ns"], row["end_ns"]) for row in rows]


def peer(bag: Path, size: tuple[int, int], windows: list[tuple[int, int]]) -> None:
    """Decode every message; decode the pictures of the windows, and encode them."""
    encoders: dict[str, Any] = {}
    jpeg: dict[str, Any] = {}
    with AnyReader([bag]) as reader:
        for connection, time_ns, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            if not connection.msgtype.endswith("CompressedImage"):
                continue
            for start_ns, end_ns in windows:
                if start_ns <= time_ns <= end_ns:
                    name = connection.topic
                    if name not in encoders:
                        encoders[name] = VideoEncoder(*size)
                        jpeg[name] = av.CodecContext.create("mjpeg", "r")
                    for frame in jpeg[name].decode(av.Packet(bytes(message.data))):
                        encoders[name].push(time_ns, frame.to_ndarray(format="rgb24"))
    for encoder in encoders.values():
        encoder.finish()


def remuxing(folder: Path, rounds: int) -> None:
    path = made_video(folder / "trip.mp4")
    (files,) = find_drives(path).drives
    drive = open_drive(files)
    (name,) = drive.cameras
    start_ns, end_ns = NS // 2, (VIDEO_S - 1) * NS

    def clip(**given: Any) -> None:
        write_clip(
            folder / "clip.mcap",
            ClipContent(
                clip_id="c",
                drive={"drive_id": "d"},
                start_ns=start_ns,
                end_ns=end_ns,
                events=[],
                telemetry=None,
                cameras=dict(drive.cameras),
                labels=None,
                **given,
            ),
        )

    def copying() -> None:
        copied = drive.copied_video(name, start_ns, end_ns)  # type: ignore[attr-defined]
        assert isinstance(copied, CopiedVideo), copied
        clip(frames=iter(()), copied={name: copied})

    own = median([timed(copying) for _ in range(max(rounds, 3))])
    other = timed(lambda: clip(frames=drive.frames(start_ns, end_ns, [name])))
    ratio = other.core_s / own.core_s
    width, height = VIDEO_SIZE
    show("the video", f"{width}×{height}, {VIDEO_S} s at {VIDEO_FPS}/s, {size_mb(path):.0f} MB")
    show("cut a clip by copying", str(own))
    show("cut it by decoding and encoding (peer)", str(other))
    show("peer : ours, by processor time", f"{ratio:.0f}")
    met = "met" if ratio >= REMUX_TARGET else "MISSED"
    show("target", f"at least {REMUX_TARGET:g}: {met}")


def made_video(path: Path) -> Path:
    """Noise that moves over a gradient: as much detail as a road."""
    width, height = VIDEO_SIZE
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 60, (height, width * 2, 3), np.uint8)
    noise = noise.reshape(height // 4, 4, width // 2, 4, 3).mean(axis=(1, 3)).astype(np.uint8)
    noise = noise.repeat(4, axis=0).repeat(4, axis=1)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=VIDEO_FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "veryfast", "x264-params": "bframes=0:keyint=60", "crf": "26"}
        for number in range(VIDEO_S * VIDEO_FPS):
            shift = (number * 6) % width
            image = np.ascontiguousarray(noise[:, shift : shift + width] + 90)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    return path


class Took(NamedTuple):
    """What work took: processor time, also of its processes, and time by the clock."""

    core_s: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.core_s:.2f} s ({self.seconds:.2f} s by the clock)"


def timed(work: Callable[[], object]) -> Took:
    before, began = used_s(), time.perf_counter()
    work()
    return Took(used_s() - before, time.perf_counter() - began)


def used_s() -> float:
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system


def median(took: Sequence[Took]) -> Took:
    return Took(*(statistics.median(values) for values in zip(*took, strict=True)))


def size_mb(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def show(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


if __name__ == "__main__":
    main()
