"""Exact labels of a simulated scene, in the standard forms of `ingest.annotations`.

What is labelled: a road user or a traffic light of which a camera shows at least one pixel, and
which would cover at least `LEAST_PIXELS` with nothing in front of it. Its 2D box bounds those
covered pixels, inside the image; its occlusion is the share of them that show something else;
its truncation the share of its 3D box's outline that lies outside the image.

A traffic light gives one row per camera that looks at its lenses, relevant or not; a frame whose
camera sees no relevant light has no relevant row. A lane line is labelled whole, dashes and gaps
alike, as far as nothing stands before it, up to `LINE_RANGE_M` from the ego.

The ego's later path is one row of no camera: where the ego does drive, from the logged states. At
the drive's end it has fewer points, and in its last half second there is no row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ingest.annotations import (
    BevLayer,
    LaneCategory,
    LightState,
    Perception,
    Task,
    annotation_table,
)
from ingest.geometry import CameraCalibration, project
from ingest.simulation.cameras.render import EVERYTHING, RenderedSet, Renderer, Seen
from ingest.simulation.cameras.top_down import top_down
from ingest.simulation.maps.world import resample
from ingest.simulation.scene import CATEGORIES, SceneState, StaticWorld, to_ego

LEAST_PIXELS = 4
LINE_RANGE_M = 60.0
LINE_STEP_M = 0.5
_NEAR_M = 0.1
_LEAST_LINE_PX = 4.0
_GAP = 6  # hidden points of a line that do not break it: what a pole hides

Row = dict[str, object]


@dataclass(frozen=True, eq=False)
class Lines:
    """Every line of a world as closely spaced points, one line after the other.

    Attributes:
        points_m: ``(N, 2)`` world frame.
        line: ``(N,)`` which line each belongs to.
        categories: Of each line.
        tree: Finds the points near a place; a map has some hundred thousand.
    """

    points_m: NDArray[np.float64]
    line: NDArray[np.int64]
    categories: tuple[LaneCategory, ...]
    tree: cKDTree


@lru_cache(maxsize=8)
def world_lines(world: StaticWorld) -> Lines:
    """Space points along all lane lines and road edges."""
    several = [(LaneCategory.LANE_LINE, m.points_m) for m in world.markings]
    several += [(LaneCategory.ROAD_EDGE, e.points_m) for e in world.edges]
    spaced = [resample(points, LINE_STEP_M)[0] for _, points in several]
    counts = [len(points) for points in spaced]
    points = np.concatenate([*spaced, np.zeros((0, 2))])
    return Lines(
        points,
        np.repeat(np.arange(len(several)), counts),
        tuple(category for category, _ in several),
        cKDTree(points),
    )


def lines_in_ego(
    world: StaticWorld, state: SceneState, range_m: float = LINE_RANGE_M
) -> list[tuple[int, LaneCategory, NDArray[np.float64]]]:
    """Give the parts of lines near the ego, in its frame: number, category, ``(N, 2)`` points."""
    lines = world_lines(world)
    place = (state.x_m, state.y_m)
    near = np.array(lines.tree.query_ball_point(place, range_m, return_sorted=True), np.int64)
    xy, line = to_ego(state, lines.points_m[near]), lines.line[near]
    breaks = np.flatnonzero((np.diff(near) > 1) | (np.diff(line) > 0)) + 1
    parts = zip(np.split(line, breaks), np.split(xy, breaks), strict=True)
    return [(int(k[0]), lines.categories[k[0]], part) for k, part in parts if len(part) > 1]


def label_frame(
    world: StaticWorld,
    state: SceneState,
    timestamp_ns: int,
    rendered: RenderedSet,
    cameras: Mapping[str, CameraCalibration],
) -> list[Row]:
    """Give the sparse labels of one instant, drawn with `EVERYTHING`, as rows of ANNOTATIONS."""
    lines, boxes = lines_in_ego(world, state), _boxes(state)
    found = _path_rows(state)
    for name, camera in cameras.items():
        seen = rendered.seen[name]
        mine = [
            *_object_rows(state, boxes, camera, seen),
            *_light_rows(world, state, camera, seen),
            *_line_rows(lines, camera, rendered.depth[name]),
        ]
        found += [{"camera": name, **row} for row in mine]
    return [{"timestamp_ns": timestamp_ns, "score": 1.0, **row} for row in found]


def label_clip(
    renderer: Renderer, world: StaticWorld, instants: Iterable[tuple[int, SceneState]]
) -> Perception:
    """Draw the instants of a clip and label them, densely too."""
    times: list[int] = []
    rows: list[Row] = []
    depth: dict[str, list[NDArray[np.float32]]] = {name: [] for name in renderer.cameras}
    surfaces: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in renderer.cameras}
    layers: dict[str, list[NDArray[np.uint8]]] = {layer.value: [] for layer in BevLayer}
    for timestamp_ns, state in instants:
        rendered = renderer.render(state, timestamp_ns, EVERYTHING)
        times.append(timestamp_ns)
        rows += label_frame(world, state, timestamp_ns, rendered, renderer.cameras)
        for name in renderer.cameras:
            depth[name].append(rendered.depth[name])
            surfaces[name].append(rendered.segmentation[name])
        for layer, cells in top_down(renderer, world, state, lines_in_ego(world, state)).items():
            layers[layer].append(cells)
    if not times:
        return Perception(np.zeros(0, np.int64), annotation_table([]), tasks=frozenset(Task))
    return Perception(
        np.array(times, np.int64),
        annotation_table(rows),
        {name: np.stack(frames) for name, frames in depth.items()},
        {name: np.stack(frames) for name, frames in surfaces.items()},
        {layer: np.stack(frames) for layer, frames in layers.items()},
        frozenset(Task),
    )


def box_corners(
    xyz_m: NDArray[np.float64], size_m: NDArray[np.float64], yaw_rad: float
) -> NDArray[np.float64]:
    """The eight corners ``(8, 3)`` of a box: bit 0 front, bit 1 left, bit 2 top."""
    signs = np.array([[2 * (i >> axis & 1) - 1 for axis in range(3)] for i in range(8)])
    local = signs * size_m / 2
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    turned = np.stack(
        [c * local[:, 0] - s * local[:, 1], s * local[:, 0] + c * local[:, 1], local[:, 2]], axis=1
    )
    return np.asarray(turned + xyz_m)


def outline(camera: CameraCalibration, corners_m: NDArray[np.float64]) -> tuple[float, ...] | None:
    """Bound a box's projection, also outside the image: x1, y1, x2, y2; None behind the camera.

    Edges that pass the camera's plane are cut just in front of it.
    """
    edges = [(i, i | 1 << axis) for i in range(8) for axis in range(3) if not i >> axis & 1]
    starts, ends = corners_m[[a for a, _ in edges]], corners_m[[b for _, b in edges]]
    axis = camera.ego_SE3_camera[:3, 2]
    origin = camera.ego_SE3_camera[:3, 3]
    d0, d1 = (starts - origin) @ axis - _NEAR_M, (ends - origin) @ axis - _NEAR_M
    crossing = (d0 < 0) != (d1 < 0)
    part = np.where(crossing, d0 / np.where(crossing, d0 - d1, 1), 0)
    cuts = starts + part[:, None] * (ends - starts)
    points = np.concatenate([starts[d0 >= 0], ends[d1 >= 0], cuts[crossing]])
    if not len(points):
        return None
    # The cut lies on the near plane; a hair further keeps rounding from putting it behind.
    xy = project(camera, points + 1e-6 * axis)[:, :2]
    return (*xy.min(axis=0), *xy.max(axis=0))


def truncation(camera: CameraCalibration, bounds: tuple[float, ...]) -> float:
    """Share of a rectangle's area that lies outside the image."""
    x1, y1, x2, y2 = bounds
    whole = (x2 - x1) * (y2 - y1)
    wide = max(min(x2, camera.width) - max(x1, 0.0), 0.0)
    high = max(min(y2, camera.height) - max(y1, 0.0), 0.0)
    return float(1 - wide * high / whole) if whole > 0 else 0.0


