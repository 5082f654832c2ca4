"""The ray caster, compiled: see `raycast` for what each step means.

All of it runs in one thread and without the interpreter's lock. A solid's faces are planes, and
one over the depth at which a ray meets a plane is linear in the pixel's coordinates. So a row of
pixels needs no division: the ray is inside where it has met the last of the faces that it enters
(least inverse depth) before the first that it leaves (greatest).
"""

import numba
import numpy as np

from ingest.simulation.cameras.ground import CELLS as TILE_CELLS
from ingest.simulation.cameras.ground import COARSE_M, FINE_M, LEVELS, STARTS, TEXELS
from ingest.simulation.cameras.lamps import CELL_M, CELLS, LAMP, REACH_M, SKY, SUN
from ingest.simulation.cameras.solids import (
    BLUE,
    COS,
    FRONT,
    GLOW,
    GRAIN,
    GREEN,
    HALF_X,
    HALF_Y,
    HALF_Z,
    INSTANCE,
    MATTER,
    RADIUS,
    RED,
    SHAPE,
    SIDE,
    SIN,
    SURFACE,
    X,
    Y,
    Z,
)
from ingest.simulation.cameras.views import SKY_COLUMNS

# No step makes a NaN or an infinity, so the compiler need not look out for them.
_FAST = {"contract", "arcp", "nsz", "nnan", "ninf"}
_jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
GROUND, NOTHING = -1, -2
ROUND = -1  # in place of the number of faces entered
FAR_SURFACE, SKY_SURFACE = 3, 9
_NEAR_M = 0.05
_SECOND, _THIRD = STARTS[1:]
_FINE_PER_M, _COARSE_PER_M = 1 / (FINE_M * TILE_CELLS), 1 / (COARSE_M * TILE_CELLS)


@_jit
def stamp(field, casters, contacts, lamps, sun, clear):
    """Fill the grid of light: shadows first, then contact shadows, then lamps."""
    field[:, :, SUN] = 1.0
    field[:, :, SKY] = 1.0
    field[:, :, LAMP:] = 0.0
    if clear:
        for k in range(len(casters)):
            _stamp_shadow(field, casters[k], sun)
    for k in range(len(contacts)):
        _stamp_contact(field, contacts[k])
    for k in range(len(lamps)):
        _stamp_lamp(field, lamps[k])


@_jit
def _cells(low, high):
    first = max(int(np.ceil((low + REACH_M) / CELL_M - 0.5)), 0)
    last = min(int(np.floor((high + REACH_M) / CELL_M - 0.5)), CELLS - 1)
    return first, last + 1


@_jit
def _stamp_shadow(field, row, sun):
    """Darken cells from which the way to the sun passes through a caster."""
    x, y, c, s, hx, hy, low, high = row
    sx, sy = sun[0] / sun[2], sun[1] / sun[2]
    ex, ey = abs(c) * hx + abs(s) * hy, abs(s) * hx + abs(c) * hy
    i1, i2 = _cells(x - ex + min(-sx * high, 0.0), x + ex + max(-sx * high, 0.0))
    j1, j2 = _cells(y - ey + min(-sy * high, 0.0), y + ey + max(-sy * high, 0.0))
    dx, dy = c * sx + s * sy, c * sy - s * sx
    for j in range(j1, j2):
        py = (j + 0.5) * CELL_M - REACH_M - y
        for i in range(i1, i2):
            px = (i + 0.5) * CELL_M - REACH_M - x
            qx, qy = c * px + s * py, c * py - s * px
            enter, leave = low, high
            enter, leave = _slab(qx, dx, hx, enter, leave)
            enter, leave = _slab(qy, dy, hy, enter, leave)
            if enter < leave:
                field[j, i, SUN] = 0.0


@_jit
def _slab(at, step, half, enter, leave):
    """Narrow the part of a way that lies between -half and half."""
    if abs(step) < 1e-9:
        return enter, leave if abs(at) <= half else -1.0
    a, b = (-half - at) / step, (half - at) / step
    return max(enter, min(a, b)), min(leave, max(a, b))


@_jit
def _stamp_contact(field, row):
    x, y, c, s, hx, hy = row
    reach = 0.7
    ex, ey = abs(c) * hx + abs(s) * hy + reach, abs(s) * hx + abs(c) * hy + reach
    i1, i2 = _cells(x - ex, x + ex)
    j1, j2 = _cells(y - ey, y + ey)
    for j in range(j1, j2):
        py = (j + 0.5) * CELL_M - REACH_M - y
        for i in range(i1, i2):
            px = (i + 0.5) * CELL_M - REACH_M - x
            ox = max(abs(c * px + s * py) - hx, 0.0)
            oy = max(abs(c * py - s * px) - hy, 0.0)
            open_sky = 0.30 + 0.70 * min(np.sqrt(ox * ox + oy * oy) / reach, 1.0)
            field[j, i, SKY] = min(field[j, i, SKY], open_sky)


