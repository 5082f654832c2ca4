"""The training data: camera sets with their labels, rendered once and stored as arrays.

There is one ``.npz`` per drive. Dense labels are stored at the heads' stride of 4: one pixel of
sixteen.

Legend: T sets of the drive, C cameras of the network, H W pixels, h w cells of stride 4.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.sources.simulation.recording import SimulatedRecording
from ingest.sources.simulation.source import SimulationSource
from metrics.tasks.objects import MOST_OCCLUSION, MOST_TRUNCATION
from ridealong.errors import RidealongError
from ridealong.perception.annotations import (
    UNLABELLED,
    BevLayer,
    LaneCategory,
    LightState,
    ObjectCategory,
    Perception,
    Task,
)
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.progress import Steps
from shadow.networks.hydranet.config import SHOWN, STRIDE, HydraNetCamera
from shadow.networks.hydranet.training.recipe import DataSpec

Boxes = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LabelledSets:
    """Camera sets of one drive.

    Attributes:
        images: ``(T, C, H, W, 3)`` uint8.
        present: ``(T, C)`` bool.
        boxes: ``(M, 8)`` set, camera, index of the category, x1, y1, x2, y2 in pixels, and 1
            if the object is too hidden to be expected.
        lights: ``(M, 7)`` set, camera, index in `SHOWN`, x1, y1, x2, y2: only our light.
        lanes: ``(T, C, h, w)`` uint8, bit i: a line of category i passes through the cell.
        depth_m: ``(T, C, h, w)`` float16 along the optical axis, NaN unknown.
        segmentation: ``(T, C, h, w)`` uint8.
        bev: ``(T, layers, y, x)`` uint8, layers in the order of `BevLayer`.
    """

    images: NDArray[np.uint8]
    present: NDArray[np.bool_]
    boxes: Boxes
    lights: Boxes
    lanes: NDArray[np.uint8]
    depth_m: NDArray[np.float16]
    segmentation: NDArray[np.uint8]
    bev: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)


def render_sets(
    drives: Sequence[DriveFiles],
    data: DataSpec,
    cameras: tuple[HydraNetCamera, ...],
    out: Path,
    steps: Steps,
) -> list[Path]:
    """Render and label the sets of every drive into ``out``, one file per drive.

    Files that exist are kept. There is one process per core, because rendering and Python share a
    thread.

    Returns:
        The files, in the order of the drives.

    Raises:
        RidealongError: A drive cannot be rendered, or the disk is full.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {drive.drive_id: out / f"{drive.drive_id}.npz" for drive in drives}
    left = [drive for drive in drives if not files[drive.drive_id].exists()]
    steps.advance(len(drives) - len(left))
    if left:
        workers = min(os.cpu_count() or 1, len(left))
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            work = [
                pool.submit(_render_drive, drive, data, cameras, files[drive.drive_id])
                for drive in left
            ]
            try:
                for done in as_completed(work):
                    done.result()
                    steps.advance()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return list(files.values())


