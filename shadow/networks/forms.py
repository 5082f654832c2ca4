"""Whether outputs have the standard forms: what is off, in which output and which frame."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.tasks.registry import family, parse_prediction
from ridealong.arrays import Bools, Ints
from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED, Perception, Surface, Task
from ridealong.perception.forms import Form
from shadow.networks.network import Frames

DENSE = (("depth", np.float32), ("segmentation", np.uint8), ("bev", np.uint8))
ALWAYS = ("timestamp_ns", "task", "category", "score")  # columns that no row may lack
BOX = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Asked:
    """What a network was given.

    Attributes:
        frames: By camera ``(T, height, width, 3)``.
        timestamps_ns: ``(T,)``.
        present: By camera ``(T,)``, False where the frame was lost; by default none was.
    """

    frames: Mapping[str, Frames]
    timestamps_ns: Ints
    present: Mapping[str, Bools] | None = None

    def frame(self, at: int) -> str:
        """A frame in messages."""
        return f"frame {at} (timestamp {self.timestamps_ns[at]} ns)"

    def there(self, camera: str) -> Bools:
        """``(T,)`` the frames that a camera has."""
        if camera not in self.frames:
            return np.zeros(len(self.timestamps_ns), bool)
        given = (self.present or {}).get(camera)
        return np.ones(len(self.timestamps_ns), bool) if given is None else np.asarray(given, bool)


def form_faults(found: object, asked: Asked) -> Iterator[str]:
    """What is off about types, shapes and times; while anything is, nothing else can be checked."""
    if not isinstance(found, Perception):
        yield (
            f"the outputs are a {type(found).__name__};"
            " expected a ridealong.perception.annotations.Perception"
        )
        return
    if not np.array_equal(found.timestamps_ns, asked.timestamps_ns):
        yield "timestamps_ns: expected the timestamps of the frames that were given"
    yield from _sparse_forms(found.sparse, asked)
    for kind, dtype in DENSE:
        for name, array in getattr(found, kind).items():
            shape, count = np.shape(array), len(asked.timestamps_ns)
            type_of = getattr(array, "dtype", type(array).__name__)
            if type_of != dtype or len(shape) != 3 or shape[0] != count:
                yield (
                    f"{kind} of {name!r} is {type_of} {shape}; expected {np.dtype(dtype)}"
                    f" ({count}, rows, columns)"
                )


def _sparse_forms(sparse: object, asked: Asked) -> Iterator[str]:
    if not isinstance(sparse, pa.Table):
        yield f"sparse is a {type(sparse).__name__}; expected a table, as of annotation_table"
        return
    if sparse.schema != ANNOTATIONS:
        yield f"sparse: {_other_column(sparse.schema)}; expected the columns of annotation_table"
        return
    for name in ALWAYS:
        if sparse[name].null_count:
            row = sparse.filter(pc.is_null(sparse[name])).slice(0, 1)
            yield f"sparse: a row{_at(row, asked)} has no {name}"
    times = sparse["timestamp_ns"].drop_null().to_numpy()
    odd = times[~np.isin(times, asked.timestamps_ns)]
    if odd.size:
        yield f"sparse: a row has a time that is not a frame's: {odd[0]} ns"


def _other_column(schema: pa.Schema) -> str:
    for field in ANNOTATIONS:
        if field.name not in schema.names:
            return f"the column {field.name!r} is missing"
        if schema.field(field.name).type != field.type:
            return f"the column {field.name!r} is {schema.field(field.name).type}, not {field.type}"
    odd = [name for name in schema.names if name not in ANNOTATIONS.names]
    return f"there is a column {odd[0]!r}" if odd else "the columns have another order"


def name_faults(found: Perception, predictions: Collection[str]) -> list[str]:
    """The predictions that are given but not listed."""
    listed = set(predictions)
    named = [parse_prediction(name) for name in listed]
    places = {(str(each.task), each.camera) for each in named}
    odd = {name for name in _single(found, {task for task, _ in places}) if name not in listed}
    odd |= {f"{task}@{camera}" for task, camera in _joint(found) if (task, camera) not in places}
    return [f"{name} is returned but not listed" for name in sorted(odd)]


def _single(found: Perception, tasks: set[str]) -> Iterator[str]:
    """Predictions that are outputs of their own."""
    for row in found.sparse.group_by(["task", "category", "camera"]).aggregate([]).to_pylist():
        if row["task"] not in tasks or family(row["task"]).form is not Form.STATES:
            yield _name_of(row)
    yield from (f"{Task.DEPTH}@{camera}" for camera in found.depth)
    yield from (f"{Task.BEV}/{layer}" for layer in found.bev)


def _joint(found: Perception) -> Iterator[tuple[str, str]]:
    """Task and camera of segmentation: it is one output of all classes."""
    yield from ((Task.SEGMENTATION.value, camera) for camera in found.segmentation)


def _name_of(row: Mapping[str, object]) -> str:
    camera = f"@{row['camera']}" if row["camera"] is not None else ""
    return f"{row['task']}/{row['category']}{camera}"


def range_faults(found: Perception, asked: Asked) -> Iterator[str]:
    """What is off about numbers: NaN, scores, boxes, metres and classes."""
    for name in _floats():
        yield from _not_finite(found.sparse, name, asked)
    yield from _scores(found.sparse, asked)
    for camera, images in asked.frames.items():
        yield from _boxes(found.sparse, camera, images.shape[2], images.shape[1], asked)
    for camera, metres in found.depth.items():
        yield from _depth(camera, metres, asked)
    for camera, ids in found.segmentation.items():
        odd = (ids >= len(Surface)) & (ids != UNLABELLED)
        yield from _odd_cells(
            f"segmentation of {camera!r}", ids, odd, f"below {len(Surface)}", asked
        )
    for layer, cells in found.bev.items():
        odd = (cells > 1) & (cells != UNLABELLED)
        yield from _odd_cells(f"layer {layer!r}", cells, odd, "0, 1", asked)


def _floats() -> list[str]:
    return [field.name for field in ANNOTATIONS if field.type == pa.float32()]


def _not_finite(sparse: pa.Table, name: str, asked: Asked) -> Iterator[str]:
    odd = sparse.filter(pc.invert(pc.fill_null(pc.is_finite(sparse[name]), True)))
    if odd.num_rows:
        yield f"{name} of {_place(odd, asked)} is {odd[name][0].as_py()}"


def _scores(sparse: pa.Table, asked: Asked) -> Iterator[str]:
    score = sparse["score"]
    odd = sparse.filter(pc.or_(pc.less(score, 0), pc.greater(score, 1)))
    if odd.num_rows:
        yield (
            f"the score of {_place(odd, asked)} is {odd['score'][0].as_py():.4g}; expected 0 to 1"
        )


def _boxes(sparse: pa.Table, camera: str, width: int, height: int, asked: Asked) -> Iterator[str]:
    rows = sparse.filter(pc.equal(sparse["camera"], camera))
    whole = np.all([rows[n].is_valid().to_numpy(zero_copy_only=False) for n in BOX], axis=0)
    rows = rows.filter(pa.array(whole))
    x1, y1, x2, y2 = (rows[n].to_numpy() for n in BOX)
    inside = (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height) & (x2 > x1) & (y2 > y1)
    if not inside.all():
        at = int(np.flatnonzero(~inside)[0])
        yield (
            f"the box of {_place(rows.slice(at), asked)} is"
            f" ({x1[at]:g}, {y1[at]:g}, {x2[at]:g}, {y2[at]:g});"
            f" expected x1 < x2 and y1 < y2 within {width} x {height} pixels"
        )


def tiny_boxes(found: Perception) -> Iterator[str]:
    """Whether all boxes are smaller than a pixel: then they are measured in something else."""
    rows = found.sparse.select(BOX).drop_null()
    x1, y1, x2, y2 = (rows[n].to_numpy() for n in BOX)
    if len(x1) and max((x2 - x1).max(), (y2 - y1).max()) < 1:
        yield (
            f"all {len(x1)} boxes are smaller than a pixel; expected pixels of the clip's own image"
        )


def _depth(camera: str, metres: np.ndarray, asked: Asked) -> Iterator[str]:
    nan = np.isnan(metres)
    yield from _odd_cells(
        f"depth of {camera!r}",
        metres,
        ~nan & ~(np.isfinite(metres) & (metres > 0)),
        "metres above 0, or NaN where it is unknown",
        asked,
    )
    lost = np.flatnonzero(nan.all(axis=(1, 2)) & asked.there(camera))
    if lost.size and metres[0].size:
        yield f"depth of {camera!r} is NaN in all of {asked.frame(int(lost[0]))}"


def _odd_cells(
    what: str, values: np.ndarray, odd: Bools, expected: str, asked: Asked
) -> Iterator[str]:
    if odd.any():
        at: Sequence[Ints] = np.nonzero(odd)
        frame, value = int(at[0][0]), values[odd][0]
        yield f"{what} has {value:g} in {asked.frame(frame)}; expected {expected}"


def _place(rows: pa.Table, asked: Asked) -> str:
    """The prediction and frame of the first row."""
    return f"{_name_of(rows.slice(0, 1).to_pylist()[0])}{_at(rows, asked)}"


def _at(rows: pa.Table, asked: Asked) -> str:
    time_ns = rows["timestamp_ns"][0].as_py()
    at = np.flatnonzero(asked.timestamps_ns == time_ns)
    return f" in {asked.frame(int(at[0]))}" if at.size else ""
