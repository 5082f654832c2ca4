"""What never changes for a camera on a rigid rig above a plane: computed once a process.

The drives of a fleet share their rig; what sets a camera apart from drive to drive is its film
alone. Each pixel's ray, the place on the ground that it meets, which level of the ground's texture
suits its footprint there, and where it looks in the sky.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.geometry import CameraCalibration
from ingest.simulation.cameras.ground import (
    COARSE_REACH_M,
    FINE_M,
    FINE_REACH_M,
    LEVELS,
    LOOK_M,
    NODE_M,
)
from ingest.simulation.cameras.lamps import CELL_M, CELLS, REACH_M

Floats32 = NDArray[np.float32]

GROUND, NOTHING = -1, -2  # what a pixel sees in place of a solid
FAR = -1  # level of a pixel whose ground is a plain colour
MOST_TAPS = 2
HAZE_STEPS = 1024  # half metres
SKY_ROWS, SKY_COLUMNS = 96, 512
LOWEST_SKY, HIGHEST_SKY = -0.02, 1.0  # sine of elevation of the panorama's first and last row


class View(NamedTuple):
    """One camera's constants; ``(H, W)`` arrays over its pixels, ego frame.

    Attributes:
        rotation, origin: Camera to ego frame.
        lens: fx, fy, cx, cy.
        rays: ``(H, W, 3)``, scaled so that one unit is one metre along the optical axis.
        stretch: Length of a ray: distance = depth * stretch.
        ground_w: One over the depth of the ground, 0 above the horizon.
        empty: What a pixel sees with no solid before it: -1, the ground, or -2, the sky.
        level: Level of the ground's texture, 0 to 5, or `FAR`.
        taps: How many samples cover the footprint's long side.
        floor: ``(N,)`` flat index of the pixels that may see the ground.
        spread: ``(N, 6)`` for those: first sample and step from one to the next, both in nodes of
            the level; place in the grid of light, in cells, -1 outside.
        hazed: ``(N,)`` distance for those, in half metres.
        sky_row, sky_column: Place in the panorama of the sky; the column for an ego facing east.
        film: ``(H, W, 3)`` what the lens lets through and the sensor makes of it.
        mirror: Flat index of the pixel that a puddle here shows; -1 below the image.
        gloss: How much of it a puddle shows.
    """

    rotation: NDArray[np.float64]
    origin: NDArray[np.float64]
    lens: NDArray[np.float64]
    rays: Floats32
    stretch: Floats32
    ground_w: Floats32
    empty: NDArray[np.int32]
    level: NDArray[np.int8]
    taps: NDArray[np.int8]
    floor: NDArray[np.int32]
    spread: Floats32
    hazed: NDArray[np.int32]
    sky_row: NDArray[np.int16]
    sky_column: Floats32
    film: Floats32
    mirror: NDArray[np.int32]
    gloss: Floats32


def make_view(camera: CameraCalibration, vignetting: float, gain: NDArray[np.float64]) -> View:
    """Compute a camera's constants.

    Args:
        camera: Calibration.
        vignetting: What its corners lose, 0 to 1.
        gain: ``(3,)`` of red, green and blue.
    """
    u, v = _pixels(camera)
    corner = np.hypot(camera.cx / camera.fx, camera.cy / camera.fy)
    radius = np.hypot((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy) / corner
    film = (1 - vignetting * radius**2)[..., None] * gain
    return _without_film(_key(camera))._replace(film=film.astype(np.float32))


_Key = tuple[int, int, float, float, float, float, bytes]


def _key(camera: CameraCalibration) -> _Key:
    """All of a calibration but its name; can be hashed."""
    lens = camera.fx, camera.fy, camera.cx, camera.cy
    return camera.width, camera.height, *lens, camera.ego_SE3_camera.tobytes()


def _pixels(camera: CameraCalibration) -> tuple[NDArray[np.float64], ...]:
    """Across and down, ``(H, W)`` each, of every pixel's centre."""
    return np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)


@lru_cache(maxsize=64)
def _without_film(key: _Key) -> View:
    width, height, fx, fy, cx, cy, pose = key
    matrix = np.frombuffer(pose).reshape(4, 4)
    camera = CameraCalibration("", width, height, fx, fy, cx, cy, matrix)
    rotation = camera.ego_SE3_camera[:3, :3]
    origin = camera.ego_SE3_camera[:3, 3].copy()
    u, v = _pixels(camera)
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ rotation.T
    stretch = np.linalg.norm(rays, axis=-1)
    down = np.maximum(-rays[..., 2], 0.0)
    ground_w = down / origin[2]
    depth = 1 / np.maximum(ground_w, 1e-6)
    ground_xy = origin[:2] + rays[..., :2] * depth[..., None]
    level, taps, step = _footprints(camera, rays, ground_w, ground_xy)
    sine = rays[..., 2] / stretch
    azimuth = np.arctan2(rays[..., 1], rays[..., 0])
    return View(
        rotation=np.ascontiguousarray(rotation),
        origin=origin,
        lens=np.array([camera.fx, camera.fy, camera.cx, camera.cy]),
        rays=rays.astype(np.float32),
        stretch=stretch.astype(np.float32),
        ground_w=ground_w.astype(np.float32),
        empty=np.where(ground_w > 0, GROUND, NOTHING).astype(np.int32),
        level=level.astype(np.int8),
        taps=taps.astype(np.int8),
        floor=np.flatnonzero(ground_w > 0).astype(np.int32),
        spread=_spread(ground_w, ground_xy, level, taps, step),
        hazed=np.minimum(2 * (stretch * depth)[ground_w > 0], HAZE_STEPS - 1).astype(np.int32),
        sky_row=sky_rows(sine).astype(np.int16),
        sky_column=(azimuth * SKY_COLUMNS / (2 * np.pi)).astype(np.float32),
        film=np.empty(0, np.float32),
        mirror=_mirror(camera, rays).astype(np.int32),
        gloss=(0.06 + 0.94 * (1 - np.abs(sine)) ** 5).astype(np.float32),
    )


