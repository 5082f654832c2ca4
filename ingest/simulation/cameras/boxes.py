"""Boxes of road users and traffic lights: their labels in the images.

What is labelled: a road user or a traffic light of which a camera shows at least one pixel, and
which would cover at least `LEAST_PIXELS` with nothing in front of it. Its 2D box bounds those
covered pixels, inside the image; its occlusion is the share of them that show something else;
its truncation the share of its 3D box's outline that lies outside the image.

A traffic light gives one row per camera that looks at its lenses, relevant or not; a frame whose
camera sees no relevant light has no relevant row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ingest.simulation.cameras.pinholes import Pinholes, project_each
from ingest.simulation.cameras.render import InstancePixels
from ingest.simulation.scene import CATEGORIES, SceneState, StaticWorld, to_ego
from ridealong.arrays import Floats, Ints
from ridealong.perception.annotations import LightState, Task

LEAST_PIXELS = 4
_NEAR_M = 0.1
_FACING = 0.2  # cosine below which lenses are seen from the side or from behind
_CORNERS = np.array([[2 * (i >> axis & 1) - 1 for axis in range(3)] for i in range(8)])
_EDGES = np.array([(i, i | 1 << axis) for i in range(8) for axis in range(3) if not i >> axis & 1])

LabelRow = dict[str, object]  # some columns of `ridealong.perception.annotations.ANNOTATIONS`


@dataclass(frozen=True, eq=False)
class RigPixels:
    """`ingest.simulation.cameras.render.InstancePixels` of all cameras, stacked.

    Attributes:
        hits, visible: ``(C, instances + 1)``.
        boxes: ``(C, instances + 1, 4)``.
    """

    hits: Ints
    visible: Ints
    boxes: Ints


def stack_pixels(rig: Pinholes, seen: Mapping[str, InstancePixels]) -> RigPixels:
    """Stack what the cameras of a rig saw."""
    several = [seen[name] for name in rig.names]
    return RigPixels(
        np.stack([s.hits for s in several]),
        np.stack([s.visible for s in several]),
        np.stack([s.boxes for s in several]),
    )


def box_corners(xyz_m: Floats, size_m: Floats, yaw_rad: Floats | float) -> Floats:
    """The eight corners ``(..., 8, 3)`` of boxes: bit 0 front, bit 1 left, bit 2 top.

    Args:
        xyz_m: ``(..., 3)`` middles.
        size_m: ``(..., 3)`` length, width and height.
        yaw_rad: ``(...)``.
    """
    local = _CORNERS * size_m[..., None, :] / 2
    x, y, z = (local[..., axis] for axis in range(3))
    c, s = np.cos(yaw_rad)[..., None], np.sin(yaw_rad)[..., None]
    turned = np.stack([c * x - s * y, s * x + c * y, z], axis=-1)
    return np.asarray(turned + xyz_m[..., None, :])


def outline(rig: Pinholes, camera: int, corners_m: Floats) -> Floats | None:
    """Bound a box's projection, also outside the image: x1, y1, x2, y2; None behind the camera.

    Edges that pass the camera's plane are cut just in front of it.

    Args:
        rig: The cameras.
        camera: Which of them.
        corners_m: ``(8, 3)`` in the ego frame.
    """
    starts, ends = corners_m[_EDGES[:, 0]], corners_m[_EDGES[:, 1]]
    axis = rig.rotation[camera, 2]
    d0, d1 = ((p - rig.eye_m[camera]) @ axis - _NEAR_M for p in (starts, ends))
    crossing = (d0 < 0) != (d1 < 0)
    part = np.where(crossing, d0 / np.where(crossing, d0 - d1, 1), 0)
    cuts = starts + part[:, None] * (ends - starts)
    points = np.concatenate([starts[d0 >= 0], ends[d1 >= 0], cuts[crossing]])
    if not len(points):
        return None
    # The cut lies on the near plane; a hair further keeps rounding from putting it behind.
    xy = project_each(rig, np.full(len(points), camera), points + 1e-6 * axis)[:, :2]
    return np.concatenate([xy.min(axis=0), xy.max(axis=0)])


def truncation(size_px: Floats, bounds_px: Floats) -> Floats:
    """Share ``(...)`` of rectangles that lies outside their images; 0 of one without an area.

    Args:
        size_px: ``(..., 2)`` width and height of the image.
        bounds_px: ``(..., 4)`` x1, y1, x2, y2.
    """
    first, last = bounds_px[..., :2], bounds_px[..., 2:]
    whole = np.prod(last - first, axis=-1)
    inside = np.maximum(np.minimum(last, size_px) - np.maximum(first, 0.0), 0.0)
    share = 1 - np.prod(inside, axis=-1) / np.where(whole > 0, whole, 1.0)
    return np.where(whole > 0, share, 0.0)


def object_rows(state: SceneState, rig: Pinholes, pixels: RigPixels) -> dict[str, list[LabelRow]]:
    """Label the road users, by camera."""
    actors = state.actors
    size = np.stack([actors.length_m, actors.width_m, actors.height_m], axis=-1)
    xy = to_ego(state, np.stack([actors.x_m, actors.y_m], axis=-1))
    centre = np.column_stack([xy, size[:, 2] / 2])
    turn = actors.yaw_rad - state.yaw_rad
    yaw = np.arctan2(np.sin(turn), np.cos(turn))
    camera, actor = _labelled(pixels, 1, len(actors))
    corners = box_corners(centre, size, yaw)[actor]
    cut = truncation(rig.size_px[camera], _bounds(rig, camera, corners))
    rows = _box_rows(rig, pixels, camera, actor + 1, Task.OBJECTS)
    more = zip(
        (CATEGORIES[index].value for index in actors.category[actor]),
        actors.track_id[actor].tolist(),
        cut.tolist(),
        *(column.tolist() for column in np.hstack([centre, size, yaw[:, None]])[actor].T),
        strict=True,
    )
    names = ("category", "track_id", "truncation", "x_m", "y_m", "z_m", *_SIZES, "yaw_rad")
    return _by_camera(rig, camera, rows, [dict(zip(names, one, strict=True)) for one in more])


_SIZES = ("length_m", "width_m", "height_m")


def light_rows(
    world: StaticWorld, state: SceneState, rig: Pinholes, pixels: RigPixels
) -> dict[str, list[LabelRow]]:
    """Label the traffic lights, by camera."""
    camera, light = _labelled(pixels, len(state.actors) + 1, len(world.lights))
    names = [world.lights[index].name for index in light]
    shown = [state.lights.get(name, LightState.NONE) for name in names]
    # A light that is dark, or seen from behind or the side, has no visible state: no label.
    lit = np.array([state is not LightState.NONE for state in shown], np.bool_)
    place = _lenses(world)[light]
    way = rig.eye_m[camera, :2] - to_ego(state, place[:, :2])
    yaw = place[:, 2] - state.yaw_rad
    towards = (np.cos(yaw) * way[:, 0] + np.sin(yaw) * way[:, 1]) / np.hypot(*way.T)
    visible = np.flatnonzero(lit & ~(towards < _FACING))
    camera, light = camera[visible], light[visible]
    rows = _box_rows(rig, pixels, camera, len(state.actors) + 1 + light, Task.LIGHTS)
    more: list[LabelRow] = [
        {"category": shown[i].value, "relevant": names[i] in state.relevant_lights} for i in visible
    ]
    return _by_camera(rig, camera, rows, more)


@lru_cache(maxsize=8)
def _lenses(world: StaticWorld) -> Floats:
    """Place and yaw ``(N, 3)`` of each traffic light."""
    return np.array([(s.x_m, s.y_m, s.yaw_rad) for s in world.lights]).reshape(-1, 3)


def _labelled(pixels: RigPixels, first: int, count: int) -> tuple[Ints, Ints]:
    """Camera and number of those of ``count`` instances that are labelled, camera by camera."""
    mine = slice(first, first + count)
    enough = (pixels.hits[:, mine] >= LEAST_PIXELS) & (pixels.visible[:, mine] > 0)
    camera, index = np.nonzero(enough)
    return camera, index


def _bounds(rig: Pinholes, camera: Ints, corners_m: Floats) -> Floats:
    """Outlines ``(K, 4)``; without an area where a box is behind its camera."""
    xyd = project_each(rig, camera, corners_m)
    bounds = np.concatenate([xyd[..., :2].min(axis=1), xyd[..., :2].max(axis=1)], axis=-1)
    for i in np.flatnonzero(~(xyd[..., 2] > _NEAR_M).all(axis=1)):
        cut = outline(rig, int(camera[i]), corners_m[i])
        bounds[i] = 0.0 if cut is None else cut
    return bounds


def _box_rows(
    rig: Pinholes, pixels: RigPixels, camera: Ints, instance: Ints, task: Task
) -> list[LabelRow]:
    boxes = pixels.boxes[camera, instance].astype(np.float64)
    hidden = 1 - pixels.visible[camera, instance] / pixels.hits[camera, instance]
    return [
        {"task": task.value, "x1": x1, "y1": y1, "x2": x2, "y2": y2, "occlusion": share}
        for (x1, y1, x2, y2), share in zip(boxes.tolist(), hidden.tolist(), strict=True)
    ]


def _by_camera(
    rig: Pinholes, camera: Ints, rows: list[LabelRow], more: list[LabelRow]
) -> dict[str, list[LabelRow]]:
    """Each row with what more is known of it, under its camera's name."""
    found: dict[str, list[LabelRow]] = {name: [] for name in rig.names}
    for index, row, rest in zip(camera.tolist(), rows, more, strict=True):
        found[rig.names[index]].append(row | rest)
    return found
