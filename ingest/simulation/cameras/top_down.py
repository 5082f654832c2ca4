"""The layout around the ego from above: which 1 m cells are road, lines, road users, occupied.

Every layer has what is there, whether a camera sees it or not: cells hidden behind a truck count
like all others, and none is masked. The ego itself is in no layer.

- ``road``: at least half of the cell, by four points in it.
- ``lane_line``, ``road_edge``: the line passes through the cell (a point of it every 0.5 m).
- ``vehicle``: the footprint of a vehicle touches the cell; two-wheelers are vehicles too.
- ``person``: the footprint of a pedestrian, or of a bicycle or motorcycle with its rider, touches
  it, as in the segmentation.
- ``occupancy``: something solid is in the cell between `KERB_M` and `CLEARANCE_M` above the
  ground: a road user (all of vehicle and person), a building with all that is inside it, a trunk,
  a pole, the crown of a bush or tree as wide as it is at those heights. What hangs higher, as
  crowns, arms and signals do, leaves a cell free.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.lines import CATEGORIES, LinePoints
from ingest.simulation.cameras.render import Renderer
from ingest.simulation.scene import CATEGORIES as ROAD_USERS
from ingest.simulation.scene import SceneState, StaticWorld, Trees, to_ego
from ridealong.arrays import Floats, Ints
from ridealong.perception.annotations import (
    BEV_X_M,
    BEV_Y_M,
    BevLayer,
    LaneCategory,
    ObjectCategory,
)

BEV_CELL_M = 1.0
KERB_M = 0.2  # lower things can be driven over
CLEARANCE_M = 2.0  # higher things can be driven under
TRUNK_M, POLE_M = 0.14, 0.075  # radius
SHAPE = tuple(round((high - low) / BEV_CELL_M) for low, high in (BEV_X_M, BEV_Y_M))

Cells = NDArray[np.uint8]
Touched = tuple[Ints, Ints, Ints]  # which solid, in which row, in which column
_HALF = BEV_CELL_M / 2
_REACH_M = float(np.hypot(np.abs(BEV_X_M).max(), np.abs(BEV_Y_M).max()))
_WALKS = ROAD_USERS.index(ObjectCategory.PEDESTRIAN)
_PEOPLE = [
    ROAD_USERS.index(category)
    for category in (ObjectCategory.PEDESTRIAN, ObjectCategory.BICYCLE, ObjectCategory.MOTORCYCLE)
]


@dataclass(frozen=True, eq=False)
class Standing:
    """Static objects of a world from above: ``(N, 2)`` places in the world frame, metres.

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
    lines: LinePoints,
) -> dict[str, Cells]:
    """Return the layout around the ego, a layer each, cells of `BEV_CELL_M` over BEV_X_M, BEV_Y_M.

    Args:
        renderer: The one that drew this state last: it knows where the road is.
        world: The static world.
        state: The instant.
        lines: All lines near the ego, in its frame.
    """
    vehicle, person = _road_users(state)
    drawn = [_cells_of_points(lines.points_m[lines.category == kind]) for kind in (0, 1)]
    layers = {
        BevLayer.ROAD: _road_cells(renderer, state),
        BevLayer.VEHICLE: vehicle,
        BevLayer.LANE_LINE: drawn[CATEGORIES.index(LaneCategory.LANE_LINE)],
        BevLayer.ROAD_EDGE: drawn[CATEGORIES.index(LaneCategory.ROAD_EDGE)],
        BevLayer.PERSON: person,
        BevLayer.OCCUPANCY: vehicle | person | _standing_cells(world, state),
    }
    return {layer.value: cells for layer, cells in layers.items()}


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
    """Greatest radius of each crown (an ellipsoid) between the two heights; 0 above them."""
    half = np.maximum(trees.crown_m / 2, 1e-9)
    middle = trees.trunk_m + half
    off = (np.clip(middle, KERB_M, CLEARANCE_M) - middle) / half
    return np.asarray(trees.radius_m * np.sqrt(np.maximum(1 - off**2, 0)))


def _road_users(state: SceneState) -> tuple[Cells, Cells]:
    """Cells of vehicles, and of people."""
    actors = state.actors
    xy = to_ego(state, np.stack([actors.x_m, actors.y_m], axis=-1))
    half = np.stack([actors.length_m, actors.width_m], axis=-1) / 2
    yaw = actors.yaw_rad - state.yaw_rad
    which, row, column = touched_by_blocks(xy, half, yaw)
    category = actors.category[which]
    vehicle, person = category != _WALKS, np.isin(category, _PEOPLE)
    return _filled(row[vehicle], column[vehicle]), _filled(row[person], column[person])


def _standing_cells(world: StaticWorld, state: SceneState) -> Cells:
    stands = standing(world)
    block = _near(state, stands.blocks_m, stands.half_m.sum(axis=1))
    disc = _near(state, stands.discs_m, stands.radius_m)
    turn = stands.yaw_rad[block] - state.yaw_rad
    blocks = touched_by_blocks(to_ego(state, stands.blocks_m[block]), stands.half_m[block], turn)
    discs = touched_by_discs(to_ego(state, stands.discs_m[disc]), stands.radius_m[disc])
    return _filled(*np.hstack([blocks[1:], discs[1:]]))


