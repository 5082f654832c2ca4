"""Paint one tile of the ground."""

import numpy as np

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
    TilePlace,
)
from ingest.simulation.cameras.raycast.kernels import exact, exact_inlined

_SIZE = CELLS + 1 + 2 * MARGIN
_SUBROWS = 4
_GRAIN_MASK = GRAIN - 1  # GRAIN is a power of two


@exact
def paint_tile(plan, place, texels):
    """Fill ``texels`` with the tile at a place."""
    cover = np.zeros((PLANES, _SIZE, _SIZE), np.float32)
    node_m, margin_m = place.node_m, MARGIN * place.node_m
    corner = TilePlace(place.x_m - margin_m, place.y_m - margin_m, node_m)
    for i in range(len(plan.segments)):
        _segment(cover[plan.planes[i]], plan.segments[i], corner)
    for i in range(len(plan.starts) - 1):
        _polygon(cover[ROAD], plan.corners[plan.starts[i] : plan.starts[i + 1]], corner)
    rgb = np.empty((_SIZE, _SIZE, 3), np.float32)
    surface = np.empty((_SIZE, _SIZE), np.uint8)
    _mix_planes(plan, cover, corner, rgb, surface)
    _pack(rgb, surface, MARGIN, SIDES[0], texels[: STARTS[1]])
    rgb, surface = _halve(rgb, surface)
    _pack(rgb, surface, MARGIN // 2, SIDES[1], texels[STARTS[1] : STARTS[2]])
    rgb, surface = _halve(rgb, surface)
    _pack(rgb, surface, MARGIN // 4, SIDES[2], texels[STARTS[2] :])


@exact
def _segment(plane, row, corner):
    """Raise a plane to the coverage of one segment, smooth over one node."""
    left, low, node_m = corner
    ax, ay, ux, uy, length, half = row[AX], row[AY], row[UX], row[UY], row[LENGTH], row[HALF]
    reach = half + node_m
    x1, x2 = min(ax, ax + ux * length) - reach, max(ax, ax + ux * length) + reach
    y1, y2 = min(ay, ay + uy * length) - reach, max(ay, ay + uy * length) + reach
    i1, i2 = max(int((x1 - left) / node_m), 0), min(int((x2 - left) / node_m) + 2, _SIZE)
    j1, j2 = max(int((y1 - low) / node_m), 0), min(int((y2 - low) / node_m) + 2, _SIZE)
    most = min(1.0, 2 * half / node_m)
    for j in range(j1, j2):
        py = low + j * node_m - ay
        for i in range(i1, i2):
            px = left + i * node_m - ax
            along = px * ux + py * uy
            aside = abs(py * ux - px * uy)
            cover = most
            if along < 0.0:
                if row[CUT_START] > 0:
                    cover = min(cover, along / node_m + 0.5)
                else:
                    aside = np.sqrt(px * px + py * py)
            elif along > length:
                if row[CUT_END] > 0:
                    cover = min(cover, (length - along) / node_m + 0.5)
                else:
                    aside = np.sqrt(aside * aside + (along - length) ** 2)
            cover = min(cover, (half - aside) / node_m + 0.5)
            if row[PERIOD] > 0:
                at = (along + row[ALONG]) % row[PERIOD]
                edge = min(at, row[DASH] - at) if at < row[DASH] + node_m else at - row[PERIOD]
                cover = min(cover, edge / node_m + 0.5)
            plane[j, i] = max(plane[j, i], cover)


@exact
def _polygon(plane, corners, corner):
    """Raise a plane to the coverage of a polygon: spans along a few lines per row of nodes."""
    left, low, node_m = corner
    count = len(corners)
    y1, y2 = corners[:, 1].min(), corners[:, 1].max()
    x1, x2 = corners[:, 0].min(), corners[:, 0].max()
    far = _SIZE * node_m
    if x2 < left or y2 < low or x1 > left + far or y1 > low + far:
        return
    crossings = np.empty(count)
    line = np.empty(_SIZE, np.float32)
    j1 = max(int((y1 - low) / node_m) - 1, 0)
    j2 = min(int((y2 - low) / node_m) + 2, _SIZE)
    for j in range(j1, j2):
        line[:] = 0
        for sub in range(_SUBROWS):
            y = low + (j - 0.5 + (sub + 0.5) / _SUBROWS) * node_m
            found = 0
            for k in range(count):
                ya, yb = corners[k, 1], corners[(k + 1) % count, 1]
                if (ya <= y) != (yb <= y):
                    xa, xb = corners[k, 0], corners[(k + 1) % count, 0]
                    crossings[found] = (xa + (xb - xa) * (y - ya) / (yb - ya) - left) / node_m
                    found += 1
            ends = np.sort(crossings[:found])
            for k in range(0, found - 1, 2):
                first = max(int(np.floor(ends[k] - 0.5)), 0)
                last = min(int(np.ceil(ends[k + 1] + 0.5)), _SIZE - 1)
                for i in range(first, last + 1):
                    inside = min(ends[k + 1], i + 0.5) - max(ends[k], i - 0.5)
                    line[i] += max(0.0, min(inside, 1.0)) / _SUBROWS
        for i in range(_SIZE):
            plane[j, i] = max(plane[j, i], line[i])


@exact
def _mix_planes(plan, cover, corner, rgb, surface):
    """Mix the planes into square roots of albedo, with grain, worn paint and slab joints."""
    left, low, node_m = corner
    fine_grain, coarse_grain = plan.fine_grain, plan.coarse_grain
    fine = node_m < 0.5
    paint_at = 0.45 if fine else 0.10
    columns = np.empty(_SIZE, np.int64)
    for i in range(_SIZE):
        columns[i] = int(np.floor((left + i * node_m) / 0.1 + 0.5))
    for j in range(_SIZE):
        row = int(np.floor((low + j * node_m) / 0.1 + 0.5))
        joint = fine and row % 10 == 0
        fine_row = fine_grain[row & _GRAIN_MASK]
        coarse_row = coarse_grain[(row >> 3) & _GRAIN_MASK]
        for i in range(_SIZE):
            column = columns[i]
            coarse = coarse_row[(column >> 3) & _GRAIN_MASK]
            grain = fine_row[column & _GRAIN_MASK] if fine else 0.0
            road, walk = cover[ROAD, j, i], cover[SIDEWALK, j, i]
            kerb = cover[KERB, j, i] * 0.9
            white, yellow = cover[WHITE, j, i], cover[YELLOW, j, i]
            joined = joint or (fine and column % 10 == 0)
            r, g, b = _bare(road, walk, coarse, grain, joined)
            if kerb > 0:
                stone = 0.66 + 0.02 * grain
                r += (stone - r) * kerb
                g += (stone - g) * kerb
                b += (stone * 0.98 - b) * kerb
            if max(white, yellow) > 0:
                wear = max(0.55, min(1.0, 0.93 + 0.10 * grain + 0.05 * coarse))
                r, g, b = _painted(r, g, b, white * wear, yellow * wear)
            rgb[j, i, 0], rgb[j, i, 1], rgb[j, i, 2] = r, g, b
            if max(white, yellow) >= paint_at:
                surface[j, i] = 1
            elif road >= 0.5:
                surface[j, i] = 0
            elif walk >= 0.5 or kerb >= 0.45:
                surface[j, i] = 2
            else:
                surface[j, i] = 3


@exact_inlined
def _bare(road, walk, coarse, grain, joint):
    """Grass, the sidewalk's slabs and tar, as far as each covers a node."""
    r = g = b = 0.0
    if road < 1:
        r = 0.275 + 0.030 * coarse + 0.030 * grain
        g = 0.350 + 0.026 * coarse + 0.034 * grain
        b = 0.175 + 0.016 * coarse + 0.020 * grain
        if walk > 0:
            slab = 0.545 + 0.016 * coarse + 0.018 * grain
            if joint:
                slab -= 0.045
            r += (slab - r) * walk
            g += (slab * 0.985 - g) * walk
            b += (slab * 0.955 - b) * walk
    if road > 0:
        tar = 0.305 + 0.014 * coarse + 0.014 * grain
        if coarse > 1.25:
            tar -= 0.028  # a patch
        r += (tar - r) * road
        g += (tar - g) * road
        b += (tar * 1.02 - b) * road
    return r, g, b


@exact_inlined
def _painted(r, g, b, white, yellow):
    r += (0.88 - r) * white
    g += (0.88 - g) * white
    b += (0.87 - b) * white
    r += (0.86 - r) * yellow
    g += (0.66 - g) * yellow
    b += (0.20 - b) * yellow
    return r, g, b


@exact
def _halve(rgb, surface):
    """The next level: a tent over three nodes each way; markings win the surface."""
    size, last = (len(rgb) - 1) // 2 + 1, len(rgb) - 1
    small = np.empty((size, size, 3), np.float32)
    kept = np.empty((size, size), np.uint8)
    line = np.empty((len(rgb), 3), np.float32)
    half, quarter = np.float32(0.5), np.float32(0.25)
    for j in range(size):
        low, mid, high = max(2 * j - 1, 0), 2 * j, min(2 * j + 1, last)
        for i in range(len(rgb)):
            for c in range(3):
                line[i, c] = half * rgb[mid, i, c] + quarter * (rgb[low, i, c] + rgb[high, i, c])
        for i in range(size):
            left, right = max(2 * i - 1, 0), min(2 * i + 1, last)
            for c in range(3):
                small[j, i, c] = half * line[2 * i, c] + quarter * (line[left, c] + line[right, c])
            marked = (surface[low, left] == 1) | (surface[low, 2 * i] == 1)
            marked |= (surface[mid, left] == 1) | (surface[mid, 2 * i] == 1)
            kept[j, i] = 1 if marked else surface[mid, 2 * i]
    return small, kept


@exact
def _pack(rgb, surface, margin, side, texels):
    for j in range(side):
        for i in range(side):
            word = np.int64(surface[j + margin, i + margin]) << 24
            for k in range(3):
                value = min(max(rgb[j + margin, i + margin, k], 0.0), 1.0)
                word |= np.int64(value * 255 + 0.5) << (8 * k)
            texels[j * side + i] = word
