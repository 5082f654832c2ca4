"""The ray caster, compiled: see `raycast` for what each step means.

All of it runs in one thread and without the interpreter's lock. A solid's faces are planes, and
one over the depth at which a ray meets a plane is linear in the pixel's coordinates. So a row of
pixels needs no division: the ray is inside where it has met the last of the faces that it enters
(least inverse depth) before the first that it leaves (greatest).
"""

import numba
import numpy as np

from ingest.simulation.ground import CELLS as TILE_CELLS
from ingest.simulation.ground import COARSE_M, FINE_M, LEVELS, SIDES, STARTS
from ingest.simulation.lamps import CELL_M, CELLS, LAMP, REACH_M, SKY, SUN
from ingest.simulation.solids import (
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
    REAR,
    RED,
    SHAPE,
    SIDE,
    SIN,
    SURFACE,
    X,
    Y,
    Z,
)
from ingest.simulation.views import SKY_COLUMNS

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")
_inline = numba.njit(cache=True, nogil=True, error_model="numpy", inline="never")
GROUND, NOTHING = -1, -2
_NEAR_M = 0.05


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
            for q, d, h in ((qx, dx, hx), (qy, dy, hy)):
                if abs(d) < 1e-9:
                    if abs(q) > h:
                        leave = -1.0
                else:
                    a, b = (-h - q) / d, (h - q) / d
                    enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
            if enter < leave:
                field[j, i, SUN] = 0.0


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
def cast(view, numbers, kinds, w, who, face, hits, boxes, stamps):
    """Find what each pixel sees: inverse depth, index of the solid, and its face.

    With ``stamps`` (one per pixel, else empty) also counts each instance's pixels before the
    z-test and their bounding box.
    """
    height, width = w.shape
    for v in range(height):
        for u in range(width):
            w[v, u] = view.ground_w[v, u]
            who[v, u] = GROUND if w[v, u] > 0 else NOTHING
            face[v, u] = 4
    corners = np.empty((8, 3))
    planes = np.empty((6, 4))
    forms = np.empty((6, 3))
    for k in range(len(numbers)):
        row = numbers[k]
        dx, dy, dz = row[X] - view.origin[0], row[Y] - view.origin[1], row[Z] - view.origin[2]
        r = view.rotation
        depth = r[0, 2] * dx + r[1, 2] * dy + r[2, 2] * dz
        if depth < -row[RADIUS]:
            continue
        across = r[0, 0] * dx + r[1, 0] * dy + r[2, 0] * dz
        # A sphere wholly outside the left or right side of what the camera sees.
        half = max(view.lens[2], width - view.lens[2]) / view.lens[0]
        if abs(across) - half * depth > row[RADIUS] * np.sqrt(1 + half * half):
            continue
        u1, u2, v1, v2 = _bounds(view, row, dx, dy, dz, corners, width, height)
        if u1 >= u2 or v1 >= v2:
            continue
        instance = kinds[k, INSTANCE]
        counted = len(stamps) > 0 and instance > 0
        if kinds[k, SHAPE] == 0:
            entered = _forms(view, row, dx, dy, dz, planes, forms)
            if entered == 0:
                continue
            for v in range(v1, v2):
                first, last = _span(forms, entered, v + 0.5, u1, u2)
                for u in range(first, last):
                    best, side = 1e30, 0
                    for i in range(entered):
                        value = forms[i, 0] * (u + 0.5) + forms[i, 1] * (v + 0.5) + forms[i, 2]
                        if value < best:
                            best, side = value, i
                    if counted:
                        _count(instance, u, v, width, hits, boxes, stamps)
                    if best > w[v, u]:
                        w[v, u], who[v, u], face[v, u] = best, k, int(planes[side, 3])
        else:
            _ellipsoid(view, row, dx, dy, dz, forms)
            gap = forms[3, 0]
            if gap <= 0:
                continue
            for v in range(v1, v2):
                for u in range(u1, u2):
                    best = _ellipsoid_w(forms, u + 0.5, v + 0.5, gap)
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
    box = boxes[instance]
    box[0], box[1] = min(box[0], u), min(box[1], v)
    box[2], box[3] = max(box[2], u + 1), max(box[3], v + 1)


