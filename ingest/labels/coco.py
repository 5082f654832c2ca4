"""COCO: images, their labels, what networks said as results, and what they said as pre-labels.

The folder is laid out as Datumaro (and CVAT through it) recognises COCO. The images that somebody
labelled are listed in ``annotations/instances_default.json``, those that nobody did in a file of
their own: so whoever computes with the first and a results file, by plain `pycocotools`, gets
ridealong's number. The README.md that stands in the folder (`ingest.labels.readme`) says what each
file is. Objects with an image box are exported; other tasks have no place in COCO.

Two places where `pycocotools` 2.0.11 asks for care:

- Labels that ridealong ignores get ``ignore: 1`` and the area -1. ``COCOeval`` overwrites
  ``ignore`` by ``iscrowd``, and a crowd is matched by another rule (overlap by the detection's own
  area, any number of times), which gives another number. A label whose area lies outside the area
  range is ignored by the ordinary rule, as ours are (``COCOeval.evaluateImg``).
- It raises ``IndexError`` for an empty list of results. A network that found nothing therefore gets
  one placeholder of category 0, which no category has: it loads, and is never counted.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.annotations import ObjectCategory, Perception, Task
from ingest.errors import RidealongError
from ingest.labels.entries import Entry, EntryLists, json_bytes
from ingest.labels.folder import check_replaceable, export_folder
from ingest.labels.networks import THRESHOLDS_FILE, LabelNetworks
from ingest.labels.pictures import Encoder, PictureFiles, PictureSizes
from ingest.labels.readme import coco_readme
from ingest.recording import Image

CATEGORY_IDS = {str(category): at for at, category in enumerate(ObjectCategory, start=1)}
NETWORKS = ("deployed", "candidate")
SUBSET = "default"  # what Datumaro calls a data set without parts
LABELLED, UNLABELLED = "labelled", "unlabelled"
LISTS = ".lists"  # where the documents grow; gone when the folder is whole
IGNORED_AREA = -1  # below every area range of COCOeval
_NO_CATEGORY = 0
_BYTES_PER_MB = 1_000_000

# What of a label is kept as an attribute, where it is known; the track's id comes besides.
ATTRIBUTES = (
    "occlusion", "truncation", "x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad",
)  # fmt: skip

_ImageKey = tuple[int, str]  # timestamp_ns and camera of a clip's image


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
        about: What else labelers should know of it, as JSON can say it.
    """

    clip_id: str
    images: Sequence[LabelImage]
    pixels: Callable[[NDArray[np.int64]], Iterable[tuple[int, Mapping[str, Image]]]]
    labels: Perception | None
    ignored: NDArray[np.bool_]
    outputs: Mapping[str, Perception]
    said: Mapping[str, pa.Table]
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class CocoSummary:
    """How much was exported, or would be.

    Attributes:
        clips: Clips.
        images: Images, ``labelled`` and ``unlabelled`` together.
        labelled, unlabelled: Images that somebody labelled, and that nobody did.
        annotations: Labels, ``ignored`` ones too.
        ignored: Labels that count neither for nor against a network.
        results: Boxes on labelled images at any score, by network.
        prelabels: Boxes at or above their thresholds, on all images, by network.
        megabytes: Size of the folder, in 10^6 bytes; of one that was not written an estimate.
    """

    clips: int
    images: int
    labelled: int
    unlabelled: int
    annotations: int
    ignored: int
    results: dict[str, int]
    prelabels: dict[str, int]
    megabytes: float


def write_coco(folder: Path, clips: Iterable[LabelClip], networks: LabelNetworks) -> CocoSummary:
    """Write clips as a COCO data set; the folder appears whole or not at all.

    One camera set and one clip's boxes are in memory at a time. Ids count from 1 in the order
    given, so the same clips give the same bytes; those of images, annotations (labels and
    pre-labels) and tracks are unique over the export.

    Args:
        folder: New, empty, or an earlier export that nobody changed since.
        clips: In the order in which they should be looked at.
        networks: The networks whose outputs are exported.

    Raises:
        RidealongError: The folder holds something else, or there is no image to export.
    """
    with export_folder(folder, "coco") as partial, EntryLists(partial / LISTS) as lists:
        writer = _Writer(lists, PictureFiles(partial / "images" / SUBSET), tuple(networks.by_role))
        writer.add_all(clips, folder)
        _write_documents(partial, writer)
        networks.write(partial / THRESHOLDS_FILE)
        (partial / "README.md").write_text(coco_readme(networks, writer.first is not None), "utf-8")
        return writer.summary(_size_of(partial) - _size_of(partial / LISTS))


