"""The ray caster, compiled: see `raycast` for what each step means.

All of it runs in one thread and without the interpreter's lock. A solid's faces are planes, and
one over the depth at which a ray meets a plane is linear in the pixel's coordinates. So a row of
pixels needs no division: the ray is inside where it has met the last of the faces that it enters
(least inverse depth) before the first that it leaves (greatest).
"""

import numba
import numpy as np

from ingest.simulation.cameras.ground import FIRST, NODES
from ingest.simulation.cameras.lamps import (
    AROUND_M,
    CELL_M,
    CELLS,
    LAMP,
    LAMP_RGB,
    REACH_M,
    SKY,
    SUN,
)
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
    Matter,
    X,
    Y,
    Z,
)
from ingest.simulation.cameras.views import GROUND, NOTHING, SKY_COLUMNS

# No step makes a NaN or an infinity, so the compiler need not look out for them.
_FAST = {"contract", "arcp", "nsz", "nnan", "ninf"}
_jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
ROUND = -1  # in place of the number of faces entered
FAR_SURFACE, SKY_SURFACE = 3, 9
_NEAR_M = 0.05
_FIRST, _NODES = np.array(FIRST, np.int32), np.array(NODES, np.int32)
_BLOCK = 1024


@_jit
def stamp(planes, casters, contacts, lamps, sun_ego, sunlight, ambient, light, lamp):
    """Fill the grid of light: shadows first, then contact shadows, then lamps."""
    planes[:LAMP] = 1.0
    for k in range(len(casters)):
        _stamp_shadow(planes[SUN], casters[k], sun_ego)
    for k in range(len(contacts)):
        _stamp_contact(planes[SKY], contacts[k])
    if len(lamps) > 0:
        planes[LAMP:] = 0.0
        power = np.empty(CELLS, np.float32)
        for k in range(len(lamps)):
            _stamp_lamp(planes[LAMP + int(lamps[k, 5])], lamps[k], power)
    _sum_light(planes, sunlight, ambient, len(lamps) > 0, light, lamp)


@_jit
def _sum_light(planes, sunlight, ambient, lamps, light, lamp):
    for c in range(3):
        sun, sky = np.float32(sunlight[c]), np.float32(ambient[c])
        white, warm = np.float32(LAMP_RGB[0, c]), np.float32(LAMP_RGB[1, c])
        red = np.float32(LAMP_RGB[2, c])
        for j in range(CELLS):
            if lamps:
                for i in range(CELLS):
                    lit = planes[LAMP, j, i] * white + planes[LAMP + 1, j, i] * warm
                    lamp[c, j, i] = lit + planes[LAMP + 2, j, i] * red
                for i in range(CELLS):
                    open_ = planes[SUN, j, i] * sun + planes[SKY, j, i] * sky
                    light[c, j, i] = open_ + lamp[c, j, i]
            else:
                for i in range(CELLS):
                    light[c, j, i] = planes[SUN, j, i] * sun + planes[SKY, j, i] * sky


@_jit
def _cells(low, high):
    first = max(int(np.ceil((low + REACH_M) / CELL_M - 0.5)), 0)
    last = min(int(np.floor((high + REACH_M) / CELL_M - 0.5)), CELLS - 1)
    return first, last + 1


@_jit
def _stamp_shadow(plane, row, sun):
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
                plane[j, i] = 0.0


@_jit
def _slab(at, step, half, enter, leave):
    """Narrow the part of a way that lies between -half and half."""
    if abs(step) < 1e-9:
        return enter, leave if abs(at) <= half else -1.0
    a, b = (-half - at) / step, (half - at) / step
    return max(enter, min(a, b)), min(leave, max(a, b))


@_jit
def _stamp_contact(plane, row):
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
            plane[j, i] = min(plane[j, i], open_sky)


