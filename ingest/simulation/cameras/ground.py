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

from ingest.simulation.maps.world import offset_line
from ingest.simulation.scene import Crosswalk, Marking, MarkingKind, Paint, Points, StaticWorld

Texels = NDArray[np.uint32]

CELLS = 128  # along a tile's edge, finest of its three levels
LEVELS = 3
SIDES = tuple(CELLS // 2**level + 1 for level in range(LEVELS))  # nodes along an edge, by level
STARTS = (0, SIDES[0] ** 2, SIDES[0] ** 2 + SIDES[1] ** 2)
TEXELS = sum(side**2 for side in SIDES)
FINE_M, COARSE_M = 0.1, 0.8  # distance of nodes in the finest level
FINE_REACH_M, COARSE_REACH_M = 40.0, 280.0
_KINDS = ((FINE_M, FINE_REACH_M), (COARSE_M, COARSE_REACH_M))
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
    return np.asarray(total / total.std()).astype(np.float32)


class Tiles:
    """The tiles around the ego, fine and coarse, painted on demand.

    Attributes:
        texels: All tiles' texels, ``TEXELS`` each.
        table: ``(2, n, n)`` number of the tile at each place around the ego; fine, coarse.
        corners: ``(2, 2)`` world place of the table's first tile.
    """

    def __init__(self, plan: GroundPlan, paint: Callable[..., None]) -> None:
        self._plan, self._paint = plan, paint
        windows = [int(np.ceil(2 * reach / (node * CELLS))) + 1 for node, reach in _KINDS]
        # Room for the ego to move on before the first ones are painted over.
        self._room = [4 * window**2 for window in windows]
        self._windows = windows
        self._slots: list[dict[tuple[int, int], int]] = [{}, {}]
        self._firsts: list[tuple[int, int] | None] = [None, None]
        self.table = np.zeros((2, max(windows), max(windows)), np.int64)
        self.corners = np.zeros((2, 2))
        self.texels: Texels = np.empty(sum(self._room) * TEXELS, np.uint32)

    def cover(self, x_m: float, y_m: float) -> None:
        """Have every tile within reach of this place."""
        for kind, (node_m, reach_m) in enumerate(_KINDS):
            size = node_m * CELLS
            first = (
                int(np.floor((x_m - reach_m) / size)),
                int(np.floor((y_m - reach_m) / size)),
            )
            if first != self._firsts[kind]:
                self._firsts[kind] = first
                self.corners[kind] = first[0] * size, first[1] * size
                self._cover(kind, first)

    def surface_at(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """Surface (index) at places that the last `cover` reaches, to about a metre."""
        size = COARSE_M * CELLS
        lx, ly = (x_m - self.corners[1, 0]) / size, (y_m - self.corners[1, 1]) / size
        i, j = np.floor(lx).astype(np.int64), np.floor(ly).astype(np.int64)
        px = np.floor((lx - i) * CELLS + 0.5).astype(np.int64)
        py = np.floor((ly - j) * CELLS + 0.5).astype(np.int64)
        at = self.table[1, i, j] * TEXELS + py * SIDES[0] + px
        return np.asarray(self.texels[at] >> 24).astype(np.int64)

    def _cover(self, kind: int, first: tuple[int, int]) -> None:
        window, slots = self._windows[kind], self._slots[kind]
        wanted = [(first[0] + i, first[1] + j) for i in range(window) for j in range(window)]
        if len(slots) + sum(key not in slots for key in wanted) > self._room[kind]:
            slots.clear()
        for i, key in enumerate(wanted):
            if key not in slots:
                slots[key] = self._room[0] * kind + len(slots)
                self._fill(kind, slots[key], key)
            self.table[kind, i // window, i % window] = slots[key]

    def _fill(self, kind: int, slot: int, key: tuple[int, int]) -> None:
        plan, node_m = self._plan, _KINDS[kind][0]
        size = node_m * CELLS
        x0, y0 = key[0] * size, key[1] * size
        slack = (MARGIN + 1) * node_m
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
            node_m,
            self.texels[slot * TEXELS : (slot + 1) * TEXELS],
        )