@_jit
def _bounds(view, row, dx, dy, dz, corners, width, height):
    """Pixels that may see a solid: the rectangle of its projected corners."""
    r, lens = view.rotation, view.lens
    u1, u2, v1, v2 = 1e9, -1e9, 1e9, -1e9
    behind = 0
    for i in range(8):
        lx = row[HALF_X] if i & 1 else -row[HALF_X]
        ly = row[HALF_Y] if i & 2 else -row[HALF_Y]
        lz = row[HALF_Z] if i & 4 else -row[HALF_Z]
        ex = dx + row[COS] * lx - row[SIN] * ly
        ey = dy + row[SIN] * lx + row[COS] * ly
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
def _forms(view, row, dx, dy, dz, planes, forms):
    """The six faces as linear forms of inverse depth, those that rays enter first; their count."""
    hx, hy, hz = row[HALF_X], row[HALF_Y], row[HALF_Z]
    front, rear, side = row[FRONT] / (2 * hz), row[REAR] / (2 * hz), row[SIDE] / (2 * hz)
    # Local normal and offset: n . p <= c.
    local = (
        (1.0, 0.0, front, hx - front * hz),
        (-1.0, 0.0, rear, hx - rear * hz),
        (0.0, 1.0, side, hy - side * hz),
        (0.0, -1.0, side, hy - side * hz),
        (0.0, 0.0, 1.0, hz),
        (0.0, 0.0, -1.0, hz),
    )
    r, lens = view.rotation, view.lens
    entered, left = 0, 5
    for i in range(6):
        lx, ly, nz, offset = local[i]
        nx, ny = row[COS] * lx - row[SIN] * ly, row[SIN] * lx + row[COS] * ly
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
        forms[at, 0], forms[at, 1], forms[at, 2] = a, b, c
        planes[at, 3] = i
    return entered


@_jit
def _span(forms, entered, v, u1, u2):
    """Pixels of a row inside a block: where every entered face lies before every one left."""
    low, high = u1 + 0.5, u2 - 0.5
    for i in range(entered):
        ai, bi = forms[i, 0], forms[i, 1] * v + forms[i, 2]
        for j in range(entered, 7):
            # The seventh is depth 0: the face must lie in front of the camera.
            aj = forms[j, 0] if j < 6 else 0.0
            bj = forms[j, 1] * v + forms[j, 2] if j < 6 else 0.0
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
def _ellipsoid(view, row, dx, dy, dz, forms):
    """Rays in the frame in which the ellipsoid is the unit ball; row 3 holds what stays."""
    r, lens = view.rotation, view.lens
    for k in range(3):
        d0, d1, d2 = r[0, k], r[1, k], r[2, k]
        forms[0, k] = (row[COS] * d0 + row[SIN] * d1) / row[HALF_X]
        forms[1, k] = (row[COS] * d1 - row[SIN] * d0) / row[HALF_Y]
        forms[2, k] = d2 / row[HALF_Z]
    ox = -(row[COS] * dx + row[SIN] * dy) / row[HALF_X]
    oy = -(row[COS] * dy - row[SIN] * dx) / row[HALF_Y]
    oz = -dz / row[HALF_Z]
    for k in range(3):
        f0 = forms[k, 0] / lens[0]
        f1 = forms[k, 1] / lens[1]
        forms[k, 2] -= f0 * lens[2] + f1 * lens[3]
        forms[k, 0], forms[k, 1] = f0, f1
    forms[3, 0] = ox * ox + oy * oy + oz * oz - 1
    forms[4, 0], forms[4, 1], forms[4, 2] = ox, oy, oz


@_jit
def _ellipsoid_w(forms, u, v, gap):
    dx = forms[0, 0] * u + forms[0, 1] * v + forms[0, 2]
    dy = forms[1, 0] * u + forms[1, 1] * v + forms[1, 2]
    dz = forms[2, 0] * u + forms[2, 1] * v + forms[2, 2]
    b = dx * forms[4, 0] + dy * forms[4, 1] + dz * forms[4, 2]
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
    for v in range(height):
        for u in range(width):
            k = who[v, u]
            if k >= 0:
                out[v, u] = kinds[k, SURFACE]
            elif k == NOTHING:
                out[v, u] = 9
            elif view.level[v, u] < 0:
                out[v, u] = 3
            else:
                pose = ground.pose
                gx, gy = view.ground_xy[v, u, 0], view.ground_xy[v, u, 1]
                x = pose[0] + pose[2] * gx - pose[3] * gy
                y = pose[1] + pose[3] * gx + pose[2] * gy
                out[v, u] = _nearest(ground, x, y, view.level[v, u]) >> 24


