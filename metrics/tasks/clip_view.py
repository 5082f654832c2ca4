"""Views of clips: perceptions cut to common frames, with sparse rows as columns of numbers.

Every row belongs to a *cell*, the index of its prediction in the scored list, and to a *frame*, the
index of its time. The *group* ``cell * T + frame`` is one class in one image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from metrics.tasks.metric import Result
from metrics.tasks.prediction import DEFAULT_THRESHOLD, Prediction
from metrics.tasks.strokes import StrokeSet
from ridealong.arrays import Floats, Ints
from ridealong.perception.annotations import Perception, at_times
from ridealong.perception.forms import Form

MAX_STEP_NS = 500_000_000  # frames further apart than this are not linked


Comparison = tuple[Perception, Mapping[str, float], list[Prediction], Result]


@dataclass(frozen=True)
class ClipView:
    """One perception on the judged frames: labels, or the outputs of one network.

    Attributes:
        perception: Labels or outputs, cut to those frames.
        thresholds: By prediction name, the lowest score that counts; the default is
            `DEFAULT_THRESHOLD`.
        image_sizes: By camera (width, height), in the pixels of the sparse rows.
        found: Cache of sparse rows, by their predictions.
        drawn: Cache of drawn lines, by their predictions.
        compared: Cache of comparisons with other networks: their outputs and thresholds, the
            predictions, and the result.
    """

    perception: Perception
    thresholds: Mapping[str, float] = field(default_factory=dict)
    image_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    found: dict[tuple[Prediction, ...], "SparseRows"] = field(default_factory=dict, compare=False)
    drawn: dict[tuple[Prediction, ...], StrokeSet] = field(default_factory=dict, compare=False)
    compared: list[Comparison] = field(default_factory=list, compare=False)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.perception.timestamps_ns)

    def on(self, perception: Perception) -> "ClipView":
        """The view of another cut of the perception; this view if it is the same one."""
        if perception is self.perception:
            return self
        return ClipView(perception, self.thresholds, self.image_sizes)

    def rows_of(self, predictions: Sequence[Prediction]) -> "SparseRows":
        """The sparse rows of ``predictions``; found once.

        Raises:
            ValueError: A row's time is not one of the frames.
        """
        key = tuple(predictions)
        if key not in self.found:
            self.found[key] = rows_of(self.perception, predictions)
        return self.found[key]

    def threshold_of(self, predictions: Sequence[Prediction]) -> Floats:
        """``(N,)`` thresholds, compared in float32 as scores are stored."""
        chosen = [self.thresholds.get(str(p), DEFAULT_THRESHOLD) for p in predictions]
        return np.asarray(chosen, np.float32).astype(np.float64)


@dataclass(frozen=True)
class SparseRows:
    """Sparse rows of some predictions, in the table's order.

    Attributes:
        table: Rows of `ridealong.perception.annotations.ANNOTATIONS`.
        cell: ``(N,)`` index into the predictions.
        frame: ``(N,)`` index into the timestamps.
    """

    table: pa.Table
    cell: Ints
    frame: Ints

    def floats(self, *columns: str) -> Floats:
        """``(N, len(columns))`` float64.

        Raises:
            ValueError: A value is missing or not finite.
        """
        values = [self.table[name].to_numpy().astype(np.float64) for name in columns]
        stacked = np.stack(values, axis=1) if values else np.empty((len(self.cell), 0))
        if not np.isfinite(stacked).all():
            raise ValueError(f"{' or '.join(columns)} is missing or not finite")
        return stacked

    def known(self, column: str, otherwise: float) -> NDArray[np.float64]:
        """``(N,)`` float64, null replaced."""
        filled = pc.fill_null(self.table[column], otherwise)
        return np.asarray(filled.to_numpy(), np.float64)

    def in_order(self, order: Ints) -> "SparseRows":
        """The rows in another order."""
        return SparseRows(self.table.take(pa.array(order)), self.cell[order], self.frame[order])

    def take(self, mask: NDArray[np.bool_]) -> "SparseRows":
        """The rows where ``mask`` is true."""
        return SparseRows(self.table.filter(pa.array(mask)), self.cell[mask], self.frame[mask])


def rows_of(perception: Perception, predictions: Sequence[Prediction]) -> SparseRows:
    """The sparse rows of ``predictions``; `ClipView.rows_of` finds them once.

    Raises:
        ValueError: A row's time is not one of the frames.
    """
    tasks = sorted({p.task for p in predictions})
    mine = pc.is_in(perception.sparse["task"], pa.array(tasks, pa.string()))
    parts = perception.sparse.select(["task", "category", "camera"]).filter(mine)
    path = pc.binary_join_element_wise(parts["task"], parts["category"], "/")
    names = pc.binary_join_element_wise(path, parts["camera"], "@")
    wanted = pa.array([str(p) for p in predictions], pa.string())
    cell = pc.fill_null(pc.index_in(names, wanted), -1).to_numpy().astype(np.int64)
    place = np.flatnonzero(mine.to_numpy())[cell >= 0]
    table = perception.sparse.take(pa.array(place))
    return SparseRows(table, cell[cell >= 0], _frames_of(table, perception.timestamps_ns))


def _frames_of(table: pa.Table, timestamps_ns: NDArray[np.int64]) -> Ints:
    times = table["timestamp_ns"].to_numpy()
    frame = np.searchsorted(timestamps_ns, times)
    if len(times) and (frame.max() >= len(timestamps_ns) or (timestamps_ns[frame] != times).any()):
        raise ValueError("a row's timestamp_ns is not one of the frames")
    return np.asarray(frame, np.int64)


def common_frames(one: Perception, two: Perception) -> tuple[Perception, Perception]:
    """Both perceptions, cut to the frames that both have."""
    shared = np.intersect1d(one.timestamps_ns, two.timestamps_ns)
    return _cut(one, shared), _cut(two, shared)


def _cut(perception: Perception, timestamps_ns: NDArray[np.int64]) -> Perception:
    if np.array_equal(perception.timestamps_ns, timestamps_ns):
        return perception
    return at_times(perception, timestamps_ns)


def missing(view: ClipView, prediction: Prediction, form: Form) -> str | None:
    """What the view lacks for a prediction of that form; None if it lacks nothing."""
    seen, camera = view.perception, prediction.camera
    if prediction.task not in seen.tasks:
        return f"{prediction.task} not judged"
    if form is Form.DEPTH and camera not in seen.depth:
        return f"no depth of the camera {camera}"
    if form is Form.CLASSES and camera not in seen.segmentation:
        return f"no segmentation of the camera {camera}"
    if form is Form.LAYERS and prediction.category not in seen.bev:
        return f"no top-down layer {prediction.category}"
    if form is Form.POLYLINES and camera not in view.image_sizes:
        return f"the image size of the camera {camera} is unknown"
    return None


def linked(perception: Perception) -> NDArray[np.bool_]:
    """``(T - 1,)``: whether a frame and the next are close enough in time to be compared."""
    return np.diff(perception.timestamps_ns) <= MAX_STEP_NS


def by_cell(cell: Ints, mask: NDArray[np.bool_], cells: int) -> Ints:
    """``(cells,)``: how many rows of each cell have the mask set."""
    return np.bincount(cell[mask], minlength=cells)
