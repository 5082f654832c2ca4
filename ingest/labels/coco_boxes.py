"""COCO's entries: an image, an annotation, a box of a table of annotations.

Labels that ridealong ignores get ``ignore: 1`` and the area -1. `pycocotools` 2.0.11 overwrites
``ignore`` with ``iscrowd``, and a crowd is matched by another rule (overlap relative to the
detection's own area, any number of times), which gives a different value. A label whose area is
outside the area range is ignored by the usual rule, which is also ours (``COCOeval.evaluateImg``).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.labels.content import LabelClip, LabelImage, LabelTask
from ingest.labels.entries import Entry
from ingest.labels.neutral import LabelNames
from ridealong.errors import RidealongError
from ridealong.terminal.readable import exact_instant

IGNORED_AREA = -1  # below every area range of COCOeval

# Columns of a label that become attributes if they are known; the track's id is added.
ATTRIBUTES = (
    "occlusion", "truncation", "x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad",
)  # fmt: skip

ImageIds = Mapping[tuple[int, str], int]  # by timestamp_ns and camera of a clip's images


@dataclass(frozen=True)
class CocoCategories:
    """The categories of an export, task after task, with ids from 1."""

    tasks: Sequence[LabelTask]

    @cached_property
    def labels(self) -> LabelNames:
        """The names of the categories."""
        return LabelNames(self.tasks)

    @cached_property
    def ids(self) -> dict[tuple[str, str], int]:
        """The id of each category of each task."""
        return {key: at for at, key in enumerate(self.labels.by_category, start=1)}

    @property
    def names(self) -> list[str]:
        """The tasks' names."""
        return [task.name for task in self.tasks]

    def entries(self) -> list[Entry]:
        """The categories in COCO's form, by their names in exports."""
        names = self.labels.by_category
        above = {task.name: task.supercategory for task in self.tasks}
        return [
            {
                "id": at,
                "name": names[task, category],
                "supercategory": above[task],
            }
            for (task, category), at in self.ids.items()
        ]

    def id_of(self, task: str, category: str) -> int:
        """The id of a category.

        Raises:
            RidealongError: The task has no such category.
        """
        self.labels.of(task, category)
        return self.ids[task, category]


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
    """The attributes of a label, a row of `ridealong.perception.annotations.ANNOTATIONS`."""
    known = {name: row[name] for name in ATTRIBUTES if row[name] is not None}
    return {name: value for name, value in known.items() if math.isfinite(value)}


def score_of(row: Mapping[str, Any]) -> float:
    """A detection's score."""
    return 1.0 if row["score"] is None else float(row["score"])


def boxes_in(
    sparse: pa.Table, ids: ImageIds, categories: CocoCategories
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows with a box in one of these images, with the keys that labels and results share.

    Rows of tasks without categories here are left out.

    Raises:
        RidealongError: A corner is not a number, or a category is unknown.
    """
    exported = pc.is_in(sparse["task"], value_set=pa.array(categories.names, pa.string()))
    for row in sparse.filter(exported).to_pylist():
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
                "category_id": categories.id_of(row["task"], row["category"]),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
            },
        )
