"""Argoverse 2: detections and annotations as Feather files, and tracks as flat Parquet files.

The columns of a file decide its layout, not its name. A folder stands for all ``.feather`` and
``.parquet`` files in it; where it has ``annotations.feather`` files, as the sensor data set does,
only those count, and a file without ``log_id`` takes it from the name of its folder.

Two sets of columns are read:

- *Cuboids*: ``log_id, timestamp_ns, category, tx_m, ty_m, tz_m, length_m, width_m, height_m, qw,
  qx, qy, qz``, with ``score`` in results, and ``num_interior_pts`` in the truth if it is there: a
  label with no points inside need not be found. They are in the reference frame of the vehicle.
- *Flat*: ``log_id, timestamp_ns, role, x_m, y_m, z_m, length_m, width_m, height_m, yaw_rad``, with
  ``ego_x_m, ego_y_m, ego_z_m`` in the truth, ``score`` in results, and ``vx, vy`` if they are
  there. They are in the city's reference frame. The role of an object is its class, unless there
  is a ``category``.

All other text and boolean columns of the truth that are constant within a sweep are attributes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.results.argoverse2.arrow_files import (
    EXPECTED,
    codes,
    columns,
    is_text,
    matrix,
    numbers,
    plain_codes,
    schema,
    whole_numbers,
)
from ingest.results.boxes3d import (
    EXAMPLES,
    RawBoxes,
    frames_without_results,
    usable_labels,
    usable_results,
)
from ingest.results.format import ReadOptions, ResultFormat, ResultPaths
from ingest.results.oddities import require_any
from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import (
    NO_ATTRIBUTE,
    Boxes3D,
    Comparison,
    Frames,
    Note,
    Role,
)
from ridealong.specs import nearest

SIZE = ("length_m", "width_m", "height_m")
EGO = ("ego_x_m", "ego_y_m", "ego_z_m")
VELOCITY = ("vx", "vy")
POINTS = "num_interior_pts"
TRUTH_FILE = "annotations.feather"


@dataclass(frozen=True)
class _Layout:
    """Where a set of columns has its numbers."""

    center: tuple[str, ...]
    rotation: tuple[str, ...]
    category: str

    @property
    def numbers(self) -> tuple[str, ...]:
        return (*self.center, *SIZE, *self.rotation)


_CUBOIDS = _Layout(("tx_m", "ty_m", "tz_m"), ("qw", "qx", "qy", "qz"), "category")
_FLAT = _Layout(("x_m", "y_m", "z_m"), ("yaw_rad",), "role")
_FLAT_WITH_CATEGORY = _Layout(_FLAT.center, _FLAT.rotation, "category")


def read(paths: ResultPaths, options: ReadOptions) -> Comparison[Boxes3D]:
    """Read ground truth and two networks' results.

    Raises:
        RidealongError: A file cannot be read, lacks a column, or has one of another type.
    """
    if options.task not in {None, "boxes3d"}:
        raise RidealongError(
            f"Argoverse 2 files hold boxes in space, not {options.task}", expected="boxes3d"
        )
    truth = _Truth(paths.truth, options.drive)
    labels, notes = usable_labels(truth.raw, truth.names)
    deployed, of_deployed = _results(paths.deployed, "deployed", truth)
    candidate, of_candidate = _results(paths.candidate, "candidate", truth)
    return Comparison(
        evaluation="argoverse2",
        frames=truth.frames,
        categories=truth.categories,
        truth=labels,
        deployed=deployed,
        candidate=candidate,
        drive_from=options.drive or "log_id",
        notes=(*notes, *of_deployed, *of_candidate),
    )


def recognises(path: Path) -> bool:
    """Whether the columns are those of Argoverse 2."""
    try:
        names = set(schema(_files(path)[0]).names)
    except (RidealongError, OSError, pa.ArrowException):
        return False
    layouts = (set(layout.center) | set(layout.rotation) for layout in (_CUBOIDS, _FLAT))
    return "timestamp_ns" in names and any(layout <= names for layout in layouts)


class _Truth:
    """The frames, the classes and the labels."""

    def __init__(self, path: Path, drive: str | None) -> None:
        table, self.layout = _table(path, "truth")
        if not len(table):
            raise RidealongError("has no rows", where=path, expected="labels")
        logs, log = codes(table, "log_id", path)
        times, time = np.unique(whole_numbers(table, "timestamp_ns", path), return_inverse=True)
        self.logs, self.times = logs, times
        self.keys, first, frame = np.unique(
            log * len(times) + time, return_index=True, return_inverse=True
        )
        stamps = times[self.keys % len(times)]
        of_log = [logs[code] for code in (self.keys // len(times)).tolist()]
        self.names = [f"{a}/{b}" for a, b in zip(of_log, stamps.tolist(), strict=True)]
        categories, category = codes(table, self.layout.category, path)
        self.categories = tuple(categories)
        self.ego = _ego(table, self.layout, first, path)
        points = numbers(table, POINTS, path) if POINTS in table.column_names else None
        self.raw = _raw(table, self.layout, path, frame, category, self.ego, points, None)
        self.frames = Frames(
            name=pa.array(self.names, pa.string()),
            drive=_drives(table, drive, first, frame, of_log, path),
            time_s=stamps / 1e9,
            image=pa.nulls(len(self.names), pa.string()),
            attributes=_attributes(table, first, frame, {self.layout.category, drive}),
        )


def _results(path: Path, role: Role, truth: _Truth) -> tuple[Boxes3D, list[Note]]:
    table, layout = _table(path, role)
    if layout != truth.layout:
        raise RidealongError(
            f"has the column {layout.center[0]}, and the ground truth has {truth.layout.center[0]}",
            where=path,
            expected="the same columns as in the ground truth",
        )
    logs, log = codes(table, "log_id", path)
    stamps = whole_numbers(table, "timestamp_ns", path)
    frame = _frames_of(logs, log, stamps, truth)
    if len(frame) and not (frame >= 0).any():
        require_any("frame", [f"{logs[log[0]]}/{stamps[0]}"], truth.names, path)
    categories, category = codes(table, layout.category, path)
    require_any("class", categories, truth.categories, path)
    known = np.asarray(
        [truth.categories.index(c) if c in truth.categories else -1 for c in categories]
    )
    category = known[category] if len(categories) else category
    score = numbers(table, "score", path)
    kept = (frame >= 0) & (category >= 0)
    notes = [
        *_unknown_frames(logs, log, stamps, frame < 0, role),
        *_unknown_classes(table, layout.category, category < 0, role),
    ]
    if not kept.all():
        table = table.filter(pa.array(kept))
        frame, category, score = frame[kept], category[kept], score[kept]
    raw = _raw(table, layout, path, frame, category, truth.ego, None, score)
    # The table is as large as what was made of it.
    del table
    pa.default_memory_pool().release_unused()
    boxes, odd = usable_results(raw, role, truth.names)
    return boxes, [*notes, *odd, *frames_without_results(raw.frame, truth.names, role)]


def _raw(
    table: pa.Table,
    layout: _Layout,
    path: Path,
    frame: Ints,
    category: Ints,
    ego: Floats,
    points: Floats | None,
    score: Floats | None,
) -> RawBoxes:
    center = matrix(table, layout.center, path) - ego[frame]
    moving = set(VELOCITY) <= set(table.column_names)
    rows = len(table)
    with np.errstate(over="ignore"):
        range_m = np.hypot(center[:, 0], center[:, 1])
    return RawBoxes(
        frame=frame,
        category=category,
        center_m=center,
        size_lwh_m=matrix(table, SIZE, path),
        rotation=matrix(table, layout.rotation, path),
        velocity_mps=matrix(table, VELOCITY, path)
        if moving
        else np.broadcast_to(np.nan, (rows, 2)),
        attribute=np.broadcast_to(np.int64(NO_ATTRIBUTE), rows),
        score=np.ones(rows) if score is None else score,
        range_m=range_m,
        ignored=np.zeros(rows, np.bool_) if points is None else ~(points > 0),
    )


def _ego(table: pa.Table, layout: _Layout, first: Ints, path: Path) -> Floats:
    """``(F, 3)``: where the vehicle is, in the reference frame of the boxes."""
    if layout is _CUBOIDS:
        return np.zeros((len(first), 3))
    ego = matrix(table.take(pa.array(first)), EGO, path)
    if not np.isfinite(ego).all():
        raise RidealongError("the position of the vehicle is not a finite number", where=path)
    return ego


def _frames_of(logs: Sequence[str], log: Ints, stamps: Ints, truth: _Truth) -> Ints:
    """``(N,)`` index of each row's frame; -1 if the truth has no such frame."""
    place = {name: code for code, name in enumerate(truth.logs)}
    code = np.asarray([place.get(name, -1) for name in logs], np.int64)[log] if len(log) else log
    time = np.minimum(np.searchsorted(truth.times, stamps), len(truth.times) - 1)
    key = code * len(truth.times) + time
    frame = np.minimum(np.searchsorted(truth.keys, key), len(truth.keys) - 1)
    there = (code >= 0) & (truth.times[time] == stamps) & (truth.keys[frame] == key)
    return np.where(there, frame, -1)


