"""Label Studio: tasks for images and for videos. Labels are annotations, pre-labels predictions.

Coordinates are percent of the image. Frames of a video count from 1. A video's task lists the
exported frames, so that its labels can come back.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from ingest.labels.entries import EntryLists
from ingest.labels.formats.format import Format
from ingest.labels.lineage import ExportHead
from ingest.labels.neutral import ExportClip, ExportImage, LabelNames, Shape, by_image
from ridealong.perception.forms import Form
from ridealong.units import NS_PER_S

IMAGES, VIDEOS, TASKS, VIDEO_TASKS = "images", "videos", "tasks.json", "video_tasks.json"
LABELS, BOX, LOCAL = "label", "box", "/data/local-files/?d="
_LISTS = ".lists"
_FORMS = frozenset({Form.BOXES, Form.STATES})

Json = dict[str, Any]


class LabelStudioWriter:
    """Writes the tasks and the labeling interfaces; see the module."""

    def __init__(self, folder: Path, names: LabelNames, head: ExportHead) -> None:
        self._folder, self._networks = folder, head.networks
        self._lists = EntryLists(folder / _LISTS)
        (folder / "interface.xml").write_text(_interface(names), "utf-8")
        (folder / "video_interface.xml").write_text(_video_interface(names), "utf-8")

    def add(self, clip: ExportClip) -> None:
        """Write a clip."""
        labels = by_image(clip.labels)
        said = {role: by_image(shapes) for role, shapes in clip.prelabels.items()}
        for image in clip.images:
            mine = {role: found.get(image.id, []) for role, found in said.items()}
            self._lists["tasks"].add(self._task(image, labels.get(image.id, []), mine))
        if clip.source.video is None or clip.source.video_times is None:
            return
        for camera, images in clip.by_camera().items():
            name = f"{clip.clip_id}-{camera}.mp4"
            (self._folder / VIDEOS).mkdir(exist_ok=True)
            (self._folder / VIDEOS / name).write_bytes(clip.source.video(camera))
            times = clip.source.video_times(camera)
            self._lists["videos"].add(self._video_task(clip, camera, images, times, name))

    def finish(self) -> None:
        """Join the tasks to documents."""
        self._lists.write_list(self._folder / TASKS, "tasks")
        if self._lists["videos"].count:
            self._lists.write_list(self._folder / VIDEO_TASKS, "videos")

    def close(self) -> None:
        """Remove the lists from which the documents were made."""
        self._lists.close()

    def _task(
        self, image: ExportImage, labels: Sequence[Shape], said: Mapping[str, Sequence[Shape]]
    ) -> Json:
        data = {
            "image": f"{LOCAL}{IMAGES}/{image.file_name}",
            "clip_id": image.clip_id,
            "camera": image.camera,
            "timestamp_ns": str(image.timestamp_ns),
        }
        return {
            "id": image.id,
            "data": data,
            "annotations": [_annotation(image.id, list(map(_rectangle, labels)))]
            if image.labelled
            else [],
            "predictions": [
                self._prediction(role, shapes, list(map(_rectangle, shapes)))
                for role, shapes in said.items()
            ],
        }

    def _prediction(self, role: str, shapes: Sequence[Shape], result: list[Json]) -> Json:
        network = self._networks.by_role[role].network
        scores = [shape.score for shape in shapes if shape.score is not None]
        mean = float(np.mean(scores)) if scores else 0.0
        return {"model_version": f"{role} {network}", "score": mean, "result": result}

    def _video_task(
        self,
        clip: ExportClip,
        camera: str,
        images: Sequence[ExportImage],
        times: NDArray[np.int64],
        name: str,
    ) -> Json:
        data = {
            "video": f"{LOCAL}{VIDEOS}/{name}",
            "clip_id": clip.clip_id,
            "camera": camera,
            "start_ns": str(int(times[0])) if len(times) else "0",
            "width": images[0].width,
            "height": images[0].height,
            "frames": [
                {
                    "frame": _frame_at(times, image),
                    "timestamp_ns": str(image.timestamp_ns),
                    "labelled": bool(image.labelled),
                }
                for image in images
            ],
        }
        labelled = any(image.labelled for image in images)
        mine = [shape for shape in clip.labels if shape.image.camera == camera]
        said = {
            role: [shape for shape in shapes if shape.image.camera == camera]
            for role, shapes in clip.prelabels.items()
        }
        at = images[0].id
        return {
            "id": at,
            "data": data,
            "annotations": [_annotation(at, _sequences(mine, times))] if labelled else [],
            "predictions": [
                self._prediction(role, shapes, _sequences(shapes, times))
                for role, shapes in said.items()
            ],
        }


def _annotation(at: int, result: list[Json]) -> Json:
    return {"id": at, "ground_truth": False, "was_cancelled": False, "result": result}


def _rectangle(shape: Shape) -> Json:
    image = shape.image
    result = {
        "id": f"shape-{shape.id}",
        "type": "rectanglelabels",
        "from_name": LABELS,
        "to_name": "image",
        "original_width": image.width,
        "original_height": image.height,
        "image_rotation": 0,
        "value": _percent(shape) | {"rotation": 0, "rectanglelabels": [shape.label]},
        "meta": _meta(shape),
    }
    return result if shape.score is None else result | {"score": float(shape.score)}


def _percent(shape: Shape) -> dict[str, float]:
    assert shape.box is not None  # lines are not exported
    (x1, y1, x2, y2), image = shape.box, shape.image
    return {
        "x": 100 * x1 / image.width,
        "y": 100 * y1 / image.height,
        "width": 100 * (x2 - x1) / image.width,
        "height": 100 * (y2 - y1) / image.height,
    }


def _meta(shape: Shape) -> Json:
    track = {} if shape.track is None else {"track": shape.track}
    ignored = {"ignored": True} if shape.ignored else {}
    known: Mapping[str, Any] = shape.attributes | track | ignored
    return {"text": [f"{name}={value}" for name, value in known.items()]} if known else {}


def _sequences(shapes: Sequence[Shape], times: NDArray[np.int64]) -> list[Json]:
    """The rectangles of a video, one for each track and label."""
    found: dict[tuple[int, str], list[Shape]] = {}
    for shape in shapes:
        found.setdefault((shape.track or -shape.id, shape.label), []).append(shape)
    return [_sequence(list(track), times) for track in found.values()]


def _frame_at(times: NDArray[np.int64], image: ExportImage) -> int:
    """The number of an image's frame in its video, from 1."""
    return int(np.searchsorted(times, image.timestamp_ns)) + 1