@_jit
def _place(ground, x, y, level):
    """Slot, first texel, row length and position inside the tile."""
    fine = level < LEVELS
    node_m = FINE_M if fine else COARSE_M
    inner = level if fine else level - LEVELS
    tile_m = node_m * TILE_CELLS
    ox, oy = (
        (ground.corners[0], ground.corners[1])
        if fine
        else (
            ground.corners[2],
            ground.corners[3],
        )
    )
    table = ground.fine_table if fine else ground.coarse_table
    window = table.shape[0]
    lx, ly = (x - ox) / tile_m, (y - oy) / tile_m
    i = min(max(int(lx), 0), window - 1)
    j = min(max(int(ly), 0), window - 1)
    scale = TILE_CELLS >> inner
    px = min(max((lx - i) * scale, 0.0), scale - 1e-3)
    py = min(max((ly - j) * scale, 0.0), scale - 1e-3)
    return fine, table[i, j], STARTS[inner], SIDES[inner], px, py


@_jit
def _nearest(ground, x, y, level):
    fine, slot, start, side, px, py = _place(ground, x, y, level)
    at = start + int(py + 0.5) * side + int(px + 0.5)
    texels = ground.fine_texels if fine else ground.coarse_texels
    return np.int64(texels[slot, at])


@_jit
def _blend(ground, x, y, level):
    """Four texels blended: red | blue << 16 and green, each times 256."""
    fine, slot, start, side, px, py = _place(ground, x, y, level)
    i, j = int(px), int(py)
    fx, fy = int((px - i) * 16), int((py - j) * 16)
    texels = ground.fine_texels if fine else ground.coarse_texels
    at = start + j * side + i
    t00, t10 = np.int64(texels[slot, at]), np.int64(texels[slot, at + 1])
    t01, t11 = np.int64(texels[slot, at + side]), np.int64(texels[slot, at + side + 1])
    w11 = fx * fy
    w10, w01 = fx * 16 - w11, fy * 16 - w11
    w00 = 256 - w11 - w10 - w01
    mask = 0xFF00FF
    rb = (t00 & mask) * w00 + (t10 & mask) * w10 + (t01 & mask) * w01 + (t11 & mask) * w11
    g = (
        (t00 >> 8 & 255) * w00
        + (t10 >> 8 & 255) * w10
        + (t01 >> 8 & 255) * w01
        + (t11 >> 8 & 255) * w11
    )
    return rb, g


@_jit
def _albedo(view, ground, u, v, x, y):
    """Linear colour of the ground that a pixel covers."""
    level = view.level[v, u]
    taps = view.taps[v, u]
    pose = ground.pose
    sx, sy = view.step[v, u, 0], view.step[v, u, 1]
    dx, dy = pose[2] * sx - pose[3] * sy, pose[3] * sx + pose[2] * sy
    first = -0.5 * (taps - 1)
    r = g = b = 0
    for k in range(taps):
        at = first + k
        rb, green = _blend(ground, x + at * dx, y + at * dy, level)
        r += rb & 0xFFFF
        b += rb >> 16
        g += green
    scale = 1 / (65280.0 * taps)
    red, green, blue = r * scale, g * scale, b * scale
    return red * red, green * green, blue * blue


@_jit
def _lit(field, x, y):
    """The grid of light at a place of the ego frame, blended between cells."""
    gx, gy = (x + REACH_M) / CELL_M - 0.5, (y + REACH_M) / CELL_M - 0.5
    if gx < 0 or gy < 0 or gx >= CELLS - 1 or gy >= CELLS - 1:
        return 1.0, 1.0, 0.0, 0.0, 0.0
    i, j = int(gx), int(gy)
    fx, fy = gx - i, gy - j
    w00, w10 = (1 - fx) * (1 - fy), fx * (1 - fy)
    w01, w11 = (1 - fx) * fy, fx * fy
    a, b, c, d = field[j, i], field[j, i + 1], field[j + 1, i], field[j + 1, i + 1]
    return (
        a[0] * w00 + b[0] * w10 + c[0] * w01 + d[0] * w11,
        a[1] * w00 + b[1] * w10 + c[1] * w01 + d[1] * w11,
        a[2] * w00 + b[2] * w10 + c[2] * w01 + d[2] * w11,
        a[3] * w00 + b[3] * w10 + c[3] * w01 + d[3] * w11,
        a[4] * w00 + b[4] * w10 + c[4] * w01 + d[4] * w11,
    )