def _path_rows(state: SceneState) -> list[Row]:
    """Where the ego drives next: one row, or none where the drive ends before."""
    if not len(state.path_m):
        return []
    return [{"task": Task.PATH.value, "points": to_ego(state, state.path_m).ravel().tolist()}]


def _box_row(seen: Seen, instance: int) -> Row:
    x1, y1, x2, y2 = (float(edge) for edge in seen.boxes[instance])
    hidden = 1 - seen.visible[instance] / seen.hits[instance]
    return {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "occlusion": float(hidden)}


def _labelled(seen: Seen, first: int, count: int) -> NDArray[np.int64]:
    instances = np.arange(first, first + count)
    enough = (seen.hits[instances] >= LEAST_PIXELS) & (seen.visible[instances] > 0)
    return np.asarray(instances[enough])


@dataclass(frozen=True, eq=False)
class _Boxes:
    """All actors' 3D boxes in the ego frame: centre, size, yaw, and ``(N, 8, 3)`` corners."""

    centre_m: NDArray[np.float64]
    size_m: NDArray[np.float64]
    yaw_rad: NDArray[np.float64]
    corners_m: NDArray[np.float64]


def _boxes(state: SceneState) -> _Boxes:
    actors = state.actors
    size = np.stack([actors.length_m, actors.width_m, actors.height_m], axis=-1)
    xy = to_ego(state, np.stack([actors.x_m, actors.y_m], axis=-1))
    centre = np.column_stack([xy, size[:, 2] / 2])
    turn = actors.yaw_rad - state.yaw_rad
    yaw = np.arctan2(np.sin(turn), np.cos(turn))
    corners = [box_corners(c, s, float(r)) for c, s, r in zip(centre, size, yaw, strict=True)]
    return _Boxes(centre, size, yaw, np.array(corners).reshape(-1, 8, 3))