def read_sets(path: Path) -> LabelledSets:
    """Read one drive's sets.

    Raises:
        RidealongError: Not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return LabelledSets(
                **{field.name: arrays[field.name] for field in fields(LabelledSets)}
            )
    except (OSError, ValueError, KeyError) as error:
        raise RidealongError(
            f"not a drive's camera sets ({error})",
            where=path,
            hint="delete the file; it will be rendered again",
        ) from error


def set_times(recording: SimulatedRecording, data: DataSpec) -> NDArray[np.int64]:
    """The instants to learn from: at a fixed interval, and more often while our light is yellow."""
    times, yellow = recording.steps_ns(), recording.our_light() == LightState.YELLOW
    usual, often = data.steps
    step = np.arange(len(times))
    chosen: NDArray[np.int64] = times[(step % usual == usual // 2) | (yellow & (step % often == 0))]
    return chosen


def render_instants(
    recording: SimulatedRecording, times: NDArray[np.int64], cameras: Sequence[str]
) -> Iterator[tuple[dict[str, NDArray[np.uint8]], Perception]]:
    """Yield images by camera and exact labels, one instant after the other."""
    for time in times.tolist():
        labels = recording.labels(time, time)
        frames = dict(recording.frames(time, time, cameras))
        if labels is not None and time in frames:
            yield frames[time], labels


def _render_drive(
    drive: DriveFiles, data: DataSpec, cameras: tuple[HydraNetCamera, ...], path: Path
) -> None:
    recording = SimulationSource().open(drive)
    assert isinstance(recording, SimulatedRecording)
    names = [camera.value for camera in cameras]
    rendered = list(render_instants(recording, set_times(recording, data), names))
    shape = (data.fleet.rig.height, data.fleet.rig.width)
    sets = gather(rendered, names, shape)
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with partial.open("xb") as stream:
            np.savez(stream, **{field.name: getattr(sets, field.name) for field in fields(sets)})
        partial.replace(path)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path) from error
    finally:
        partial.unlink(missing_ok=True)


def gather(
    rendered: Sequence[tuple[dict[str, NDArray[np.uint8]], Perception]],
    names: Sequence[str],
    shape: tuple[int, int],
) -> LabelledSets:
    """Stack the rendered instants as arrays.

    Args:
        rendered: For each instant, its images by camera and its labels.
        names: The C cameras.
        shape: H and W.
    """
    images = np.zeros((len(rendered), len(names), *shape, 3), np.uint8)
    cells = (len(rendered), len(names), shape[0] // STRIDE, shape[1] // STRIDE)
    present = np.zeros(cells[:2], bool)
    lanes, depth = np.zeros(cells, np.uint8), np.full(cells, np.nan, np.float16)
    surfaces = np.full(cells, UNLABELLED, np.uint8)
    bev = [_layers(labels) for _, labels in rendered]
    boxes, lights = [np.zeros((0, 8), np.float32)], [np.zeros((0, 7), np.float32)]
    middle = np.s_[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
    for t, (frames, labels) in enumerate(rendered):
        for c, name in enumerate(names):
            if name not in frames:
                continue
            present[t, c], images[t, c] = True, frames[name]
            rows = _rows_of(labels.sparse, name)
            boxes.append(_boxes(rows, t, c))
            lights.append(_lights(rows, t, c))
            lanes[t, c] = _line_cells(rows, cells[2:])
            depth[t, c] = labels.depth[name][0][middle]
            surfaces[t, c] = labels.segmentation[name][0][middle]
    return LabelledSets(
        images,
        present,
        np.concatenate(boxes),
        np.concatenate(lights),
        lanes,
        depth,
        surfaces,
        np.stack(bev) if bev else np.zeros((0, len(BevLayer), 1, 1), np.uint8),
    )


def _layers(labels: Perception) -> NDArray[np.uint8]:
    return np.stack([labels.bev[layer.value][0] for layer in BevLayer])


def _rows_of(sparse: pa.Table, camera: str) -> list[dict[str, object]]:
    mine: list[dict[str, object]] = sparse.filter(pc.equal(sparse["camera"], camera)).to_pylist()
    return mine


def _boxes(rows: Sequence[dict[str, object]], t: int, c: int) -> Boxes:
    kinds = list(ObjectCategory)
    found = [
        (t, c, kinds.index(ObjectCategory(str(r["category"]))), *_corners(r), float(_hidden(r)))
        for r in rows
        if r["task"] == Task.OBJECTS
    ]
    return np.array(found, np.float32).reshape(-1, 8)


def _hidden(row: dict[str, object]) -> bool:
    """Whether the metrics ignore this object too."""
    occlusion, truncation = (float(str(row[name] or 0)) for name in ("occlusion", "truncation"))
    return occlusion > MOST_OCCLUSION or truncation > MOST_TRUNCATION


def _lights(rows: Sequence[dict[str, object]], t: int, c: int) -> Boxes:
    found = [
        (t, c, SHOWN.index(LightState(str(r["category"]))), *_corners(r))
        for r in rows
        if r["task"] == Task.LIGHTS and r["relevant"]
    ]
    return np.array(found, np.float32).reshape(-1, 7)


def _corners(row: dict[str, object]) -> tuple[float, ...]:
    return tuple(float(str(row[name])) for name in ("x1", "y1", "x2", "y2"))


def _line_cells(rows: Sequence[dict[str, object]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """``(h, w)``: a bit for each category of line that passes through the cell."""
    cells = np.zeros(shape, np.uint8)
    for row in rows:
        if row["task"] == Task.LANES:
            points = np.array(row["points"], np.float64).reshape(-1, 2) / STRIDE
            x, y = _along(points).T.astype(np.int64)
            inside = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
            bit = list(LaneCategory).index(LaneCategory(str(row["category"])))
            cells[y[inside], x[inside]] |= 1 << bit
    return cells


def _along(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points at most a quarter of a cell apart along a polyline."""
    lengths = np.hypot(*np.diff(points, axis=0).T)
    parts = [
        np.linspace(a, b, int(length * 4) + 2)
        for a, b, length in zip(points[:-1], points[1:], lengths, strict=True)
    ]
    return np.concatenate(parts) if parts else points
