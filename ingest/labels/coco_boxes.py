"""COCO's entries: an image, an annotation, a box of a table of annotations.

Labels that ridealong ignores get ``ignore: 1`` and the area -1. `pycocotools` 2.0.11 overwrites
``ignore`` by ``iscrowd``, and a crowd is matched by another rule (overlap by the detection's own
area, any number of times), which gives another number. A label whose area lies outside the area
range is ignored by the ordinary rule, as ours are (``COCOeval.evaluateImg``).
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.labels.content import LabelClip, LabelImage
from ingest.labels.entries import Entry
from ridealong.errors import RidealongError
from ridealong.perception.annotations import ObjectCategory, Task
from ridealong.terminal.readable import exact_instant

CATEGORY_IDS = {str(category): at for at, category in enumerate(ObjectCategory, start=1)}
CATEGORIES = [
    {"id": at, "name": name, "supercategory": "road_user"} for name, at in CATEGORY_IDS.items()
]
IGNORED_AREA = -1  # below every area range of COCOeval

# What of a label is kept as an attribute, where it is known; the track's id comes besides.
ATTRIBUTES = (
    "occlusion", "truncation", "x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad",
)  # fmt: skip

ImageIds = Mapping[tuple[int, str], int]  # by timestamp_ns and camera of a clip's images


def image_entry(clip: LabelClip, image: LabelImage, at: int, name: str, labelled: bool) -> Entry:
    """An image, by its id and file name."""
    return {
        "id": at,
        "file_name": name,
        "width": image.width,
        "height": image.height,
        "clip_id": clip.clip_id,
        "camera": image.camera,
        "timestamp_ns": image.timestamp_ns,
        "labelled": labelled,
        **image.about,
    }


def annotation(at: int, box: Mapping[str, Any], attributes: Entry, ignored: bool = False) -> Entry:
    """An annotation by its id: a box of `boxes_in`, with attributes."""
    _, _, width, height = box["bbox"]
    return {
        "id": at,
        **box,
        "area": IGNORED_AREA if ignored else width * height,
        "segmentation": [],
        "iscrowd": 0,
        "ignore": int(ignored),
        "attributes": attributes,
    }


def label_attributes(row: Mapping[str, Any]) -> dict[str, object]:
    """What is known of a label, a row of `ridealong.perception.annotations.ANNOTATIONS`."""
    known = {name: row[name] for name in ATTRIBUTES if row[name] is not None}
    return {name: value for name, value in known.items() if math.isfinite(value)}


def score_of(row: Mapping[str, Any]) -> float:
    """A detection's score."""
    return 1.0 if row["score"] is None else float(row["score"])


def boxes_in(sparse: pa.Table, ids: ImageIds) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Objects with a box in one of these images, each with what labels and results share.

    Raises:
        RidealongError: A corner is no number, or a category is unknown.
    """
    objects = sparse.filter(pc.equal(sparse["task"], Task.OBJECTS))
    for row in objects.to_pylist():
        image_id = ids.get((row["timestamp_ns"], row["camera"]))
        corners = [row[edge] for edge in ("x1", "y1", "x2", "y2")]
        if image_id is None or None in corners:
            continue
        x1, y1, x2, y2 = corners
        if not all(map(math.isfinite, corners)):
            raise RidealongError(
                f"a box of {row['camera']} at {exact_instant(row['timestamp_ns'])} has corners "
                f"{corners}",
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