@_jit
def shade(view, scene, ground, air, w, who, face, rgb):
    """Linear colour of each pixel: solids and sky, then the ground, which may mirror them."""
    height, width = w.shape
    for v in range(height):
        for u in range(width):
            k = who[v, u]
            if k == NOTHING:
                column = int(view.sky_column[v, u] + air.turn) % SKY_COLUMNS
                row = view.sky_row[v, u]
                rgb[v, u, 0] = air.sky[row, column, 0]
                rgb[v, u, 1] = air.sky[row, column, 1]
                rgb[v, u, 2] = air.sky[row, column, 2]
            elif k >= 0:
                r, g, b = _solid(view, scene, air, k, face[v, u], w[v, u], u, v)
                _through_air(air, view.stretch[v, u] / w[v, u], r, g, b, rgb[v, u])
    for v in range(height):
        for u in range(width):
            if who[v, u] == GROUND:
                r, g, b = _floor(view, ground, air, rgb, who, u, v)
                _through_air(air, view.stretch[v, u] / w[v, u], r, g, b, rgb[v, u])


@_jit
def _through_air(air, distance, r, g, b, out):
    clear = air.clear[min(int(distance * 2), len(air.clear) - 1)]
    out[0] = air.haze[0] + (r - air.haze[0]) * clear
    out[1] = air.haze[1] + (g - air.haze[1]) * clear
    out[2] = air.haze[2] + (b - air.haze[2]) * clear


@_jit
def _floor(view, ground, air, rgb, who, u, v):
    gx, gy = view.ground_xy[v, u, 0], view.ground_xy[v, u, 1]
    if view.level[v, u] < 0:
        r, g, b = ground.far[0], ground.far[1], ground.far[2]
    else:
        pose = ground.pose
        x = pose[0] + pose[2] * gx - pose[3] * gy
        y = pose[1] + pose[3] * gx + pose[2] * gy
        r, g, b = _albedo(view, ground, u, v, x, y)
    sun, sky, lr, lg, lb = _lit(air.field, gx, gy)
    sun *= air.sun_up
    red = r * (air.sun[0] * sun + air.ambient[0] * sky + lr)
    green = g * (air.sun[1] * sun + air.ambient[1] * sky + lg)
    blue = b * (air.sun[2] * sun + air.ambient[2] * sky + lb)
    at = view.mirror[v, u]
    if air.wet > 0 and at >= 0:
        width = who.shape[1]
        mv, mu = at // width, at % width
        if who[mv, mu] != GROUND:
            part = air.wet * view.gloss[v, u]
            dim = 1 - 0.30 * air.wet
            red = red * dim + (rgb[mv, mu, 0] - red * dim) * part
            green = green * dim + (rgb[mv, mu, 1] - green * dim) * part
            blue = blue * dim + (rgb[mv, mu, 2] - blue * dim) * part
    return red, green, blue