def preview_coco(folder: Path, clips: Iterable[LabelClip], networks: LabelNetworks) -> CocoSummary:
    """What `write_coco` would write, without writing: counts are exact, the size is an estimate.

    One camera set of each clip is decoded and compressed to learn how large its images are.

    Raises:
        RidealongError: As for `write_coco`.
    """
    check_replaceable(folder)
    with EntryLists(None) as lists:
        sizes = PictureSizes()
        writer = _Writer(lists, sizes, tuple(networks.by_role))
        writer.add_all(clips, folder)
        return writer.summary(sizes.bytes + _size_of_documents(writer))


class _Writer:
    """Sorts clips into the lists that documents are made of, and counts ids."""

    def __init__(self, lists: EntryLists, pictures: Encoder, networks: Sequence[str]) -> None:
        self.lists, self.networks = lists, networks
        self.clips: list[Entry] = []
        self.first: int | None = None  # id of the first labelled image
        self._pictures = pictures
        self._ignored = 0
        self._image_ids, self._annotation_ids, self._track_ids = (
            itertools.count(1) for _ in range(3)
        )

    def add_all(self, clips: Iterable[LabelClip], folder: Path) -> None:
        for clip in clips:
            self._add(clip)
        if not self.lists["images"].count:
            raise RidealongError(
                "nothing to export: these clips have none of the images asked for",
                where=folder,
                mend="choose clips with cameras, or other --cameras or --frames",
            )

    def summary(self, size: int) -> CocoSummary:
        def count(name: str) -> int:
            return self.lists[name].count

        return CocoSummary(
            clips=len(self.clips),
            images=count("images"),
            labelled=count(LABELLED),
            unlabelled=count(UNLABELLED),
            annotations=count("annotations"),
            ignored=self._ignored,
            results={network: count(f"results-{network}") for network in self.networks},
            prelabels={network: count(f"prelabels-{network}") for network in self.networks},
            megabytes=round(size / _BYTES_PER_MB, 1),
        )

    def _add(self, clip: LabelClip) -> None:
        self.clips.append({"clip_id": clip.clip_id} | dict(clip.about))
        judged = _judged(clip.labels)
        ids: dict[str, dict[_ImageKey, int]] = {LABELLED: {}, UNLABELLED: {}}
        names: dict[_ImageKey, str] = {}
        for image in clip.images:
            kind = LABELLED if image.timestamp_ns in judged else UNLABELLED
            key = (image.timestamp_ns, image.camera)
            ids[kind][key] = next(self._image_ids)
            names[key] = f"{clip.clip_id}-{image.camera}-{image.timestamp_ns}.png"
            entry = _image(clip, image, ids[kind][key], names[key], kind == LABELLED)
            self.lists[kind].add(entry)
            self.lists["images"].add(entry)
        self._pictures.add(names, clip.pixels)
        self.first = self.first or next(iter(ids[LABELLED].values()), None)
        self._add_labels(clip, ids[LABELLED])
        for network in self.networks:
            self._add_outputs(clip, network, ids)

    def _add_labels(self, clip: LabelClip, ids: Mapping[_ImageKey, int]) -> None:
        if clip.labels is None:
            return
        tracks: dict[int, int] = {}
        ignored = pa.array(clip.ignored)
        for row, box in _boxes(clip.labels.sparse.append_column("ignored", ignored), ids):
            attributes = {name: row[name] for name in ATTRIBUTES if row[name] is not None}
            track = row["track_id"]
            if track is not None:
                if track not in tracks:
                    tracks[track] = next(self._track_ids)
                attributes |= {"track_id": tracks[track], "track_id_in_clip": track}
            attributes["ignored"] = row["ignored"]
            self._ignored += row["ignored"]
            area = IGNORED_AREA if row["ignored"] else None
            self._annotate("annotations", box, attributes, int(row["ignored"]), area)

    def _add_outputs(
        self, clip: LabelClip, network: str, ids: Mapping[str, dict[_ImageKey, int]]
    ) -> None:
        if network not in clip.outputs:
            return
        for row, box in _boxes(clip.outputs[network].sparse, ids[LABELLED]):
            self.lists[f"results-{network}"].add(box | {"score": _score(row)})
        for row, box in _boxes(clip.said[network], ids[LABELLED] | ids[UNLABELLED]):
            self._annotate(f"prelabels-{network}", box, {"score": _score(row)})

    def _annotate(
        self,
        name: str,
        box: dict[str, Any],
        attributes: Entry,
        ignore: int = 0,
        area: float | None = None,
    ) -> None:
        # Ids from 1: COCOeval takes an annotation with id 0 for an unmatched one.
        _, _, width, height = box["bbox"]
        self.lists[name].add(
            {"id": next(self._annotation_ids)}
            | box
            | {
                "area": width * height if area is None else area,
                "segmentation": [],
                "iscrowd": 0,
                "ignore": ignore,
                "attributes": attributes,
            }
        )


