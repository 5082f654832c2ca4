"""COCO: ground truth with images, annotations and categories; results as a list of boxes.

The order of images and of equal scores, and areas, are as in pycocotools, so its numbers can be
reproduced. The drive of an image is its video. Results may also be under ``annotations``.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ingest.results.format import ReadOptions, ResultFormat, ResultPaths
from ingest.results.images.box_columns import BoxColumns
from ingest.results.images.comparison import Truth, comparison_of
from ingest.results.images.frame_list import FrameEntry, attributes_in, frame_list
from ingest.results.images.objects import Identity, Objects, numbered
from ingest.results.json_stream import beginning, lists_in
from ingest.results.oddities import note
from ridealong.arrays import Bools, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import Boxes2D, Comparison, Note

NUMBERS = ("frame_id", "frame_index")  # the place of an image in its video
TRACKS = ("track_id", "instance_id")
OTHER_TASKS = ("segmentation", "keypoints")
NOT_ATTRIBUTES = ("id", "video_id", "file_name", "name")


def read(paths: ResultPaths, options: ReadOptions) -> Comparison[Boxes2D]:
    """Read ground truth and both results.

    Raises:
        RidealongError: A file is not in this format, or something in it is wrong.
    """
    truth = _GroundTruth(paths.truth, options.drive).read(options.rate_hz)
    deployed, candidate = _results(paths.deployed), _results(paths.candidate)
    return comparison_of(truth, deployed, candidate, paths, options)


def recognises(path: Path) -> bool:
    """Whether a file begins like COCO's ground truth or results."""
    head = beginning(path).lstrip()
    if head.startswith("["):
        return '"image_id"' in head and '"category_id"' in head
    parts = ('"images"', '"annotations"', '"categories"')
    own = '"file_name"' in head or '"image_id"' in head or '"supercategory"' in head
    return head.startswith("{") and own and any(part in head for part in parts)


def _results(path: Path) -> BoxColumns:
    columns, count, found = BoxColumns(), 0, False
    for key, batch in lists_in(path, ("annotations",)):
        rows = Objects(path, batch, numbered("annotation" if key else "result", count))
        _refuse_other_tasks(rows)
        xywh = rows.quadruples("bbox")
        columns.add(
            rows.identities("image_id"),
            rows.identities("category_id"),
            rows.optional_identities(*TRACKS),
            xywh,
            rows.numbers("score"),
            *_no_flags(len(batch)),
            xywh[:, 2] * xywh[:, 3],
        )
        count, found = count + len(batch), True
    if not found:
        expected = "a list of results, or an object with a list 'annotations'"
        raise RidealongError("has no results", where=path, expected=expected)
    return columns


def _refuse_other_tasks(rows: Objects) -> None:
    """Masks and key points are not judged; a box beside them is."""
    for at, row in enumerate(rows.rows):
        for key in OTHER_TASKS:
            if key in row and row.get("bbox") is None:
                raise rows.fault(at, f"has {key} and no 'bbox'", "a box: only boxes are judged")


def _no_flags(count: int) -> tuple[Bools, Bools]:
    return np.zeros(count, np.bool_), np.zeros(count, np.bool_)


@dataclass(frozen=True, slots=True)
class _Image:
    """What is kept of an image until all videos are known."""

    id: Identity
    file_name: str | None
    video: Identity | None
    drive: str | None
    number: float | None
    size: tuple[float, float]
    attributes: dict[str, str]