@_jit
def _stamp_lamp(plane, row, power):
    x, y, ax, ay, reach = row[0], row[1], row[2], row[3], row[4]
    span = AROUND_M if reach <= 0 else 1.6 * reach
    # A beam ends in a line across; its corners and the lamp bound it.
    half = AROUND_M if reach <= 0 else 2 * (1.1 + 0.30 * span)
    x1, x2, y1, y2 = x - span, x + span, y - span, y + span
    if reach > 0:
        ex, ey = x + ax * span, y + ay * span
        wide, high = abs(ay) * half, abs(ax) * half
        x1, x2 = min(x - 2.2, ex - wide), max(x + 2.2, ex + wide)
        y1, y2 = min(y - 2.2, ey - high), max(y + 2.2, ey + high)
    i1, i2 = _cells(x1, x2)
    j1, j2 = _cells(y1, y2)
    strength = np.float32(row[6])
    for j in range(j1, j2):
        py = (j + 0.5) * CELL_M - REACH_M - y
        k1, k2 = i1, i2
        if reach > 0:
            low, high = _beam_span(py, ax, ay, span)
            k1, k2 = _cells(max(x + low, x1), min(x + high, x2))
        px = np.float32((k1 + 0.5) * CELL_M - REACH_M - x)
        if reach <= 0:
            _round_power(px, np.float32(py), k2 - k1, power)
        else:
            _beam_power(px, np.float32(py), k2 - k1, np.float32(ax), np.float32(ay), reach, power)
        for i in range(k1, k2):
            plane[j, i] += power[i - k1] * strength


@_jit
def _beam_span(py, ax, ay, span):
    """Part of a row in which a beam lies: ahead of the lamp, within its span and both sides."""
    low, high = -1e9, 1e9
    for side in range(4):
        # Each a half plane a * px + b >= 0; the sides lean outwards by 0.6 m per metre.
        if side == 0:
            a, b = ax, ay * py
        elif side == 1:
            a, b = -ax, span - ay * py
        else:
            turn = 1.0 if side == 2 else -1.0
            a, b = 0.6 * ax - turn * ay, 2.2 + (0.6 * ay + turn * ax) * py
        if a > 1e-9:
            low = max(low, -b / a)
        elif a < -1e-9:
            high = min(high, -b / a)
        elif b < 0:
            return 0.0, -1.0
    return low, high


@_jit
def _round_power(first, py, count, power):
    """Light of a lamp that shines all round, for a row of cells."""
    one, span = np.float32(1), np.float32(AROUND_M * AROUND_M)
    for i in range(count):
        px = first + np.float32(i) * np.float32(CELL_M)
        square = px * px + py * py
        fall = one + square * np.float32(1 / 30.0)
        power[i] = max(np.float32(0), one - square / span) / (fall * fall)


@_jit
def _beam_power(first, py, count, ax, ay, reach, power):
    """Light of a headlamp, for a row of cells: a bell across, falling with distance."""
    one, none, quarter = np.float32(1), np.float32(0), np.float32(0.25)
    span, slope = np.float32(1.6 * reach), np.float32(2.2 / reach)
    near = np.float32(1 / (0.12 * reach))
    for i in range(count):
        px = first + np.float32(i) * np.float32(CELL_M)
        ahead, aside = max(px * ax + py * ay, none), py * ax - px * ay
        wide = aside / (np.float32(1.1) + np.float32(0.30) * ahead)
        bell = max(one - wide * wide * quarter, none)
        far = slope * ahead
        fall = bell * bell / (one + far * far) * max(one - ahead / span, none)
        power[i] = bell * bell * fall * min(one, ahead * near)


