"""The overhead of exports, compared with decoding and encoding the same images.

Each clip has eight cameras and 100 frames at 96×160, cut out of the real highway video in
examples/, and a labelled box in each image. The peer reads the packets from memory, decodes them by
bare PyAV, and writes each image as PNG by Pillow with the same compression: no labels, no hashes.
MCAP copies packets and neither decodes nor encodes. The rounds of both alternate. Times are those
of the processor, and files are written to memory where the system has ``/dev/shm``, so other
programs and the disk hardly matter. Memory is what a process that only exports took at most beyond
what it had before, for one clip and for all.
Prints a Markdown table. Run it as
``python -m benchmarks.labels [--clips N] [--rounds N] [--formats NAME,…]``.
"""

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.clips import (
    CAMERAS,
    FRAMES,
    HEIGHT,
    STEP_NS,
    WIDTH,
    bare_encode,
    bare_images,
    camera_sets,
    content,
)
from ingest.clips.read import open_clip
from ingest.clips.write import write_clip
from ingest.labels.coco import write_coco
from ingest.labels.content import LabelClip, LabelImage, LabelTask
from ingest.labels.formats.registry import FORMATS
from ingest.labels.lineage import ExportHead
from ingest.labels.mcap import ReplayedClip, write_mcaps
from ingest.labels.networks import LabelNetworks
from ingest.labels.pictures import png
from ingest.labels.writing import write_export
from ridealong.perception.annotations import ANNOTATIONS, Perception, annotation_table
from ridealong.perception.geometry import mounted_camera

LIMIT = 1.2
SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None
TASK = LabelTask("objects", ("car",), "road_user")
HEAD = ExportHead([TASK], LabelNetworks({}))
MOUNT = 50.0, 0.0, 2.0, (1.6, 0.0, 1.4)  # field of view, yaw, pitch, place
NAMES = ("coco", *FORMATS, "mcap")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=10, help="clips of 100 frames")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each measurement")
    parser.add_argument("--formats", default=",".join(NAMES), help="names, separated by commas")
    options = parser.parse_args()
    sets = camera_sets()
    with TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mcap"
        cameras = {name: mounted_camera(name, WIDTH, HEIGHT, *MOUNT) for name in CAMERAS}
        write_clip(clip, replace(content(sets), cameras=cameras, labels=_labels()))
        packets, clips = bare_encode(sets), options.clips
        print(f"{clips * FRAMES:,} frames × {len(CAMERAS)} cameras, one thread.\n")
        print(f"| format | export | decode and encode | ratio | memory, 1 clip | {clips} clips | |")
        print("|---|---|---|---|---|---|---|")
        for name in options.formats.split(","):
            work = _Export(name, clip)
            print(_row(work, packets, clips, options.rounds), flush=True)
    print(f"\nThe limit is a ratio of {LIMIT:g}.")


@dataclass(frozen=True)
class _Export:
    """An export of the same clip several times, with other ids: called with folder and clips."""

    name: str
    path: Path

    def __call__(self, folder: Path, clips: int) -> None:
        if self.name == "mcap":
            found = (ReplayedClip(f"clip{at}", self.path, {}) for at in range(clips))
            write_mcaps(folder, found, HEAD.networks)
        elif self.name == "coco":
            write_coco(folder, self._clips(clips), HEAD)
        else:
            write_export(folder, FORMATS[self.name], self._clips(clips), HEAD)

    def _clips(self, clips: int) -> Iterator[LabelClip]:
        video = self.name in FORMATS and FORMATS[self.name].video
        for number in range(clips):
            with open_clip(self.path) as reader:
                cameras = [*reader.cameras]
                images = _images(reader.set_timestamps().tolist())
                yield LabelClip(
                    clip_id=f"clip{number}",
                    images=images,
                    pixels=lambda wanted, r=reader, c=cameras: r.frames_at(c, wanted),
                    labels=reader.labels(),
                    ignored=np.zeros(len(images), np.bool_),
                    outputs={},
                    reported={},
                    cameras=reader.cameras,
                    video=reader.video_mp4 if video else None,
                    video_times=reader.timestamps,
                )


def _row(work: _Export, packets: dict[str, list[bytes]], clips: int, rounds: int) -> str:
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(_timed(partial(_plain, packets), clips))
        ours.append(_timed(work, clips))
    one, every = _memory(work, 1), _memory(work, clips)
    peer, own = statistics.median(bare), statistics.median(ours)
    ratio = own / peer
    state = "met" if ratio <= LIMIT else "MISSED"
    return (
        f"| {work.name} | {own:.1f} s | {peer:.1f} s | {ratio:.2f} "
        f"| +{one:.0f} MB | +{every:.0f} MB | {state} |"
    )


def _timed(work: Callable[[Path, int], object], clips: int) -> float:
    with TemporaryDirectory(dir=SCRATCH) as folder:
        start = time.process_time()
        work(Path(folder) / "out", clips)
        return time.process_time() - start


def _memory(work: _Export, clips: int) -> float:
    """MB that a new process takes for an export."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_growth, work, clips).result()


def _growth(work: _Export, clips: int) -> float:
    before = _status("VmRSS")
    _timed(work, clips)
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    """kB of this process; `getrusage` tells a peak that may be the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _plain(packets: dict[str, list[bytes]], folder: Path, clips: int) -> None:
    folder.mkdir()
    for clip in range(clips):
        for at, (camera, image) in enumerate(bare_images(packets)):
            (folder / f"{clip}-{camera}-{at}.png").write_bytes(png(image))


def _images(times: Iterable[int]) -> list[LabelImage]:
    return [LabelImage(time, camera, WIDTH, HEIGHT) for time in times for camera in CAMERAS]


def _labels() -> Perception:
    """A box of one car in each image of a clip."""
    box = {"task": "objects", "category": "car", "x1": 10.0, "y1": 10.0, "x2": 50.0, "y2": 40.0}
    times = np.arange(FRAMES) * STEP_NS
    rows = [
        box | {"timestamp_ns": image.timestamp_ns, "camera": image.camera, "track_id": 1}
        for image in _images(times.tolist())
    ]
    table = annotation_table(rows).cast(ANNOTATIONS)
    return Perception(times, table, tasks=frozenset({"objects"}))


if __name__ == "__main__":
    main()
