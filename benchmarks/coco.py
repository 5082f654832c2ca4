"""COCO's numbers on 5,000 images of 80 classes, compared with pycocotools and hotcoco.

The data set is made from real boxes by a rule. Each image takes a random frame of BDD100K's sample
video: its labels, each with probability 0.9, and a real detector's boxes, each with probability
0.74. All boxes of an image are scaled by one factor from 0.6 to 1.3 and shifted by one distance
(standard deviation 20 px). A detection's corners move by 1 px more, and its score is multiplied by
0.9 to 1 and rounded to 4 digits, so that some scores are equal. In each image every class of the
frame becomes one of 80 at random. One label in a hundred becomes a crowd.

BDD100K is not ours to pass on: the boxes are read from the folder that RIDEALONG_TEST_DATA names.
Without it, boxes are drawn: a Poisson number of labels, with lognormal sizes, of which 70% are
found, and as many false detections as right ones.

Time is that of evaluation alone, from boxes in memory to the twelve numbers. Ours includes the rows
that intervals need. Run it as ``python -m benchmarks.coco``; it prints Markdown.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import hotcoco
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ingest.results.coco import read
from ingest.results.format import ReadOptions, ResultPaths
from metrics.evaluation.coco.evaluation import EVALUATION
from metrics.evaluation.evaluation import Evaluated

T = TypeVar("T")
CLASSES = 80
IMAGES_PER_DRIVE = 25
NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
# Class, x1, y1, x2, y2 and score of the boxes of a frame.
Rows = np.ndarray[Any, np.dtype[np.float64]]


def real_frames(folder: Path) -> list[tuple[Rows, Rows]]:
    """Labels and detections of the frames of the sample video."""
    labels, found = (
        json.loads((folder / name).read_text("utf-8"))
        for name in ("track_sample_anns.json", "bbox_predictions.json")
    )
    return [(_rows(one), _rows(two)) for one, two in zip(labels, found, strict=True)]


def _rows(frame: dict[str, Any]) -> Rows:
    names = ("pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
    corners = ("x1", "y1", "x2", "y2")
    rows = [
        [names.index(label["category"]), *map(label["box2d"].get, corners), label.get("score", 1)]
        for label in frame["labels"]
    ]
    return np.array(rows, np.float64).reshape(-1, 6)


def drawn_frames(rng: np.random.Generator) -> list[tuple[Rows, Rows]]:
    """Labels and detections from the stated distribution."""
    return [_drawn_frame(rng) for _ in range(200)]


def _drawn_frame(rng: np.random.Generator) -> tuple[Rows, Rows]:
    count = 1 + rng.poisson(16)
    size = np.exp(rng.normal(4, 0.8, (count, 2)))
    start = rng.uniform(0, 1, (count, 2)) * np.clip((1280, 720) - size, 0, None)
    labels = np.column_stack([rng.integers(0, 8, count), start, start + size, np.ones(count)])
    right = labels[rng.random(count) < 0.7]
    sizes = np.tile(right[:, 3:5] - right[:, 1:3], 2)
    right[:, 1:5] += rng.normal(0, 0.05, (len(right), 4)) * sizes
    wrong = labels[rng.integers(0, count, len(right))] + [0, 300, 100, 300, 100, 0]
    right[:, 5], wrong[:, 5] = rng.beta(4, 2, len(right)), rng.beta(2, 4, len(wrong))
    return labels, np.concatenate([right, wrong])


def data_set(
    frames: list[tuple[Rows, Rows]], images: int, rng: np.random.Generator
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """COCO's ground truth and results, by the rule above."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        labels, found = frames[rng.integers(len(frames))]
        classes = rng.choice(CLASSES, 8, replace=False) + 1
        scale, shift = rng.uniform(0.6, 1.3), rng.normal(0, 20)
        labels = labels[rng.random(len(labels)) < 0.9]
        found = found[rng.random(len(found)) < 0.74]
        jitter = rng.normal(0, 1, (len(found), 4))
        for row, crowd in zip(labels, rng.random(len(labels)) < 0.01, strict=True):
            box = _box(row, scale, shift)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(classes[int(row[0])]),
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(crowd),
                }
            )
        found = np.column_stack([found[:, 0], found[:, 1:5] + jitter, found[:, 5]])
        for row, factor in zip(found, rng.uniform(0.9, 1, len(found)), strict=True):
            results.append(
                {
                    "image_id": image,
                    "category_id": int(classes[int(row[0])]),
                    "bbox": _box(row, scale, shift),
                    "score": round(float(row[5] * factor), 4),
                }
            )
    truth = {
        "images": [_image(number) for number in range(1, images + 1)],
        "annotations": annotations,
        "categories": [{"id": k, "name": f"class {k:02}"} for k in range(1, CLASSES + 1)],
    }
    return truth, results


