"""A FiftyOne dataset folder: ``metadata.json``, ``samples.json`` and the images in ``data``.

A sample has the fields ``ground_truth`` (labels; absent where nothing is labelled), ``deployed``
and ``candidate`` (what the networks report). Coordinates are fractions of the image. FiftyOne's
importer of ``fiftyone.types.FiftyOneDataset`` reads this form, the one without a version.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingest.labels.entries import EntryLists, json_bytes
from ingest.labels.formats.format import Format
from ingest.labels.lineage import ExportHead
from ingest.labels.neutral import DRAWN, ExportClip, ExportImage, LabelNames, Shape
from ridealong.perception.forms import Form

IMAGES, SAMPLES, METADATA = "data", "samples.json", "metadata.json"
TRUTH, LINES = "ground_truth", "lines"
_LISTS = ".lists"

Json = dict[str, Any]


class FiftyOneWriter:
    """Writes the samples; see the module."""

    def __init__(self, folder: Path, names: LabelNames, head: ExportHead) -> None:
        self._folder, self._names, self._head = folder, names, head
        self._lists = EntryLists(folder / _LISTS)

    def add(self, clip: ExportClip) -> None:
        """Write a clip."""
        fields = {TRUTH: clip.labels} | dict(clip.prelabels)
        inside: dict[tuple[str, int], list[Shape]] = {}
        for field, shapes in fields.items():
            for shape in shapes:
                inside.setdefault((field, shape.image.id), []).append(shape)
        for image in clip.images:
            sample = _sample(image)
            for field in fields:
                if field != TRUTH or image.labelled:
                    sample |= _field(field, inside.get((field, image.id), ()))
            self._lists["samples"].add(sample)

    def finish(self) -> None:
        """Write the documents."""
        self._lists.write_document(self._folder / SAMPLES, {"_cls": "list"}, {"samples": "samples"})
        boxes = [n for (task, _), n in self._names.by_category.items()
                 if self._names.forms[task] is not Form.POLYLINES]  # fmt: skip
        info = {"classes": boxes, "run": self._head.run}
        document = {"name": "ridealong", "media_type": "image", "info": info}
        (self._folder / METADATA).write_bytes(json_bytes(document))

    def close(self) -> None:
        """Remove the lists from which the documents were made."""
        self._lists.close()


def _sample(image: ExportImage) -> Json:
    return {
        "filepath": f"{IMAGES}/{image.file_name}",
        "tags": ["labelled"] if image.labelled else ["unlabelled"],
        "metadata": {
            "_cls": "ImageMetadata",
            "mime_type": "image/png",
            "width": image.width,
            "height": image.height,
            "num_channels": 3,
        },
        "_media_type": "image",
        "clip_id": image.clip_id,
        "camera": image.camera,
        "timestamp_ns": str(image.timestamp_ns),
    }


def _field(name: str, shapes: Sequence[Shape]) -> Json:
    boxes = [_detection(shape) for shape in shapes if shape.box is not None]
    lines = [_polyline(shape) for shape in shapes if shape.box is None]
    found: Json = {name: {"_cls": "Detections", "detections": boxes}}
    if lines:
        found[f"{name}_{LINES}"] = {"_cls": "Polylines", "polylines": lines}
    return found


def _detection(shape: Shape) -> Json:
    assert shape.box is not None
    (x1, y1, x2, y2), image = shape.box, shape.image
    width, height = image.width, image.height
    box = [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]
    # FiftyOne's evaluation treats a box with `iscrowd` as neither right nor wrong.
    return _labelled("Detection", shape) | {"bounding_box": box, "iscrowd": int(shape.ignored)}


def _polyline(shape: Shape) -> Json:
    width, height = shape.image.width, shape.image.height
    points = [[x / width, y / height] for x, y in shape.points]
    return _labelled("Polyline", shape) | {"points": [points], "closed": False, "filled": False}


def _labelled(kind: str, shape: Shape) -> Json:
    head = {"_cls": kind, "label": shape.label, "tags": [], "attributes": {}}
    index = {} if shape.track is None else {"index": shape.track}
    score = {} if shape.score is None else {"confidence": float(shape.score)}
    return head | shape.attributes | index | score


FORMAT = Format(
    name="fiftyone",
    title="FiftyOne: a dataset folder",
    images=IMAGES,
    forms=DRAWN,
    writer=FiftyOneWriter,
    lacks=("labels without a shape in an image",),
)