@_jit
def _stamp_lamp(field, row):
    x, y, ax, ay, reach = row[0], row[1], row[2], row[3], row[4]
    span = 22.0 if reach <= 0 else 1.6 * reach
    i1, i2 = _cells(x - span, x + span)
    j1, j2 = _cells(y - span, y + span)
    for j in range(j1, j2):
        py = (j + 0.5) * CELL_M - REACH_M - y
        for i in range(i1, i2):
            px = (i + 0.5) * CELL_M - REACH_M - x
            if reach <= 0:
                power = 1 / (1 + (px * px + py * py) / 30.0) ** 2
                power *= max(0.0, 1 - (px * px + py * py) / (span * span))
            else:
                ahead, aside = px * ax + py * ay, py * ax - px * ay
                if ahead <= 0 or ahead >= span:
                    continue
                wide = aside / (1.1 + 0.30 * ahead)
                far = 2.2 * ahead / reach
                power = np.exp(-wide * wide) / (1 + far * far) * (1 - ahead / span)
                power *= min(1.0, ahead / (0.12 * reach))
            for k in range(3):
                field[j, i, LAMP + k] += power * row[5 + k]


@_jit
def cast(view, numbers, kinds, forms, entered, w, who, face, hits, boxes, stamps):
    """Find what each pixel sees: inverse depth, index of the solid, and its face.

    ``forms`` and ``entered`` keep each solid's linear forms for `smooth`. With ``stamps`` (one per
    pixel, else empty) also counts each instance's pixels before the z-test, and their bounds.
    """
    height, width = w.shape
    r, origin, lens, ground_w = view.rotation, view.origin, view.lens, view.ground_w
    for v in range(height):
        for u in range(width):
            w[v, u] = ground_w[v, u]
            who[v, u] = GROUND if w[v, u] > 0 else NOTHING
    sides = np.empty(6, np.int64)
    half = max(lens[2], width - lens[2]) / lens[0]
    slant = np.sqrt(1 + half * half)
    for k in range(len(numbers)):
        dx, dy = numbers[k, X] - origin[0], numbers[k, Y] - origin[1]
        dz = numbers[k, Z] - origin[2]
        depth = r[0, 2] * dx + r[1, 2] * dy + r[2, 2] * dz
        across = r[0, 0] * dx + r[1, 0] * dy + r[2, 0] * dz
        # Its bounding sphere is behind the camera, or wholly beside what it sees.
        radius = numbers[k, RADIUS]
        if depth < -radius or abs(across) - half * depth > radius * slant:
            continue
        u1, u2, v1, v2 = _bounds(r, lens, numbers, k, dx, dy, dz, width, height)
        if u1 >= u2 or v1 >= v2:
            continue
        instance = kinds[k, INSTANCE]
        counted = len(stamps) > 0 and instance > 0
        if kinds[k, SHAPE] == 0:
            entered[k] = _forms(r, lens, numbers, k, dx, dy, dz, sides, forms)
            if entered[k] > 0:
                _cast_block(
                    forms, sides, entered[k], k, u1, u2, v1, v2, instance, counted,
                    w, who, face, hits, boxes, stamps,
                )  # fmt: skip
        else:
            _ellipsoid(r, lens, numbers, k, dx, dy, dz, forms)
            entered[k] = ROUND
            if forms[k, 3, 0] > 0:
                _cast_ellipsoid(
                    forms, k, u1, u2, v1, v2, instance, counted,
                    w, who, face, hits, boxes, stamps,
                )  # fmt: skip


@_jit
def _cast_block(
    forms, sides, entered, k, u1, u2, v1, v2, instance, counted, w, who, face, hits, boxes, stamps
):
    width = w.shape[1]
    for v in range(v1, v2):
        first, last = _span(forms, k, entered, v + 0.5, u1, u2)
        for u in range(first, last):
            best, side = 1e30, 0
            for i in range(entered):
                value = forms[k, i, 0] * (u + 0.5) + forms[k, i, 1] * (v + 0.5) + forms[k, i, 2]
                if value < best:
                    best, side = value, i
            if counted:
                _count(instance, u, v, width, hits, boxes, stamps)
            if best > w[v, u]:
                w[v, u], who[v, u], face[v, u] = best, k, sides[side]


@_jit
def _cast_ellipsoid(forms, k, u1, u2, v1, v2, instance, counted, w, who, face, hits, boxes, stamps):
    width = w.shape[1]
    for v in range(v1, v2):
        for u in range(u1, u2):
            best = _ellipsoid_w(forms, k, u + 0.5, v + 0.5)
            if best > 0:
                if counted:
                    _count(instance, u, v, width, hits, boxes, stamps)
                if best > w[v, u]:
                    w[v, u], who[v, u], face[v, u] = best, k, 0


@_jit
def _count(instance, u, v, width, hits, boxes, stamps):
    at = v * width + u
    if stamps[at] == instance:
        return
    stamps[at] = instance
    hits[instance] += 1
    boxes[instance, 0] = min(boxes[instance, 0], u)
    boxes[instance, 1] = min(boxes[instance, 1], v)
    boxes[instance, 2] = max(boxes[instance, 2], u + 1)
    boxes[instance, 3] = max(boxes[instance, 3], v + 1)


