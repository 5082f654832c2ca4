"""Light and shadow on the ground around the ego, as a grid that pixels look up.

The grid is in the ego frame. It has, per cell: how much of the sun gets there, how much of the
sky, and the red, green and blue of lamps. Every lamp and every shadow is stamped into the cells
that it reaches, so a pixel needs one look-up, however many lamps there are.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.solids import PATCH_M
from ingest.simulation.scene import CATEGORIES, SceneState, StaticWorld, to_ego
from ridealong.perception.annotations import ObjectCategory

CELL_M, CELLS = 0.5, 256
REACH_M = CELL_M * CELLS / 2
SUN, SKY, LAMP = 0, 1, 2  # channels; from LAMP on, one per colour of lamps
CHANNELS = 5
AROUND_M = 22.0  # how far a lamp that shines all round lights

WHITE, WARM, RED = range(3)
LAMP_RGB = np.array([(1.0, 0.95, 0.86), (1.0, 0.74, 0.44), (1.0, 0.05, 0.03)])
_STREET_POWER, _HEAD_POWER, _TAIL_POWER = 0.075, 0.26, 0.03
# Columns of casters: centre, cosine and sine of yaw, half sizes, and from which to which height
# they throw a shadow.
CASTER = 8
# Columns of lamps: place, direction, reach ahead (0 shines all round), colour, power.
LAMP_ROW = 7


_WALKS = CATEGORIES.index(ObjectCategory.PEDESTRIAN)


def shadow_casters(state: SceneState, world: StaticWorld) -> NDArray[np.float64]:
    """What throws a shadow near the ego: ``(N, 8)``, ego frame, road users first."""
    a = state.actors
    actors = np.stack(
        [
            a.x_m,
            a.y_m,
            a.yaw_rad,
            a.length_m / 2,
            a.width_m / 2,
            np.full(len(a), 0.15),
            a.height_m,
        ],
        axis=-1,
    )
    patch = int(state.x_m // PATCH_M), int(state.y_m // PATCH_M)
    rows = np.concatenate([actors, _standing_casters(world, *patch)])
    out = np.empty((len(rows), CASTER))
    out[:, :2] = to_ego(state, rows[:, :2])
    yaw = rows[:, 2] - state.yaw_rad
    out[:, 2], out[:, 3], out[:, 4:] = np.cos(yaw), np.sin(yaw), rows[:, 3:]
    near = np.hypot(out[:, 0], out[:, 1]) < REACH_M + 45
    return np.asarray(out[near])


@lru_cache(maxsize=64)
def _standing_casters(world: StaticWorld, column: int, row: int) -> NDArray[np.float64]:
    """Buildings and crowns near a square of the world, world frame."""
    b, t = world.buildings, world.trees
    houses = np.stack(
        [
            b.x_m,
            b.y_m,
            b.yaw_rad,
            b.length_m / 2,
            b.width_m / 2,
            np.zeros(len(b)),
            b.height_m,
        ],
        axis=-1,
    )
    crowns = np.stack(
        [
            t.x_m,
            t.y_m,
            np.zeros(len(t)),
            t.radius_m * 0.8,
            t.radius_m * 0.8,
            t.trunk_m,
            t.trunk_m + t.crown_m,
        ],
        axis=-1,
    )
    return _near_patch(np.concatenate([houses, crowns]), column, row)


def _near_patch(rows: NDArray[np.float64], column: int, row: int) -> NDArray[np.float64]:
    """Rows whose place (their first two columns) is in reach from some place in a square."""
    away = rows[:, :2] - (np.array([column, row]) + 0.5) * PATCH_M
    return np.asarray(rows[np.hypot(away[:, 0], away[:, 1]) < REACH_M + 45 + PATCH_M])


def contact_casters(state: SceneState) -> NDArray[np.float64]:
    """Objects so low that no skylight gets under them, including the ego."""
    a = state.actors
    wheeled = a.category != _WALKS
    out = np.empty((len(a) + 1, 6))
    out[:-1, :2] = to_ego(state, np.stack([a.x_m, a.y_m], axis=-1))
    yaw = a.yaw_rad - state.yaw_rad
    out[:-1, 2], out[:-1, 3] = np.cos(yaw), np.sin(yaw)
    out[:-1, 4], out[:-1, 5] = a.length_m / 2, a.width_m / 2
    out[-1] = (1.4, 0.0, 1.0, 0.0, 2.3, 0.9)
    keep = np.append(wheeled, True) & (np.hypot(out[:, 0], out[:, 1]) < REACH_M)
    return np.asarray(out[keep])


def lamp_rows(state: SceneState, world: StaticWorld, dark: bool) -> NDArray[np.float64]:
    """Return every lamp that is lit near the ego, street lamps when it is dark: ``(N, 7)``."""
    rows = [np.zeros((0, LAMP_ROW))]
    if dark:
        rows.append(_street_lamps(state, world))
    if dark or state.headlamps:
        rows.append(_headlamps(state))
    return np.concatenate(rows)


def _street_lamps(state: SceneState, world: StaticWorld) -> NDArray[np.float64]:
    places = _standing_lamps(world, int(state.x_m // PATCH_M), int(state.y_m // PATCH_M))
    out = np.zeros((len(places), LAMP_ROW))
    out[:, :2] = to_ego(state, places)
    out[:, 2] = 1.0
    out[:, 5:] = WARM, _STREET_POWER
    return np.asarray(out[np.hypot(out[:, 0], out[:, 1]) < REACH_M + 25])


@lru_cache(maxsize=64)
def _standing_lamps(world: StaticWorld, column: int, row: int) -> NDArray[np.float64]:
    """Street lamps near a square of the world, ``(N, 2)`` world frame."""
    p = world.poles
    x, y = p.x_m + np.cos(p.yaw_rad) * p.arm_m, p.y_m + np.sin(p.yaw_rad) * p.arm_m
    return _near_patch(np.stack([x, y], axis=-1)[p.lamp], column, row)


def _headlamps(state: SceneState) -> NDArray[np.float64]:
    a = state.actors
    on = np.flatnonzero(a.headlamps)
    xy = to_ego(state, np.stack([a.x_m[on], a.y_m[on]], axis=-1))
    yaw = a.yaw_rad[on] - state.yaw_rad
    ahead = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    half = a.length_m[on, None] / 2
    front, back = np.zeros((len(on), LAMP_ROW)), np.zeros((len(on), LAMP_ROW))
    front[:, :2], front[:, 2:4], front[:, 4] = xy + ahead * half, ahead, 26.0
    front[:, 5:] = WHITE, _HEAD_POWER * 0.7
    back[:, :2], back[:, 2:4], back[:, 4] = xy - ahead * half, -ahead, 4.0
    back[:, 5], back[:, 6] = RED, _TAIL_POWER * np.where(a.brake[on], 3.0, 1.0)
    ego = np.zeros((2 if state.headlamps else 0, LAMP_ROW))
    if state.headlamps:
        ego[0] = (3.7, 0.0, 1.0, 0.0, 38.0, WHITE, _HEAD_POWER)
        ego[1] = (-0.95, 0.0, -1.0, 0.0, 4.0, RED, _TAIL_POWER)
    rows = np.concatenate([front, back, ego])
    return np.asarray(rows[np.hypot(rows[:, 0], rows[:, 1]) < REACH_M + 30])
