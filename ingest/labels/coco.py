"""COCO: images, their labels as ``annotations.json``, and what networks said as results.

The folder holds ``images/``, ``annotations.json`` and one results file a network
(``deployed.json``, ``candidate.json``), which pycocotools' ``COCO`` and ``COCO.loadRes`` load.
Objects with an image box are exported; other tasks have no place in COCO.

`pycocotools` 2.0.11 raises ``IndexError`` for an empty list of results. A network that found
nothing therefore gets one placeholder result of category 0, which no category has: it loads, and
``COCOeval``, which asks for the results of known categories, never counts it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image as PillowImage

from ingest.annotations import ObjectCategory, Perception, Task
from ingest.errors import RidealongError
from ingest.labels.folder import export_folder, write_json
from ingest.recording import Image

CATEGORY_IDS = {str(category): at for at, category in enumerate(ObjectCategory, start=1)}
NETWORKS = ("deployed", "candidate")
ANNOTATIONS_FILE = "annotations.json"
_NO_CATEGORY = 0

Entry = dict[str, object]
_ImageKey = tuple[int, str]  # timestamp_ns and camera of a clip's image


@dataclass(frozen=True)
class LabelClip:
    """One clip to export.

    Attributes:
        clip_id: The clip.
        frames: Camera sets, ``(timestamp_ns, {camera: image})``: each image is exported.
        labels: Reference labels; None where none are known.
        outputs: What each network said, by role (``deployed``, ``candidate``).
        about: What else labelers should know of it, as JSON can say it.
    """

    clip_id: str
    frames: Iterable[tuple[int, Mapping[str, Image]]]
    labels: Perception | None
    outputs: Mapping[str, Perception]
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class CocoSummary:
    """How much was exported: clips, images, labels, results by network."""

    clips: int
    images: int
    annotations: int
    results: dict[str, int]


@dataclass
class _Document:
    clips: list[Entry] = field(default_factory=list)
    images: list[Entry] = field(default_factory=list)
    annotations: list[Entry] = field(default_factory=list)
    results: dict[str, list[Entry]] = field(default_factory=dict)


def write_coco(
    folder: Path, clips: Iterable[LabelClip], networks: Sequence[str] = NETWORKS
) -> CocoSummary:
    """Write clips as a COCO data set with results; the folder appears whole or not at all.

    One clip's images are in memory at a time. Ids count from 1 in the order given, so the same
    clips give the same bytes. An image entry says its clip, camera and time, and whether anybody
    labelled it: one that nobody labelled has no annotations either. ``clips`` lists the clips in
    the order given, with what is known about them.

    Args:
        folder: New, empty, or an earlier export that nobody changed since.
        clips: In the order in which they should be looked at.
        networks: Roles, each with a results file.

    Raises:
        RidealongError: The folder holds something else, or there is no image to export.
    """
    document = _Document(results={network: [] for network in networks})
    with export_folder(folder, "coco") as partial:
        (partial / "images").mkdir()
        for clip in clips:
            _add_clip(document, partial / "images", clip)
        if not document.images:
            raise RidealongError(
                f"nothing to export: {len(document.clips)} clips hold no camera image",
                where=folder,
                mend="choose clips with cameras",
            )
        _write_document(partial, document)
    results = {network: len(found) for network, found in document.results.items()}
    return CocoSummary(
        len(document.clips), len(document.images), len(document.annotations), results
    )


def _add_clip(document: _Document, folder: Path, clip: LabelClip) -> None:
    document.clips.append({"clip_id": clip.clip_id} | dict(clip.about))
    ids: dict[_ImageKey, int] = {}
    judged = _judged(clip.labels)
    for timestamp_ns, images in clip.frames:
        for camera, image in images.items():
            key = (timestamp_ns, camera)
            ids[key] = len(document.images) + 1
            name = f"{clip.clip_id}-{camera}-{timestamp_ns}.png"
            PillowImage.fromarray(image).save(folder / name, compress_level=3)
            document.images.append(
                {
                    "id": ids[key],
                    "file_name": f"images/{name}",
                    "width": image.shape[1],
                    "height": image.shape[0],
                    "clip_id": clip.clip_id,
                    "camera": camera,
                    "timestamp_ns": timestamp_ns,
                    "labelled": timestamp_ns in judged,
                }
            )
    if clip.labels is not None:
        for annotation in _labels(clip.labels.sparse, ids):
            # Ids from 1: COCOeval takes an annotation with id 0 for an unmatched one.
            document.annotations.append({"id": len(document.annotations) + 1} | annotation)
    for network, results in document.results.items():
        if network in clip.outputs:
            results.extend(_results(clip.outputs[network].sparse, ids))


def _judged(labels: Perception | None) -> set[int]:
    """The times at which somebody looked for objects."""
    if labels is None or Task.OBJECTS not in labels.tasks:
        return set()
    return set(labels.timestamps_ns.tolist())


def _labels(sparse: pa.Table, ids: Mapping[_ImageKey, int]) -> Iterator[Entry]:
    for row, entry in _boxes(sparse, ids):
        extras = ("track_id", "occlusion", "truncation")
        known = {name: row[name] for name in extras if row[name] is not None}
        area = (row["x2"] - row["x1"]) * (row["y2"] - row["y1"])
        yield entry | {"area": area, "iscrowd": 0} | known


def _results(sparse: pa.Table, ids: Mapping[_ImageKey, int]) -> Iterator[Entry]:
    for row, entry in _boxes(sparse, ids):
        yield entry | {"score": 1.0 if row["score"] is None else row["score"]}


def _boxes(
    sparse: pa.Table, ids: Mapping[_ImageKey, int]
) -> Iterator[tuple[dict[str, Any], Entry]]:
    """Objects with a box in an exported image, each with what labels and results share."""
    objects = sparse.filter(pc.equal(sparse["task"], Task.OBJECTS))
    for row in objects.to_pylist():
        image_id = ids.get((row["timestamp_ns"], row["camera"]))
        corners = [row[edge] for edge in ("x1", "y1", "x2", "y2")]
        if image_id is None or None in corners:
            continue
        x1, y1, x2, y2 = corners
        if not all(map(math.isfinite, corners)):
            raise RidealongError(
                f"a box of {row['camera']} at {row['timestamp_ns']} ns has corners {corners}",
                expected="finite numbers of pixels",
            )
        yield (
            row,
            {
                "image_id": image_id,
                "category_id": _category_id(row["category"]),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
            },
        )


def _category_id(category: str) -> int:
    if category not in CATEGORY_IDS:
        known = ", ".join(CATEGORY_IDS)
        raise RidealongError(f"unknown object category {category!r}", expected=f"one of {known}")
    return CATEGORY_IDS[category]


def _write_document(folder: Path, document: _Document) -> None:
    categories = [
        {"id": at, "name": name, "supercategory": "road_user"} for name, at in CATEGORY_IDS.items()
    ]
    write_json(
        folder / ANNOTATIONS_FILE,
        {
            "info": {"description": "exported by ridealong"},
            "images": document.images,
            "annotations": document.annotations,
            "clips": document.clips,
            "categories": categories,
        },
    )
    for network, results in document.results.items():
        write_json(folder / f"{network}.json", results or [_placeholder(document.images[0])])


def _placeholder(image: Entry) -> Entry:
    box = [0.0, 0.0, 0.0, 0.0]
    return {"image_id": image["id"], "category_id": _NO_CATEGORY, "bbox": box, "score": 0.0}
