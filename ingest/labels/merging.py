"""New labels of some frames, cameras and families of a clip, put in the place of the old ones.

Everywhere else the labels stay as they were. A new shape takes the place of an old label: that of
its track, or the one that it overlaps most. What the file's format cannot hold of that label stays.
A shape that did not move is the old label, bit for bit.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.labels.formats.kitti import BoxInSpace
from ingest.labels.neutral import is_drawn
from ridealong.arrays import Bools
from ridealong.perception.annotations import NO_CAMERA, Perception, annotation_table
from ridealong.perception.forms import Form

STILL_PX = 0.01  # a shape that moved by less did not move
SAME_IOU = 0.5  # a shape that overlaps an old one by at least this is the same object
SAME_ANGLE_RAD = 1e-5
_PLACE = "place"  # key of an old row's place among its rows; new rows come after them
_EDGES = ("x1", "y1", "x2", "y2")

Cell = tuple[int, str, str]  # timestamp_ns, camera, task
Row = dict[str, Any]


@dataclass(frozen=True)
class NewShape:
    """A label that came in, in the pixels of the clip's camera.

    Attributes:
        category: Its category.
        shape: ``x1``, ``y1``, ``x2`` and ``y2`` of a box, or ``points`` of a line.
        track_id: The track's id in the clip; None for no track, or a new one.
        new_track: Names a new track.
        attributes: The other columns that came in.
        in_space: Of `ingest.labels.reading.content.ReadShape`, until they are attributes.
        hidden: Of `ingest.labels.reading.content.ReadShape`.
    """

    category: str
    shape: Mapping[str, Any]
    track_id: int | None = None
    new_track: str | None = None
    attributes: Mapping[str, float | bool] = field(default_factory=dict)
    in_space: BoxInSpace | None = None
    hidden: tuple[float, float] | None = None


@dataclass(frozen=True)
class Change:
    """What is new in one clip.

    Attributes:
        cells: The frames, cameras and families that were labelled anew, with their shapes.
        cameras: All cameras of the clip.
        forms: The form of each family.
        kept: ``(N,)`` which rows of ``ANNOTATIONS`` the format has no shape for; they stay.
    """

    cells: Mapping[Cell, Sequence[NewShape]]
    cameras: Collection[str]
    forms: Mapping[str, Form]
    kept: Callable[[pa.Table], Bools] | None = None


def merged(old: Perception | None, change: Change) -> Perception:
    """The labels of a clip with a change.

    Args:
        old: The sparse labels so far; None if the clip was not labelled.
        change: What is new.
    """
    before = old or Perception(np.zeros(0, np.int64), annotation_table([]))
    keep = change.kept(before.sparse) if change.kept else np.zeros(before.sparse.num_rows, np.bool_)
    stay: list[Row] = []
    replaced: dict[Cell, list[Row]] = {}
    for at, (row, kept) in enumerate(zip(before.sparse.to_pylist(), keep.tolist(), strict=True)):
        row[_PLACE] = at
        cell = row["timestamp_ns"], row["camera"], row["task"]
        held = not kept and cell in change.cells and is_drawn(row, change.forms[row["task"]])
        (replaced.setdefault(cell, []) if held else stay).append(row)
    ids = _NewTracks(before.sparse)
    fresh = [
        row
        for cell, shapes in change.cells.items()
        for row in _relabelled(cell, replaced.get(cell, []), shapes, ids)
    ]
    return _judged(before, change, stay + fresh)


def _relabelled(
    cell: Cell, old: list[Row], shapes: Sequence[NewShape], ids: "_NewTracks"
) -> list[Row]:
    time, camera, task = cell
    empty: Row = {"timestamp_ns": time, "camera": camera, "task": task, "score": 1.0}
    found = []
    for shape, before in zip(shapes, _partners(old, shapes), strict=True):
        row = dict(before) if before is not None else dict(empty)
        if before is None or _moved(before, shape.shape):
            row.update(shape.shape)
        changed = _changed(before, shape.attributes)
        row |= changed | {"category": shape.category}
        if shape.hidden is not None and "occlusion" not in changed:
            row["occlusion"] = _within(row.get("occlusion"), *shape.hidden)
        if before is None or shape.track_id is not None:
            row["track_id"] = shape.track_id
        if row.get("track_id") is None and shape.new_track is not None:
            row["track_id"] = ids.of(shape.new_track)
        found.append(row)
    return found


def _changed(before: Row | None, attributes: Mapping[str, float | bool]) -> Row:
    """The attributes that differ from those of the old label by more than rounding."""
    if before is None:
        return dict(attributes)
    return {
        name: value
        for name, value in attributes.items()
        if before[name] is None or not _alike(name, float(before[name]), float(value))
    }


def _within(hidden: float | None, low: float, high: float) -> float | None:
    """How much is hidden, where a file only says the range.

    It stays if it is in the range. The lowest range also stands for unknown.
    """
    if low == 0:
        return hidden if hidden is None or hidden <= high else 0.0
    return hidden if hidden is not None and low <= hidden <= high else (low + high) / 2


def _alike(name: str, old: float, new: float) -> bool:
    if name == "yaw_rad":  # whole turns do not count
        return abs(math.remainder(new - old, 2 * math.pi)) < SAME_ANGLE_RAD
    return bool(np.isclose(old, new, 1e-5, 1e-6))


def _partners(old: Sequence[Row], shapes: Sequence[NewShape]) -> list[Row | None]:
    """The old label of each shape: by its track, else the nearest; each label once."""
    free = list(range(len(old)))
    found: list[Row | None] = [None] * len(shapes)
    for at, shape in enumerate(shapes):
        track = shape.track_id
        same = [n for n in free if track is not None and old[n]["track_id"] == track]
        same.sort(key=lambda n: -_likeness(old[n], shape))
        if same:
            found[at] = old[same[0]]
            free.remove(same[0])
    pairs = [
        (_likeness(old[n], shape), at, n)
        for at, shape in enumerate(shapes)
        if found[at] is None
        for n in free
    ]
    for likeness, at, n in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if likeness < SAME_IOU:
            break
        if found[at] is None and n in free:
            found[at] = old[n]
            free.remove(n)
    return found


def _likeness(row: Row, shape: NewShape) -> float:
    """From 0 to a little above 1: overlap of boxes, or whether a line is the same line."""
    bonus = 0.001 if row["category"] == shape.category else 0.0
    if "points" in shape.shape:
        return bonus + float(not _moved(row, shape.shape))
    a, b = [row[e] for e in _EDGES], [shape.shape[e] for e in _EDGES]
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = [(one[2] - one[0]) * (one[3] - one[1]) for one in (a, b)]
    return float(both / max(sum(areas) - both, 1e-9)) + bonus


def _moved(row: Row, shape: Mapping[str, Any]) -> bool:
    if "points" in shape:
        old, new = row["points"] or (), shape["points"]
        return len(old) != len(new) or bool(np.abs(np.subtract(old, new)).max() > STILL_PX)
    return any(abs(row[edge] - shape[edge]) > STILL_PX for edge in _EDGES)


class _NewTracks:
    """Ids of new tracks, beyond those that a clip has."""

    def __init__(self, sparse: pa.Table) -> None:
        known = [track for track in sparse["track_id"].to_pylist() if track is not None]
        self._next, self._ids = max(known, default=0) + 1, dict[str, int]()

    def of(self, name: str) -> int:
        """The id of a track by its name."""
        if name not in self._ids:
            self._ids[name] = self._next
            self._next += 1
        return self._ids[name]


def _judged(before: Perception, change: Change, rows: list[Row]) -> Perception:
    """The rows with what was judged: before, and in the new cells."""
    everywhere = [*change.cameras, NO_CAMERA]
    all_before = frozenset((task, camera) for task in before.tasks for camera in everywhere)
    judged = {time: before.partial.get(time, all_before) for time in before.timestamps_ns.tolist()}
    for time, camera, task in change.cells:
        judged[time] = judged.get(time, frozenset()) | {(task, camera)}
    tasks = before.tasks | {task for _, _, task in change.cells}
    whole = frozenset((task, camera) for task in tasks for camera in everywhere)
    times = np.array(sorted(judged), np.int64)
    rows.sort(key=lambda row: (row["timestamp_ns"], row.get(_PLACE, len(rows))))
    return replace(
        Perception(times, annotation_table(rows)),
        tasks=frozenset(tasks),
        partial={time: cells for time, cells in judged.items() if not cells >= whole},
    )