@_jit
def light_faces(numbers, kinds, sun, sun_ego, ambient, light, facing):
    """Sun and sky on each face of each block, and how much it turns towards the ego's lamps."""
    for k in range(len(numbers)):
        c, s = numbers[k, COS], numbers[k, SIN]
        away = 1 / max(np.sqrt(numbers[k, X] ** 2 + numbers[k, Y] ** 2), 1e-6)
        wx, wy = numbers[k, X] * away, numbers[k, Y] * away
        glass = kinds[k, MATTER] == Matter.GLASS
        for i in range(6):
            x = y = 0.0
            z = 1.0 if i == 4 else -1.0
            if i < 4:
                lean = numbers[k, FRONT + min(i, 2)] / (2 * numbers[k, HALF_Z])
                flat = 1 / np.sqrt(1 + lean * lean)
                turn = flat if i % 2 == 0 else -flat
                x, y = (turn * c, turn * s) if i < 2 else (-turn * s, turn * c)
                z = lean * flat
            shine = max(x * sun_ego[0] + y * sun_ego[1] + z * sun_ego[2], 0.0)
            dome = 0.62 + 0.38 * z
            if glass:  # Panes that lean back mirror the sky: as light, relative to their albedo.
                dome += 3.0 * (0.35 + max(z, 0.0))
            for j in range(3):
                light[k, i, j] = sun[j] * shine + ambient[j] * dome
            facing[k, i] = min(max(-(x * wx + y * wy), 0.15), 1.0)


@_jit
def cast(view, scene, sight, hits, boxes, stamps):
    """Find what each pixel sees: inverse depth, index of the solid, and its face.

    Keeps each solid's linear forms for `smooth`. With ``stamps`` (one per pixel, else empty) also
    counts each instance's pixels before the z-test, and their bounds.
    """
    numbers, kinds, forms, entered = scene.numbers, scene.kinds, sight.forms, sight.entered
    w, who, face = sight.w, sight.who, sight.face
    height, width = w.shape
    r, origin, lens = view.rotation, view.origin, view.lens
    w[:] = view.ground_w
    who[:] = view.empty
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
def surfaces(view, kinds, ground, sight, out):
    """Segmentation."""
    who, level, floor, spread = sight.who.ravel(), view.level.ravel(), view.floor, view.spread
    taps, into = view.taps.ravel(), out.ravel()
    for at in range(len(who)):
        k = who[at]
        into[at] = kinds[k, SURFACE] if k >= 0 else SKY_SURFACE if k == NOTHING else FAR_SURFACE
    c, s = ground.turn
    for n in range(len(floor)):
        at = floor[n]
        if who[at] != GROUND or level[at] < 0:
            continue
        mid = np.float32(0.5) * np.float32(taps[at] - 1)
        x, y = spread[n, 0] + mid * spread[n, 2], spread[n, 1] + mid * spread[n, 3]
        px, py = _in_texture(ground.place, level[at], c, s, x, y)
        size = _NODES[level[at]]
        i, j = np.int32(px + np.float32(0.5)), np.int32(py + np.float32(0.5))
        i, j = i & (size - 1), j & (size - 1)
        into[at] = ground.texels[_FIRST[level[at]] + j * size + i] >> np.uint32(24)


@_jit
def _in_texture(place, level, c, s, x, y):
    """Where a place of the ego frame lies in a level's texture, all in nodes."""
    return place[level, 0] + c * x - s * y, place[level, 1] + s * x + c * y


@_jit
def _blend(texels, first, size, px, py):
    """Four texels blended: red | blue << 16 and green, each times 256."""
    i, j = np.int32(px), np.int32(py)
    fx = np.uint32((px - np.float32(i)) * np.float32(16))
    fy = np.uint32((py - np.float32(j)) * np.float32(16))
    last = size - 1
    # Unsigned, so that no index is looked at for whether it counts from the end.
    low, high = np.uintp(first + (j & last) * size), np.uintp(first + ((j + 1) & last) * size)
    left, right = np.uintp(i & last), np.uintp((i + 1) & last)
    t00, t10 = texels[low + left], texels[low + right]
    t01, t11 = texels[high + left], texels[high + right]
    w11 = np.uint32(fx * fy)
    w10, w01 = np.uint32(fx * np.uint32(16) - w11), np.uint32(fy * np.uint32(16) - w11)
    w00 = np.uint32(np.uint32(256) - w11 - w10 - w01)
    mask = np.uint32(0xFF00FF)
    rb = (t00 & mask) * w00 + (t10 & mask) * w10 + (t01 & mask) * w01 + (t11 & mask) * w11
    mask, byte = np.uint32(0xFF), np.uint32(8)
    g = (t00 >> byte & mask) * w00 + (t10 >> byte & mask) * w10
    g += (t01 >> byte & mask) * w01 + (t11 >> byte & mask) * w11
    return np.uint32(rb), np.uint32(g)