def looks(
    cameras: Iterable[CameraCalibration],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the middles ``(N, 2)`` of the squares of `LOOK_M` that pixels see; fine and coarse."""
    return _looks(tuple(_key(camera) for camera in cameras))


@lru_cache(maxsize=16)
def _looks(keys: tuple[_Key, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places = np.concatenate([_samples(_without_film(key)) for key in keys])
    fine, coarse = (
        (np.unique(np.floor(places[of_kind, :2] / size), axis=0) + 0.5) * size
        for size, of_kind in zip(
            LOOK_M, (places[:, 2] < LEVELS, places[:, 2] >= LEVELS), strict=True
        )
    )
    return fine, coarse


def _samples(view: View) -> NDArray[np.float64]:
    """First and last sample of each pixel, in metres, and the level: ``(N, 3)``."""
    level, taps = view.level.ravel()[view.floor], view.taps.ravel()[view.floor, None]
    near = level != FAR
    level, taps, spread = level[near, None], taps[near], view.spread[near].astype(np.float64)
    node_m = np.array(NODE_M)[level]
    first, last = spread[:, :2], spread[:, :2] + (taps - 1) * spread[:, 2:4]
    return np.concatenate([np.hstack([at * node_m, level]) for at in (first, last)])


def sky_rows(sine: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row of the panorama for a sine of elevation; rows lie closer together near the horizon."""
    part = np.clip((sine - LOWEST_SKY) / (HIGHEST_SKY - LOWEST_SKY), 0, 1)
    return np.asarray(np.sqrt(part) * (SKY_ROWS - 1)).astype(np.int64)


def sky_sines() -> NDArray[np.float64]:
    """Sine of elevation of each row of the panorama."""
    part = (np.arange(SKY_ROWS) + 0.5) / (SKY_ROWS - 1)
    return np.asarray(LOWEST_SKY + (HIGHEST_SKY - LOWEST_SKY) * np.minimum(part, 1) ** 2)


def _footprints(
    camera: CameraCalibration,
    rays: NDArray[np.float64],
    ground_w: NDArray[np.float64],
    ground_xy: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Level, number of samples and their distance, from how a pixel spreads over the ground."""
    height = camera.ego_SE3_camera[2, 3]
    depth = 1 / np.maximum(ground_w, 1e-6)
    sides = []
    for axis, focal in ((0, camera.fx), (1, camera.fy)):
        turn = camera.ego_SE3_camera[:3, axis] / focal
        slide = depth**2 * turn[2] / height
        sides.append(turn[:2] * depth[..., None] + rays[..., :2] * slide[..., None])
    lengths = np.linalg.norm(np.stack(sides), axis=-1)
    long = np.where((lengths[0] > lengths[1])[..., None], *sides)
    length = lengths.max(axis=0)
    area = np.abs(sides[0][..., 0] * sides[1][..., 1] - sides[0][..., 1] * sides[1][..., 0])
    short = area / length
    taps = np.clip(np.ceil(length / (2.5 * short)), 1, MOST_TAPS).astype(np.int64)
    # The longest footprints are sampled half as often again as their level asks for: blurring along
    # a line is seen less than blurring across it.
    size = np.maximum(short, length / np.where(taps == MOST_TAPS, 1.5 * taps, taps))
    level = np.clip(np.rint(np.log2(size / FINE_M) - 0.3), 0, 2 * LEVELS - 1).astype(np.int64)
    reach = np.linalg.norm(ground_xy, axis=-1) + length
    level = np.where(reach > FINE_REACH_M, np.maximum(level, LEVELS), level)
    level = np.where((reach > COARSE_REACH_M) | (ground_w <= 0), FAR, level)
    return level, taps, long / taps[..., None]


def _spread(
    ground_w: NDArray[np.float64],
    ground_xy: NDArray[np.float64],
    level: NDArray[np.int64],
    taps: NDArray[np.int64],
    step: NDArray[np.float64],
) -> Floats32:
    floor = ground_w > 0
    node_m = np.array(NODE_M)[np.maximum(level[floor], 0)][:, None]
    first = ground_xy[floor] - 0.5 * (taps[floor] - 1)[:, None] * step[floor]
    cell = (ground_xy[floor] + REACH_M) / CELL_M - 0.5
    outside = ((cell < 0) | (cell >= CELLS - 1.01)).any(axis=1)
    cell[outside] = -1
    return np.hstack([first / node_m, step[floor] / node_m, cell]).astype(np.float32)


def _mirror(camera: CameraCalibration, rays: NDArray[np.float64]) -> NDArray[np.int64]:
    flipped = (rays * [1, 1, -1]) @ camera.ego_SE3_camera[:3, :3]
    ahead = np.maximum(flipped[..., 2], 1e-6)
    u = np.floor(flipped[..., 0] / ahead * camera.fx + camera.cx).astype(np.int64)
    v = np.floor(flipped[..., 1] / ahead * camera.fy + camera.cy).astype(np.int64)
    # Beyond the image's border its outermost pixels stand in for what is not seen.
    u, v = np.clip(u, 0, camera.width - 1), np.maximum(v, 0)
    inside = (flipped[..., 2] > 0) & (v < camera.height)
    return np.where(inside, v * camera.width + u, -1)