def _unknown_frames(
    logs: Sequence[str], log: Ints, stamps: Ints, unknown: Bools, role: Role
) -> list[Note]:
    if not unknown.any():
        return []
    pairs = np.unique(np.column_stack([log[unknown], stamps[unknown]]), axis=0)
    text = f"frames are not in the ground truth; boxes left out: {int(unknown.sum()):,}"
    examples = tuple(f"{logs[code]}/{stamp}" for code, stamp in pairs[:EXAMPLES].tolist())
    return [Note("frames-not-in-truth", role, len(pairs), text, examples)]


def _unknown_classes(table: pa.Table, name: str, unknown: Bools, role: Role) -> list[Note]:
    if not unknown.any():
        return []
    classes = pc.unique(table[name].filter(pa.array(unknown)).cast(pa.string())).to_pylist()
    text = "boxes are of classes that the ground truth does not have; left out"
    examples = tuple(sorted(classes)[:EXAMPLES])
    return [Note("unknown-classes", role, int(unknown.sum()), text, examples)]


def _drives(
    table: pa.Table, field: str | None, first: Ints, frame: Ints, logs: list[str], path: Path
) -> pa.Array:
    if field is None:
        return pa.array(logs, pa.string())
    if field not in table.column_names:
        raise RidealongError(
            f"there is no column {field!r} to tell drives apart",
            where=path,
            hint=nearest(field, table.column_names),
        )
    column = table[field]
    if not _constant(column, first, frame) or column.null_count:
        raise RidealongError(
            f"the column {field!r} does not have one value in each sweep", where=path
        )
    return column.take(pa.array(first)).cast(pa.string()).combine_chunks()