@_jit
def _albedo(texels, level, taps, px, py, sx, sy):
    """Linear colour of the ground that a pixel covers, sampled along its footprint."""
    first, size = _FIRST[level], _NODES[level]
    r = g = b = np.uint32(0)
    for _ in range(taps):
        rb, green = _blend(texels, first, size, px, py)
        r += rb & np.uint32(0xFFFF)
        b += rb >> np.uint32(16)
        g += green
        px, py = px + sx, py + sy
    scale = np.float32(1 / 65280.0) / np.float32(taps)
    red, green_, blue = np.float32(r) * scale, np.float32(g) * scale, np.float32(b) * scale
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
def _mix(grid, channel, i, j, w00, w10, w01, w11):
    return (
        grid[channel, j, i] * w00
        + grid[channel, j, i + 1] * w10
        + grid[channel, j + 1, i] * w01
        + grid[channel, j + 1, i + 1] * w11
    )


@_jit
def picture(view, scene, ground, air, sight, streak_rows, exposure, curve, grain, noise, image):
    """From what each pixel sees to the image."""
    _shade_above(view, scene, air, sight.w, sight.who, sight.face, sight.rgb)
    _shade_ground(view, ground, air, sight)
    _smooth(view, scene.kinds, sight)
    _glows(view, scene, air, sight.w, sight.rgb)
    _streaks(streak_rows, sight.rgb)
    _develop(view.film, exposure, curve, grain, noise, sight.rgb, image)


@_jit
def _shade_ground(view, ground, air, sight):
    who, rgb = sight.who.ravel(), sight.rgb.ravel()
    levels, taps, floor, spread = view.level.ravel(), view.taps.ravel(), view.floor, view.spread
    mirror, gloss, hazed = view.mirror.ravel(), view.gloss.ravel(), view.hazed
    texels, far, light, clear, wet = ground.texels, ground.far, air.light, air.clear, air.wet
    place = ground.place
    c, s = ground.turn
    one = np.float32(1)
    open0 = np.float32(air.sun[0] * air.sun_up + air.ambient[0])
    open1 = np.float32(air.sun[1] * air.sun_up + air.ambient[1])
    open2 = np.float32(air.sun[2] * air.sun_up + air.ambient[2])
    far0, far1, far2 = np.float32(far[0]), np.float32(far[1]), np.float32(far[2])
    haze0, haze1, haze2 = np.float32(air.haze[0]), np.float32(air.haze[1]), np.float32(air.haze[2])
    for n in range(len(floor)):
        at = np.uintp(floor[n])
        if who[at] != GROUND:
            continue
        level = levels[at]
        r, g, b = far0, far1, far2
        if level >= 0:
            px, py = _in_texture(place, level, c, s, spread[n, 0], spread[n, 1])
            sx, sy = c * spread[n, 2] - s * spread[n, 3], s * spread[n, 2] + c * spread[n, 3]
            r, g, b = _albedo(texels, level, taps[at], px, py, sx, sy)
        gx, gy = spread[n, 4], spread[n, 5]
        if gx >= 0:
            fx, fy = gx - np.float32(np.int32(gx)), gy - np.float32(np.int32(gy))
            i, j = np.uintp(np.int32(gx)), np.uintp(np.int32(gy))
            w11 = fx * fy
            w10, w01, w00 = fx - w11, fy - w11, one - fx - fy + w11
            r *= _mix(light, 0, i, j, w00, w10, w01, w11)
            g *= _mix(light, 1, i, j, w00, w10, w01, w11)
            b *= _mix(light, 2, i, j, w00, w10, w01, w11)
        else:
            r, g, b = r * open0, g * open1, b * open2
        if wet > 0 and mirror[at] >= 0 and who[mirror[at]] != GROUND:
            there = 3 * mirror[at]
            part, dim = np.float32(0.6 * wet) * gloss[at], np.float32(1 - 0.30 * wet)
            r = r * dim + (rgb[there] - r * dim) * part
            g = g * dim + (rgb[there + 1] - g * dim) * part
            b = b * dim + (rgb[there + 2] - b * dim) * part
        seen = np.float32(clear[hazed[n]])
        rgb[np.uintp(3) * at] = haze0 + (r - haze0) * seen
        rgb[np.uintp(3) * at + np.uintp(1)] = haze1 + (g - haze1) * seen
        rgb[np.uintp(3) * at + np.uintp(2)] = haze2 + (b - haze2) * seen


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
    lamp, clear, lamps, windows = air.lamp, air.clear, air.lamps, air.windows
    for v in range(height):
        for u in range(width):
            k = who[v, u]
            if k == GROUND:
                continue
            if k == NOTHING:
                column = np.uintp(np.int32(columns[v, u] + turn) & (SKY_COLUMNS - 1))
                row = np.uintp(rows[v, u])
                for c in range(3):
                    rgb[v, u, c] = sky[row, column, c]
                continue
            k = np.uintp(k)
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
                    lr += part * _mix(lamp, 0, i, j, w00, w10, w01, w11)
                    lg += part * _mix(lamp, 1, i, j, w00, w10, w01, w11)
                    lb += part * _mix(lamp, 2, i, j, w00, w10, w01, w11)
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
def _glows(view, scene, air, w, rgb):
    """Halos around lamps that are seen; they grow with what is in the air."""
    height, width = w.shape
    r, origin, lens, lamps = view.rotation, view.origin, view.lens, scene.numbers
    extinction, strength = air.extinction, 0.35 if air.lamps else 0.12
    for k in scene.glowing:
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
def _streaks(rows, rgb):
    """Rain that crosses the picture; rows of u, v, du, dv per pixel, length, brightness."""
    height, width = rgb.shape[:2]
    for k in range(len(rows)):
        for i in range(int(rows[k, 4])):
            u, v = int(rows[k, 0] + i * rows[k, 2]), int(rows[k, 1] + i * rows[k, 3])
            if 0 <= u < width and 0 <= v < height:
                for c in range(3):
                    rgb[v, u, c] += rows[k, 5]


