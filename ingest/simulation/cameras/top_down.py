"""The layout around the ego from above: which 1 m cells are road, lines, road users, occupied.

Every layer is what is there, whether a camera sees it or not: cells hidden behind a truck count
like all others, and none is masked. The ego itself is in no layer.

- ``road``: at least half of the cell, by four points in it.
- ``lane_line``, ``road_edge``: the line passes through the cell (a point of it every 0.5 m).
- ``vehicle``: the footprint of a vehicle touches the cell; two-wheelers are vehicles too.
- ``person``: the footprint of who walks or rides touches it: pedestrians, and bicycles and
  motorcycles with their riders, as in the segmentation.
- ``occupancy``: something solid stands in the cell between `KERB_M` and `CLEARANCE_M` above the
  ground: a road user (all of vehicle and person), a building with all that is inside it, a trunk,
  a pole, the crown of a bush or tree as wide as it is at those heights. What hangs higher, as
  crowns, arms and signals do, leaves a cell free.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.annotations import BEV_X_M, BEV_Y_M, BevLayer, LaneCategory, ObjectCategory
from ingest.simulation.cameras.render import Renderer
from ingest.simulation.scene import CATEGORIES, Floats, SceneState, StaticWorld, Trees, to_ego

BEV_CELL_M = 1.0
KERB_M = 0.2  # what is lower can be driven over
CLEARANCE_M = 2.0  # what is higher can be driven under
TRUNK_M, POLE_M = 0.14, 0.075  # radius
SHAPE = tuple(round((high - low) / BEV_CELL_M) for low, high in (BEV_X_M, BEV_Y_M))

Cells = NDArray[np.uint8]
_X = BEV_X_M[1] - BEV_CELL_M * (np.arange(SHAPE[0]) + 0.5)  # middles of the rows
_Y = BEV_Y_M[1] - BEV_CELL_M * (np.arange(SHAPE[1]) + 0.5)  # and of the columns
_HALF = BEV_CELL_M / 2
_REACH_M = float(np.hypot(np.abs(BEV_X_M).max(), np.abs(BEV_Y_M).max()))
_LINES = {
    LaneCategory.LANE_LINE: BevLayer.LANE_LINE.value,
    LaneCategory.ROAD_EDGE: BevLayer.ROAD_EDGE.value,
}
_WALKS = CATEGORIES.index(ObjectCategory.PEDESTRIAN)
_PEOPLE = [
    CATEGORIES.index(category)
    for category in (ObjectCategory.PEDESTRIAN, ObjectCategory.BICYCLE, ObjectCategory.MOTORCYCLE)
]


@dataclass(frozen=True, eq=False)
class Standing:
    """What stands in a world, from above: ``(N, 2)`` places in the world frame, metres.

    Attributes:
        blocks_m: Middles of rectangles.
        half_m: ``(N, 2)``, their half length and half width.
        yaw_rad: ``(N,)``, theirs.
        discs_m: Middles of discs.
        radius_m: ``(M,)``, theirs.
    """

    blocks_m: Floats
    half_m: Floats
    yaw_rad: Floats
    discs_m: Floats
    radius_m: Floats


def top_down(
    renderer: Renderer,
    world: StaticWorld,
    state: SceneState,
    lines: Sequence[tuple[int, LaneCategory, Floats]],
) -> dict[str, Cells]:
    """Give the layout around the ego, a layer each, cells of `BEV_CELL_M` over BEV_X_M, BEV_Y_M.

    Args:
        renderer: Has drawn this state last: it knows where road is.
        world: What stands still.
        state: The instant.
        lines: All lines within the grid, in the ego frame, as `labels.lines_in_ego` gives them.
    """
    layers = {layer.value: np.zeros(SHAPE, np.uint8) for layer in BevLayer}
    layers[BevLayer.ROAD.value][:] = _road_cells(renderer, state)
    for _, category, points in lines:
        _mark(layers[_LINES[category]], points)
    vehicle, person = _road_users(state)
    layers[BevLayer.VEHICLE.value][:] = vehicle
    layers[BevLayer.PERSON.value][:] = person
    layers[BevLayer.OCCUPANCY.value][:] = vehicle | person | _standing_cells(world, state)
    return layers


@lru_cache(maxsize=8)
def standing(world: StaticWorld) -> Standing:
    """Collect what reaches between `KERB_M` and `CLEARANCE_M`, once per world."""
    b, t, p = world.buildings, world.trees, world.poles
    high = b.height_m > KERB_M
    signals = np.array([(s.pole_x_m, s.pole_y_m, POLE_M) for s in world.lights])
    discs = [
        np.stack([t.x_m, t.y_m, np.where(t.trunk_m > KERB_M, TRUNK_M, 0.0)]),
        np.stack([t.x_m, t.y_m, _crown_radius_m(t)]),
        np.stack([p.x_m, p.y_m, np.where(p.height_m > KERB_M, POLE_M, 0.0)]),
        signals.reshape(-1, 3).T,
    ]
    x, y, radius = np.concatenate(discs, axis=1)
    solid = radius > 0
    return Standing(
        np.stack([b.x_m, b.y_m], axis=-1)[high],
        np.stack([b.length_m, b.width_m], axis=-1)[high] / 2,
        b.yaw_rad[high],
        np.stack([x, y], axis=-1)[solid],
        radius[solid],
    )


def _crown_radius_m(trees: Trees) -> Floats:
    """How wide each crown, an ellipsoid, is at most at the heights that count; 0 above them."""
    half = np.maximum(trees.crown_m / 2, 1e-9)
    middle = trees.trunk_m + half
    off = (np.clip(middle, KERB_M, CLEARANCE_M) - middle) / half
    return np.asarray(trees.radius_m * np.sqrt(np.maximum(1 - off**2, 0)))


def _road_users(state: SceneState) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells of vehicles, and of people."""
    actors = state.actors
    xy = to_ego(state, np.stack([actors.x_m, actors.y_m], axis=-1))
    half = np.stack([actors.length_m, actors.width_m], axis=-1) / 2
    touched = touched_by_blocks(xy, half, actors.yaw_rad - state.yaw_rad)
    walks, person = actors.category == _WALKS, np.isin(actors.category, _PEOPLE)
    return _any(touched[~walks]), _any(touched[person])