@_jit
def _solid(view, scene, air, k, face, w, u, v):
    """Colour of a solid's surface before the air in front of it."""
    row = scene.numbers[k]
    depth = 1 / w
    px = view.origin[0] + view.rays[v, u, 0] * depth
    py = view.origin[1] + view.rays[v, u, 1] * depth
    pz = view.origin[2] + view.rays[v, u, 2] * depth
    r, g, b = row[RED], row[GREEN], row[BLUE]
    if scene.kinds[k, SHAPE] == 0:
        lr, lg, lb = scene.face_light[k, face]
        facing = scene.face_to_ego[k, face]
    else:
        ex, ey, ez = px - row[X], py - row[Y], pz - row[Z]
        nx = (row[COS] * ex + row[SIN] * ey) / (row[HALF_X] * row[HALF_X])
        ny = (row[COS] * ey - row[SIN] * ex) / (row[HALF_Y] * row[HALF_Y])
        nz = ez / (row[HALF_Z] * row[HALF_Z])
        size = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
        wx, wy = (row[COS] * nx - row[SIN] * ny) * size, (row[SIN] * nx + row[COS] * ny) * size
        nz *= size
        sun = max(wx * air.sun_ego[0] + wy * air.sun_ego[1] + nz * air.sun_ego[2], 0.0)
        sky = 0.62 + 0.38 * nz
        lr = air.sun[0] * sun + air.ambient[0] * sky
        lg = air.sun[1] * sun + air.ambient[1] * sky
        lb = air.sun[2] * sun + air.ambient[2] * sky
        facing = 0.6
    if air.lamps:
        _, _, mr, mg, mb = _lit(air.field, px, py)
        # Headlamps light what faces them, and little above the bonnet.
        part = facing / (1 + (max(pz - 0.8, 0.0) / 1.1) ** 2)
        lr, lg, lb = lr + mr * part, lg + mg * part, lb + mb * part
    matter = scene.kinds[k, MATTER]
    if matter == 1:
        speck = _hash(int(px * 5 + 4096), int(py * 5 + 4096), int(pz * 5)) * 0.5 + 0.72
        speck *= 0.65 + 0.35 * min(max((pz - row[Z]) / row[HALF_Z] * 0.5 + 0.5, 0.0), 1.0)
        r, g, b = r * speck, g * speck, b * speck
    elif matter == 2 and face < 4:
        return _facade(view, scene, air, k, face, depth, px, py, pz, lr, lg, lb)
    glow = row[GLOW]
    return r * (lr + glow), g * (lg + glow), b * (lb + glow)


@_jit
def _hash(a, b, c):
    """A number from 0 to 1 out of three whole ones."""
    n = (a * 374761393 + b * 668265263 + c * 2147483647) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 65535.0


@_jit
def _facade(view, scene, air, k, face, depth, px, py, pz, lr, lg, lb):
    """A wall with windows: floors of 3 m, a window every 2.5 m, some lit at night."""
    row = scene.numbers[k]
    ex, ey = px - row[X], py - row[Y]
    along = row[COS] * ey - row[SIN] * ex if face < 2 else row[COS] * ex + row[SIN] * ey
    half = row[HALF_Y] if face < 2 else row[HALF_X]
    count = max(int(2 * half / 2.5), 1)
    pitch = 2 * half / count
    column_f, floor_f = (along + half) / pitch, pz / 3.0
    column, floor = int(column_f), int(floor_f)
    fx, fz = column_f - column, floor_f - floor
    blur_x = min(max(depth / view.lens[0] / pitch, 0.02), 1.0)
    blur_z = min(max(depth / view.lens[1] / 3.0, 0.02), 1.0)
    ground_floor = floor == 0
    wide = 0.40 if ground_floor else 0.27
    low, high = (0.08, 0.80) if ground_floor else (0.30, 0.78)
    glass = min(max((wide - abs(fx - 0.5)) / blur_x + 0.5, 0.0), 1.0)
    glass *= min(max((min(fz - low, high - fz)) / blur_z + 0.5, 0.0), 1.0)
    seed = scene.kinds[k, GRAIN] * 4 + face
    mood = _hash(column, floor, seed)
    r, g, b = row[RED] * lr, row[GREEN] * lg, row[BLUE] * lb
    band = 0.86 if fz > 0.93 else 1.0
    r, g, b = r * band, g * band, b * band
    shine = 0.10 + 0.10 * mood
    wr = 0.02 * lr + shine * air.haze[0]
    wg = 0.02 * lg + shine * air.haze[1]
    wb = 0.025 * lb + shine * air.haze[2]
    if air.windows > 0 and mood < 0.34:
        warm = air.windows * (0.4 + mood)
        wr, wg, wb = wr + warm, wg + 0.74 * warm, wb + 0.42 * warm
    return r + (wr - r) * glass, g + (wg - g) * glass, b + (wb - b) * glass