@_jit
def _smooth(view, kinds, sight):
    """Smooth outlines: mix what meets at one by how far the nearer one reaches into the pixel."""
    w, who, rgb, mixed = sight.w.ravel(), sight.who.ravel(), sight.rgb.ravel(), sight.mixed
    forms, entered, edges, rays = sight.forms, sight.entered, sight.edges, view.rays
    height, width = sight.w.shape
    across, down = view.rotation[2, 0] / view.lens[0], view.rotation[2, 1] / view.lens[1]
    per_pixel = 1 / np.sqrt(across * across + down * down)
    count, differs = 0, np.empty(width, np.int32)
    for v in range(height):
        above, below = -width * (v > 0), width * (v < height - 1)
        _unlike_beside(who, v * width, above, below, differs)
        for u in range(width):
            if differs[u] == 0:
                continue
            at = v * width + u
            left, right = -1 * (u > 0), 1 * (u < width - 1)
            k = who[at]
            front, behind = _beside(w, who, kinds, at, above, below, left, right)
            if behind == at:
                continue
            top = who[front]
            if top < 0:
                ground = min(max(0.5 - rays[v, u, 2] * per_pixel, 0.0), 1.0)
                part = ground if k == GROUND else 1 - ground
            elif entered[top] == ROUND:
                part = _ellipsoid_cover(forms, top, u + 0.5, v + 0.5)
            else:
                part = _block_cover(forms, top, entered[top], u + 0.5, v + 0.5)
            if front != at:
                # What is not seen in the middle covers less than half, or else it is hidden.
                part, behind = 1 - part if part <= 0.5 else 1.0, front
            if part < 1:
                for c in range(3):
                    other = rgb[3 * behind + c]
                    mixed[count, c] = other + np.float32(part) * (rgb[3 * at + c] - other)
                edges[count] = at
                count += 1
    for n in range(count):
        for c in range(3):
            rgb[3 * edges[n] + c] = mixed[n, c]


