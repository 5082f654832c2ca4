"""The content of an export of images: clips, their images, labels, and networks' outputs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.labels.pictures import Pixels
from ridealong.perception.annotations import Perception


@dataclass(frozen=True)
class BoxTask:
    """A task whose predictions are boxes in images.

    Attributes:
        name: As in the column ``task`` of its rows.
        categories: Its categories, in their order.
        supercategory: COCO's supercategory of all of them.
    """

    name: str
    categories: tuple[str, ...]
    supercategory: str


@dataclass(frozen=True)
class LabelImage:
    """One image to export: its time, camera, size in pixels, and other information."""

    timestamp_ns: int
    camera: str
    width: int
    height: int
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelClip:
    """One clip to export.

    Attributes:
        clip_id: The clip.
        images: The images to export, in time.
        pixels: Gives the camera sets at some of their times, ``(timestamp_ns, {camera: image})``.
        labels: Reference labels; None if none are known.
        ignored: ``(N,)`` which rows of ``labels.sparse`` the metrics ignore.
        outputs: Each network's outputs at any score, by role (``deployed``, ``candidate``).
        reported: The rows of ``outputs`` at or above their thresholds, by role.
        about: Other information for labellers, as values that JSON can express.
    """

    clip_id: str
    images: Sequence[LabelImage]
    pixels: Pixels
    labels: Perception | None
    ignored: NDArray[np.bool_]
    outputs: Mapping[str, Perception]
    reported: Mapping[str, pa.Table]
    about: Mapping[str, object] = field(default_factory=dict)

    def judged(self, tasks: Collection[str]) -> set[int]:
        """The times with labels of any of these tasks."""
        if self.labels is None or self.labels.tasks.isdisjoint(tasks):
            return set()
        return set(self.labels.timestamps_ns.tolist())