def _near(state: SceneState, points_m: Floats, reach_m: Floats) -> Ints:
    """Indices of those that may overlap the grid."""
    dx, dy = points_m[:, 0] - state.x_m, points_m[:, 1] - state.y_m
    return np.flatnonzero(dx * dx + dy * dy < (_REACH_M + reach_m) ** 2)


def touched_by_blocks(xy_m: Floats, half_m: Floats, yaw_rad: Floats) -> Touched:
    """Cells that N rectangles overlap.

    A cell and a rectangle overlap unless one of their sides' directions separates them.

    Args:
        xy_m: ``(N, 2)`` middles, ego frame.
        half_m: ``(N, 2)`` half length and half width.
        yaw_rad: ``(N,)`` direction of the length.
    """
    c, s = np.cos(yaw_rad)[:, None], np.sin(yaw_rad)[:, None]
    along, across = half_m[:, :1], half_m[:, 1:]
    deep, wide = along * np.abs(c) + across * np.abs(s), along * np.abs(s) + across * np.abs(c)
    row, column = _window(xy_m, np.maximum(deep, wide))
    dx, dy = _middle(BEV_X_M, row) - xy_m[:, :1], _middle(BEV_Y_M, column) - xy_m[:, 1:]
    upright = (np.abs(dx) < _HALF + deep)[..., None] & (np.abs(dy) < _HALF + wide)[:, None]
    reach = _HALF * (np.abs(c) + np.abs(s))[..., None]
    ahead = np.abs((c * dx)[..., None] + (s * dy)[:, None]) < along[..., None] + reach
    aside = np.abs((c * dy)[:, None] - (s * dx)[..., None]) < across[..., None] + reach
    return _within(row, column, upright & ahead & aside)


def touched_by_discs(xy_m: Floats, radius_m: Floats) -> Touched:
    """Cells that N discs overlap: a cell's nearest point decides."""
    row, column = _window(xy_m, radius_m[:, None])
    dx = np.maximum(np.abs(_middle(BEV_X_M, row) - xy_m[:, :1]) - _HALF, 0) ** 2
    dy = np.maximum(np.abs(_middle(BEV_Y_M, column) - xy_m[:, 1:]) - _HALF, 0) ** 2
    return _within(row, column, dx[..., None] + dy[:, None] < radius_m[:, None, None] ** 2)


def _window(xy_m: Floats, reach_m: Floats) -> tuple[Ints, Ints]:
    """Rows and columns ``(N, K)`` around each place, enough for the widest reach ``(N, 1)``."""
    reach = reach_m.max(initial=0.0)
    steps = np.arange(int(2 * reach / BEV_CELL_M) + 3)
    first = np.floor(([BEV_X_M[1], BEV_Y_M[1]] - xy_m - reach) / BEV_CELL_M).astype(np.int64)
    return first[:, :1] + steps, first[:, 1:] + steps


def _middle(side_m: tuple[float, float], index: Ints) -> Floats:
    """Middles of rows or columns."""
    return np.asarray(side_m[1] - BEV_CELL_M * (index + 0.5))


def _within(row: Ints, column: Ints, touched: NDArray[np.bool_]) -> Touched:
    """Where windows ``(N, K, K)`` are touched, inside the grid."""
    rows, columns = (row >= 0) & (row < SHAPE[0]), (column >= 0) & (column < SHAPE[1])
    which, i, j = np.nonzero(touched & rows[..., None] & columns[:, None])
    return which, row[which, i], column[which, j]


def _filled(row: Ints, column: Ints) -> Cells:
    """The grid, 1 in these cells."""
    cells = np.zeros(SHAPE, np.uint8)
    cells[row, column] = 1
    return cells


def _cells_of_points(xy_m: Floats) -> Cells:
    row = np.floor((BEV_X_M[1] - xy_m[:, 0]) / BEV_CELL_M).astype(np.int64)
    column = np.floor((BEV_Y_M[1] - xy_m[:, 1]) / BEV_CELL_M).astype(np.int64)
    inside = (row >= 0) & (row < SHAPE[0]) & (column >= 0) & (column < SHAPE[1])
    return _filled(row[inside], column[inside])


def _road_cells(renderer: Renderer, state: SceneState) -> Cells:
    """Cells of which at least half is road, from four points in each."""
    step = BEV_CELL_M / 2
    x = BEV_X_M[1] - step * (np.arange(2 * SHAPE[0]) + 0.5)[:, None]
    y = BEV_Y_M[1] - step * (np.arange(2 * SHAPE[1]) + 0.5)
    c, s = np.cos(state.yaw_rad), np.sin(state.yaw_rad)
    road = renderer.road_at(state.x_m + c * x - s * y, state.y_m + s * x + c * y)
    quarters = road.reshape(SHAPE[0], 2, SHAPE[1], 2).sum(axis=(1, 3), dtype=np.uint8)
    return np.asarray(quarters >= 2, np.uint8)