def _object_rows(
    state: SceneState, boxes: _Boxes, camera: CameraCalibration, seen: Seen
) -> list[Row]:
    actors, rows = state.actors, []
    chosen = _labelled(seen, 1, len(actors)) - 1
    corners = boxes.corners_m[chosen]
    projected = project(camera, corners.reshape(-1, 3)).reshape(-1, 8, 3)
    for i, xyd, mine in zip(chosen, projected, corners, strict=True):
        bounds: tuple[float, ...] | None
        if (xyd[:, 2] > _NEAR_M).all():
            bounds = (*xyd[:, :2].min(axis=0), *xyd[:, :2].max(axis=0))
        else:
            bounds = outline(camera, mine)
        x, y, z = boxes.centre_m[i].tolist()
        length, width, height = boxes.size_m[i].tolist()
        rows.append(
            {
                "task": Task.OBJECTS.value,
                "category": CATEGORIES[actors.category[i]].value,
                **_box_row(seen, int(i) + 1),
                "track_id": int(actors.track_id[i]),
                "truncation": truncation(camera, bounds) if bounds else 0.0,
                "x_m": x,
                "y_m": y,
                "z_m": z,
                "length_m": length,
                "width_m": width,
                "height_m": height,
                "yaw_rad": float(boxes.yaw_rad[i]),
            }
        )
    return rows


def _light_rows(
    world: StaticWorld, state: SceneState, camera: CameraCalibration, seen: Seen
) -> list[Row]:
    first, rows = len(state.actors) + 1, []
    eye = camera.ego_SE3_camera[:2, 3]
    for instance in _labelled(seen, first, len(world.lights)):
        light = world.lights[int(instance) - first]
        lit = state.lights.get(light.name, LightState.NONE)
        way = eye - to_ego(state, np.array([light.x_m, light.y_m]))
        yaw = light.yaw_rad - state.yaw_rad
        towards = (np.cos(yaw) * way[0] + np.sin(yaw) * way[1]) / np.hypot(*way)
        if lit is LightState.NONE or towards < 0.2:
            continue  # dark, or seen from behind or the side: nobody could say what it shows
        rows.append(
            {
                "task": Task.LIGHTS.value,
                "category": lit.value,
                **_box_row(seen, int(instance)),
                "relevant": light.name in state.relevant_lights,
            }
        )
    return rows


def _line_rows(
    lines: list[tuple[int, LaneCategory, NDArray[np.float64]]],
    camera: CameraCalibration,
    depth_m: NDArray[np.float32],
) -> list[Row]:
    if not lines:
        return []
    part = np.repeat(np.arange(len(lines)), [len(points) for _, _, points in lines])
    ground = np.concatenate([points for _, _, points in lines])
    seen = project(camera, np.pad(ground, ((0, 0), (0, 1))))
    at = np.flatnonzero(_unhidden(camera, seen, depth_m))
    if not len(at):
        return []
    xy, part = seen[at, :2], part[at]
    # A run ends with its line, or where more than `_GAP` points in a row are hidden.
    new = np.diff(at, prepend=-_GAP - 9) > _GAP
    new |= np.diff(part, prepend=-1) > 0
    step = np.where(new, 0.0, np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T))
    along = np.cumsum(step)
    last = np.roll(new, -1)
    # Of points less than a pixel apart one is enough; both ends stay.
    keep = new | last | (np.diff(np.floor(along), prepend=-1) > 0)
    starts = np.flatnonzero(new[keep])
    ends = np.append(starts[1:], keep.sum())
    xy, part, along = xy[keep], part[keep], along[keep]
    rows: list[Row] = []
    for start, end in zip(starts, ends, strict=True):
        if along[end - 1] - along[start] >= _LEAST_LINE_PX:
            number, category, _ = lines[part[start]]
            points = xy[start:end].ravel().tolist()
            kind = {"task": Task.LANES.value, "category": category.value}
            rows.append({**kind, "points": points, "track_id": number})
    return rows


def _unhidden(
    camera: CameraCalibration, seen: NDArray[np.float64], depth_m: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Which projected points lie in the image with nothing in front of them."""
    x, y = np.nan_to_num(seen[:, 0], nan=-1.0), np.nan_to_num(seen[:, 1], nan=-1.0)
    inside = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
    row = np.where(inside, y, 0).astype(np.int64)
    column = np.where(inside, x, 0).astype(np.int64)
    # The pixel's own ground lies up to half a row further or nearer than the point.
    before = np.nan_to_num(depth_m[row, column], nan=np.inf)
    return np.asarray(inside & (before > 0.85 * seen[:, 2] - 0.3))
