"""A COCO data set of any size, made from the real boxes of one drive of BDD100K.

The rule: image i repeats the labels and the detections of real frame i (modulo their number). Every
box is moved by a normal distance of 3% of its width and its height. Each copy of a real box gets
one of the classes of its category; there are 80 classes in all. The deployed network's scores are
those of the real detector. The candidate's boxes are moved once more, and its scores have normal
noise of 0.02.

Every 25 consecutive images are a drive. Each drive has attributes of 2 to 4 values.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ridealong.arrays import Floats, Ints

CLASSES = 80
PER_DRIVE = 25
MOVED, NOISE = 0.03, 0.02
# With the slice of all drives there are 13 slices.
ATTRIBUTES = {
    "weather": ("clear", "rainy", "overcast"),
    "scene": ("city", "highway", "residential"),
    "timeofday": ("day", "night"),
    "country": ("DE", "US", "GB", "JP"),
}
FOLDER = "bdd100k_det_oracle"


@dataclass(frozen=True)
class Boxes:
    """Boxes in images, in the order of the images.

    Attributes:
        image: ``(n,)`` from 0.
        category: ``(n,)`` from 0.
        xywh: ``(n, 4)`` pixels.
        score: ``(n,)``; 1 for labels.
    """

    image: Ints
    category: Ints
    xywh: Floats
    score: Floats


@dataclass(frozen=True)
class DataSet:
    """Labels, and the detections of both networks."""

    images: int
    truth: Boxes
    deployed: Boxes
    candidate: Boxes


def folder() -> Path:
    """Where the real boxes are."""
    named = os.environ.get("RIDEALONG_TEST_DATA", "")
    path = Path(named) / FOLDER
    if not named or not path.is_dir():
        sys.exit("set RIDEALONG_TEST_DATA to the folder of test data: it has the real boxes")
    return path


def make(images: int, seed: int = 20261128) -> DataSet:
    """A data set of so many images."""
    rng = np.random.default_rng(seed)
    truth, found = (
        _real(folder() / name) for name in ("track_sample_anns.json", "bbox_predictions.json")
    )
    # How many classes each category becomes.
    copies = np.bincount(np.arange(CLASSES) % len(NAMES))
    labels, deployed = (_repeated(rng, real, images, copies) for real in (truth, found))
    candidate = Boxes(
        deployed.image,
        deployed.category,
        _moved(rng, deployed.xywh),
        np.clip(deployed.score + rng.normal(0, NOISE, len(deployed.score)), 0.001, 1),
    )
    return DataSet(images, labels, deployed, candidate)


NAMES = ("pedestrian", "rider", "car", "truck", "bus", "motorcycle")


def _real(path: Path) -> Boxes:
    """The boxes of one file, by frame."""
    frames = json.loads(path.read_text())
    rows = [
        (index, NAMES.index(one["category"]), *_xywh(one["box2d"]), one.get("score", 1.0))
        for index, frame in enumerate(frames)
        for one in frame["labels"] or ()
        if one["category"] in NAMES
    ]
    columns = np.array(rows, np.float64)
    index, category = columns[:, :2].astype(np.int64).T
    return Boxes(index, category, columns[:, 2:6], columns[:, 6])


def _xywh(box: dict[str, float]) -> tuple[float, ...]:
    return box["x1"], box["y1"], box["x2"] - box["x1"] + 1, box["y2"] - box["y1"] + 1


def _repeated(rng: np.random.Generator, real: Boxes, images: int, copies: Ints) -> Boxes:
    frames = int(real.image.max()) + 1
    counts = np.bincount(real.image, minlength=frames)
    first = np.cumsum(counts) - counts
    frame = np.arange(images) % frames
    image = np.repeat(np.arange(images), counts[frame])
    within = np.arange(len(image)) - np.repeat(
        np.cumsum(counts[frame]) - counts[frame], counts[frame]
    )
    row = first[frame[image]] + within
    # One class for all boxes of a category in an image, so that detections find their labels.
    category = real.category[row]
    chosen = (image * 7 + image // frames) % copies[category]
    names = np.cumsum(copies) - copies
    return Boxes(image, names[category] + chosen, _moved(rng, real.xywh[row]), real.score[row])


def _moved(rng: np.random.Generator, xywh: Floats) -> Floats:
    moved = xywh.copy()
    moved[:, :2] += rng.normal(0, MOVED, (len(xywh), 2)) * xywh[:, 2:]
    return moved


# --- as files


def write(data: DataSet, into: Path) -> tuple[Path, Path, Path]:
    """Ground truth and two lists of results."""
    truth = {
        "images": _images(data.images),
        "categories": [{"id": code + 1, "name": f"class-{code:02d}"} for code in range(CLASSES)],
        "annotations": [
            row | {"id": index + 1, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
            for index, row in enumerate(_rows(data.truth))
        ],
    }
    files: dict[str, Any] = {"truth": truth}
    for name, boxes in (("deployed", data.deployed), ("candidate", data.candidate)):
        scores = boxes.score.tolist()
        rows = zip(_rows(boxes), scores, strict=True)
        files[name] = [row | {"score": score} for row, score in rows]
    paths = []
    for name, document in files.items():
        paths.append(into / f"{name}.json")
        paths[-1].write_text(json.dumps(document))
    return paths[0], paths[1], paths[2]


def _images(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    drives = -(-count // PER_DRIVE)
    values = {name: rng.choice(options, drives).tolist() for name, options in ATTRIBUTES.items()}
    return [
        {
            "id": index + 1,
            "file_name": f"{index:06d}.jpg",
            "width": 1280,
            "height": 720,
            "video_id": index // PER_DRIVE,
            **{name: own[index // PER_DRIVE] for name, own in values.items()},
        }
        for index in range(count)
    ]


def _rows(boxes: Boxes) -> list[dict[str, Any]]:
    columns = (boxes.image + 1, boxes.category + 1, boxes.xywh)
    return [
        {"image_id": image, "category_id": category, "bbox": xywh}
        for image, category, xywh in zip(*(each.tolist() for each in columns), strict=True)
    ]
