"""The ground as a texture that is painted where the ego comes by.

The whole map at 0.1 m would be hundreds of megabytes, so tiles are painted when they are first
needed: fine ones (0.1, 0.2, 0.4 m) around the ego, coarse ones (0.8, 1.6, 3.2 m) further out. A
texel is packed as red | green << 8 | blue << 16 | surface << 24; the colours are square roots of
linear albedo, so that eight bits suffice in the dark. Nodes lie on tile borders too, so blending
four of them never leaves a tile.

What a tile holds depends on the world alone, and which tile is read on the ego's place alone:
frames do not depend on what was drawn before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.scene import Crosswalk, Marking, MarkingKind, Paint, Points, StaticWorld
from ingest.simulation.world import offset_line

Texels = NDArray[np.uint32]

CELLS = 128  # along a tile's edge, finest of its three levels
LEVELS = 3
SIDES = tuple(CELLS // 2**level + 1 for level in range(LEVELS))  # nodes along an edge, by level
STARTS = (0, SIDES[0] ** 2, SIDES[0] ** 2 + SIDES[1] ** 2)
TEXELS = sum(side**2 for side in SIDES)
FINE_M, COARSE_M = 0.1, 0.8  # distance of nodes in the finest level
FINE_REACH_M, COARSE_REACH_M = 40.0, 280.0
MARGIN = 4  # nodes painted around a tile, for the filters of its coarser levels

ROAD, SIDEWALK, KERB, WHITE, YELLOW = range(5)  # planes that are painted
PLANES = 5
# Columns of a segment: start, unit direction, length, half width, whether start and end are cut
# off square, length of a dash and its gap (0 is solid), of the dash alone, distance of the
# segment's start along its line.
AX, AY, UX, UY, LENGTH, HALF, CUT_START, CUT_END, PERIOD, DASH, ALONG = range(11)
KERB_M = 0.22
GRAIN = 256  # size of the noise tables


@dataclass(frozen=True, eq=False)
class GroundPlan:
    """A world's ground, flattened.

    Attributes:
        segments: ``(N, 11)``, columns above.
        planes: ``(N,)`` which plane each paints.
        box: ``(N, 4)`` bounding boxes, x0, y0, x1, y1.
        corners: ``(M, 2)`` corners of the junctions, one polygon after the other.
        starts: ``(polygons + 1,)`` where each begins.
        fine_grain, coarse_grain: ``(256, 256)`` float32 noise of mean 0 and deviation 1, a step
            of 0.1 m and 0.8 m.
    """

    segments: NDArray[np.float64]
    planes: NDArray[np.int64]
    box: NDArray[np.float64]
    corners: NDArray[np.float64]
    starts: NDArray[np.int64]
    fine_grain: NDArray[np.float32]
    coarse_grain: NDArray[np.float32]


@lru_cache(maxsize=8)
def ground_plan(world: StaticWorld) -> GroundPlan:
    """Flatten what is painted on a world's ground."""
    rows: list[NDArray[np.float64]] = []
    planes: list[int] = []

    def paint(plane: int, points_m: Points, width_m: float, **how: float) -> None:
        found = _segments(points_m, width_m, **how)
        rows.append(found)
        planes.extend([plane] * len(found))

    for strip in (*world.lanes, *world.shoulders):
        paint(ROAD, strip.points_m, strip.width_m + 0.1)
    for edge in world.edges:
        if edge.sidewalk_m > 0:
            paint(SIDEWALK, edge.points_m, 2 * edge.sidewalk_m)
            paint(KERB, offset_line(edge.points_m, -KERB_M / 2), KERB_M)
    for marking in world.markings:
        _paint_marking(paint, world, marking)
    for line in world.stop_lines:
        paint(WHITE, line.points_m, line.width_m)
    for crosswalk in world.crosswalks:
        for stripe in _stripes(crosswalk):
            paint(WHITE, stripe, 0.5)
    return _flattened(rows, planes, world)