def _attributes(table: pa.Table, first: Ints, frame: Ints, taken: set[str | None]) -> pa.Table:
    """Text and boolean columns that have one value in each frame."""
    named = {"log_id", "track_uuid", "track_id", *taken}
    columns = {}
    for name in table.column_names:
        column = table[name]
        kind = column.type
        described = pa.types.is_dictionary(kind) or pa.types.is_boolean(kind)
        if name not in named and described and _constant(column, first, frame):
            columns[name] = column.take(pa.array(first)).cast(pa.string())
    if not columns:
        return pa.table({"": pa.nulls(len(first))}).select([])
    return pa.table(columns)


def _constant(column: pa.ChunkedArray, first: Ints, frame: Ints) -> bool:
    _, code = plain_codes(column)
    return bool((code == code[first][frame]).all())


def _table(path: Path, role: Role) -> tuple[pa.Table, _Layout]:
    """All rows of a file or folder; text is dictionary-encoded."""
    files = _files(path)
    layouts = [_layout(file, role) for file in files]
    if any(layout is not layouts[0] for layout in layouts):
        raise RidealongError("its files have different columns", where=path)
    parts = [_part(file, layouts[0], role) for file in files]
    shared = [n for n in parts[0].column_names if all(n in table.column_names for table in parts)]
    try:
        tables = [table.select(shared) for table in parts]
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise RidealongError(f"its files do not fit together ({error})", where=path) from error
    return whole.unify_dictionaries(), layouts[0]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.suffix in {".feather", ".parquet"})
    if not found:
        raise RidealongError("has no .feather or .parquet file", where=path, expected=EXPECTED)
    return [one for one in found if one.name == TRUTH_FILE] or found


def _layout(file: Path, role: Role) -> _Layout:
    """The set of columns that a file has.

    Raises:
        RidealongError: One is missing.
    """
    names = set(schema(file).names)
    flat = _FLAT.center[0] in names and _CUBOIDS.center[0] not in names
    layout = (_FLAT_WITH_CATEGORY if "category" in names else _FLAT) if flat else _CUBOIDS
    if missing := [name for name in _required(file, layout, role) if name not in names]:
        raise RidealongError(
            f"lacks the columns {', '.join(missing)}",
            where=file,
            expected="the columns of Argoverse 2 detections (tx_m, ..., qz, ...), or those of a "
            "flat file (x_m, ..., yaw_rad)",
        )
    return layout


def _required(file: Path, layout: _Layout, role: Role) -> list[str]:
    log = [] if file.name == TRUTH_FILE else ["log_id"]
    ego = EGO if layout is not _CUBOIDS else ()
    own = ego if role == "truth" else ("score",)
    return [*log, "timestamp_ns", layout.category, *layout.numbers, *own]


def _part(file: Path, layout: _Layout, role: Role) -> pa.Table:
    fields = list(schema(file))
    described = [f.name for f in fields if is_text(f.type) or pa.types.is_boolean(f.type)]
    more = [*described, POINTS] if role == "truth" else ["log_id"]
    table = columns(file, [*_required(file, layout, role), *VELOCITY, *more])
    if "log_id" not in table.column_names:
        log = pa.array([file.parent.name] * len(table), pa.string()).dictionary_encode()
        table = table.append_column("log_id", log)
    return table


FORMAT = ResultFormat("argoverse2", "Argoverse 2 detections", read, recognises)