@_jit
def _bounds(r, lens, numbers, k, dx, dy, dz, width, height):
    """Pixels that may see a solid: the rectangle of its projected corners."""
    cos, sin = numbers[k, COS], numbers[k, SIN]
    u1, u2, v1, v2 = 1e9, -1e9, 1e9, -1e9
    behind = 0
    for i in range(8):
        lx = numbers[k, HALF_X] if i & 1 else -numbers[k, HALF_X]
        ly = numbers[k, HALF_Y] if i & 2 else -numbers[k, HALF_Y]
        lz = numbers[k, HALF_Z] if i & 4 else -numbers[k, HALF_Z]
        ex = dx + cos * lx - sin * ly
        ey = dy + sin * lx + cos * ly
        ez = dz + lz
        z = r[0, 2] * ex + r[1, 2] * ey + r[2, 2] * ez
        if z < _NEAR_M:
            behind += 1
            continue
        u = lens[0] * (r[0, 0] * ex + r[1, 0] * ey + r[2, 0] * ez) / z + lens[2]
        v = lens[1] * (r[0, 1] * ex + r[1, 1] * ey + r[2, 1] * ez) / z + lens[3]
        u1, u2, v1, v2 = min(u1, u), max(u2, u), min(v1, v), max(v2, v)
    if behind == 8:
        return 0, 0, 0, 0
    if behind > 0:
        return 0, width, 0, height
    # A negative lean (shoulders wider than hips) sticks out of the box by a pixel or so.
    spare = 1
    first_u = int(min(max(np.floor(u1) - spare, 0), width))
    last_u = int(max(min(np.ceil(u2) + spare, width), 0))
    first_v = int(min(max(np.floor(v1) - spare, 0), height))
    last_v = int(max(min(np.ceil(v2) + spare, height), 0))
    return first_u, last_u, first_v, last_v


@_jit
def _forms(r, lens, numbers, k, dx, dy, dz, sides, forms):
    """The six faces as linear forms of inverse depth, those that rays enter first; their count."""
    hx, hy, hz = numbers[k, HALF_X], numbers[k, HALF_Y], numbers[k, HALF_Z]
    cos, sin = numbers[k, COS], numbers[k, SIN]
    entered, left = 0, 5
    for i in range(6):
        # Local normal (lx, ly, nz) and offset: n . p <= offset.
        lx = ly = 0.0
        if i < 2:
            lx = 1.0 - 2 * i
            nz = numbers[k, FRONT + i] / (2 * hz)
            offset = hx - nz * hz
        elif i < 4:
            ly = 5.0 - 2 * i
            nz = numbers[k, SIDE] / (2 * hz)
            offset = hy - nz * hz
        else:
            nz = 9.0 - 2 * i
            offset = hz
        nx, ny = cos * lx - sin * ly, sin * lx + cos * ly
        slack = offset + nx * dx + ny * dy + nz * dz
        if abs(slack) < 1e-9:
            slack = 1e-9
        a = (nx * r[0, 0] + ny * r[1, 0] + nz * r[2, 0]) / (lens[0] * slack)
        b = (nx * r[0, 1] + ny * r[1, 1] + nz * r[2, 1]) / (lens[1] * slack)
        c = (nx * r[0, 2] + ny * r[1, 2] + nz * r[2, 2]) / slack - a * lens[2] - b * lens[3]
        if slack < 0:
            at, entered = entered, entered + 1
        else:
            at, left = left, left - 1
        forms[k, at, 0], forms[k, at, 1], forms[k, at, 2] = a, b, c
        sides[at] = i
    return entered


@_jit
def _span(forms, k, entered, v, u1, u2):
    """Pixels of a row inside a block: where every entered face lies before every one left."""
    low, high = u1 + 0.5, u2 - 0.5
    for i in range(entered):
        ai, bi = forms[k, i, 0], forms[k, i, 1] * v + forms[k, i, 2]
        for j in range(entered, 7):
            # The seventh is depth 0: the face must lie in front of the camera.
            aj = forms[k, j, 0] if j < 6 else 0.0
            bj = forms[k, j, 1] * v + forms[k, j, 2] if j < 6 else 0.0
            a, b = ai - aj, bi - bj
            if a > 1e-12:
                low = max(low, -b / a)
            elif a < -1e-12:
                high = min(high, -b / a)
            elif b <= 0:
                return 0, 0
    if low > high:
        return 0, 0
    return int(np.ceil(low - 0.5)), int(np.floor(high - 0.5)) + 1