class _GroundTruth:
    """A file of ground truth, while it is read."""

    def __init__(self, path: Path, drive: str | None) -> None:
        self._path = path
        self._drive = drive
        self._images: dict[Identity, _Image] = {}
        self._categories: dict[Identity, str] = {}
        self._videos: dict[Identity, dict[str, str]] = {}
        self._boxes = BoxColumns()
        self._ids: list[Ints] = []
        self._counts: Counter[str] = Counter()  # of oddities

    def read(self, rate_hz: float | None) -> Truth:
        """All of it."""
        take = {
            "images": self._take_images,
            "annotations": self._take_annotations,
            "categories": self._take_categories,
            "videos": self._take_videos,
        }
        counts: Counter[str] = Counter()
        for key, batch in lists_in(self._path, tuple(take)):
            if key is None:
                raise self._fault("holds a list", expected="an object with images and annotations")
            noun = "category" if key == "categories" else key[:-1]
            take[key](Objects(self._path, batch, numbered(noun, counts[key])))
            counts[key] += len(batch)
        for key in ("images", "annotations", "categories"):
            if key not in counts:
                raise self._fault(f"has no list {key!r}", expected="COCO's ground truth")
        for key, noun in (("images", "image"), ("categories", "category")):
            if not counts[key]:
                raise self._fault(f"has no {noun}", expected="at least one")
        return self._truth(rate_hz)

    def _truth(self, rate_hz: float | None) -> Truth:
        ids = sorted(self._categories, key=_rank)
        return Truth(
            frames=frame_list(self._path, self._entries(), rate_hz),
            categories=tuple(self._categories[each] for each in ids),
            code={each: at for at, each in enumerate(ids)},
            boxes=self._boxes,
            drive_from=self._drive_from(),
            notes=tuple(self._notes()),
        )

    def _take_images(self, rows: Objects) -> None:
        number = rows.first_numbers(*NUMBERS)
        size = np.stack([rows.numbers("width"), rows.numbers("height")], axis=1)
        size[size <= 0] = np.nan  # some tools write 0 for unknown
        videos = rows.optional_identities("video_id")
        for at, id_ in enumerate(rows.identities("id")):
            if id_ in self._images:
                raise rows.fault(at, f"has the id {id_!r} of another image", "unique ids")
            row = rows.rows[at]
            self._images[id_] = _Image(
                id=id_,
                file_name=row["file_name"] if isinstance(row.get("file_name"), str) else None,
                video=videos[at],
                drive=rows.drive(at, self._drive),
                number=None if np.isnan(number[at]) else float(number[at]),
                size=(float(size[at, 0]), float(size[at, 1])),
                attributes=attributes_in(row, NOT_ATTRIBUTES),
            )

    def _take_videos(self, rows: Objects) -> None:
        for at, id_ in enumerate(rows.identities("id")):
            if id_ in self._videos:
                raise rows.fault(at, f"has the id {id_!r} of another video", "unique ids")
            row = rows.rows[at]
            self._videos[id_] = attributes_in(row, ("id",))

    def _take_categories(self, rows: Objects) -> None:
        names = rows.texts("name")
        for at, id_ in enumerate(rows.identities("id")):
            if id_ in self._categories:
                raise rows.fault(at, f"has the id {id_!r} of another category", "unique ids")
            if names[at] in self._categories.values():
                raise rows.fault(at, f"has the name {names[at]!r} of another one", "unique names")
            self._categories[id_] = names[at]

    def _take_annotations(self, rows: Objects) -> None:
        xywh, area = rows.quadruples("bbox"), rows.numbers("area")
        crowd, ignore = rows.flags("iscrowd"), rows.flags("ignore")
        ids = rows.optional_identities("id")
        self._ids.append(np.array([hash(id_) for id_ in ids if id_ is not None], np.int64))
        self._counts["zero"] += sum(id_ == 0 for id_ in ids)
        self._counts["ignored"] += int((ignore & ~crowd).sum())
        self._counts["area"] += int(np.isnan(area).sum())
        self._boxes.add(
            rows.identities("image_id"),
            rows.identities("category_id"),
            rows.optional_identities(*TRACKS),
            xywh,
            np.ones(len(rows.rows)),
            crowd,
            crowd | ignore,
            np.where(np.isnan(area), xywh[:, 2] * xywh[:, 3], area),
        )

    def _entries(self) -> list[FrameEntry]:
        """The frames in the order of their ids."""
        images = sorted(self._images.values(), key=lambda image: _rank(image.id))
        names = [image.file_name or str(image.id) for image in images]
        if len(set(names)) < len(names):
            names = [str(image.id) for image in images]
        video_names = self._video_names()
        return [
            FrameEntry(
                key=image.id,
                name=name,
                drive=image.drive or video_names.get(image.video, name),
                number=image.number,
                image=image.file_name,
                size=image.size,
                attributes=self._of_video(image) | image.attributes,
            )
            for image, name in zip(images, names, strict=True)
        ]

    def _video_names(self) -> dict[Identity | None, str]:
        """The names of the videos of images; their ids where names are missing or not unique."""
        ids = {image.video for image in self._images.values() if image.video is not None}
        names = {id_: self._videos.get(id_, {}).get("name", str(id_)) for id_ in ids}
        unique = len(set(names.values())) == len(names)
        return {id_: name if unique else str(id_) for id_, name in names.items()}

    def _of_video(self, image: _Image) -> dict[str, str]:
        attributes = self._videos.get(image.video, {}) if image.video is not None else {}
        return {key: value for key, value in attributes.items() if key != "name"}

    def _drive_from(self) -> str:
        if self._drive is not None:
            return self._drive
        videos = any(image.video is not None for image in self._images.values())
        return "video_id" if videos else "each image"

    def _notes(self) -> list[Note]:
        counts = self._counts
        ids = np.concatenate(self._ids) if self._ids else np.empty(0, np.int64)
        videos = [image.video is not None for image in self._images.values()]
        alone = videos.count(False) if any(videos) and self._drive is None else 0
        texts = {
            "images-without-video": (alone, "images have no video_id; each is its own drive"),
            "labels-without-area": (counts["area"], "labels have no area; that of the box counts"),
            "labels-ignored": (
                counts["ignored"],
                "labels are marked `ignore`: not required to be found; the summary counts them, as "
                "pycocotools does",
            ),
            "annotation-ids-repeated": (
                len(ids) - len(np.unique(ids)),
                "annotations have the id of another one; each counts as a label of its own",
            ),
            "annotation-id-zero": (
                counts["zero"],
                "annotations have the id 0, which is no match for pycocotools: it can differ",
            ),
        }
        return [
            one for kind, (count, text) in texts.items() for one in note(kind, "truth", count, text)
        ]

    def _fault(self, what: str, expected: str) -> RidealongError:
        return RidealongError(what, where=self._path, expected=expected)


def _rank(id_: Identity) -> tuple[bool, Identity]:
    """By number, then by text."""
    return isinstance(id_, str), id_


FORMAT: Final = ResultFormat(name="coco", title="COCO", read=read, recognises=recognises)
