"""The standard forms of what is seen, for labels and for networks' outputs alike.

Sparse annotations (boxes, lights, lanes, paths) are rows of one Arrow table, `ANNOTATIONS`; dense
ones (depth, segmentation, top-down grids) are arrays over time. Image coordinates are pixels of the
clip's own camera image, origin at its top left corner, x right, y down, pixel centres at +0.5.
3D boxes and paths are in the ego frame of their instant (ISO 8855: x forward, y left, z up, origin
on the ground under the rear axle), yaw counter-clockwise from x.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


class Task(StrEnum):
    """The names of the tasks that come with ridealong.

    The list is not closed: an installed package adds families of predictions under other names
    (`metrics.tasks.registry`), so a task is a ``str`` everywhere.
    """

    OBJECTS = "objects"  # boxes of road users
    LIGHTS = "lights"  # traffic lights that matter to us, with their state
    LANES = "lanes"  # lane lines and road edges as polylines
    DEPTH = "depth"  # metres along the optical axis, per pixel
    SEGMENTATION = "segmentation"  # class per pixel
    BEV = "bev"  # top-down layout, per cell
    PATH = "path"  # where the ego drives next; belongs to no camera


class ObjectCategory(StrEnum):
    """Road users."""

    CAR = "car"
    TRUCK = "truck"
    BUS = "bus"
    MOTORCYCLE = "motorcycle"
    BICYCLE = "bicycle"
    PEDESTRIAN = "pedestrian"


class LightState(StrEnum):
    """What a traffic light shows; the camera's overall state is that of the relevant light."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    NONE = "none"  # no relevant light in sight


class LaneCategory(StrEnum):
    """Lines on the ground."""

    LANE_LINE = "lane_line"
    ROAD_EDGE = "road_edge"


class Surface(StrEnum):
    """Classes of the segmentation, in the order of their ids (0, 1, …)."""

    ROAD = "road"
    LANE_MARKING = "lane_marking"
    SIDEWALK = "sidewalk"
    TERRAIN = "terrain"
    BUILDING = "building"
    VEGETATION = "vegetation"
    POLE = "pole"  # poles, signs and signals
    VEHICLE = "vehicle"
    PERSON = "person"  # pedestrians and riders
    SKY = "sky"


class BevLayer(StrEnum):
    """Layers of the top-down layout; a cell may belong to several."""

    ROAD = "road"
    VEHICLE = "vehicle"
    LANE_LINE = "lane_line"
    ROAD_EDGE = "road_edge"
    PERSON = "person"  # pedestrians and riders
    OCCUPANCY = "occupancy"  # anything solid that a car cannot drive over or under


# What a top-down grid covers, ego frame, metres: its first row is the farthest ahead, its first
# column the farthest left.
BEV_X_M = (-16.0, 48.0)
BEV_Y_M = (-32.0, 32.0)

# Seconds between a path's points; the first is one step after its row's instant. A path that is
# known only in part has fewer points. An unknown path has no row.
PATH_STEP_S = 0.5
PATH_STEPS = 8

NO_CAMERA = ""  # names the camera of what belongs to none, where a name is needed

UNLABELLED = 255  # a pixel or cell without a label; it is not judged

FLOATS = pa.list_(pa.field("element", pa.float32()))

# The order of columns is fixed here. Null means unknown or not applicable.
ANNOTATIONS = pa.schema(
    [
        pa.field("timestamp_ns", pa.int64()),
        pa.field("camera", pa.string()),  # null for a path
        pa.field("task", pa.string()),  # name of the family: objects, lights, …
        pa.field("category", pa.string()),  # one of its categories
        pa.field("score", pa.float32()),  # 1 for labels
        pa.field("x1", pa.float32()),  # box, pixels; x2 and y2 exclusive
        pa.field("y1", pa.float32()),
        pa.field("x2", pa.float32()),
        pa.field("y2", pa.float32()),
        pa.field("points", FLOATS),  # x0, y0, x1, y1, …: a polyline, pixels; a path, metres
        pa.field("track_id", pa.int64()),
        pa.field("occlusion", pa.float32()),  # fraction hidden, 0 to 1
        pa.field("truncation", pa.float32()),  # fraction outside the image, 0 to 1
        pa.field("relevant", pa.bool_()),  # the light applies to us
        pa.field("x_m", pa.float32()),  # centre of the 3D box, ego frame
        pa.field("y_m", pa.float32()),
        pa.field("z_m", pa.float32()),
        pa.field("length_m", pa.float32()),
        pa.field("width_m", pa.float32()),
        pa.field("height_m", pa.float32()),
        pa.field("yaw_rad", pa.float32()),
    ]
)