@_jit
def _ellipsoid(r, lens, numbers, k, dx, dy, dz, forms):
    """Rays in the frame in which the ellipsoid is the unit ball; row 3 holds what stays."""
    cos, sin = numbers[k, COS], numbers[k, SIN]
    hx, hy, hz = numbers[k, HALF_X], numbers[k, HALF_Y], numbers[k, HALF_Z]
    for axis in range(3):
        d0, d1, d2 = r[0, axis], r[1, axis], r[2, axis]
        forms[k, 0, axis] = (cos * d0 + sin * d1) / hx
        forms[k, 1, axis] = (cos * d1 - sin * d0) / hy
        forms[k, 2, axis] = d2 / hz
    ox = -(cos * dx + sin * dy) / hx
    oy = -(cos * dy - sin * dx) / hy
    oz = -dz / hz
    for axis in range(3):
        f0 = forms[k, axis, 0] / lens[0]
        f1 = forms[k, axis, 1] / lens[1]
        forms[k, axis, 2] -= f0 * lens[2] + f1 * lens[3]
        forms[k, axis, 0], forms[k, axis, 1] = f0, f1
    forms[k, 3, 0] = ox * ox + oy * oy + oz * oz - 1
    forms[k, 4, 0], forms[k, 4, 1], forms[k, 4, 2] = ox, oy, oz


@_jit
def _ellipsoid_w(forms, k, u, v):
    gap = forms[k, 3, 0]
    dx = forms[k, 0, 0] * u + forms[k, 0, 1] * v + forms[k, 0, 2]
    dy = forms[k, 1, 0] * u + forms[k, 1, 1] * v + forms[k, 1, 2]
    dz = forms[k, 2, 0] * u + forms[k, 2, 1] * v + forms[k, 2, 2]
    b = dx * forms[k, 4, 0] + dy * forms[k, 4, 1] + dz * forms[k, 4, 2]
    root = b * b - (dx * dx + dy * dy + dz * dz) * gap
    if b >= 0 or root <= 0:
        return 0.0
    return (np.sqrt(root) - b) / gap


@_jit
def visible(who, kinds, counts):
    """Count each instance's pixels after the z-test."""
    height, width = who.shape
    for v in range(height):
        for u in range(width):
            if who[v, u] >= 0:
                counts[kinds[who[v, u], INSTANCE]] += 1


@_jit
def surfaces(view, w, who, kinds, ground, out):
    """Segmentation."""
    height, width = w.shape
    levels, xy = view.level, view.ground_xy
    texels, table, corners, pose = ground.texels, ground.table, ground.corners, ground.pose
    for v in range(height):
        for u in range(width):
            k = who[v, u]
            if k >= 0:
                out[v, u] = kinds[k, SURFACE]
            elif k == NOTHING:
                out[v, u] = SKY_SURFACE
            elif levels[v, u] < 0:
                out[v, u] = FAR_SURFACE
            else:
                x = pose[0] + pose[2] * xy[v, u, 0] - pose[3] * xy[v, u, 1]
                y = pose[1] + pose[3] * xy[v, u, 0] + pose[2] * xy[v, u, 1]
                start, side, px, py = _place(table, corners, x, y, np.int64(levels[v, u]))
                column = min(max(int(px + 0.5), 0), side - 1)
                at = start + min(max(int(py + 0.5), 0), side - 1) * side + column
                out[v, u] = np.int64(texels[at]) >> 24


@_jit
def _place(table, corners, x, y, level):
    """First texel of a tile's level, nodes in its row, and the position in nodes."""
    kind = 0 if level < LEVELS else 1
    inner = level - kind * LEVELS
    per_m = _FINE_PER_M if kind == 0 else _COARSE_PER_M
    lx, ly = (x - corners[kind, 0]) * per_m, (y - corners[kind, 1]) * per_m
    last = table.shape[1] - 1
    i, j = min(max(int(lx), 0), last), min(max(int(ly), 0), last)
    scale = TILE_CELLS >> inner
    # Arithmetic, for numba looks into a tuple by a slow way round.
    start = 0 if inner == 0 else _SECOND if inner == 1 else _THIRD
    return table[kind, i, j] * TEXELS + start, scale + 1, (lx - i) * scale, (ly - j) * scale


@_jit
def _blend(texels, start, side, px, py):
    """Four texels blended: red | blue << 16 and green, each times 256."""
    px = min(max(px, 0.0), side - 1.001)
    py = min(max(py, 0.0), side - 1.001)
    i, j = int(px), int(py)
    fx, fy = int((px - i) * 16), int((py - j) * 16)
    at = start + j * side + i
    t00, t10 = np.int64(texels[at]), np.int64(texels[at + 1])
    t01, t11 = np.int64(texels[at + side]), np.int64(texels[at + side + 1])
    w11 = fx * fy
    w10, w01 = fx * 16 - w11, fy * 16 - w11
    w00 = 256 - w11 - w10 - w01
    mask = 0xFF00FF
    rb = (t00 & mask) * w00 + (t10 & mask) * w10 + (t01 & mask) * w01 + (t11 & mask) * w11
    mask = 0xFF00
    g = (t00 & mask) * w00 + (t10 & mask) * w10 + (t01 & mask) * w01 + (t11 & mask) * w11
    return rb, g >> 8