def _image(
    clip: LabelClip, image: LabelImage, at: int, name: str, labelled: bool
) -> dict[str, Any]:
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


def _judged(labels: Perception | None) -> set[int]:
    """The times at which somebody looked for objects."""
    if labels is None or Task.OBJECTS not in labels.tasks:
        return set()
    return set(labels.timestamps_ns.tolist())


def _score(row: Mapping[str, Any]) -> float:
    return 1.0 if row["score"] is None else float(row["score"])


def _boxes(
    sparse: pa.Table, ids: Mapping[_ImageKey, int]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Objects with a box in one of these images, each with what labels and results share."""
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


def _documents(writer: _Writer) -> Iterator[tuple[str, dict[str, object], dict[str, str]]]:
    """Each COCO document: its file, what it begins with, and its lists by key."""
    labels = {"images": LABELLED, "annotations": "annotations"}
    yield f"instances_{SUBSET}.json", _head("labels") | {"clips": writer.clips}, labels
    # No underscore in the other names: Datumaro takes every *_*.json for labels of the data set.
    if writer.lists[UNLABELLED].count:
        unlabelled = {"images": UNLABELLED, "annotations": "none"}
        yield "unlabelled.json", _head("images that nobody labelled"), unlabelled
    for network in writer.networks:
        said = {"images": "images", "annotations": f"prelabels-{network}"}
        yield f"prelabels-{network}.json", _head(f"what the {network} network says"), said


def _head(what: str) -> dict[str, object]:
    categories = [
        {"id": at, "name": name, "supercategory": "road_user"} for name, at in CATEGORY_IDS.items()
    ]
    return {"info": {"description": f"exported by ridealong: {what}"}, "categories": categories}


def _write_documents(folder: Path, writer: _Writer) -> None:
    annotations = folder / "annotations"
    annotations.mkdir()
    for name, head, lists in _documents(writer):
        writer.lists.write_document(annotations / name, head, lists)
    for network in writer.networks:
        found, path = f"results-{network}", folder / f"{network}.json"
        if writer.first is not None and not writer.lists[found].count:
            path.write_bytes(json_bytes([_placeholder(writer.first)]))
        else:
            writer.lists.write_list(path, found)


def _size_of_documents(writer: _Writer) -> int:
    names = [name for _, _, lists in _documents(writer) for name in lists.values()]
    names += [f"results-{network}" for network in writer.networks]
    return sum(writer.lists[name].bytes for name in names)


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _placeholder(image_id: int) -> Entry:
    box = [0.0, 0.0, 0.0, 0.0]
    return {"image_id": image_id, "category_id": _NO_CATEGORY, "bbox": box, "score": 0.0}
