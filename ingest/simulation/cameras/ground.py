"""The ground as a texture that is painted along the ego's way.

The whole map at 0.1 m would be hundreds of megabytes, so tiles are painted when a pixel first
sees them: fine ones (0.1, 0.2, 0.4 m) around the ego, coarse ones (0.8, 1.6, 3.2 m) further out. A
texel is packed as red | green << 8 | blue << 16 | surface << 24; the colours are square roots of
linear albedo, so that eight bits suffice in the dark.

Each of the six levels is one square texture that wraps round: node i of the world lies at i modulo
its size, and a tile takes the place of the one that it is eight tiles away from. So a look-up needs
no table and knows no borders.

What a tile holds depends on the world alone, and which tile is read on the ego's pose alone:
frames do not depend on what was drawn before.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.maps.world import offset_line
from ingest.simulation.scene import Crosswalk, Marking, MarkingKind, Paint, StaticWorld
from ingest.simulation.values import Points

Texels = NDArray[np.uint32]

CELLS = 128  # along a tile's edge, finest of its three levels
LEVELS = 3
SIDES = tuple(CELLS // 2**level + 1 for level in range(LEVELS))  # nodes along an edge, by level
WINDOW = 8  # tiles along an edge of the texture
STARTS = (0, SIDES[0] ** 2, SIDES[0] ** 2 + SIDES[1] ** 2)
TEXELS = sum(side**2 for side in SIDES)
FINE_M, COARSE_M = 0.1, 0.8  # distance of nodes in the finest level
FINE_REACH_M, COARSE_REACH_M = 40.0, 280.0
_KINDS = ((FINE_M, FINE_REACH_M), (COARSE_M, COARSE_REACH_M))
# Of all six levels: distance of nodes, nodes along an edge (a power of two), first texel.
NODE_M = tuple(node_m * 2**level for node_m in (FINE_M, COARSE_M) for level in range(LEVELS))
NODES = tuple(WINDOW * CELLS >> level for level in range(LEVELS)) * 2
FIRST = tuple(sum(nodes**2 for nodes in NODES[:level]) for level in range(2 * LEVELS))
LOOK_M = (FINE_M * CELLS / 4, COARSE_M * CELLS / 4)
_CORNERS = np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)])
MARGIN = 4  # nodes painted around a tile, for the filters of its coarser levels

ROAD, SIDEWALK, KERB, WHITE, YELLOW = range(5)  # planes that are painted
PLANES = 5
# Columns of a segment: start, unit direction, length, half width, whether start and end are cut
# off square, length of a dash and its gap (0 is solid), of the dash alone, distance of the
# segment's start along its line.
AX, AY, UX, UY, LENGTH, HALF, CUT_START, CUT_END, PERIOD, DASH, ALONG = range(11)
KERB_M = 0.22
GRAIN = 256  # size of the noise tables


class GroundPlan(NamedTuple):
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


class TilePlace(NamedTuple):
    """Where a tile's first node is in the world frame, and how far apart its nodes are; metres."""

    x_m: float
    y_m: float
    node_m: float


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
    """A sum of blurred white noises that tiles seamlessly."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(GRAIN), np.fft.fftfreq(GRAIN)))
    total = np.zeros((GRAIN, GRAIN))
    for blur in blurs:
        spectrum = np.fft.fft2(rng.standard_normal((GRAIN, GRAIN)))
        layer = np.fft.ifft2(spectrum * np.exp(-((frequency * blur * 2.5) ** 2))).real
        total += layer / layer.std()
    return np.asarray(total / total.std()).astype(np.float32)


class Tiles:
    """The tiles around the ego, fine and coarse, painted when a camera sees them.

    Args:
        plan: What to paint.
        paint: `paint_tile` of a ray caster.
        looks: Middles ``(N, 2)`` of the squares of `LOOK_M` of the ego frame that pixels see; of
            the fine and of the coarse tiles.

    Attributes:
        texels: All levels' texels; that of level ``n`` starts at ``FIRST[n]``.
        origin: ``(2, 2)`` a world place near the ego at which the textures begin; fine, coarse.
    """

    def __init__(
        self,
        plan: GroundPlan,
        paint: Callable[[GroundPlan, TilePlace, Texels], None],
        looks: Sequence[Points],
    ) -> None:
        self._plan, self._paint, self._looks = plan, paint, looks
        # Column and row of the tile that lies at each place of the textures.
        self._held = np.full((len(_KINDS), 2, WINDOW, WINDOW), np.iinfo(np.int64).min)
        self._tile: Texels = np.empty(TEXELS, np.uint32)
        self.origin = np.zeros((2, 2))
        self.texels: Texels = np.zeros(FIRST[-1] + NODES[-1] ** 2, np.uint32)

    def cover(self, x_m: float, y_m: float, yaw_rad: float) -> None:
        """Paint every tile that is seen from this pose and missing."""
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        turn, here = np.array([[c, s], [-s, c]]), np.array([x_m, y_m])
        for kind, (node_m, reach_m) in enumerate(_KINDS):
            size = node_m * CELLS
            window = np.floor((here - reach_m) / size) // WINDOW
            self.origin[kind] = window * WINDOW * size
            # The square in any rotation, and the nodes beside it that are blended.
            spare = LOOK_M[kind] * np.sqrt(0.5) + 2 * NODE_M[LEVELS * kind + LEVELS - 1]
            middles = self._looks[kind] @ turn + here
            corners = (middles[:, None] + spare * _CORNERS) / size
            tiles = np.floor(corners).astype(np.int64)
            self._have(kind, tiles[..., 0], tiles[..., 1])

    def surface_at(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """Surface (index) at places within `COARSE_REACH_M` of each other, to about a metre."""
        i = np.floor(x_m / COARSE_M + 0.5).astype(np.int64)
        j = np.floor(y_m / COARSE_M + 0.5).astype(np.int64)
        self._have(1, i // CELLS, j // CELLS)
        nodes = NODES[LEVELS]
        texels = self.texels[FIRST[LEVELS] + j % nodes * nodes + i % nodes]
        return np.asarray(texels >> 24).astype(np.int64)

    def _have(self, kind: int, i: NDArray[np.int64], j: NDArray[np.int64]) -> None:
        """Paint those of the tiles in columns ``i`` and rows ``j`` that are not held."""
        columns, rows = self._held[kind]
        place = i & (WINDOW - 1), j & (WINDOW - 1)  # a power of two
        new = (columns[place] != i) | (rows[place] != j)
        if not new.any():
            return
        for key in sorted(set(zip(i[new].tolist(), j[new].tolist(), strict=True))):
            self._held[kind][:, key[0] % WINDOW, key[1] % WINDOW] = key
            self._fill(kind, key)

    def _fill(self, kind: int, key: tuple[int, int]) -> None:
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
        nearby = plan._replace(segments=plan.segments[near], planes=plan.planes[near])
        self._paint(nearby, TilePlace(x0, y0, node_m), self._tile)
        self._hang(kind, key)

    def _hang(self, kind: int, key: tuple[int, int]) -> None:
        """Copy a painted tile to its place; its last nodes are the next tile's first."""
        for level, start in enumerate(STARTS):
            side, cells = SIDES[level], CELLS >> level
            tile = self._tile[start : start + side**2].reshape(side, side)
            whole = kind * LEVELS + level
            nodes, first = NODES[whole], FIRST[whole]
            texture = self.texels[first : first + nodes**2].reshape(nodes, nodes)
            i, j = (at % WINDOW * cells for at in key)
            texture[j : j + cells, i : i + cells] = tile[:-1, :-1]