def _sequence(shapes: list[Shape], times: NDArray[np.int64]) -> Json:
    shapes.sort(key=lambda shape: shape.image.timestamp_ns)
    first = shapes[0]
    following = {one.id: two.image.frame for one, two in pairwise(shapes)}
    start = int(times[0])
    sequence = [
        {
            "frame": _frame_at(times, shape.image),
            "time": (shape.image.timestamp_ns - start) / NS_PER_S,
            # A lifespan ends where the next exported frame does not show the object.
            "enabled": following.get(shape.id) == shape.image.frame + 1,
            "rotation": 0,
            **_percent(shape),
        }
        for shape in shapes
    ]
    value = {
        "framesCount": len(times),
        "duration": (int(times[-1]) - start) / NS_PER_S,
        "sequence": sequence,
        "labels": [first.label],
    }
    meta = {"text": [f"track={first.track}"]} if first.track is not None else {}
    return {
        "id": f"track-{first.track}" if first.track is not None else f"shape-{first.id}",
        "type": "videorectangle",
        "from_name": BOX,
        "to_name": "video",
        "value": value,
        "meta": meta,
    } | ({} if first.score is None else {"score": float(first.score)})


def _interface(names: LabelNames) -> str:
    return (
        f'<View>\n<Image name="image" value="$image"/>\n<RectangleLabels name="{LABELS}" '
        f'toName="image">\n{_choices(names)}</RectangleLabels>\n</View>\n'
    )


def _video_interface(names: LabelNames) -> str:
    return (
        f'<View>\n<Labels name="{LABELS}" toName="video">\n{_choices(names)}</Labels>\n'
        f'<Video name="video" value="$video"/>\n<VideoRectangle name="{BOX}" toName="video"/>\n'
        "</View>\n"
    )


def _choices(names: LabelNames) -> str:
    return "".join(f"<Label value={quoteattr(name)}/>\n" for name in names.by_name)


FORMAT = Format(
    name="label-studio",
    title="Label Studio: tasks for images and videos",
    images=IMAGES,
    forms=_FORMS,
    writer=LabelStudioWriter,
    lacks=(
        "lines",
        "boxes in space and other attributes, except as text beside a region of an image",
    ),
    video=True,
)
