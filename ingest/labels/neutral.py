"""The neutral form of an export, from which every format is written.

`Exported` numbers the images, shapes and tracks of clips; the numbers are unique over the export
and count from 1. A shape is a label or a pre-label in one image: a box or a polyline.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.labels.content import LabelClip, LabelTask
from ridealong.errors import RidealongError
from ridealong.perception.forms import SPARSE, Form
from ridealong.perception.geometry import CameraCalibration
from ridealong.terminal.readable import exact_instant

SUFFIX = ".png"
DRAWN = frozenset(SPARSE - {Form.PATH})  # forms that are drawn in an image

# Columns of a label that become attributes if they are known.
ATTRIBUTES = (
    "occlusion", "truncation", "relevant", "x_m", "y_m", "z_m", "length_m", "width_m", "height_m",
    "yaw_rad",
)  # fmt: skip
_CUBOID = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")

Row = Mapping[str, Any]  # a row of `ridealong.perception.annotations.ANNOTATIONS`


@dataclass(frozen=True)
class LabelNames:
    """The names of labels over all tasks of an export.

    A category that several tasks have is named with its task, ``TASK/CATEGORY``.
    """

    tasks: Sequence[LabelTask]

    @cached_property
    def by_category(self) -> dict[tuple[str, str], str]:
        """The name of each category of each task, in order."""
        times = Counter(category for task in self.tasks for category in task.categories)
        return {
            (task.name, category): category if times[category] == 1 else f"{task.name}/{category}"
            for task in self.tasks
            for category in task.categories
        }

    @cached_property
    def by_name(self) -> dict[str, tuple[str, str]]:
        """The task and category of each name."""
        return {name: key for key, name in self.by_category.items()}

    @cached_property
    def forms(self) -> dict[str, Form]:
        """The form of each task."""
        return {task.name: task.form for task in self.tasks}

    def of(self, task: str, category: str) -> str:
        """The name of a category.

        Raises:
            RidealongError: The task has no such category.
        """
        if (task, category) not in self.by_category:
            known = ", ".join(name for own, name in self.by_category if own == task)
            raise RidealongError(
                f"unknown {task} category {category!r}", expected=f"one of {known}"
            )
        return self.by_category[task, category]


@dataclass(frozen=True)
class ExportImage:
    """One image.

    Attributes:
        id: Its number in the export, from 1.
        clip_id, camera, timestamp_ns: Where it comes from.
        frame: Its index among the exported images of its clip and camera, from 0.
        width, height: In pixels.
        file_name: Its file's name; it tells clip, camera and time.
        labelled: The tasks that are labelled in it.
        about: Other information.
    """

    id: int
    clip_id: str
    camera: str
    timestamp_ns: int
    frame: int
    width: int
    height: int
    file_name: str
    labelled: frozenset[str]
    about: Mapping[str, object] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return self.file_name.removesuffix(SUFFIX)


@dataclass(frozen=True)
class Shape:
    """A label or a pre-label in an image.

    Attributes:
        id: Its number in the export, from 1.
        image: Where it is.
        task: Its task.
        label: Its name of `LabelNames`.
        row: Its row, in the image's pixels.
        track: The number of its track in the export; the same in all frames and cameras of a clip.
            A track has one label.
        ignored: The metrics ignore it.
        score: Of a pre-label; None for a label.
    """

    id: int
    image: ExportImage
    task: str
    label: str
    row: Row
    track: int | None = None
    ignored: bool = False
    score: float | None = None

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """Left, top, right and bottom in pixels; None for a polyline."""
        if self.row["points"]:
            return None
        return self.row["x1"], self.row["y1"], self.row["x2"], self.row["y2"]

    @property
    def points(self) -> list[tuple[float, float]]:
        """The points of a polyline, in pixels; none for a box."""
        flat = self.row["points"] or ()
        return list(zip(flat[::2], flat[1::2], strict=True))

    @property
    def cuboid(self) -> tuple[float, ...] | None:
        """x, y, z, length, width, height in metres and yaw, in the ego frame; None if unknown."""
        values = tuple(self.row[name] for name in _CUBOID)
        known = all(value is not None and math.isfinite(value) for value in values)
        return values if known else None

    @property
    def attributes(self) -> dict[str, Any]:
        """What is known of it besides its shape."""
        known = {name: self.row[name] for name in ATTRIBUTES if self.row[name] is not None}
        return {name: value for name, value in known.items() if math.isfinite(value)}


@dataclass(frozen=True)
class ExportClip:
    """A clip in an export.

    Attributes:
        clip_id: The clip.
        images: Its images, in time.
        labels: The labels in them.
        prelabels: What each network reports in them, by role.
        cameras: Calibrations, in the images' pixels.
        source: The clip as it was given.
    """

    clip_id: str
    images: Sequence[ExportImage]
    labels: Sequence[Shape]
    prelabels: Mapping[str, Sequence[Shape]]
    cameras: Mapping[str, CameraCalibration]
    source: LabelClip

    def suggested(self, role: str) -> list[Shape]:
        """A network's pre-labels where their task is not labelled: what a labeller starts from."""
        found = self.prelabels.get(role, ())
        return [shape for shape in found if shape.task not in shape.image.labelled]

    def by_camera(self) -> dict[str, list[ExportImage]]:
        """The images of each camera, in time."""
        found: dict[str, list[ExportImage]] = {}
        for image in self.images:
            found.setdefault(image.camera, []).append(image)
        return found