def _flattened(
    rows: list[NDArray[np.float64]], planes: list[int], world: StaticWorld
) -> GroundPlan:
    segments = np.concatenate([*rows, np.zeros((0, 11))])
    ends = segments[:, :2] + segments[:, 2:4] * segments[:, 4:5]
    reach = segments[:, HALF, None]
    box = np.hstack(
        [np.minimum(segments[:, :2], ends) - reach, np.maximum(segments[:, :2], ends) + reach]
    )
    sizes = [len(corners) for corners in world.junctions]
    rng = np.random.default_rng(world.seed)
    return GroundPlan(
        segments,
        np.array(planes, np.int64),
        box,
        np.concatenate([*world.junctions, np.zeros((0, 2))]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        _noise(rng, (1, 2, 5, 24)),
        _noise(rng, (2, 6, 16, 48)),
    )


def _segments(
    points_m: Points, width_m: float, dash_m: float = 0.0, gap_m: float = 0.0
) -> NDArray[np.float64]:
    steps = np.diff(points_m, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    keep = lengths > 1e-6
    out = np.zeros((int(keep.sum()), 11))
    out[:, :2], out[:, 4] = points_m[:-1][keep], lengths[keep]
    out[:, 2:4] = steps[keep] / lengths[keep, None]
    out[:, HALF] = width_m / 2
    out[:1, CUT_START], out[-1:, CUT_END] = 1, 1
    out[:, PERIOD], out[:, DASH] = (dash_m + gap_m if dash_m else 0.0), dash_m
    out[:, ALONG] = np.concatenate([[0.0], np.cumsum(lengths[keep])[:-1]])[: len(out)]
    return out


def _paint_marking(paint: Callable[..., None], world: StaticWorld, marking: Marking) -> None:
    plane = YELLOW if marking.paint is Paint.YELLOW else WHITE
    if marking.kind is MarkingKind.DASHED:
        style = world.country
        paint(plane, marking.points_m, marking.width_m, dash_m=style.dash_m, gap_m=style.gap_m)
    elif marking.kind is MarkingKind.DOUBLE:
        for left in (-0.14, 0.14):
            paint(plane, offset_line(marking.points_m, left), marking.width_m)
    else:
        paint(plane, marking.points_m, marking.width_m)


def _stripes(crosswalk: Crosswalk) -> list[Points]:
    """The bars of a zebra, each a line along the road."""
    start, end = crosswalk.points_m
    length = float(np.linalg.norm(end - start))
    way = (end - start) / length
    across = np.array([-way[1], way[0]]) * crosswalk.width_m / 2
    middles = [start + way * at for at in np.arange(0.6, length - 0.3, 1.0)]
    return [np.array([middle - across, middle + across]) for middle in middles]


def _noise(rng: np.random.Generator, blurs: tuple[int, ...]) -> NDArray[np.float32]:
    """A sum of blurred white noises that repeats without a seam."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(GRAIN), np.fft.fftfreq(GRAIN)))
    total = np.zeros((GRAIN, GRAIN))
    for blur in blurs:
        spectrum = np.fft.fft2(rng.standard_normal((GRAIN, GRAIN)))
        layer = np.fft.ifft2(spectrum * np.exp(-((frequency * blur * 2.5) ** 2))).real
        total += layer / layer.std()
    return (total / total.std()).astype(np.float32)


class TileSet:
    """Tiles of one resolution, painted on demand.

    Attributes:
        texels: ``(slots, TEXELS)`` packed texels.
        table: ``(n, n)`` slot of each tile of the window around the ego.
        corner: Indices of the window's first tile, x and y.
    """

    def __init__(
        self, plan: GroundPlan, node_m: float, reach_m: float, paint: Callable[..., None]
    ) -> None:
        self._plan, self._node_m, self._paint = plan, node_m, paint
        self.tile_m = node_m * CELLS
        self._reach_m = reach_m
        window = int(np.ceil(2 * reach_m / self.tile_m)) + 1
        self.table = np.zeros((window, window), np.int64)
        self.corner = (0, 0)
        self._slots: dict[tuple[int, int], int] = {}
        self.texels: Texels = np.empty((4 * window * window, TEXELS), np.uint32)

    def cover(self, x_m: float, y_m: float) -> None:
        """Have every tile within reach of this place."""
        corner = (
            int(np.floor((x_m - self._reach_m) / self.tile_m)),
            int(np.floor((y_m - self._reach_m) / self.tile_m)),
        )
        if corner == self.corner and self._slots:
            return
        self.corner = corner
        window = len(self.table)
        wanted = [(corner[0] + i, corner[1] + j) for i in range(window) for j in range(window)]
        missing = sum(key not in self._slots for key in wanted)
        if len(self._slots) + missing > len(self.texels):
            self._slots.clear()
        for i, key in enumerate(wanted):
            self.table[i // window, i % window] = self._slot(key)

    def _slot(self, key: tuple[int, int]) -> int:
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = len(self._slots)
            self._fill(slot, key)
        return slot

    def _fill(self, slot: int, key: tuple[int, int]) -> None:
        plan, size = self._plan, self.tile_m
        x0, y0 = key[0] * size, key[1] * size
        slack = (MARGIN + 1) * self._node_m
        box = plan.box
        near = np.flatnonzero(
            (box[:, 0] < x0 + size + slack)
            & (box[:, 2] > x0 - slack)
            & (box[:, 1] < y0 + size + slack)
            & (box[:, 3] > y0 - slack)
        )
        self._paint(
            plan.segments[near],
            plan.planes[near],
            plan.corners,
            plan.starts,
            plan.fine_grain,
            plan.coarse_grain,
            x0,
            y0,
            self._node_m,
            self.texels[slot],
        )
