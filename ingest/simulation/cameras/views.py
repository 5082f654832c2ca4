"""Constants of a camera on a rigid rig above a plane, computed once per process.

The drives of a fleet share their rig; what sets a camera apart from drive to drive is its film
alone. Each pixel's ray, the place on the ground that it meets, which level of the ground's texture
suits its footprint there, and where it looks in the sky.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.ground import (
    COARSE_REACH_M,
    FINE_M,
    FINE_REACH_M,
    LEVELS,
    LOOK_M,
    NODE_M,
)
from ingest.simulation.cameras.lamps import CELL_M, CELLS, REACH_M
from ridealong.perception.geometry import CameraCalibration

Floats32 = NDArray[np.float32]

GROUND, NOTHING = -1, -2  # what a pixel sees in place of a solid
FAR = -1  # level of a pixel whose ground is a plain colour
MOST_TAPS = 2
HAZE_STEPS = 1024  # half metres
SKY_ROWS, SKY_COLUMNS = 96, 512
LOWEST_SKY, HIGHEST_SKY = -0.02, 1.0  # sine of elevation of the panorama's first and last row


class CameraView(NamedTuple):
    """One camera's constants; ``(H, W)`` arrays over its pixels, ego frame.

    The pixels that may see the ground are listed by the level of the ground's texture and the
    number of samples that suit them, so that a caster need not ask each of them for either.

    Attributes:
        rotation, origin: Camera to ego frame.
        lens: fx, fy, cx, cy.
        ground_w: ``(H, W)`` one over the depth of the ground, 0 above the horizon.
        floor: ``(N,)`` flat index of the pixels that may see the ground.
        segments: ``(S, 4)`` stretches of ``floor``: first, one after the last, level of the
            ground's texture (0 to 5, or `FAR`), how many samples cover the footprint's long side.
        spread: ``(N, 6)`` first sample and step from one to the next, both in nodes of the level;
            place in the grid of light, in cells, -1 outside.
        hazed: ``(N,)`` distance in half metres.
        mirror: ``(N,)`` flat index of the pixel that a puddle here shows; -1 below the image.
        gloss: ``(N,)`` how much of it a puddle shows.
        sky_row, sky_column: ``(H, W)`` place in the panorama of the sky; the column for an ego
            facing east.
        tint: ``(3,)`` gain of red, green and blue in the middle of the image.
        vignette: What the lens loses, per squared distance from the middle in focal lengths.
    """

    rotation: NDArray[np.float64]
    origin: NDArray[np.float64]
    lens: NDArray[np.float64]
    ground_w: Floats32
    floor: NDArray[np.int32]
    segments: NDArray[np.int32]
    spread: Floats32
    hazed: NDArray[np.int16]
    mirror: NDArray[np.int32]
    gloss: Floats32
    sky_row: NDArray[np.int16]
    sky_column: Floats32
    tint: NDArray[np.float64]
    vignette: float


def make_view(
    camera: CameraCalibration, vignetting: float, tint: NDArray[np.float64]
) -> CameraView:
    """Compute a camera's constants.

    Args:
        camera: Calibration.
        vignetting: What its corners lose, 0 to 1.
        tint: ``(3,)`` gain of red, green and blue.
    """
    corner = np.hypot(camera.cx / camera.fx, camera.cy / camera.fy)
    vignette = float(vignetting / corner**2)
    return _without_film(_key(camera))._replace(tint=tint, vignette=vignette)


_Key = tuple[int, int, float, float, float, float, bytes]


def _key(camera: CameraCalibration) -> _Key:
    """All of a calibration but its name; can be hashed."""
    lens = camera.fx, camera.fy, camera.cx, camera.cy
    return camera.width, camera.height, *lens, camera.ego_SE3_camera.tobytes()


def _pixels(camera: CameraCalibration) -> tuple[NDArray[np.float64], ...]:
    """Across and down, ``(H, W)`` each, of every pixel's centre."""
    return np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)