@dataclass(frozen=True)
class Perception:
    """What was seen over the frames of a clip: labels, or one network's outputs.

    Attributes:
        timestamps_ns: ``(T,)`` int64, the frames judged, ascending.
        sparse: Rows of `ANNOTATIONS`; every ``timestamp_ns`` is one of ``timestamps_ns``.
        depth: Per camera ``(T, h, w)`` float32 metres along the optical axis, NaN unknown.
        segmentation: Per camera ``(T, h, w)`` uint8 ids of `Surface`, `UNLABELLED` unknown.
        bev: Per layer of `BevLayer` ``(T, h, w)`` uint8, 1 occupied, 0 not, `UNLABELLED`
            unknown, over `BEV_X_M` by `BEV_Y_M`.
        tasks: The tasks that were judged. For these, no rows in ``sparse`` means "nothing there".
            For other tasks it means "unknown".
        partial: The frames that were judged only in part: by timestamp, the task and camera of what
            was judged (the camera `NO_CAMERA` for tasks without one). In all other frames every
            task was judged in every camera.

    Dense arrays cover the whole image at any resolution; code that compares two resamples them.
    """

    timestamps_ns: NDArray[np.int64]
    sparse: pa.Table
    depth: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    segmentation: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    bev: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    tasks: frozenset[str] = frozenset()
    partial: Mapping[int, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def judged_times(self, task: str, camera: str | None) -> NDArray[np.int64]:
        """``(T,)`` the frames in which a task was judged in a camera, ascending."""
        if task not in self.tasks:
            return self.timestamps_ns[:0]
        if not self.partial:
            return self.timestamps_ns
        cell = task, NO_CAMERA if camera is None else camera
        judged = [
            time not in self.partial or cell in self.partial[time]
            for time in self.timestamps_ns.tolist()
        ]
        return self.timestamps_ns[np.array(judged, np.bool_)]


def annotation_table(rows: list[dict[str, object]]) -> pa.Table:
    """Rows (missing keys are null) as a table of the schema `ANNOTATIONS`."""
    columns = {name: [row.get(name) for row in rows] for name in ANNOTATIONS.names}
    return pa.table(columns, schema=ANNOTATIONS)


def empty_perception(timestamps_ns: NDArray[np.int64]) -> Perception:
    """A perception of these frames in which nothing was judged."""
    return Perception(timestamps_ns, ANNOTATIONS.empty_table())


def at_times(perception: Perception, timestamps_ns: NDArray[np.int64]) -> Perception:
    """The same perception, cut to its frames that are among ``timestamps_ns``."""
    chosen = np.isin(perception.timestamps_ns, timestamps_ns)
    wanted = pa.array(perception.timestamps_ns[chosen])
    rows = pc.is_in(perception.sparse["timestamp_ns"], value_set=wanted)
    return Perception(
        timestamps_ns=perception.timestamps_ns[chosen],
        sparse=perception.sparse.filter(rows),
        depth={camera: values[chosen] for camera, values in perception.depth.items()},
        segmentation={camera: ids[chosen] for camera, ids in perception.segmentation.items()},
        bev={layer: cells[chosen] for layer, cells in perception.bev.items()},
        tasks=perception.tasks,
        partial={
            time: perception.partial[time]
            for time in perception.timestamps_ns[chosen].tolist()
            if time in perception.partial
        }
        if perception.partial
        else {},
    )
