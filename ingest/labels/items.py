"""An export of items of result files: which cost most, their pictures, and boxes as COCO.

The folder has ``items.json``, the items in their order. For boxes in images it also has
``annotations/instances_default.json``, the labels of these frames, and ``results/deployed.json``
and ``results/candidate.json``, as pycocotools loads them.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ingest.labels.folder import export_folder, write_json
from ridealong.perception.result_files import Boxes2D, Comparison

KIND = "items"
_README = """# Items of a run

`items.json` lists the items whose loss is the largest, in this order: each with its drive, its
attributes, its share of the loss, and the cell in which its part is the largest.
"""
_README_BOXES = """
`annotations/instances_default.json` has the labels of these frames in COCO's format, and
`results/deployed.json` and `results/candidate.json` have what the networks said, for `loadRes` of
pycocotools. Boxes are those of your files. `images` has the pictures that were found.
"""


@dataclass(frozen=True)
class ItemsSummary:
    """What was exported.

    Attributes:
        pictures: How many pictures were copied.
        without_picture: Names of the images that are not in the folder of images.
    """

    pictures: int = 0
    without_picture: tuple[str, ...] = ()


def write_items(
    folder: Path,
    items: Sequence[Mapping[str, Any]],
    images: Path | None,
    comparison: Comparison[Any] | None,
) -> ItemsSummary:
    """Write items; the folder appears when it is complete, or not at all.

    Args:
        folder: New, empty, or an earlier export that was not changed since.
        items: What `items.json` has, in order; ``item`` is the name of a frame, ``image`` the path
            of its picture below ``images``.
        images: The folder of images; None to copy none.
        comparison: The files that the items come from, if they have boxes in images.

    Raises:
        RidealongError: The folder holds something else, or a picture cannot be read.
    """
    with export_folder(folder, KIND) as partial:
        write_json(partial / "items.json", items)
        if comparison is not None:
            _write_boxes(partial, items, comparison)
        summary = _copy(items, images, partial / "images") if images else ItemsSummary()
        readme = _README + (_README_BOXES if comparison is not None else "")
        (partial / "README.md").write_text(readme, "utf-8")
    return summary


def _copy(items: Sequence[Mapping[str, Any]], images: Path, target: Path) -> ItemsSummary:
    copied, lacking = 0, []
    for item in items:
        name = item["image"]
        if name is None:
            continue
        source = images / name
        if not _is_below(name) or not source.is_file():
            lacking.append(name)
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / name)
        copied += 1
    return ItemsSummary(copied, tuple(lacking))


def _is_below(name: str) -> bool:
    """Whether a path stays in its folder: a result file may name any."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _write_boxes(
    folder: Path, items: Sequence[Mapping[str, Any]], comparison: Comparison[Boxes2D]
) -> None:
    """Write the boxes of these frames as COCO; ids count from 1."""
    place = {name: at for at, name in enumerate(comparison.frames.name.to_pylist())}
    frames = [place[item["item"]] for item in items]
    image_id = np.zeros(len(place), np.int64)
    image_id[frames] = np.arange(1, len(frames) + 1)
    labels = [
        {"id": number, **entry}
        for number, entry in enumerate(_entries(comparison.truth, image_id), 1)
    ]
    (folder / "annotations").mkdir()
    (folder / "results").mkdir()
    categories = [{"id": at, "name": name} for at, name in enumerate(comparison.categories, 1)]
    pictures = [
        {"id": number, "file_name": item["image"] or item["item"], "video_id": item["drive"]}
        for number, item in enumerate(items, 1)
    ]
    document = {"images": pictures, "annotations": labels, "categories": categories}
    write_json(folder / "annotations" / "instances_default.json", document)
    for role in ("deployed", "candidate"):
        found = _entries(getattr(comparison, role), image_id, with_score=True)
        write_json(folder / "results" / f"{role}.json", found)


def _entries(
    boxes: Boxes2D, image_id: np.ndarray, with_score: bool = False
) -> list[dict[str, Any]]:
    """The boxes of the frames that have an id, in the order of their ids.

    Boxes without a finite place find nothing, and JSON has no number for them.
    """
    ids = image_id[boxes.frame]
    rows = np.flatnonzero((ids > 0) & np.isfinite(boxes.xywh).all(axis=1))
    rows = rows[np.argsort(ids[rows], kind="stable")]
    entries = []
    for row in rows.tolist():
        entry = {
            "image_id": int(ids[row]),
            "category_id": int(boxes.category[row]) + 1,
            "bbox": boxes.xywh[row].tolist(),
        }
        if with_score:
            entry["score"] = float(boxes.score[row])
        else:
            entry["area"] = float(boxes.area[row])
            entry["iscrowd"] = int(boxes.crowd[row])
            entry["ignore"] = int(boxes.ignored[row])
        entries.append(entry)
    return entries
