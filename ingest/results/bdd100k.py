"""BDD100K: frames with labels, as Scalabel writes them; detection and box tracking.

A file is a list of frames, or an object with ``frames``. Conventions are those of Scalabel and of
the BDD100K toolkit: a box includes its last pixel, labels with the attribute ``crowd`` or
``ignored`` are crowds, classes of older versions have new names, and three classes are ignored
regions of another one. Labels without ``box2d`` are skipped.

Results belong to the frame of the ground truth with their name. If frames of several videos have
one name, ``videoName`` tells them apart.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ingest.results.format import ReadOptions, ResultFormat, ResultPaths
from ingest.results.images.box_columns import BoxColumns
from ingest.results.images.comparison import Truth, comparison_of
from ingest.results.images.frame_list import FrameEntry, attributes_in, frame_list
from ingest.results.images.objects import Objects, numbered, shown
from ingest.results.json_stream import beginning, lists_in
from ingest.results.oddities import note
from ridealong.errors import RidealongError
from ridealong.perception.result_files import Boxes2D, Comparison, Note, Role

CLASSES = (
    "pedestrian",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
    "traffic light",
    "traffic sign",
)
RENAMED = {
    "bike": "bicycle",
    "caravan": "car",
    "motor": "motorcycle",
    "person": "pedestrian",
    "van": "car",
}
IGNORED = {"other person": "pedestrian", "other vehicle": "car", "trailer": "truck"}
VIDEO = ("videoName", "video_name")
NUMBER = ("frameIndex", "frame_index", "index")
NOT_ATTRIBUTES = ("name", "url", *VIDEO)
OF_LABELS = ("category", "box2d", "bbox", "score")  # never of a frame
MILLISECONDS = 1000


def read(paths: ResultPaths, options: ReadOptions) -> Comparison[Boxes2D]:
    """Read ground truth and both results.

    Raises:
        RidealongError: A file is not in this format, or something in it is wrong.
    """
    wanted = _File(paths.truth, "truth", options.drive)
    wanted.read(lambda frame: frame.key)
    truth = _truth(wanted, options)
    keys = _keys(wanted.frames.values())
    files = [_File(paths.deployed, "deployed"), _File(paths.candidate, "candidate")]
    for file in files:
        file.read(lambda frame: keys.get(frame.name, frame.key))
    compared = comparison_of(truth, files[0].boxes, files[1].boxes, paths, options)
    return replace(compared, notes=(*compared.notes, *(n for f in files for n in f.notes())))


def recognises(path: Path) -> bool:
    """Whether a file begins like a list of Scalabel's frames."""
    head = beginning(path).lstrip()
    own = ('"videoName"', '"frameIndex"', '"box2d"', '"labels"')
    begins = head[:1] in ("[", "{") and '"name"' in head and '"image_id"' not in head
    return begins and any(key in head for key in own)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame without its labels."""

    name: str
    video: str | None
    drive: str | None
    number: float | None
    time_s: float | None
    size: tuple[float, float]
    attributes: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.name if self.video is None else f"{self.video}/{self.name}"


class _File:
    """A file, while it is read.

    Attributes:
        path: The file.
        frames: Its frames, by their keys.
        boxes: Its boxes.
    """

    def __init__(self, path: Path, whose: Role, drive: str | None = None) -> None:
        self.path = path
        self.frames: dict[str, _Frame] = {}
        self.boxes = BoxColumns()
        self._whose = whose
        self._drive = drive
        self._counts: Counter[str] = Counter()  # of oddities

    def read(self, key_of: Callable[[_Frame], str]) -> None:
        """Read all of it; ``key_of`` says how its boxes refer to their frames."""
        count, found = 0, False
        for _, batch in lists_in(self.path, ("frames",)):
            self._take(Objects(self.path, batch, numbered("frame", count)), key_of)
            count, found = count + len(batch), True
        if not found:
            expected = "a list of frames, or an object with a list 'frames'"
            raise RidealongError("has no frames", where=self.path, expected=expected)

    def notes(self) -> list[Note]:
        """What was odd about its labels."""
        texts = {
            "labels-without-box": "labels have no box2d; skipped",
            "labels-ignored": "labels are of ignored classes; not required to be found",
        }
        return [
            one
            for kind, text in texts.items()
            for one in note(kind, self._whose, self._counts[kind], text)
        ]

    def _take(self, rows: Objects, key_of: Callable[[_Frame], str]) -> None:
        owners: list[str] = []
        labels: list[object] = []
        for at, frame in enumerate(self._frames(rows)):
            key = key_of(frame)
            if key in self.frames:
                raise rows.fault(at, f"has the name {frame.key!r} of another one", "unique names")
            self.frames[key] = frame
            self.boxes.mention(key)
            own = rows.rows[at].get("labels")
            if not isinstance(own, list | None):
                raise rows.fault(at, f"has the labels {shown(own)}", "a list")
            if own is None and (strange := [key for key in OF_LABELS if key in rows.rows[at]]):
                what = f"has no 'labels', but {strange[0]!r}"
                raise rows.fault(at, what, "frames, each with the list of its labels")
            labels += own or []
            owners += [key] * len(own or [])
        objects = Objects(self.path, labels, lambda at: f"a label of {owners[at]!r}")
        boxed = [at for at, box in enumerate(objects.column("box2d")) if box is not None]
        self._counts["labels-without-box"] += len(labels) - len(boxed)
        self._take_labels(objects.take(boxed), [owners[at] for at in boxed])

    def _frames(self, rows: Objects) -> list[_Frame]:
        numbers, times = rows.first_numbers(*NUMBER), rows.numbers("timestamp")
        sizes = rows.inner("size")
        columns = zip(
            rows.texts("name"),
            rows.optional_texts(*VIDEO),
            numbers.tolist(),
            times.tolist(),
            sizes.numbers("width").tolist(),
            sizes.numbers("height").tolist(),
            strict=True,
        )
        return [
            _Frame(
                name=name,
                video=video,
                drive=rows.drive(at, self._drive),
                number=None if np.isnan(number) else number,
                time_s=None if np.isnan(time) else time / MILLISECONDS,
                size=(width, height),
                attributes=self._attributes_of(rows, at),
            )
            for at, (name, video, number, time, width, height) in enumerate(columns)
        ]

    def _attributes_of(self, rows: Objects, at: int) -> Mapping[str, str]:
        # Results take those of the ground truth.
        return attributes_in(rows.rows[at], NOT_ATTRIBUTES) if self._whose == "truth" else {}

    def _take_labels(self, labels: Objects, owners: Sequence[str]) -> None:
        box, attributes = labels.inner("box2d"), labels.inner("attributes")
        x1, y1, x2, y2 = (box.all_numbers(corner) for corner in ("x1", "y1", "x2", "y2"))
        xywh = np.stack([x1, y1, x2 - x1 + 1, y2 - y1 + 1], axis=1)
        names = [RENAMED.get(name or "", name) for name in labels.optional_texts("category")]
        crowd = attributes.flags("crowd") | attributes.flags("ignored")
        score = labels.numbers("score")
        if self._whose == "truth":
            spared = np.array([name in IGNORED for name in names], np.bool_)
            self._counts["labels-ignored"] += int(spared.sum())
            names = [IGNORED.get(name or "", name) for name in names]
            crowd |= spared
            score = np.ones(len(owners))
        else:
            crowd = np.zeros(len(owners), np.bool_)
        tracks = labels.optional_texts("id")
        area = xywh[:, 2] * xywh[:, 3]
        self.boxes.add(owners, names, tracks, xywh, score, crowd, crowd, area)


def _keys(frames: Collection[_Frame]) -> dict[str, str]:
    """The key of each frame by its name, where names are unique."""
    counts = Counter(frame.name for frame in frames)
    return {frame.name: frame.key for frame in frames if counts[frame.name] == 1}


def _ordered(names: Iterable[Hashable]) -> tuple[str, ...]:
    """The classes of BDD100K in its order, then others by name."""
    known = {name: at for at, name in enumerate(CLASSES)}
    texts = [name for name in names if isinstance(name, str)]
    return tuple(sorted(texts, key=lambda name: (known.get(name, len(known)), name)))


def _truth(file: _File, options: ReadOptions) -> Truth:
    if not file.frames:
        raise RidealongError("has no frame", where=file.path, expected="at least one")
    # Scalabel's order is that of names.
    frames = sorted(file.frames.values(), key=lambda frame: (frame.name, frame.key))
    unique = len({frame.name for frame in frames}) == len(frames)
    entries = [
        FrameEntry(
            key=frame.key,
            name=frame.name if unique else frame.key,
            drive=frame.drive or frame.video or frame.key,
            number=frame.number,
            time_s=frame.time_s,
            image=frame.key,
            size=frame.size,
            attributes=frame.attributes,
        )
        for frame in frames
    ]
    categories = _ordered(file.boxes.categories)
    videos = [frame.video is not None for frame in frames]
    own = "videoName" if any(videos) else "each image"
    alone = videos.count(False) if any(videos) and options.drive is None else 0
    text = "frames have no videoName; each is its own drive"
    return Truth(
        frames=frame_list(file.path, entries, options.rate_hz),
        categories=categories,
        code={name: at for at, name in enumerate(categories)},
        boxes=file.boxes,
        drive_from=options.drive or own,
        notes=(*file.notes(), *note("frames-without-video", "truth", alone, text)),
        classes=CLASSES,
    )


FORMAT: Final = ResultFormat(name="bdd100k", title="BDD100K", read=read, recognises=recognises)