@_jit
def _albedo(texels, table, corners, level, taps, x, y, dx, dy):
    """Linear colour of the ground that a pixel covers, sampled along its footprint."""
    at = -0.5 * (taps - 1)
    x, y = x + at * dx, y + at * dy
    start, side, px, py = _place(table, corners, x, y, level)
    span = side - 1
    per_m = (_FINE_PER_M if level < LEVELS else _COARSE_PER_M) * span
    sx, sy = dx * per_m, dy * per_m
    ex, ey = px + sx * (taps - 1), py + sy * (taps - 1)
    alone = min(px, ex) >= 0 and max(px, ex) < span and min(py, ey) >= 0 and max(py, ey) < span
    # Sums in floats, for the order of those is fixed: of sums of whole numbers the compiler would
    # make vectors, which costs more than it saves for at most four samples.
    r = g = b = 0.0
    for k in range(taps):
        if not alone and k > 0:  # the footprint lies on several tiles
            start, side, px, py = _place(table, corners, x + k * dx, y + k * dy, level)
        rb, green = _blend(texels, start, side, px, py)
        r += np.float64(rb & 0xFFFF)
        b += np.float64(rb >> 16)
        g += np.float64(green)
        px, py = px + sx, py + sy
    scale = 1 / (65280.0 * taps)
    red, green_, blue = r * scale, g * scale, b * scale
    return red * red, green_ * green_, blue * blue


