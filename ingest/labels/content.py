"""The content of an export of images: clips, their images, labels, and networks' outputs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.labels.pictures import Pixels
from ridealong.perception.annotations import Perception
from ridealong.perception.forms import Form
from ridealong.perception.geometry import CameraCalibration


@dataclass(frozen=True)
class LabelTask:
    """A task whose predictions are drawn in images.

    Attributes:
        name: As in the column ``task`` of its rows.
        categories: Its categories, in their order.
        supercategory: COCO's supercategory of all of them.
        form: How its predictions are stored: boxes, states or polylines.
    """

    name: str
    categories: tuple[str, ...]
    supercategory: str
    form: Form = Form.BOXES


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
        cameras: Calibrations, in the pixels of ``images``.
        lineage: Where the clip comes from: its drive, its triggers, the version of its labels.
        video: Gives a camera's video as MP4; None if there is none.
        video_times: Gives the times ``(T,)`` of the frames of a camera's video, in ns.
    """

    clip_id: str
    images: Sequence[LabelImage]
    pixels: Pixels
    labels: Perception | None
    ignored: NDArray[np.bool_]
    outputs: Mapping[str, Perception]
    reported: Mapping[str, pa.Table]
    about: Mapping[str, object] = field(default_factory=dict)
    cameras: Mapping[str, CameraCalibration] = field(default_factory=dict)
    lineage: Mapping[str, object] = field(default_factory=dict)
    video: Callable[[str], bytes] | None = None
    video_times: Callable[[str], NDArray[np.int64]] | None = None

    def judged(self, tasks: Collection[str]) -> set[int]:
        """The times with labels of any of these tasks."""
        if self.labels is None or self.labels.tasks.isdisjoint(tasks):
            return set()
        return set(self.labels.timestamps_ns.tolist())