@_jit
def glows(view, lamps, w, rgb):
    """Halos around lamps that are seen; rows of u, v, depth, radius, red, green, blue."""
    height, width = w.shape
    for k in range(len(lamps)):
        u, v, depth, radius = lamps[k, 0], lamps[k, 1], lamps[k, 2], lamps[k, 3]
        iu, iv = int(u), int(v)
        if u < 0 or v < 0 or iu >= width or iv >= height or w[iv, iu] * (depth - 0.6) > 1.0:
            continue
        reach = radius * 5
        u1, u2 = max(int(u - reach), 0), min(int(u + reach) + 1, width)
        v1, v2 = max(int(v - reach), 0), min(int(v + reach) + 1, height)
        for y in range(v1, v2):
            for x in range(u1, u2):
                far = ((x + 0.5 - u) ** 2 + (y + 0.5 - v) ** 2) / (radius * radius)
                if far < 25:
                    part = (1 / (1 + far) - 1 / 26.0) ** 2
                    for i in range(3):
                        rgb[y, x, i] += part * lamps[k, 4 + i]


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
def smooth(view, numbers, kinds, who, rgb, out):
    """Smooth outlines: a pixel at one is tried at four places among what its neighbours see."""
    height, width = who.shape
    planes = np.empty((6, 4))
    forms = np.empty((6, 3))
    near = np.empty(9, np.int64)
    place = np.empty(9, np.int64)
    wins = np.zeros(9)
    best_w = np.empty(4)
    best = np.empty(4, np.int64)
    for v in range(height):
        for u in range(width):
            k = who[v, u]
            edge = False
            if u > 0 and who[v, u - 1] != k:
                edge = True
            elif u + 1 < width and who[v, u + 1] != k:
                edge = True
            elif v > 0 and who[v - 1, u] != k:
                edge = True
            elif v + 1 < height and who[v + 1, u] != k:
                edge = True
            if not edge:
                out[v, u, 0], out[v, u, 1], out[v, u, 2] = (
                    rgb[v, u, 0],
                    rgb[v, u, 1],
                    rgb[v, u, 2],
                )
                continue
            count = 1
            near[0], place[0] = k, v * width + u
            for dv in range(-1, 2):
                for du in range(-1, 2):
                    y, x = v + dv, u + du
                    if 0 <= y < height and 0 <= x < width:
                        other = who[y, x]
                        known = False
                        for i in range(count):
                            known = known or near[i] == other
                        if not known:
                            near[count], place[count] = other, y * width + x
                            count += 1
            best_w[:] = 0.0
            best[:] = -1
            for i in range(count):
                wins[i] = 0
                _try(view, numbers, kinds, near[i], i, u, v, planes, forms, best_w, best)
            for q in range(4):
                wins[best[q] if best[q] >= 0 else 0] += 0.25
            for c in range(3):
                total = 0.0
                for i in range(count):
                    if wins[i] > 0:
                        # Far brighter than white must not spread over the whole pixel.
                        total += wins[i] * rgb[place[i] // width, place[i] % width, c]
                out[v, u, c] = total


@_jit
def _try(view, numbers, kinds, k, i, u, v, planes, forms, best_w, best):
    """Enter one candidate into the four places of a pixel."""
    if k == NOTHING:
        for q in range(4):
            if best[q] < 0:
                best[q] = i
        return
    if k == GROUND:
        down = view.rotation[2, 1] / view.lens[1]
        across = view.rotation[2, 0] / view.lens[0]
        for q in range(4):
            du, dv = _offset(q)
            value = -(view.rays[v, u, 2] + across * du + down * dv) / view.origin[2]
            if value > best_w[q]:
                best_w[q], best[q] = value, i
        return
    row = numbers[k]
    dx, dy, dz = row[X] - view.origin[0], row[Y] - view.origin[1], row[Z] - view.origin[2]
    if kinds[k, SHAPE] == 0:
        entered = _forms(view, row, dx, dy, dz, planes, forms)
        for q in range(4):
            du, dv = _offset(q)
            x, y = u + 0.5 + du, v + 0.5 + dv
            first, last = 1e30, 0.0
            for j in range(6):
                value = forms[j, 0] * x + forms[j, 1] * y + forms[j, 2]
                if j < entered:
                    first = min(first, value)
                else:
                    last = max(last, value)
            if first > last and first > best_w[q] and entered > 0:
                best_w[q], best[q] = first, i
    else:
        _ellipsoid(view, row, dx, dy, dz, forms)
        if forms[3, 0] > 0:
            for q in range(4):
                du, dv = _offset(q)
                value = _ellipsoid_w(forms, u + 0.5 + du, v + 0.5 + dv, forms[3, 0])
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
    for v in range(height):
        for u in range(width):
            pass_through = view.vignette[v, u]
            for c in range(3):
                light = rgb[v, u, c] * pass_through * gain[c]
                index = min(int(np.sqrt(light * 0.125) * last), last)
                value = curve[index] + grain[at & mask] * deviation
                at += 1
                image[v, u, c] = int(min(max(value, 0.0), 254.99) + 0.5)