@_jit
def _unlike_beside(who, row, above, below, differs):
    """Mark (not 0) the pixels of a row of which some neighbour sees something else."""
    width = len(differs)
    for u in range(width):
        k = who[row + u]
        differs[u] = (who[row + above + u] ^ k) | (who[row + below + u] ^ k)
    for u in range(width - 1):
        differs[u] |= who[row + u] ^ who[row + u + 1]
    for u in range(1, width):
        differs[u] |= who[row + u] ^ who[row + u - 1]


@_jit
def _beside(w, who, kinds, at, above, below, left, right):
    """The nearest solid among a pixel and its neighbours, and a neighbour that is another thing.

    Both are the pixel itself where there is none.
    """
    mine = _thing(who[at], kinds)
    front = behind = at
    before = w[at] if who[at] >= 0 else np.float32(0)
    for q in range(4):
        beside = at + (above if q == 0 else below if q == 1 else left if q == 2 else right)
        if _thing(who[beside], kinds) != mine:
            behind = beside
            if who[beside] >= 0 and w[beside] > before:
                front, before = beside, w[beside]
    return front, behind


@_jit
def _thing(k, kinds):
    """Number what a pixel sees; all parts of one road user or light share a number."""
    if k < 0 or kinds[k, INSTANCE] == 0:
        return np.int64(k)
    return -2 - kinds[k, INSTANCE]


@_jit
def _block_cover(forms, k, entered, x, y):
    """How much of a pixel a block covers: half at its outline, changing by one per pixel."""
    first, last = 1e30, 0.0
    a = b = c = d = 0.0
    for i in range(6):
        value = forms[k, i, 0] * x + forms[k, i, 1] * y + forms[k, i, 2]
        if i < entered:
            if value < first:
                first, a, b = value, forms[k, i, 0], forms[k, i, 1]
        elif value > last:
            last, c, d = value, forms[k, i, 0], forms[k, i, 1]
    steep = np.sqrt((a - c) * (a - c) + (b - d) * (b - d))
    return min(max((first - last) / max(steep, 1e-12) + 0.5, 0.0), 1.0)


@_jit
def _ellipsoid_cover(forms, k, x, y):
    gap = forms[k, 3, 0]
    square = b = square_x = square_y = b_x = b_y = 0.0
    for i in range(3):
        ray = forms[k, i, 0] * x + forms[k, i, 1] * y + forms[k, i, 2]
        square += ray * ray
        square_x += ray * forms[k, i, 0]
        square_y += ray * forms[k, i, 1]
        b += ray * forms[k, 4, i]
        b_x += forms[k, i, 0] * forms[k, 4, i]
        b_y += forms[k, i, 1] * forms[k, 4, i]
    if b >= 0:
        return 0.0
    root = b * b - square * gap
    root_x, root_y = 2 * (b * b_x - square_x * gap), 2 * (b * b_y - square_y * gap)
    steep = np.sqrt(root_x * root_x + root_y * root_y)
    return min(max(root / max(steep, 1e-12) + 0.5, 0.0), 1.0)


@_jit
def _develop(film, exposure, curve, grain, noise, rgb, image):
    """Expose: the camera's gain and the lens's vignette, the tone curve, the sensor's noise."""
    last = np.int32(len(curve) - 1)
    scale = np.float32(last) * np.sqrt(np.float32(0.125) * np.float32(exposure))
    noise = np.float32(noise)
    light, through, out = rgb.ravel(), film.ravel(), image.ravel()
    level, value = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.float32)
    # Block by block, with the look-up alone: the other two loops become vectors.
    for start in range(0, len(out), _BLOCK):
        count = min(_BLOCK, len(out) - start)
        for i in range(count):
            root = np.sqrt(light[start + i] * through[start + i])
            level[i] = min(np.int32(root * scale), last)
        for i in range(count):
            value[i] = curve[level[i]]
        for i in range(count):
            grey = value[i] + grain[start + i] * noise
            grey = min(max(grey, np.float32(0)), np.float32(254.5))
            out[start + i] = np.uint8(np.int32(grey + np.float32(0.5)))