@_jit
def _weights(x, y):
    """Cell of the grid of light, and how much its four corners count; -1 outside."""
    gx, gy = (x + REACH_M) / CELL_M - 0.5, (y + REACH_M) / CELL_M - 0.5
    if gx < 0 or gy < 0 or gx >= CELLS - 1 or gy >= CELLS - 1:
        return -1, -1, 0.0, 0.0, 0.0, 0.0
    i, j = int(gx), int(gy)
    fx, fy = gx - i, gy - j
    return i, j, (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy


@_jit
def _mix(field, channel, i, j, w00, w10, w01, w11):
    return (
        field[j, i, channel] * w00
        + field[j, i + 1, channel] * w10
        + field[j + 1, i, channel] * w01
        + field[j + 1, i + 1, channel] * w11
    )


@_jit
def shade(view, scene, ground, air, w, who, face, rgb):
    """Linear colour of each pixel: solids and sky, then the ground, which may mirror them."""
    _shade_above(view, scene, air, w, who, face, rgb)
    _shade_ground(view, ground, air, w, who, rgb)


@_jit
def _shade_ground(view, ground, air, w, who, rgb):
    height, width = w.shape
    levels, taps, xy, step = view.level, view.taps, view.ground_xy, view.step
    stretch, mirror, gloss = view.stretch, view.mirror, view.gloss
    texels, table, corners, pose = ground.texels, ground.table, ground.corners, ground.pose
    far, field, clear, wet = ground.far, air.field, air.clear, air.wet
    sun0, sun1, sun2 = air.sun[0] * air.sun_up, air.sun[1] * air.sun_up, air.sun[2] * air.sun_up
    sky0, sky1, sky2 = air.ambient[0], air.ambient[1], air.ambient[2]
    haze0, haze1, haze2 = air.haze[0], air.haze[1], air.haze[2]
    lamps = air.lamps
    for v in range(height):
        for u in range(width):
            if who[v, u] != GROUND:
                continue
            gx, gy = np.float64(xy[v, u, 0]), np.float64(xy[v, u, 1])
            r, g, b = far[0], far[1], far[2]
            if levels[v, u] >= 0:
                x = pose[0] + pose[2] * gx - pose[3] * gy
                y = pose[1] + pose[3] * gx + pose[2] * gy
                dx = pose[2] * step[v, u, 0] - pose[3] * step[v, u, 1]
                dy = pose[3] * step[v, u, 0] + pose[2] * step[v, u, 1]
                r, g, b = _albedo(
                    texels,
                    table,
                    corners,
                    np.int64(levels[v, u]),
                    np.int64(taps[v, u]),
                    x,
                    y,
                    dx,
                    dy,
                )
            sun = sky = 1.0
            lr = lg = lb = 0.0
            i, j, w00, w10, w01, w11 = _weights(gx, gy)
            if i >= 0:
                sun = _mix(field, SUN, i, j, w00, w10, w01, w11)
                sky = _mix(field, SKY, i, j, w00, w10, w01, w11)
                if lamps:
                    lr = _mix(field, LAMP, i, j, w00, w10, w01, w11)
                    lg = _mix(field, LAMP + 1, i, j, w00, w10, w01, w11)
                    lb = _mix(field, LAMP + 2, i, j, w00, w10, w01, w11)
            r *= sun0 * sun + sky0 * sky + lr
            g *= sun1 * sun + sky1 * sky + lg
            b *= sun2 * sun + sky2 * sky + lb
            at = np.int64(mirror[v, u])
            if wet > 0 and at >= 0:
                mv, mu = at // width, at % width
                if who[mv, mu] != GROUND:
                    part, dim = 0.6 * wet * gloss[v, u], 1 - 0.30 * wet
                    r = r * dim + (rgb[mv, mu, 0] - r * dim) * part
                    g = g * dim + (rgb[mv, mu, 1] - g * dim) * part
                    b = b * dim + (rgb[mv, mu, 2] - b * dim) * part
            seen = clear[min(int(stretch[v, u] / w[v, u] * 2), len(clear) - 1)]
            rgb[v, u, 0] = haze0 + (r - haze0) * seen
            rgb[v, u, 1] = haze1 + (g - haze1) * seen
            rgb[v, u, 2] = haze2 + (b - haze2) * seen


@_jit
def _shade_above(view, scene, air, w, who, face, rgb):
    height, width = w.shape
    numbers, kinds, face_light, facing_ego = (
        scene.numbers,
        scene.kinds,
        scene.face_light,
        scene.face_to_ego,
    )
    sky, turn, columns, rows = air.sky, air.turn, view.sky_column, view.sky_row
    rays, origin, stretch, lens = view.rays, view.origin, view.stretch, view.lens
    sun, ambient, haze, sun_ego = air.sun, air.ambient, air.haze, air.sun_ego
    field, clear, lamps, windows = air.field, air.clear, air.lamps, air.windows
    for v in range(height):
        for u in range(width):
            k = who[v, u]
            if k == GROUND:
                continue
            if k == NOTHING:
                column, row = int(columns[v, u] + turn) % SKY_COLUMNS, rows[v, u]
                for c in range(3):
                    rgb[v, u, c] = sky[row, column, c]
                continue
            depth = 1 / np.float64(w[v, u])
            side, matter = face[v, u], kinds[k, MATTER]
            px = py = pz = 0.0
            if lamps or 0 < matter < 3 or kinds[k, SHAPE] == 1:
                px = origin[0] + rays[v, u, 0] * depth
                py = origin[1] + rays[v, u, 1] * depth
                pz = origin[2] + rays[v, u, 2] * depth
            if kinds[k, SHAPE] == 0:
                lr, lg, lb = face_light[k, side, 0], face_light[k, side, 1], face_light[k, side, 2]
                facing = facing_ego[k, side]
            else:
                shine, dome = _round_light(numbers, k, px, py, pz, sun_ego)
                lr = sun[0] * shine + ambient[0] * dome
                lg = sun[1] * shine + ambient[1] * dome
                lb = sun[2] * shine + ambient[2] * dome
                facing = 0.6
            if lamps:
                i, j, w00, w10, w01, w11 = _weights(px, py)
                if i >= 0:
                    # Headlamps light what faces them, and little above the bonnet.
                    part = facing / (1 + (max(pz - 0.8, 0.0) / 1.1) ** 2)
                    lr += part * _mix(field, LAMP, i, j, w00, w10, w01, w11)
                    lg += part * _mix(field, LAMP + 1, i, j, w00, w10, w01, w11)
                    lb += part * _mix(field, LAMP + 2, i, j, w00, w10, w01, w11)
            if matter == 2 and side < 4:
                r, g, b = _facade(
                    numbers, kinds, k, side, depth, px, py, pz, lr, lg, lb, lens, haze, windows
                )
            else:
                glow = numbers[k, GLOW]
                part = _speckle(numbers, k, px, py, pz) if matter == 1 else 1.0
                r = part * numbers[k, RED] * (lr + glow)
                g = part * numbers[k, GREEN] * (lg + glow)
                b = part * numbers[k, BLUE] * (lb + glow)
            seen = clear[min(int(stretch[v, u] * depth * 2), len(clear) - 1)]
            rgb[v, u, 0] = haze[0] + (r - haze[0]) * seen
            rgb[v, u, 1] = haze[1] + (g - haze[1]) * seen
            rgb[v, u, 2] = haze[2] + (b - haze[2]) * seen


@_jit
def _round_light(numbers, k, px, py, pz, sun_ego):
    """Sun and sky on an ellipsoid at one place of its surface."""
    c, s = numbers[k, COS], numbers[k, SIN]
    ex, ey, ez = px - numbers[k, X], py - numbers[k, Y], pz - numbers[k, Z]
    nx = (c * ex + s * ey) / (numbers[k, HALF_X] * numbers[k, HALF_X])
    ny = (c * ey - s * ex) / (numbers[k, HALF_Y] * numbers[k, HALF_Y])
    nz = ez / (numbers[k, HALF_Z] * numbers[k, HALF_Z])
    size = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
    wx, wy, wz = (c * nx - s * ny) * size, (s * nx + c * ny) * size, nz * size
    shine = max(wx * sun_ego[0] + wy * sun_ego[1] + wz * sun_ego[2], 0.0)
    return shine, 0.62 + 0.38 * wz


@_jit
def _speckle(numbers, k, px, py, pz):
    """Leaves: random grain, darker towards the bottom of the crown."""
    grain = _hash(int(px * 5 + 4096), int(py * 5 + 4096), int(pz * 5))
    low = (pz - numbers[k, Z]) / numbers[k, HALF_Z] * 0.5 + 0.5
    return (grain * 0.5 + 0.72) * (0.65 + 0.35 * min(max(low, 0.0), 1.0))


@_jit
def _hash(a, b, c):
    """A number from 0 to 1 out of three whole ones."""
    n = (a * 374761393 + b * 668265263 + c * 2147483647) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 65535.0


@_jit
def _facade(numbers, kinds, k, face, depth, px, py, pz, lr, lg, lb, lens, haze, windows):
    """A wall with windows: floors of 3 m, a window every 2.5 m, some lit at night."""
    ex, ey = px - numbers[k, X], py - numbers[k, Y]
    c, s = numbers[k, COS], numbers[k, SIN]
    along = c * ey - s * ex if face < 2 else c * ex + s * ey
    half = numbers[k, HALF_Y] if face < 2 else numbers[k, HALF_X]
    count = max(int(2 * half / 2.5), 1)
    pitch = 2 * half / count
    column_f, floor_f = (along + half) / pitch, pz / 3.0
    column, floor = int(column_f), int(floor_f)
    fx, fz = column_f - column, floor_f - floor
    blur_x = min(max(depth / lens[0] / pitch, 0.02), 1.0)
    blur_z = min(max(depth / lens[1] / 3.0, 0.02), 1.0)
    wide = 0.40 if floor == 0 else 0.27
    low = 0.08 if floor == 0 else 0.30
    glass = min(max((wide - abs(fx - 0.5)) / blur_x + 0.5, 0.0), 1.0)
    glass *= min(max((min(fz - low, 0.79 - fz)) / blur_z + 0.5, 0.0), 1.0)
    mood = _hash(column, floor, kinds[k, GRAIN] * 4 + face)
    band = 0.86 if fz > 0.93 else 1.0
    r = numbers[k, RED] * lr * band
    g = numbers[k, GREEN] * lg * band
    b = numbers[k, BLUE] * lb * band
    shine = 0.10 + 0.10 * mood
    warm = windows * (0.4 + mood) if mood < 0.34 else 0.0
    wr = 0.02 * lr + shine * haze[0] + warm
    wg = 0.02 * lg + shine * haze[1] + 0.74 * warm
    wb = 0.025 * lb + shine * haze[2] + 0.42 * warm
    return r + (wr - r) * glass, g + (wg - g) * glass, b + (wb - b) * glass


@_jit
def glows(view, lamps, extinction, strength, w, rgb):
    """Halos around lamps (rows of solids) that are seen; they grow with what is in the air."""
    height, width = w.shape
    r, origin, lens = view.rotation, view.origin, view.lens
    for k in range(len(lamps)):
        dx, dy, dz = lamps[k, X] - origin[0], lamps[k, Y] - origin[1], lamps[k, Z] - origin[2]
        depth = r[0, 2] * dx + r[1, 2] * dy + r[2, 2] * dz
        if depth <= 0.5:
            continue
        u = lens[0] * (r[0, 0] * dx + r[1, 0] * dy + r[2, 0] * dz) / depth + lens[2]
        v = lens[1] * (r[0, 1] * dx + r[1, 1] * dy + r[2, 1] * dz) / depth + lens[3]
        if u < 0 or v < 0 or u >= width or v >= height:
            continue
        # No deeper than its own half: a signal's halo must not be seen from behind its housing.
        if w[int(v), int(u)] * (depth - lamps[k, HALF_X] - 0.1) > 1.0:
            continue
        radius = min(max(0.9 * lens[0] * lamps[k, RADIUS] / depth, 0.35), 9.0)
        near = np.exp(-extinction * np.sqrt(dx * dx + dy * dy + dz * dz))
        power = strength * lamps[k, GLOW] * near * (1 + 25 * extinction)
        reach = radius * 5
        for y in range(max(int(v - reach), 0), min(int(v + reach) + 1, height)):
            for x in range(max(int(u - reach), 0), min(int(u + reach) + 1, width)):
                far = ((x + 0.5 - u) ** 2 + (y + 0.5 - v) ** 2) / (radius * radius)
                if far < 25:
                    part = power * (1 / (1 + far) - 1 / 26.0) ** 2
                    for c in range(3):
                        rgb[y, x, c] += part * lamps[k, RED + c]


@_jit
def streaks(rows, rgb):
    """Rain that crosses the picture; rows of u, v, du, dv per pixel, length, brightness."""
    height, width = rgb.shape[:2]
    for k in range(len(rows)):
        for i in range(int(rows[k, 4])):
            u, v = int(rows[k, 0] + i * rows[k, 2]), int(rows[k, 1] + i * rows[k, 3])
            if 0 <= u < width and 0 <= v < height:
                for c in range(3):
                    rgb[v, u, c] += rows[k, 5]


@_jit
def smooth(view, kinds, forms, entered, who, rgb, out):
    """Smooth outlines: a pixel at one is tried at four places among what its neighbours see."""
    height, width = who.shape
    rotation, origin, lens, rays = view.rotation, view.origin, view.lens, view.rays
    # The ground's inverse depth is linear in the pixel's coordinates too.
    down, across = rotation[2, 1] / lens[1] / origin[2], rotation[2, 0] / lens[0] / origin[2]
    things = _things(who, kinds)
    near, place = np.empty(5, np.int64), np.empty(5, np.int64)
    wins, best_w, best = np.empty(5), np.empty(4), np.empty(4, np.int64)
    for v in range(height):
        for u in range(width):
            thing = things[v + 1, u + 1]
            if (
                things[v + 1, u] == thing
                and things[v + 1, u + 2] == thing
                and things[v, u + 1] == thing
                and things[v + 2, u + 1] == thing
            ):
                for c in range(3):
                    out[v, u, c] = rgb[v, u, c]
                continue
            count = _candidates(who, u, v, near, place)
            best_w[:] = 0.0
            best[:] = 0
            base = -rays[v, u, 2] / origin[2]
            for i in range(count):
                wins[i] = 0.0
                if near[i] >= 0:
                    _try_solid(forms, entered, near[i], i, u, v, best_w, best)
                elif near[i] == GROUND:
                    _try_ground(base, across, down, i, best_w, best)
            _sky_behind(near, count, best_w, best)
            for q in range(4):
                wins[best[q]] += 0.25
            for c in range(3):
                total = 0.0
                for i in range(count):
                    if wins[i] > 0:
                        total += wins[i] * rgb[place[i] // width, place[i] % width, c]
                out[v, u, c] = total


@_jit
def _things(who, kinds):
    """Number what each pixel sees; all parts of one road user or light share a number."""
    height, width = who.shape
    # A border of its own neighbours saves asking where the image ends.
    out = np.empty((height + 2, width + 2), np.int64)
    for v in range(height):
        for u in range(width):
            k = np.int64(who[v, u])
            instance = kinds[k, INSTANCE] if k >= 0 else 0
            out[v + 1, u + 1] = -2 - instance if instance > 0 else k
        out[v + 1, 0], out[v + 1, width + 1] = out[v + 1, 1], out[v + 1, width]
    out[0], out[height + 1] = out[1], out[height]
    return out


@_jit
def _candidates(who, u, v, near, place):
    """What a pixel and its four neighbours see, each once, the pixel's own first."""
    height, width = who.shape
    near[0], place[0] = who[v, u], v * width + u
    count = 1
    for i in range(4):
        x = u + (i & 1) * (i - 2)
        y = v + (1 - (i & 1)) * (i - 1)
        if x < 0 or y < 0 or x >= width or y >= height:
            continue
        known = False
        for other in range(count):
            known = known or near[other] == who[y, x]
        if not known:
            near[count], place[count] = who[y, x], y * width + x
            count += 1
    return count


@_jit
def _sky_behind(near, count, best_w, best):
    """Give places that nothing was found at to the sky, where a neighbour sees it."""
    for i in range(count):
        if near[i] == NOTHING:
            for q in range(4):
                if best_w[q] <= 0:
                    best[q] = i


@_jit
def _try_ground(base, across, down, i, best_w, best):
    for q in range(4):
        du, dv = _offset(q)
        value = base - across * du - down * dv
        if value > best_w[q]:
            best_w[q], best[q] = value, i


@_jit
def _try_solid(forms, entered, k, i, u, v, best_w, best):
    """Enter one candidate into the four places of a pixel."""
    faces = entered[k]
    for q in range(4):
        du, dv = _offset(q)
        x, y = u + 0.5 + du, v + 0.5 + dv
        if faces == ROUND:
            value = _ellipsoid_w(forms, k, x, y)
        else:
            first, last = 1e30, 0.0
            for j in range(6):
                value = forms[k, j, 0] * x + forms[k, j, 1] * y + forms[k, j, 2]
                if j < faces:
                    first = min(first, value)
                else:
                    last = max(last, value)
            value = first if first > last else 0.0
        if value > best_w[q]:
            best_w[q], best[q] = value, i


@_jit
def _offset(q):
    """Four places of a turned grid inside a pixel."""
    du = -0.375 + 0.25 * q
    dv = 0.125 if q == 0 else -0.375 if q == 1 else 0.375 if q == 2 else -0.125
    return du, dv


@_jit
def develop(view, gain, curve, grain, start, deviation, rgb, image):
    """Expose: the lens's vignette, the camera's gain, the tone curve, the sensor's noise."""
    height, width = rgb.shape[:2]
    last = len(curve) - 1
    mask = len(grain) - 1
    at = start
    scale = np.float32(last) * np.sqrt(np.float32(0.125))
    red, green, blue = np.float32(gain[0]), np.float32(gain[1]), np.float32(gain[2])
    noise = np.float32(deviation)
    for v in range(height):
        for u in range(width):
            through = view.vignette[v, u]
            for c in range(3):
                part = red if c == 0 else green if c == 1 else blue
                index = int(np.sqrt(rgb[v, u, c] * through * part) * scale)
                value = curve[min(index, last)] + grain[at & mask] * noise
                at += 1
                image[v, u, c] = int(
                    min(max(value, np.float32(0)), np.float32(254.5)) + np.float32(0.5)
                )