def by_image(shapes: Iterable[Shape]) -> dict[int, list[Shape]]:
    """Shapes by the number of their image, in their order."""
    found: dict[int, list[Shape]] = {}
    for shape in shapes:
        found.setdefault(shape.image.id, []).append(shape)
    return found


class Exported:
    """Numbers clips; see the module.

    Args:
        names: The names of labels, of the tasks that are exported.
    """

    def __init__(self, names: LabelNames) -> None:
        self._names = names
        self._images, self._shapes, self._tracks = (itertools.count(1) for _ in range(3))

    def clip(self, clip: LabelClip) -> ExportClip:
        """The neutral form of the next clip.

        Raises:
            RidealongError: A shape has numbers that are not finite, or an unknown category.
        """
        images = self._numbered(clip)
        by_key = {(image.timestamp_ns, image.camera): image for image in images}
        return ExportClip(
            clip_id=clip.clip_id,
            images=images,
            labels=list(self._labels(clip, by_key)),
            prelabels={
                role: list(self._prelabels(rows, by_key)) for role, rows in clip.reported.items()
            },
            cameras=clip.cameras,
            source=clip,
        )

    def _numbered(self, clip: LabelClip) -> list[ExportImage]:
        judged = {task: clip.judged([task]) for task in self._names.forms}
        frames: Counter[str] = Counter()
        found = []
        for image in clip.images:
            there = (task for task, times in judged.items() if image.timestamp_ns in times)
            found.append(
                ExportImage(
                    next(self._images),
                    clip.clip_id,
                    image.camera,
                    image.timestamp_ns,
                    frames[image.camera],
                    image.width,
                    image.height,
                    f"{clip.clip_id}-{image.camera}-{image.timestamp_ns}{SUFFIX}",
                    frozenset(there),
                    image.about,
                )
            )
            frames[image.camera] += 1
        return found

    def _labels(
        self, clip: LabelClip, images: Mapping[tuple[int, str], ExportImage]
    ) -> Iterator[Shape]:
        if clip.labels is None:
            return
        tracks: dict[tuple[str, str, int], int] = {}  # in most formats a track has one label
        rows = clip.labels.sparse.append_column("ignored", pa.array(clip.ignored))
        for row, image in self._drawn(rows, images):
            if row["task"] not in image.labelled:
                continue
            key = row["task"], row["category"], row["track_id"]
            if row["track_id"] is not None and key not in tracks:
                tracks[key] = next(self._tracks)
            track = tracks.get(key)
            yield self._shape(row, image, track=track, ignored=row["ignored"])

    def _prelabels(
        self, rows: pa.Table, images: Mapping[tuple[int, str], ExportImage]
    ) -> Iterator[Shape]:
        for row, image in self._drawn(rows, images):
            yield self._shape(row, image, score=1.0 if row["score"] is None else row["score"])

    def _drawn(
        self, sparse: pa.Table, images: Mapping[tuple[int, str], ExportImage]
    ) -> Iterator[tuple[Row, ExportImage]]:
        """The rows of exported tasks that have a shape in one of these images."""
        tasks = pa.array(self._names.forms, pa.string())
        for row in sparse.filter(pc.is_in(sparse["task"], value_set=tasks)).to_pylist():
            image = images.get((row["timestamp_ns"], row["camera"]))
            if image is not None and is_drawn(row, self._names.forms[row["task"]]):
                _require_finite(row)
                yield row, image

    def _shape(self, row: Row, image: ExportImage, **more: Any) -> Shape:
        label = self._names.of(row["task"], row["category"])
        return Shape(next(self._shapes), image, row["task"], label, row, **more)


def is_drawn(row: Row, form: Form) -> bool:
    """Whether a row of that form has a shape in an image."""
    if form is Form.POLYLINES:
        return len(row["points"] or ()) >= 4
    return None not in (row["x1"], row["y1"], row["x2"], row["y2"])


def _require_finite(row: Row) -> None:
    numbers = row["points"] or [row[edge] for edge in ("x1", "y1", "x2", "y2")]
    if not all(map(math.isfinite, numbers)):
        raise RidealongError(
            f"a label of {row['camera']} at {exact_instant(row['timestamp_ns'])} has the corners "
            f"{numbers}",
            expected="finite numbers of pixels",
        )
