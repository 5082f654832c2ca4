"""Paint one tile of the ground in numpy: the same steps as the compiled ray caster."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.ground import (
    ALONG,
    AX,
    AY,
    CELLS,
    CUT_END,
    CUT_START,
    DASH,
    GRAIN,
    HALF,
    KERB,
    LENGTH,
    MARGIN,
    PERIOD,
    PLANES,
    ROAD,
    SIDES,
    SIDEWALK,
    STARTS,
    UX,
    UY,
    WHITE,
    YELLOW,
    GroundPlan,
    Texels,
    TilePlace,
)
from ridealong.arrays import Floats

_SIZE = CELLS + 1 + 2 * MARGIN
_SUBROWS = 4


def paint_tile(plan: GroundPlan, place: TilePlace, texels: Texels) -> None:
    """Fill ``texels`` with the tile at a place."""
    cover = np.zeros((PLANES, _SIZE, _SIZE), np.float32)
    margin_m = MARGIN * place.node_m
    corner = TilePlace(place.x_m - margin_m, place.y_m - margin_m, place.node_m)
    for plane, row in zip(plan.planes, plan.segments, strict=True):
        _segment(cover[plane], row, corner)
    for first, last in pairwise(plan.starts):
        _polygon(cover[ROAD], plan.corners[first:last], corner)
    rgb, surface = _mix_planes(plan, cover, corner)
    ends = (*STARTS[1:], len(texels))
    for level in range(len(SIDES)):
        margin = MARGIN >> level
        _pack(rgb, surface, margin, SIDES[level], texels[STARTS[level] : ends[level]])
        rgb, surface = _halve(rgb, surface)


def _segment(plane: NDArray[np.float32], row: Floats, corner: TilePlace) -> None:
    left, low, node_m = corner
    ax, ay, ux, uy, length, half = (row[i] for i in (AX, AY, UX, UY, LENGTH, HALF))
    reach = half + node_m
    x1, x2 = min(ax, ax + ux * length) - reach, max(ax, ax + ux * length) + reach
    y1, y2 = min(ay, ay + uy * length) - reach, max(ay, ay + uy * length) + reach
    i1, i2 = max(int((x1 - left) / node_m), 0), min(int((x2 - left) / node_m) + 2, _SIZE)
    j1, j2 = max(int((y1 - low) / node_m), 0), min(int((y2 - low) / node_m) + 2, _SIZE)
    if i1 >= i2 or j1 >= j2:
        return
    px, py = np.meshgrid(
        left + np.arange(i1, i2) * node_m - ax, low + np.arange(j1, j2) * node_m - ay
    )
    along, aside = px * ux + py * uy, np.abs(py * ux - px * uy)
    before, behind = along < 0, along > length
    cover = np.full(px.shape, min(1.0, 2 * half / node_m))
    if row[CUT_START] > 0:
        cover = np.where(before, np.minimum(cover, along / node_m + 0.5), cover)
    else:
        aside = np.where(before, np.hypot(px, py), aside)
    if row[CUT_END] > 0:
        cover = np.where(behind, np.minimum(cover, (length - along) / node_m + 0.5), cover)
    else:
        aside = np.where(behind, np.hypot(aside, along - length), aside)
    cover = np.minimum(cover, (half - aside) / node_m + 0.5)
    if row[PERIOD] > 0:
        at = (along + row[ALONG]) % row[PERIOD]
        inside = np.minimum(at, row[DASH] - at)
        edge = np.where(at < row[DASH] + node_m, inside, at - row[PERIOD])
        cover = np.minimum(cover, edge / node_m + 0.5)
    part = plane[j1:j2, i1:i2]
    np.maximum(part, cover, out=part)


def _polygon(plane: NDArray[np.float32], corners: Floats, corner: TilePlace) -> None:
    left, low, node_m = corner
    (x1, y1), (x2, y2), far = corners.min(axis=0), corners.max(axis=0), _SIZE * node_m
    if x2 < left or y2 < low or x1 > left + far or y1 > low + far:
        return
    after = np.roll(corners, -1, axis=0)
    nodes = np.arange(_SIZE)
    for j in range(max(int((y1 - low) / node_m) - 1, 0), min(int((y2 - low) / node_m) + 2, _SIZE)):
        line = np.zeros(_SIZE, np.float32)
        for sub in range(_SUBROWS):
            y = low + (j - 0.5 + (sub + 0.5) / _SUBROWS) * node_m
            cut = (corners[:, 1] <= y) != (after[:, 1] <= y)
            (xa, ya), (xb, yb) = corners[cut].T, after[cut].T
            ends = np.sort((xa + (xb - xa) * (y - ya) / (yb - ya) - left) / node_m)
            for start, end in zip(ends[::2], ends[1::2], strict=True):
                inside = np.minimum(end, nodes + 0.5) - np.maximum(start, nodes - 0.5)
                line += np.clip(inside, 0, 1) / _SUBROWS
        np.maximum(plane[j], line, out=plane[j])


def _mix_planes(
    plan: GroundPlan, cover: NDArray[np.float32], corner: TilePlace
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    left, low, node_m = corner
    fine = node_m < 0.5
    at = np.arange(_SIZE) * node_m
    row = np.floor((low + at) / 0.1 + 0.5).astype(np.int64)[:, None]
    column = np.floor((left + at) / 0.1 + 0.5).astype(np.int64)[None]
    coarse = plan.coarse_grain[row // 8 % GRAIN, column // 8 % GRAIN].astype(np.float64)
    grain = plan.fine_grain[row % GRAIN, column % GRAIN].astype(np.float64) * fine
    grass = np.stack(
        [
            0.275 + 0.030 * coarse + 0.030 * grain,
            0.350 + 0.026 * coarse + 0.034 * grain,
            0.175 + 0.016 * coarse + 0.020 * grain,
        ],
        axis=-1,
    )
    slab = 0.545 + 0.016 * coarse + 0.018 * grain
    slab = slab - 0.045 * (fine & ((column % 10 == 0) | (row % 10 == 0)))
    tar = 0.305 + 0.014 * coarse + 0.014 * grain - 0.028 * (coarse > 1.25)
    stone = 0.66 + 0.02 * grain
    wear = np.clip(0.93 + 0.10 * grain + 0.05 * coarse, 0.55, 1.0)
    one = np.ones_like(grain)
    rgb = grass
    for tone, tint, weight in (
        (slab, (1, 0.985, 0.955), cover[SIDEWALK]),
        (tar, (1, 1, 1.02), cover[ROAD]),
        (stone, (1, 1, 0.98), cover[KERB] * 0.9),
        (one, (0.88, 0.88, 0.87), cover[WHITE] * wear),
        (one, (0.86, 0.66, 0.20), cover[YELLOW] * wear),
    ):
        rgb = rgb + (tone[..., None] * np.array(tint) - rgb) * weight[..., None]
    surface = np.full(rgb.shape[:2], 3, np.uint8)
    surface[(cover[SIDEWALK] >= 0.5) | (cover[KERB] * 0.9 >= 0.45)] = 2
    surface[cover[ROAD] >= 0.5] = 0
    surface[np.maximum(cover[WHITE], cover[YELLOW]) >= (0.45 if fine else 0.10)] = 1
    return rgb.astype(np.float32), surface


def _halve(
    rgb: NDArray[np.float32], surface: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    padded = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.float64)
    painted = np.pad(surface == 1, 1, mode="edge")
    kept = surface[::2, ::2].copy()
    size = len(kept)
    total = np.zeros((size, size, 3))
    for dj in (-1, 0, 1):
        for di in (-1, 0, 1):
            part = (slice(1 + dj, 1 + dj + 2 * size, 2), slice(1 + di, 1 + di + 2 * size, 2))
            total += (2 - abs(dj)) * (2 - abs(di)) / 16 * padded[part][:size, :size]
            if dj <= 0 and di <= 0:
                kept[painted[part][:size, :size]] = 1
    return total.astype(np.float32), kept


def _pack(
    rgb: NDArray[np.float32],
    surface: NDArray[np.uint8],
    margin: int,
    side: int,
    texels: NDArray[np.uint32],
) -> None:
    inner = (slice(margin, margin + side), slice(margin, margin + side))
    bytes_ = (np.clip(rgb[inner], 0.0, 1.0).astype(np.float64) * 255 + 0.5).astype(np.uint32)
    word = surface[inner].astype(np.uint32) << 24
    for channel in range(3):
        word |= bytes_[..., channel] << 8 * channel
    texels[:] = word.ravel()