@lru_cache(maxsize=64)
def _without_film(key: _Key) -> CameraView:
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
    floor, segments = _floor(ground_w, level, taps)
    sine = rays[..., 2] / stretch
    azimuth = np.arctan2(rays[..., 1], rays[..., 0])
    gloss = 0.06 + 0.94 * (1 - np.abs(sine)) ** 5
    return CameraView(
        rotation=np.ascontiguousarray(rotation),
        origin=origin,
        lens=np.array([camera.fx, camera.fy, camera.cx, camera.cy]),
        ground_w=ground_w.astype(np.float32),
        floor=floor.astype(np.int32),
        segments=segments.astype(np.int32),
        spread=_spread(floor, ground_xy, level, taps, step),
        hazed=np.minimum(2 * (stretch * depth).flat[floor], HAZE_STEPS - 1).astype(np.int16),
        mirror=_mirror(camera, rays).flat[floor].astype(np.int32),
        gloss=gloss.flat[floor].astype(np.float32),
        sky_row=sky_rows(sine).astype(np.int16),
        sky_column=(azimuth * SKY_COLUMNS / (2 * np.pi)).astype(np.float32),
        tint=np.ones(3),
        vignette=0.0,
    )


def looks(
    cameras: Iterable[CameraCalibration],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middles ``(N, 2)`` of the squares of `LOOK_M` that pixels see; fine and coarse."""
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


def _samples(view: CameraView) -> NDArray[np.float64]:
    """First and last sample of each pixel, in metres, and the level: ``(N, 3)``."""
    level, taps = np.repeat(view.segments[:, 2:], np.diff(view.segments[:, :2])[:, 0], axis=0).T
    near = level != FAR
    level, taps, spread = level[near, None], taps[near, None], view.spread[near].astype(np.float64)
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


def _floor(
    ground_w: NDArray[np.float64], level: NDArray[np.int64], taps: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels below the horizon by level and samples, and where each pair of these lies."""
    floor = np.flatnonzero(ground_w > 0)
    kind = np.stack([level.flat[floor], taps.flat[floor]], axis=1)
    order = np.lexsort((kind[:, 1], kind[:, 0]))
    kinds, counts = np.unique(kind, axis=0, return_counts=True)
    last = np.cumsum(counts)
    return floor[order], np.column_stack([last - counts, last, kinds])


def _spread(
    floor: NDArray[np.int64],
    ground_xy: NDArray[np.float64],
    level: NDArray[np.int64],
    taps: NDArray[np.int64],
    step: NDArray[np.float64],
) -> Floats32:
    xy, step = ground_xy.reshape(-1, 2)[floor], step.reshape(-1, 2)[floor]
    node_m = np.array(NODE_M)[np.maximum(level.flat[floor], 0)][:, None]
    first = xy - 0.5 * (taps.flat[floor] - 1)[:, None] * step
    cell = (xy + REACH_M) / CELL_M - 0.5
    outside = ((cell < 0) | (cell >= CELLS - 1.01)).any(axis=1)
    cell[outside] = -1
    return np.hstack([first / node_m, step / node_m, cell]).astype(np.float32)


def _mirror(camera: CameraCalibration, rays: NDArray[np.float64]) -> NDArray[np.int64]:
    flipped = (rays * [1, 1, -1]) @ camera.ego_SE3_camera[:3, :3]
    ahead = np.maximum(flipped[..., 2], 1e-6)
    u = np.floor(flipped[..., 0] / ahead * camera.fx + camera.cx).astype(np.int64)
    v = np.floor(flipped[..., 1] / ahead * camera.fy + camera.cy).astype(np.int64)
    # Beyond the image's border its outermost pixels stand in for what is not seen.
    u, v = np.clip(u, 0, camera.width - 1), np.maximum(v, 0)
    inside = (flipped[..., 2] > 0) & (v < camera.height)
    return np.where(inside, v * camera.width + u, -1)