def _image(number: int) -> dict[str, Any]:
    drive = (number - 1) // IMAGES_PER_DRIVE
    return {"id": number, "file_name": f"{number:06}.jpg", "video_id": drive}


def _box(row: Rows, scale: float, shift: float) -> list[float]:
    x1, y1, x2, y2 = row[1:5] * scale
    return [float(x1 + shift), float(y1), max(float(x2 - x1), 1.0), max(float(y2 - y1), 1.0)]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


def quick(work: Callable[[], T], times: int) -> tuple[float, T]:
    """The least time of several runs, and the last result."""
    runs = [timed(work) for _ in range(times)]
    return min(seconds for seconds, _ in runs), runs[-1][1]


def of_pycocotools(paths: ResultPaths, times: int) -> tuple[float, list[float]]:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(paths.truth))
        found = truth.loadRes(str(paths.deployed))
        return quick(lambda: _twelve(COCOeval(truth, found, "bbox")), times)


def of_hotcoco(paths: ResultPaths, times: int) -> tuple[float, list[float]]:
    truth = hotcoco.COCO(str(paths.truth))
    found = truth.load_res(str(paths.deployed))
    with contextlib.redirect_stdout(io.StringIO()):
        return quick(lambda: _twelve(hotcoco.COCOeval(truth, found, "bbox")), times)


def _twelve(evaluation: Any) -> list[float]:
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def of_ours(paths: ResultPaths, times: int) -> tuple[float, float, Evaluated]:
    """Seconds to read all three files, and to evaluate one network."""
    reading, files = timed(lambda: read(paths, ReadOptions()))
    thresholds = dict.fromkeys(files.categories, 0.5)
    inputs = (files.frames, files.categories, files.truth, files.deployed, thresholds)
    seconds, done = quick(lambda: EVALUATION.evaluate(*inputs), times)
    return reading, seconds, done


def report(paths: ResultPaths, times: int) -> None:
    reading, ours, done = of_ours(paths, times)
    theirs, twelve = of_hotcoco(paths, times)
    slow, wanted = of_pycocotools(paths, 1)
    mine = [-1.0 if done.summary[name] is None else done.summary[name] for name in NAMES]
    apart = max(abs(one - two) for one, two in zip(mine, wanted, strict=True))
    print("| evaluation alone | seconds | times as fast as pycocotools |\n|---|---|---|")
    for name, seconds in (("pycocotools", slow), ("hotcoco", theirs), ("ours, with rows", ours)):
        print(f"| {name} | {seconds:.2f} | {slow / seconds:.0f} |")
    print(f"\nOurs has {theirs / ours:.2f} of hotcoco's speed (target: 0.5), and keeps ", end="")
    print(f"{done.detections.num_rows:,} detections and {done.scores.num_rows:,} sums.")
    met = "met" if apart <= 1e-12 else "MISSED"
    print(f"The twelve numbers differ from pycocotools' by at most {apart:.1e} (1e-12: {met});")
    hot = max(abs(one - two) for one, two in zip(twelve, wanted, strict=True))
    print(f"hotcoco's by {hot:.1e}. AP is {done.summary['AP']:.4f}.")
    print(f"Reading the ground truth and two results takes {reading:.1f} s.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--times", type=int, default=5, help="runs of hotcoco and ours")
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    named = os.environ.get("RIDEALONG_TEST_DATA")
    source = real_frames(Path(named) / "bdd100k_det_oracle") if named else drawn_frames(rng)
    truth, results = data_set(source, asked.images, rng)
    counted = f"{len(truth['annotations']):,} labels, {len(results):,} detections"
    origin = "from real boxes" if named else "drawn"
    print(f"{asked.images:,} images, {CLASSES} classes, {counted}, {origin}.\n")
    with tempfile.TemporaryDirectory() as folder:
        paths = ResultPaths(*(Path(folder) / f"{name}.json" for name in ("truth", "one", "two")))
        for path, content in ((paths.truth, truth), (paths.deployed, results)):
            path.write_text(json.dumps(content), "utf-8")
        paths.candidate.write_text(json.dumps(results[1:]), "utf-8")
        report(paths, asked.times)


if __name__ == "__main__":
    main()
