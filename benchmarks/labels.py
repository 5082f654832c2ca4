"""The overhead of exports of images, compared with decoding and encoding the same images.

Each clip has eight cameras and 100 frames at 96×160, cut out of the real highway video in
examples/, and a labelled box in each image. The peer reads the packets from memory, decodes them by
bare PyAV, and writes each image as PNG by Pillow with the same compression: no labels, no hashes.
The rounds of both alternate. Times are those of the processor. Memory is what the process took at
most beyond what it had before.
Prints a Markdown table. Run it as ``python -m benchmarks.labels [--clips N] [--rounds N]``.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from benchmarks.clips import CAMERAS, FRAMES, Sets, bare_encode, bare_images, camera_sets, content
from ingest.clips.read import open_clip
from ingest.clips.write import write_clip
from ingest.labels.coco import write_coco
from ingest.labels.content import LabelClip, LabelImage, LabelTask
from ingest.labels.formats.registry import FORMATS
from ingest.labels.lineage import ExportHead
from ingest.labels.networks import LabelNetworks
from ingest.labels.pictures import png
from ingest.labels.writing import write_export
from ridealong.perception.annotations import ANNOTATIONS, Perception, annotation_table

LIMIT = 1.2
TASK = LabelTask("objects", ("car",), "road_user")
HEAD = ExportHead([TASK], LabelNetworks({}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=10, help="clips of 100 frames")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement")
    options = parser.parse_args()
    sets = camera_sets()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mcap"
        write_clip(path, content(sets))
        frames = options.clips * FRAMES
        print(f"{frames:,} frames × {len(CAMERAS)} cameras, one thread.\n")
        print("| format | export | decode and encode | ratio | memory |\n|---|---|---|---|---|")
        for name in ("coco", *FORMATS):
            print(_row(name, path, sets, options.clips, options.rounds), flush=True)
    print(f"\nThe limit is a ratio of {LIMIT:g}.")


def _row(name: str, path: Path, sets: Sets, clips: int, rounds: int) -> str:
    packets = bare_encode(sets)
    bare, ours = [], []
    before = _peak()
    for _ in range(rounds):
        with TemporaryDirectory() as folder:
            plain, out = Path(folder) / "plain", Path(folder) / "out"
            bare.append(_timed(partial(_plain, packets, plain, clips)))
            ours.append(_timed(partial(_export, name, path, out, clips)))
    peak = (_peak() - before) / 1024
    peer, own = statistics.median(bare), statistics.median(ours)
    return f"| {name} | {own:.1f} s | {peer:.1f} s | {own / peer:.2f} | +{peak:.0f} MB |"


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()  # of the processor, so that other programs hardly matter
    work()
    return time.process_time() - start


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _plain(packets: dict[str, list[bytes]], folder: Path, clips: int) -> None:
    folder.mkdir(parents=True)
    for clip in range(clips):
        for at, (camera, image) in enumerate(bare_images(packets)):
            (folder / f"{clip}-{camera}-{at}.png").write_bytes(png(image))


def _export(name: str, path: Path, folder: Path, clips: int) -> None:
    found = _clips(path, clips)
    if name == "coco":
        write_coco(folder, found, HEAD)
    else:
        write_export(folder, FORMATS[name], found, HEAD)


def _clips(path: Path, clips: int) -> Iterator[LabelClip]:
    for number in range(clips):
        with open_clip(path) as reader:
            times = reader.set_timestamps()
            images = [LabelImage(t, c, 160, 96) for t in times.tolist() for c in reader.cameras]
            cameras = [*reader.cameras]
            yield LabelClip(
                clip_id=f"clip{number}",
                images=images,
                pixels=lambda wanted, r=reader, c=cameras: r.frames_at(c, wanted),
                labels=Perception(times, _boxes(images), tasks=frozenset({"objects"})),
                ignored=np.zeros(len(images), np.bool_),
                outputs={},
                reported={},
                cameras=reader.cameras,
            )


def _boxes(images: list[LabelImage]) -> pa.Table:
    box = {"task": "objects", "category": "car", "x1": 10.0, "y1": 10.0, "x2": 50.0, "y2": 40.0}
    rows = [
        box | {"timestamp_ns": image.timestamp_ns, "camera": image.camera, "track_id": 1}
        for image in images
    ]
    return annotation_table(rows).cast(ANNOTATIONS)


if __name__ == "__main__":
    main()