def _standing_cells(world: StaticWorld, state: SceneState) -> NDArray[np.bool_]:
    stands = standing(world)
    blocks, discs = to_ego(state, stands.blocks_m), to_ego(state, stands.discs_m)
    near = np.hypot(*blocks.T) < _REACH_M + np.hypot(*stands.half_m.T)
    close = np.hypot(*discs.T) < _REACH_M + stands.radius_m
    turn = stands.yaw_rad[near] - state.yaw_rad
    filled = _any(touched_by_blocks(blocks[near], stands.half_m[near], turn))
    return filled | _any(touched_by_discs(discs[close], stands.radius_m[close]))


def _any(touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(touched.any(axis=0))


def touched_by_blocks(xy_m: Floats, half_m: Floats, yaw_rad: Floats) -> NDArray[np.bool_]:
    """Which cells each of N rectangles overlaps, ``(N, rows, columns)``.

    Two rectangles overlap unless one of their four sides' directions separates them.

    Args:
        xy_m: ``(N, 2)`` middles, ego frame.
        half_m: ``(N, 2)`` half length and half width.
        yaw_rad: ``(N,)`` direction of the length.
    """
    c, s = np.cos(yaw_rad)[:, None], np.sin(yaw_rad)[:, None]
    along, across = half_m[:, :1], half_m[:, 1:]
    dx, dy = _X - xy_m[:, :1], _Y - xy_m[:, 1:]
    rows = np.abs(dx) < _HALF + along * np.abs(c) + across * np.abs(s)
    columns = np.abs(dy) < _HALF + along * np.abs(s) + across * np.abs(c)
    reach = _HALF * (np.abs(c) + np.abs(s))[..., None]
    ahead = np.abs((c * dx)[..., None] + (s * dy)[:, None]) < along[..., None] + reach
    aside = np.abs((c * dy)[:, None] - (s * dx)[..., None]) < across[..., None] + reach
    return np.asarray(ahead & aside & rows[..., None] & columns[:, None])


def touched_by_discs(xy_m: Floats, radius_m: Floats) -> NDArray[np.bool_]:
    """Which cells each of N discs overlaps, ``(N, rows, columns)``: their nearest point decides."""
    dx = np.maximum(np.abs(_X - xy_m[:, :1]) - _HALF, 0) ** 2
    dy = np.maximum(np.abs(_Y - xy_m[:, 1:]) - _HALF, 0) ** 2
    return np.asarray(dx[..., None] + dy[:, None] < radius_m[:, None, None] ** 2)


def _mark(cells: Cells, points_m: Floats) -> None:
    row = np.floor((BEV_X_M[1] - points_m[:, 0]) / BEV_CELL_M).astype(np.int64)
    column = np.floor((BEV_Y_M[1] - points_m[:, 1]) / BEV_CELL_M).astype(np.int64)
    inside = (row >= 0) & (row < cells.shape[0]) & (column >= 0) & (column < cells.shape[1])
    cells[row[inside], column[inside]] = 1


def _road_cells(renderer: Renderer, state: SceneState) -> NDArray[np.bool_]:
    """Cells of which at least half is road, from four points in each."""
    step = BEV_CELL_M / 2
    x = BEV_X_M[1] - step * (np.arange(2 * SHAPE[0]) + 0.5)
    y = BEV_Y_M[1] - step * (np.arange(2 * SHAPE[1]) + 0.5)
    gx, gy = np.meshgrid(x, y, indexing="ij")
    c, s = np.cos(state.yaw_rad), np.sin(state.yaw_rad)
    road = renderer.road_at(state.x_m + c * gx - s * gy, state.y_m + s * gx + c * gy)
    return np.asarray(road.reshape(SHAPE[0], 2, SHAPE[1], 2).sum(axis=(1, 3)) >= 2)
