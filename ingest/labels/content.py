"""What an export of images is made of: clips, their images, labels, and what networks said."""

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
        supercategory: What all of them are.
    """

    name: str
    categories: tuple[str, ...]
    supercategory: str


@dataclass(frozen=True)
class LabelImage:
    """One image to export: when, of which camera, its size in pixels, and what else to tell."""

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
        labels: Reference labels; None where none are known.
        ignored: ``(N,)`` which rows of ``labels.sparse`` the metrics ignore.
        outputs: What each network said at any score, by role (``deployed``, ``candidate``).
        said: The rows of it at or above their thresholds.
        about: What else labellers should know of it, as JSON can say it.
    """

    clip_id: str
    images: Sequence[LabelImage]
    pixels: Pixels
    labels: Perception | None
    ignored: NDArray[np.bool_]
    outputs: Mapping[str, Perception]
    said: Mapping[str, pa.Table]
    about: Mapping[str, object] = field(default_factory=dict)

    def judged(self, tasks: Collection[str]) -> set[int]:
        """The times at which somebody labelled any of these tasks."""
        if self.labels is None or self.labels.tasks.isdisjoint(tasks):
            return set()
        return set(self.labels.timestamps_ns.tolist())
