"""The overhead of clip files: write, seek and decode, compared with bare PyAV.

The clip has eight cameras and 100 frames at 96×160, cut out of the real highway video in examples/.
Prints a Markdown table. The peer encodes and decodes the same frames with the same x264 settings in
the same process, and stores nothing. The rounds of the two alternate. Run it as
``python benchmarks/clips.py [--rounds N]``.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image as PillowImage

from ingest.clips.encode import CRF, PRESET
from ingest.clips.packets import KEYFRAME_EVERY
from ingest.clips.read import open_clip
from ingest.clips.write import ClipContent, write_clip
from ingest.simulation.rig import RigCamera
from ridealong.perception.geometry import unknown_calibration
from ridealong.perception.recording import Image

VIDEO = Path(__file__).parent.parent / "examples" / "udacity_highway_video" / "solidWhiteRight.mp4"
FRAMES, HEIGHT, WIDTH = 100, 96, 160
CAMERAS = [str(camera) for camera in RigCamera]
STEP_NS = 200_000_000

Sets = list[dict[str, Image]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement")
    rounds = parser.parse_args().rounds
    sets = camera_sets()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mcap"
        encode, write = alternate(
            lambda: bare_encode(sets), lambda: write_clip(path, content(sets)), rounds
        )
        packets = bare_encode(sets)
        decode, read = alternate(lambda: bare_decode(packets), lambda: read_all(path), rounds)
        seek = statistics.median(timed(lambda: seek_one(path)) for _ in range(rounds * 3))
        size = path.stat().st_size
    video = sum(len(packet) for stream in packets.values() for packet in stream)
    jpeg = jpeg_bytes(sets)
    print(f"{len(CAMERAS)} cameras × {FRAMES} frames at {HEIGHT}×{WIDTH}, one thread.\n")
    print("| | ours | bare PyAV | ratio |\n|---|---|---|---|")
    print(f"| write a clip | {write:.2f} s | {encode:.2f} s | {write / encode:.2f} |")
    print(f"| decode it all | {read:.2f} s | {decode:.2f} s | {read / decode:.2f} |")
    print(f"| size | {size / 1e6:.2f} MB | {video / 1e6:.2f} MB | {size / video:.2f} |")
    print(f"\nOpen, seek to frame 57 and decode it in all cameras: {seek * 1e3:.0f} ms. ", end="")
    print(f"The same frames as JPEG (quality 90): {jpeg / 1e6:.2f} MB, {jpeg / size:.1f} times.")


def camera_sets() -> Sets:
    """Eight sections of the real video, scaled down: different views, real noise, real motion."""
    with av.open(str(VIDEO)) as container:
        frames = [
            frame.to_ndarray(format="rgb24")
            for _, frame in zip(range(FRAMES), container.decode(video=0), strict=False)
        ]
    lefts = np.linspace(0, 960 - 320, len(CAMERAS)).astype(int)
    return [
        {
            name: np.ascontiguousarray(frame[270 : 270 + 2 * HEIGHT : 2, x : x + 2 * WIDTH : 2])
            for name, x in zip(CAMERAS, lefts, strict=True)
        }
        for frame in frames
    ]


def content(sets: Sets) -> ClipContent:
    """The frames as a clip of 20 seconds, without telemetry or labels."""
    return ClipContent(
        clip_id="benchmark",
        drive={},
        start_ns=0,
        end_ns=FRAMES * STEP_NS,
        events=[],
        telemetry=None,
        cameras={name: unknown_calibration(name, WIDTH, HEIGHT) for name in CAMERAS},
        frames=((at * STEP_NS, images) for at, images in enumerate(sets)),
        labels=None,
    )


def bare_encode(sets: Sets) -> dict[str, list[bytes]]:
    """PyAV alone, as fast as possible: one reused colour converter, one thread."""
    packets = {}
    for name in CAMERAS:
        codec = av.VideoCodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, 25), Fraction(25)
        codec.gop_size, codec.max_b_frames, codec.thread_count = KEYFRAME_EVERY, 0, 1
        codec.options = {"preset": PRESET, "crf": str(CRF), "x264-params": "repeat-headers=1"}
        colours, out = VideoReformatter(), []
        for at, images in enumerate(sets):
            image = av.VideoFrame.from_ndarray(images[name], format="rgb24")
            frame = colours.reformat(image, format="yuv420p", threads=1)
            frame.pts = at
            out += codec.encode(frame)
        packets[name] = [bytes(packet) for packet in [*out, *codec.encode(None)]]
    return packets


def bare_decode(packets: dict[str, list[bytes]]) -> int:
    """As `bare_encode`, for decoding."""
    return sum(image.shape[0] > 0 for _, image in bare_images(packets))


def bare_images(packets: dict[str, list[bytes]]) -> Iterator[tuple[str, Image]]:
    """The camera and image of every packet, camera by camera."""
    for name, stream in packets.items():
        codec = av.VideoCodecContext.create("h264", "r")
        codec.thread_count = 1
        colours = VideoReformatter()
        for packet in stream:
            for frame in codec.decode(av.Packet(packet)):
                yield name, colours.reformat(frame, format="rgb24", threads=1).to_ndarray()


def read_all(path: Path) -> int:
    """Every frame of every camera, as a replay reads them."""
    with open_clip(path) as reader:
        times = reader.set_timestamps()
        return sum(len(images) for _, images in reader.frames_at(CAMERAS, times))


def seek_one(path: Path) -> int:
    """One camera set in the middle, from a file that was not open."""
    with open_clip(path) as reader:
        return sum(len(i) for _, i in reader.frames_at(CAMERAS, np.array([57 * STEP_NS])))


def jpeg_bytes(sets: Sets) -> int:
    """Size of the same frames as JPEG files."""
    total = 0
    for images in sets:
        for image in images.values():
            out = io.BytesIO()
            PillowImage.fromarray(image).save(out, "JPEG", quality=90)
            total += out.tell()
    return total


def alternate(
    peer: Callable[[], object], ours: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of both, measured in turns."""
    pairs = [(timed(peer), timed(ours)) for _ in range(rounds)]
    return statistics.median(p for p, _ in pairs), statistics.median(o for _, o in pairs)


def timed(work: Callable[[], object]) -> float:
    """How many seconds it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
