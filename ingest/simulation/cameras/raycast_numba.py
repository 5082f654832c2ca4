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
    SIN,
    SURFACE,
    Matter,
    X,
    Y,
    Z,
)
from ingest.simulation.cameras.views import GROUND, HAZE_STEPS, NOTHING, SKY_COLUMNS

# No step makes a NaN or an infinity, so the compiler need not look out for them.
_FAST = {"contract", "arcp", "nsz", "nnan", "ninf"}
_jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
# A call hands over each of an array's fields and counts its references: too dear for a few pixels.
_inlined = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST, forceinline=True)
ROUND = -1  # in place of the number of faces entered
FAR_SURFACE, SKY_SURFACE = 3, 9
_NEAR_M = 0.05
_FIRST, _NODES = np.array(FIRST, np.int32), np.array(NODES, np.int32)
_WHITE, _WARM, _RED = (tuple(rgb) for rgb in LAMP_RGB.astype(np.float32))
_BLOCK = 512
_EDGES = 12  # an outline has no more


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
    sun0, sun1, sun2 = np.float32(sunlight[0]), np.float32(sunlight[1]), np.float32(sunlight[2])
    sky0, sky1, sky2 = np.float32(ambient[0]), np.float32(ambient[1]), np.float32(ambient[2])
    for j in range(CELLS):
        for i in range(CELLS):
            sun, sky = planes[SUN, j, i], planes[SKY, j, i]
            light[j, i, 0] = sun * sun0 + sky * sky0
            light[j, i, 1] = sun * sun1 + sky * sky1
            light[j, i, 2] = sun * sun2 + sky * sky2
        if lamps:
            for i in range(CELLS):
                white, warm = planes[LAMP, j, i], planes[LAMP + 1, j, i]
                red = planes[LAMP + 2, j, i]
                r = white * _WHITE[0] + warm * _WARM[0] + red * _RED[0]
                g = white * _WHITE[1] + warm * _WARM[1] + red * _RED[1]
                b = white * _WHITE[2] + warm * _WARM[2] + red * _RED[2]
                lamp[j, i, 0], lamp[j, i, 1], lamp[j, i, 2] = r, g, b
            for i in range(CELLS):
                light[j, i, 0] += lamp[j, i, 0]
                light[j, i, 1] += lamp[j, i, 1]
                light[j, i, 2] += lamp[j, i, 2]


@_inlined
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


@_inlined
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


@_inlined
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
        else:
            chord = np.sqrt(max(span * span - py * py, 0.0))
            k1, k2 = _cells(x - chord, x + chord)
        px = np.float32((k1 + 0.5) * CELL_M - REACH_M - x)
        if reach <= 0:
            _round_power(px, np.float32(py), k2 - k1, power)
        else:
            _beam_power(px, np.float32(py), k2 - k1, np.float32(ax), np.float32(ay), reach, power)
        row = plane[j, k1 : max(k1, k2)]
        for i in range(len(row)):
            row[i] += power[i] * strength


@_inlined
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


@_inlined
def _round_power(first, py, count, power):
    """Light of a lamp that shines all round, for a row of cells."""
    one, span = np.float32(1), np.float32(AROUND_M * AROUND_M)
    for i in range(count):
        px = first + np.float32(np.int32(i)) * np.float32(CELL_M)
        square = px * px + py * py
        fall = one + square * np.float32(1 / 30.0)
        power[i] = max(np.float32(0), one - square / span) / (fall * fall)


@_inlined
def _beam_power(first, py, count, ax, ay, reach, power):
    """Light of a headlamp, for a row of cells: a bell across, falling with distance."""
    one, none, quarter = np.float32(1), np.float32(0), np.float32(0.25)
    span, slope = np.float32(1.6 * reach), np.float32(2.2 / reach)
    near = np.float32(1 / (0.12 * reach))
    for i in range(count):
        px = first + np.float32(np.int32(i)) * np.float32(CELL_M)
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
def draw(
    view, scene, ground, air, sight, hits, boxes, stamps,
    streak_rows, exposure, curve, grain, noise, image,
):  # fmt: skip
    """Draw one camera's image.

    Leaves in ``sight`` what each pixel sees: inverse depth, index of the solid, and its face. With
    ``stamps`` (one per pixel, else empty) also counts each instance's pixels before the z-test, and
    their bounds.
    """
    _cast(view, scene, sight, hits, boxes, stamps)
    _shade_above(view, scene, air, sight)
    _shade_ground(view, ground, air, sight)
    _smooth(view, scene, sight)
    _glows(view, scene, air, sight.w, sight.rgb)
    _streaks(streak_rows, sight.rgb)
    _develop(view, exposure, curve, grain, noise, sight.rgb, image)


@_jit
def _cast(view, scene, sight, hits, boxes, stamps):
    numbers, kinds, forms, entered = scene.numbers, scene.kinds, sight.forms, sight.entered
    w, who, face = sight.w.ravel(), sight.who.ravel(), sight.face.ravel()
    r, origin, lens = view.rotation, view.origin, view.lens
    height, width = sight.w.shape
    _empty(view.ground_w.ravel(), w, who, face)
    # Room for one solid; an allocation for each would cost as much as the solid.
    axes, place, ray, eye = np.empty((3, 3)), np.empty(3), np.empty((3, 3)), np.empty(3)
    edges, sides, lines = np.empty((_EDGES, 2)), np.empty(6, np.int64), np.empty((6, 2), np.float32)
    wide, high = max(lens[2], width - lens[2]) / lens[0], max(lens[3], height - lens[3]) / lens[1]
    slant_u, slant_v = np.sqrt(1 + wide * wide), np.sqrt(1 + high * high)
    for k in range(len(numbers)):
        dx, dy = numbers[k, X] - origin[0], numbers[k, Y] - origin[1]
        dz = numbers[k, Z] - origin[2]
        for axis in range(3):
            place[axis] = r[0, axis] * dx + r[1, axis] * dy + r[2, axis] * dz
        # Its bounding sphere is behind the camera, or wholly beside what it sees.
        radius, depth = numbers[k, RADIUS], place[2]
        if depth < -radius or abs(place[0]) - wide * depth > radius * slant_u:
            continue
        if abs(place[1]) - high * depth > radius * slant_v:
            continue
        for axis in range(3):
            axes[0, axis] = numbers[k, COS] * r[0, axis] + numbers[k, SIN] * r[1, axis]
            axes[1, axis] = numbers[k, COS] * r[1, axis] - numbers[k, SIN] * r[0, axis]
            axes[2, axis] = r[2, axis]
        u1, u2, v1, v2, ahead = _bounds(axes, place, lens, numbers, k, width, height)
        if u1 >= u2 or v1 >= v2:
            continue
        instance = kinds[k, INSTANCE]
        counted = len(stamps) > 0 and instance > 0
        if kinds[k, SHAPE] == 0:
            entered[k] = _forms(axes, place, lens, numbers, k, sides, forms)
            if entered[k] > 0:
                low, high_, v1, v2 = _edges(forms, k, entered[k], sides, ahead, edges, v1, v2)
                _cast_block(
                    forms, sides, entered[k], edges, low, high_, lines, k, u1, u2, v1, v2,
                    instance, counted, width, w, who, face, hits, boxes, stamps,
                )  # fmt: skip
        else:
            entered[k] = ROUND
            gap = _ellipsoid(axes, place, lens, numbers, k, ray, eye, forms)
            if gap > 0:
                _cast_ellipsoid(
                    forms, gap, k, u1, u2, v1, v2, instance, counted,
                    width, w, who, face, hits, boxes, stamps,
                )  # fmt: skip


@_jit
def _empty(ground_w, w, who, face):
    """What pixels see with no solid before them."""
    for at in range(len(w)):
        w[at] = ground_w[at]
    for at in range(len(w)):
        who[at] = GROUND if ground_w[at] > 0 else NOTHING
    face[:] = 0


@_inlined
def _bounds(axes, place, lens, numbers, k, width, height):
    """Pixels that may see a solid (its projected corners' rectangle), and whether all lie ahead."""
    hx, hy, hz = numbers[k, HALF_X], numbers[k, HALF_Y], numbers[k, HALF_Z]
    u1, u2, v1, v2 = 1e9, -1e9, 1e9, -1e9
    behind = 0
    for i in range(8):
        sx = hx if i & 1 else -hx
        sy = hy if i & 2 else -hy
        sz = hz if i & 4 else -hz
        z = place[2] + sx * axes[0, 2] + sy * axes[1, 2] + sz * axes[2, 2]
        if z < _NEAR_M:
            behind += 1
            continue
        near = 1 / z
        u = (place[0] + sx * axes[0, 0] + sy * axes[1, 0] + sz * axes[2, 0]) * near
        v = (place[1] + sx * axes[0, 1] + sy * axes[1, 1] + sz * axes[2, 1]) * near
        u1, u2, v1, v2 = min(u1, u), max(u2, u), min(v1, v), max(v2, v)
    if behind == 8:
        return 0, 0, 0, 0, False
    if behind > 0:
        return 0, width, 0, height, False
    # A negative lean (shoulders wider than hips) sticks out of the box by a pixel or so.
    spare = 1
    first_u = int(min(max(np.floor(lens[0] * u1 + lens[2]) - spare, 0), width))
    last_u = int(max(min(np.ceil(lens[0] * u2 + lens[2]) + spare, width), 0))
    first_v = int(min(max(np.floor(lens[1] * v1 + lens[3]) - spare, 0), height))
    last_v = int(max(min(np.ceil(lens[1] * v2 + lens[3]) + spare, height), 0))
    return first_u, last_u, first_v, last_v, True


@_inlined
def _forms(axes, place, lens, numbers, k, sides, forms):
    """The six faces as linear forms of inverse depth, those that rays enter first; their count."""
    hx, hy, hz = numbers[k, HALF_X], numbers[k, HALF_Y], numbers[k, HALF_Z]
    entered, left = 0, 5
    for i in range(6):
        # Normal: one of the solid's axes, leaning by a part of its upright one; n . p <= offset.
        axis, turn = i >> 1, 1.0 - 2 * (i & 1)
        half = hx if axis == 0 else hy if axis == 1 else hz
        lean = 0.0 if axis == 2 else numbers[k, FRONT + min(i, 2)] / (2 * hz)
        nx = turn * axes[axis, 0] + lean * axes[2, 0]
        ny = turn * axes[axis, 1] + lean * axes[2, 1]
        nz = turn * axes[axis, 2] + lean * axes[2, 2]
        slack = half - lean * hz + nx * place[0] + ny * place[1] + nz * place[2]
        if abs(slack) < 1e-9:
            slack = 1e-9
        a, b = nx / (lens[0] * slack), ny / (lens[1] * slack)
        c = nz / slack - a * lens[2] - b * lens[3]
        if slack < 0:
            at, entered = entered, entered + 1
        else:
            at, left = left, left - 1
        forms[k, at, 0], forms[k, at, 1], forms[k, at, 2] = a, b, c
        sides[at] = i
    return entered


@_inlined
def _edges(forms, k, entered, sides, ahead, edges, v1, v2):
    """A block's outline as lines u = p * v + q: where a face that is entered meets one left.

    Left edges fill ``edges`` from the front, right ones from the back; their counts come first.
    Level ones bound the rows, given back after them.
    """
    low, high = 0, 0
    for i in range(entered):
        # The seventh is depth 0: what reaches behind the camera is cut there.
        for j in range(entered, 6 if ahead else 7):
            if j < 6 and sides[i] ^ sides[j] == 1:
                continue  # opposite faces share no edge
            a, b, c = forms[k, i, 0], forms[k, i, 1], forms[k, i, 2]
            if j < 6:
                a, b, c = a - forms[k, j, 0], b - forms[k, j, 1], c - forms[k, j, 2]
            if a > 1e-12:
                edges[low, 0], edges[low, 1] = -b / a, -c / a
                low += 1
            elif a < -1e-12:
                high += 1
                edges[_EDGES - high, 0], edges[_EDGES - high, 1] = -b / a, -c / a
            elif b > 1e-12:
                v1 = max(v1, int(np.ceil(_within(-c / b - 0.5))))
            elif b < -1e-12:
                v2 = min(v2, int(np.floor(_within(-c / b - 0.5))) + 1)
            elif c <= 0:
                v2 = v1
    return low, high, v1, v2


@_inlined
def _within(row):
    """A row that may lie anywhere, near enough to the image to be a whole number."""
    return min(max(row, -1e6), 1e6)


@_inlined
def _cast_block(
    forms, sides, entered, edges, low_edges, high_edges, lines, k, u1, u2, v1, v2,
    instance, counted, width, w, who, face, hits, boxes, stamps,
):  # fmt: skip
    # Along a row each face is a line. At least three, so that most blocks need no loop over them.
    lines[:, 0], lines[:, 1] = 1e30, 0
    for i in range(entered):
        lines[i, 1] = forms[k, i, 0]
    for v in range(v1, v2):
        y, low, high = v + 0.5, u1 + 0.5, u2 - 0.5
        for i in range(low_edges):
            low = max(low, edges[i, 0] * y + edges[i, 1])
        for i in range(_EDGES - high_edges, _EDGES):
            high = min(high, edges[i, 0] * y + edges[i, 1])
        if low > high:
            continue
        first, last = int(np.ceil(low - 0.5)), int(np.floor(high - 0.5)) + 1
        # From the row's first pixel on single precision is enough.
        for i in range(entered):
            lines[i, 0] = forms[k, i, 0] * (first + 0.5) + forms[k, i, 1] * y + forms[k, i, 2]
        for u in range(first, last):
            along = np.float32(np.int32(u - first))
            best, side = lines[0, 0] + lines[0, 1] * along, 0
            for i in (1, 2):
                value = lines[i, 0] + lines[i, 1] * along
                best, side = (value, i) if value < best else (best, side)
            for i in range(3, entered):
                value = lines[i, 0] + lines[i, 1] * along
                best, side = (value, i) if value < best else (best, side)
            at = np.uintp(v * width + u)
            if best > w[at]:
                w[at], who[at], face[at] = best, k, sides[np.uintp(side)]
        if counted:
            _count(instance, first, last, v, width, hits, boxes, stamps)


@_inlined
def _cast_ellipsoid(
    forms, gap, k, u1, u2, v1, v2, instance, counted, width, w, who, face, hits, boxes, stamps
):
    for v in range(v1, v2):
        y = v + 0.5
        # The row's root is a parabola; of an ellipsoid ahead its pixels lie between two zeros.
        square, flat = forms[k, 0, 0], forms[k, 0, 1] * y + forms[k, 1, 0]
        rest = (forms[k, 0, 2] * y + forms[k, 1, 1]) * y + forms[k, 1, 2]
        first, last = u1, u2
        if square < 0:
            under = flat * flat - 4 * square * rest
            if under <= 0:
                continue
            half = np.sqrt(under)
            low, high = (half - flat) / (2 * square), (-half - flat) / (2 * square)
            first = max(u1, int(np.ceil(max(low, u1) - 0.5)))
            last = min(u2, int(np.floor(min(high, u2) - 0.5)) + 1)
        towards = forms[k, 2, 1] * y + forms[k, 2, 2]
        for u in range(first, last):
            x = u + 0.5
            root, b = (square * x + flat) * x + rest, forms[k, 2, 0] * x + towards
            if b < 0 and root > 0:
                best = np.float32((np.sqrt(root) - b) / gap)
                if counted:
                    _count(instance, u, u + 1, v, width, hits, boxes, stamps)
                at = np.uintp(v * width + u)
                if best > w[at]:
                    w[at], who[at], face[at] = best, k, 0


@_inlined
def _count(instance, first, last, v, width, hits, boxes, stamps):
    """Count a row of an instance's pixels, each once whichever of its parts covers it."""
    if first >= last:
        return
    new = 0
    for at in range(v * width + first, v * width + last):
        new += stamps[at] != instance
        stamps[at] = instance
    hits[instance] += new
    boxes[instance, 0] = min(boxes[instance, 0], first)
    boxes[instance, 1] = min(boxes[instance, 1], v)
    boxes[instance, 2] = max(boxes[instance, 2], last)
    boxes[instance, 3] = max(boxes[instance, 3], v + 1)


@_inlined
def _ellipsoid(axes, place, lens, numbers, k, ray, eye, forms):
    """A ray meets the ellipsoid where ``root``, quadratic in the pixel's coordinates, is positive.

    Rows of the form: root's factors of u², uv, v² and of u, v, 1; those of ``b`` (how much the ray
    looks away from it), of u, v, 1. Gives the eye's squared distance less 1, both in the frame in
    which the ellipsoid is the unit ball.
    """
    gap = -1.0
    for i in range(3):
        size = numbers[k, HALF_X + i]
        ray[i, 0], ray[i, 1] = axes[i, 0] / (size * lens[0]), axes[i, 1] / (size * lens[1])
        ray[i, 2] = axes[i, 2] / size - ray[i, 0] * lens[2] - ray[i, 1] * lens[3]
        eye[i] = -(axes[i, 0] * place[0] + axes[i, 1] * place[1] + axes[i, 2] * place[2]) / size
        gap += eye[i] * eye[i]
    b = forms[k, 2]
    for j in range(3):
        b[j] = ray[0, j] * eye[0] + ray[1, j] * eye[1] + ray[2, j] * eye[2]
    forms[k, 0, 0], forms[k, 0, 2] = _factor(ray, b, gap, 0, 0), _factor(ray, b, gap, 1, 1)
    forms[k, 0, 1] = 2 * _factor(ray, b, gap, 0, 1)
    forms[k, 1, 0] = 2 * _factor(ray, b, gap, 0, 2)
    forms[k, 1, 1] = 2 * _factor(ray, b, gap, 1, 2)
    forms[k, 1, 2] = _factor(ray, b, gap, 2, 2)
    return gap


@_inlined
def _factor(ray, b, gap, i, j):
    dot = ray[0, i] * ray[0, j] + ray[1, i] * ray[1, j] + ray[2, i] * ray[2, j]
    return b[i] * b[j] - gap * dot


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
    who, floor, spread, into = sight.who.ravel(), view.floor, view.spread, out.ravel()
    for at in range(len(who)):
        k = who[at]
        into[at] = kinds[k, SURFACE] if k >= 0 else SKY_SURFACE if k == NOTHING else FAR_SURFACE
    c, s = ground.turn
    for first, last, level, taps in view.segments:
        if level < 0:
            continue
        start, size, mid = _FIRST[level], _NODES[level], np.float32(0.5) * np.float32(taps - 1)
        for n in range(first, last):
            at = floor[n]
            if who[at] != GROUND:
                continue
            x, y = spread[n, 0] + mid * spread[n, 2], spread[n, 1] + mid * spread[n, 3]
            px, py = _in_texture(ground.place, level, c, s, x, y)
            i, j = np.int32(px + np.float32(0.5)), np.int32(py + np.float32(0.5))
            i, j = i & (size - 1), j & (size - 1)
            into[at] = ground.texels[start + j * size + i] >> np.uint32(24)


@_inlined
def _in_texture(place, level, c, s, x, y):
    """Where a place of the ego frame lies in a level's texture, all in nodes."""
    return place[level, 0] + c * x - s * y, place[level, 1] + s * x + c * y


@_jit
def _shade_ground(view, ground, air, sight):
    """Block by block of the pixels that share a level of the texture and a number of samples."""
    who, floor = sight.who.ravel(), view.floor
    chosen = np.empty(len(floor) + 1, np.int32)
    words, parts = np.empty((4, _BLOCK), np.uint32), np.empty((4, _BLOCK), np.float32)
    colour = np.empty((3, _BLOCK), np.float32)
    for first, last, level, taps in view.segments:
        count = 0
        for n in range(first, last):
            chosen[count] = n
            count += who[np.uintp(floor[n])] == GROUND
        for start in range(0, count, _BLOCK):
            block = chosen[start : min(start + _BLOCK, count)]
            if level < 0:
                for c in range(3):
                    colour[c] = ground.far[c]
            else:
                _albedo(view.spread, block, level, taps, ground, words, parts, colour)
            _light_ground(view, block, air, who, colour, sight.rgb)


@_inlined
def _albedo(spread, block, level, taps, ground, words, parts, colour):
    """Linear colour of the ground that pixels cover, sampled along their footprints.

    The texels are fetched in a loop of their own: many fetches are then under way at once, and the
    loops around it become vectors.
    """
    c, s = ground.turn
    texels, place, size = ground.texels, ground.place, np.int32(_NODES[level])
    first, last = np.int32(_FIRST[level]), size - np.int32(1)
    count = len(block)
    px, py, sx, sy = parts[0], parts[1], parts[2], parts[3]
    for m in range(count):
        n = np.uintp(block[m])
        x, y, dx, dy = spread[n, 0], spread[n, 1], spread[n, 2], spread[n, 3]
        px[m], py[m] = _in_texture(place, level, c, s, x, y)
        sx[m], sy[m] = c * dx - s * dy, s * dx + c * dy
    colour[:, :count] = 0
    for _ in range(taps):
        for m in range(count):
            i, j = np.int32(px[m]), np.int32(py[m])
            left, right = i & last, np.int32(i + np.int32(1)) & last
            low = np.int32(first + (j & last) * size)
            high = np.int32(first + (np.int32(j + np.int32(1)) & last) * size)
            words[0, m], words[1, m] = low + left, low + right
            words[2, m], words[3, m] = high + left, high + right
        for q in range(4):
            for m in range(count):
                words[q, m] = texels[np.uintp(words[q, m])]
        _blend(words, px, py, sx, sy, count, colour)
    scale = np.float32(1 / 65280.0) / np.float32(taps)
    for c in range(3):
        for m in range(count):
            root = colour[c, m] * scale
            colour[c, m] = root * root


@_inlined
def _blend(words, px, py, sx, sy, count, colour):
    """Add four texels blended, each channel times 256, and go on to the next sample."""
    for m in range(count):
        x, y = px[m], py[m]
        fx = np.uint32(np.int32((x - np.float32(np.int32(x))) * np.float32(16)))
        fy = np.uint32(np.int32((y - np.float32(np.int32(y))) * np.float32(16)))
        w11 = np.uint32(fx * fy)
        w10, w01 = np.uint32(fx * np.uint32(16) - w11), np.uint32(fy * np.uint32(16) - w11)
        w00 = np.uint32(np.uint32(256) - w11 - w10 - w01)
        t00, t10, t01, t11 = words[0, m], words[1, m], words[2, m], words[3, m]
        mask, byte, low = np.uint32(0xFF00FF), np.uint32(8), np.uint32(0xFF)
        rb = np.uint32((t00 & mask) * w00 + (t10 & mask) * w10)
        rb = np.uint32(rb + (t01 & mask) * w01 + (t11 & mask) * w11)
        g = np.uint32((t00 >> byte & low) * w00 + (t10 >> byte & low) * w10)
        g = np.uint32(g + (t01 >> byte & low) * w01 + (t11 >> byte & low) * w11)
        colour[0, m] += np.float32(np.int32(rb & np.uint32(0xFFFF)))
        colour[1, m] += np.float32(np.int32(g))
        colour[2, m] += np.float32(np.int32(rb >> np.uint32(16)))
        px[m], py[m] = x + sx[m], y + sy[m]


@_inlined
def _light_ground(view, block, air, who, colour, rgb):
    """From albedo to what the camera sees: light, what a wet road mirrors, the air between."""
    red, green, blue = rgb[0].ravel(), rgb[1].ravel(), rgb[2].ravel()
    floor, spread, hazed, light, clear = view.floor, view.spread, view.hazed, air.light, air.clear
    open0, open1, open2 = air.open[0], air.open[1], air.open[2]
    haze0, haze1, haze2 = air.haze[0], air.haze[1], air.haze[2]
    shine, dim = np.float32(0.6 * air.wet), np.float32(1 - 0.30 * air.wet)
    for m in range(len(block)):
        n = np.uintp(block[m])
        at = np.uintp(floor[n])
        gx, gy = spread[n, 4], spread[n, 5]
        r, g, b = open0, open1, open2
        if gx >= 0:
            r, g, b = _lit(light, gx, gy)
        r, g, b = r * colour[0, m], g * colour[1, m], b * colour[2, m]
        if shine > 0 and view.mirror[n] >= 0 and who[view.mirror[n]] != GROUND:
            there, part = np.uintp(view.mirror[n]), shine * view.gloss[n]
            r, g, b = r * dim, g * dim, b * dim
            r += (red[there] - r) * part
            g += (green[there] - g) * part
            b += (blue[there] - b) * part
        seen = clear[np.uintp(hazed[n])]
        red[at] = haze0 + (r - haze0) * seen
        green[at] = haze1 + (g - haze1) * seen
        blue[at] = haze2 + (b - haze2) * seen


@_inlined
def _lit(grid, gx, gy):
    """A grid of light at a place in it, blended between cells."""
    i, j = np.int32(gx), np.int32(gy)
    fx, fy = gx - np.float32(i), gy - np.float32(j)
    w11 = fx * fy
    w10, w01 = fx - w11, fy - w11
    w00 = np.float32(1) - fx - w01
    x, y = np.uintp(i), np.uintp(j)
    x1, y1 = np.uintp(i + np.int32(1)), np.uintp(j + np.int32(1))
    r = grid[y, x, 0] * w00 + grid[y, x1, 0] * w10 + grid[y1, x, 0] * w01 + grid[y1, x1, 0] * w11
    g = grid[y, x, 1] * w00 + grid[y, x1, 1] * w10 + grid[y1, x, 1] * w01 + grid[y1, x1, 1] * w11
    b = grid[y, x, 2] * w00 + grid[y, x1, 2] * w10 + grid[y1, x, 2] * w01 + grid[y1, x1, 2] * w11
    return r, g, b


@_jit
def _shade_above(view, scene, air, sight):
    """Sky and solids, one stretch of a row that sees the same face at a time."""
    who, face, numbers, kinds = sight.who, sight.face, scene.numbers, scene.kinds
    height, width = who.shape
    depth, step = np.empty(width, np.float32), np.empty(width, np.int32)
    place = np.empty((3, width), np.float32)
    for v in range(height):
        _row_places(view, v, sight.w[v], depth, step, place)
        line, last = np.uintp(v), 0
        while last < width:
            first, k, side = last, who[v, last], face[v, last]
            last += 1
            while last < width and who[v, last] == k and face[v, last] == side:
                last += 1
            if k == NOTHING:
                _sky(view, air, line, first, last, sight.rgb)
            elif k == GROUND:
                continue
            elif kinds[k, SHAPE] == 1:
                _round(numbers, kinds, air, k, line, first, last, step, place, sight.rgb)
            elif kinds[k, MATTER] == 2 and side < 4:
                _facade(view, scene, air, k, side, line, first, last, depth, step, place, sight.rgb)
            else:
                _plain(scene, air, k, side, line, first, last, step, place, sight.rgb)


@_inlined
def _row_places(view, v, w, depth, step, place):
    """Where in the ego frame the pixels of a row look at, how deep, and how far in half metres."""
    r, lens, origin = view.rotation, view.lens, view.origin
    y, one = np.float32((v + 0.5 - lens[3]) / lens[1]), np.float32(1)
    scale, shift = np.float32(1 / lens[0]), np.float32((0.5 - lens[2]) / lens[0])
    far = np.float32(HAZE_STEPS - 1)
    for u in range(len(w)):
        x = np.float32(np.int32(u)) * scale + shift
        depth[u] = one / max(w[u], np.float32(1e-6))
        away = np.sqrt(x * x + (y * y + one)) * depth[u]
        step[u] = np.int32(min(away + away, far))
    for axis in range(3):
        a, o = np.float32(r[axis, 0]), np.float32(origin[axis])
        b = np.float32(r[axis, 1]) * y + np.float32(r[axis, 2])
        for u in range(len(w)):
            x = np.float32(np.int32(u)) * scale + shift
            place[axis, u] = (a * x + b) * depth[u] + o


@_inlined
def _sky(view, air, v, first, last, rgb):
    sky, turn, columns, rows = air.sky, np.float32(air.turn), view.sky_column, view.sky_row
    for at in range(first, last):
        u = np.uintp(at)
        column = np.uintp(np.int32(columns[v, u] + turn) & np.int32(SKY_COLUMNS - 1))
        line = np.uintp(rows[v, u])
        for c in range(3):
            rgb[c, v, u] = sky[line, column, c]


@_inlined
def _lamps(air, facing, px, py, pz):
    """Light of lamps on a face."""
    reach, cell, most = np.float32(REACH_M), np.float32(1 / CELL_M), np.float32(CELLS - 1)
    half, none, one = np.float32(0.5), np.float32(0), np.float32(1)
    gx, gy = (px + reach) * cell - half, (py + reach) * cell - half
    if gx < none or gy < none or gx >= most or gy >= most:
        return none, none, none
    r, g, b = _lit(air.lamp, gx, gy)
    # Headlamps light what faces them, and little above the bonnet.
    above = max(pz - np.float32(0.8), none) * np.float32(1 / 1.1)
    part = facing / (one + above * above)
    return r * part, g * part, b * part


@_inlined
def _see(air, step, v, u, r, g, b, rgb):
    """Keep a pixel's colour, seen through the air."""
    haze0, haze1, haze2 = air.haze[0], air.haze[1], air.haze[2]
    seen = air.clear[np.uintp(step)]
    rgb[0, v, u] = haze0 + (r - haze0) * seen
    rgb[1, v, u] = haze1 + (g - haze1) * seen
    rgb[2, v, u] = haze2 + (b - haze2) * seen


@_inlined
def _plain(scene, air, k, side, v, first, last, step, place, rgb):
    """A block's face of one colour."""
    numbers, light, facing = scene.numbers, scene.face_light, scene.face_to_ego[k, side]
    red, green = np.float32(numbers[k, RED]), np.float32(numbers[k, GREEN])
    blue, glow = np.float32(numbers[k, BLUE]), np.float32(numbers[k, GLOW])
    lr, lg, lb = light[k, side, 0] + glow, light[k, side, 1] + glow, light[k, side, 2] + glow
    for column in range(first, last):
        u = np.uintp(column)
        r, g, b = lr, lg, lb
        if air.lamps:
            near = _lamps(air, facing, place[0, u], place[1, u], place[2, u])
            r, g, b = lr + near[0], lg + near[1], lb + near[2]
        _see(air, step[u], v, u, r * red, g * green, b * blue, rgb)


@_inlined
def _round(numbers, kinds, air, k, v, first, last, step, place, rgb):
    """An ellipsoid; leaves are speckled."""
    c, s = np.float32(numbers[k, COS]), np.float32(numbers[k, SIN])
    x, y, z = np.float32(numbers[k, X]), np.float32(numbers[k, Y]), np.float32(numbers[k, Z])
    fx, fy = np.float32(numbers[k, HALF_X] ** -2), np.float32(numbers[k, HALF_Y] ** -2)
    fz, upward = np.float32(numbers[k, HALF_Z] ** -2), np.float32(0.5 / numbers[k, HALF_Z])
    red, green = np.float32(numbers[k, RED]), np.float32(numbers[k, GREEN])
    blue, glow = np.float32(numbers[k, BLUE]), np.float32(numbers[k, GLOW])
    sx, sy, sz = air.sun_ego[0], air.sun_ego[1], air.sun_ego[2]
    sun0, sun1, sun2 = air.sun[0], air.sun[1], air.sun[2]
    sky0, sky1, sky2 = air.ambient[0], air.ambient[1], air.ambient[2]
    none, leaves = np.float32(0), kinds[k, MATTER] == 1
    for column in range(first, last):
        u = np.uintp(column)
        px, py, pz = place[0, u], place[1, u], place[2, u]
        ex, ey, nz = px - x, py - y, (pz - z) * fz
        nx, ny = (c * ex + s * ey) * fx, (c * ey - s * ex) * fy
        size = np.float32(1) / np.sqrt(nx * nx + ny * ny + nz * nz)
        wx, wy, wz = (c * nx - s * ny) * size, (s * nx + c * ny) * size, nz * size
        shine = max(wx * sx + wy * sy + wz * sz, none)
        dome = np.float32(0.62) + np.float32(0.38) * wz
        r, g = sun0 * shine + sky0 * dome + glow, sun1 * shine + sky1 * dome + glow
        b = sun2 * shine + sky2 * dome + glow
        if air.lamps:
            near = _lamps(air, np.float32(0.6), px, py, pz)
            r, g, b = r + near[0], g + near[1], b + near[2]
        part = _speckle(px, py, pz, z, upward) if leaves else np.float32(1)
        _see(air, step[u], v, u, r * red * part, g * green * part, b * blue * part, rgb)


@_inlined
def _speckle(px, py, pz, z, scale):
    """Leaves: random grain, darker towards the bottom of the crown."""
    five, shift = np.float32(5), np.float32(4096)
    i, j = np.int32(px * five + shift), np.int32(py * five + shift)
    grain = _hash(i, j, np.int32(pz * five))
    low = min(max((pz - z) * scale + np.float32(0.5), np.float32(0)), np.float32(1))
    shade = np.float32(0.65) + np.float32(0.35) * low
    return (grain * np.float32(0.5) + np.float32(0.72)) * shade


@_inlined
def _hash(a, b, c):
    """A number from 0 to 1 out of three whole ones."""
    n = np.uint32(np.uint32(a) * np.uint32(374761393) + np.uint32(b) * np.uint32(668265263))
    n = np.uint32(n + np.uint32(c) * np.uint32(2147483647))
    n = np.uint32((n ^ (n >> np.uint32(13))) * np.uint32(1274126177))
    n = (n ^ (n >> np.uint32(16))) & np.uint32(0xFFFF)
    return np.float32(np.int32(n)) * np.float32(1 / 65535.0)


@_inlined
def _facade(view, scene, air, k, face, v, first, last, depth, step, place, rgb):
    """A wall with windows: floors of 3 m, a window every 2.5 m, some lit at night."""
    numbers, light, facing = scene.numbers, scene.face_light, scene.face_to_ego[k, face]
    c, s, turn = numbers[k, COS], numbers[k, SIN], face < 2
    half = numbers[k, HALF_Y] if turn else numbers[k, HALF_X]
    pitch = 2 * half / max(int(2 * half / 2.5), 1)
    ax, ay = np.float32((-s if turn else c) / pitch), np.float32((c if turn else s) / pitch)
    x, y = np.float32(numbers[k, X]), np.float32(numbers[k, Y])
    middle, third = np.float32(half / pitch), np.float32(1 / 3.0)
    near_x, near_z = np.float32(1 / (view.lens[0] * pitch)), np.float32(1 / (view.lens[1] * 3.0))
    one, none, half_, least = np.float32(1), np.float32(0), np.float32(0.5), np.float32(0.02)
    seed = np.int32(scene.kinds[k, GRAIN] * 4 + face)
    red, green = np.float32(numbers[k, RED]), np.float32(numbers[k, GREEN])
    blue, windows = np.float32(numbers[k, BLUE]), np.float32(air.windows)
    haze0, haze1, haze2 = air.haze[0], air.haze[1], air.haze[2]
    for column in range(first, last):
        u = np.uintp(column)
        px, py, pz = place[0, u], place[1, u], place[2, u]
        lr, lg, lb = light[k, face, 0], light[k, face, 1], light[k, face, 2]
        if air.lamps:
            near = _lamps(air, facing, px, py, pz)
            lr, lg, lb = lr + near[0], lg + near[1], lb + near[2]
        window_f, floor_f = ax * (px - x) + ay * (py - y) + middle, pz * third
        window, floor = np.int32(window_f), np.int32(floor_f)
        fx, fz = window_f - np.float32(window), floor_f - np.float32(floor)
        blur_x = min(max(depth[u] * near_x, least), one)
        blur_z = min(max(depth[u] * near_z, least), one)
        wide = np.float32(0.40) if floor == 0 else np.float32(0.27)
        low = np.float32(0.08) if floor == 0 else np.float32(0.30)
        glass = min(max((wide - abs(fx - half_)) / blur_x + half_, none), one)
        glass *= min(max(min(fz - low, np.float32(0.79) - fz) / blur_z + half_, none), one)
        mood = _hash(window, floor, seed)
        band = np.float32(0.86) if fz > np.float32(0.93) else one
        shine = np.float32(0.10) + np.float32(0.10) * mood
        warm = windows * (np.float32(0.4) + mood) if mood < np.float32(0.34) else none
        r, g, b = red * lr * band, green * lg * band, blue * lb * band
        r += (np.float32(0.02) * lr + shine * haze0 + warm - r) * glass
        g += (np.float32(0.02) * lg + shine * haze1 + np.float32(0.74) * warm - g) * glass
        b += (np.float32(0.025) * lb + shine * haze2 + np.float32(0.42) * warm - b) * glass
        _see(air, step[u], v, u, r, g, b, rgb)


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
        _halo(u, v, radius, power, lamps[k, RED : BLUE + 1], rgb)


@_inlined
def _halo(u, v, radius, power, colour, rgb):
    height, width = rgb.shape[1:]
    reach, one, none = radius * 5, np.float32(1), np.float32(0)
    x1, x2 = max(int(u - reach), 0), min(int(u + reach) + 1, width)
    shift, scale, end = np.float32(0.5 - u), np.float32(1 / (radius * radius)), np.float32(1 / 26.0)
    red, green = np.float32(power * colour[0]), np.float32(power * colour[1])
    blue = np.float32(power * colour[2])
    for y in range(max(int(v - reach), 0), min(int(v + reach) + 1, height)):
        off = np.float32(y + 0.5 - v)
        square = off * off
        for x in range(x1, x2):
            aside = np.float32(np.int32(x)) + shift
            part = max(one / (one + (aside * aside + square) * scale) - end, none)
            part *= part
            rgb[0, y, x] += part * red
            rgb[1, y, x] += part * green
            rgb[2, y, x] += part * blue


@_jit
def _streaks(rows, rgb):
    """Rain that crosses the picture; rows of u, v, du, dv per pixel, length, brightness."""
    height, width = rgb.shape[1:]
    for k in range(len(rows)):
        for i in range(int(rows[k, 4])):
            u, v = int(rows[k, 0] + i * rows[k, 2]), int(rows[k, 1] + i * rows[k, 3])
            if 0 <= u < width and 0 <= v < height:
                for c in range(3):
                    rgb[c, v, u] += rows[k, 5]


@_jit
def _smooth(view, scene, sight):
    """Smooth outlines: mix what meets at one by how far the nearer one reaches into the pixel."""
    w, who, things, mixed = sight.w.ravel(), sight.who.ravel(), scene.things, sight.mixed
    forms, entered, edges = sight.forms, sight.entered, sight.edges
    red, green, blue = sight.rgb[0].ravel(), sight.rgb[1].ravel(), sight.rgb[2].ravel()
    height, width = sight.w.shape
    count, differs, unlike = 0, np.empty(width, np.int32), np.empty(width, np.int32)
    for v in range(height):
        above, below = -width * (v > 0), width * (v < height - 1)
        over, under = sight.who[max(v - 1, 0)], sight.who[min(v + 1, height - 1)]
        _unlike_beside(over, sight.who[v], under, differs)
        found = 0
        for u in range(width):
            unlike[np.uintp(found)] = u
            found += differs[u] != 0
        for n in range(found):
            u = unlike[n]
            at = v * width + u
            left, right = -1 * (u > 0), 1 * (u < width - 1)
            front, behind = _beside(w, who, things, at, above, below, left, right)
            if behind == at:
                continue
            top = who[front]
            if top < 0:
                ground = _ground_cover(view, u + 0.5, v + 0.5)
                part = ground if who[at] == GROUND else 1 - ground
            elif entered[top] == ROUND:
                part = _ellipsoid_cover(forms, top, u + 0.5, v + 0.5)
            else:
                part = _block_cover(forms, top, entered[top], u + 0.5, v + 0.5)
            if front != at:
                # What is not seen in the middle covers less than half, or else it is hidden.
                part, behind = 1 - part if part <= 0.5 else 1.0, front
            if part < 1:
                share = np.float32(part)
                mixed[count, 0] = red[behind] + share * (red[at] - red[behind])
                mixed[count, 1] = green[behind] + share * (green[at] - green[behind])
                mixed[count, 2] = blue[behind] + share * (blue[at] - blue[behind])
                edges[count] = at
                count += 1
    for n in range(count):
        at = np.uintp(edges[n])
        red[at], green[at], blue[at] = mixed[n, 0], mixed[n, 1], mixed[n, 2]


@_inlined
def _unlike_beside(over, here, under, differs):
    """Mark (not 0) the pixels of a row of which some neighbour sees something else."""
    width = len(differs)
    for u in range(width):
        differs[u] = (over[u] ^ here[u]) | (under[u] ^ here[u])
    for u in range(width - 1):
        differs[u] |= here[u] ^ here[u + 1]
    for u in range(1, width):
        differs[u] |= here[u] ^ here[u - 1]


@_inlined
def _beside(w, who, things, at, above, below, left, right):
    """The nearest solid among a pixel and its neighbours, and a neighbour that is another thing.

    Both are the pixel itself where there is none.
    """
    mine = things[who[at]]
    front = behind = at
    before = w[at] if who[at] >= 0 else np.float32(0)
    for move in (above, below, left, right):
        beside = at + move
        k, near = who[np.uintp(beside)], w[np.uintp(beside)]
        other = things[k] != mine
        nearer = other & (k >= 0) & (near > before)
        behind = beside if other else behind
        front = beside if nearer else front
        before = near if nearer else before
    return front, behind


@_inlined
def _ground_cover(view, x, y):
    """How much of a pixel lies below the horizon."""
    r, lens = view.rotation, view.lens
    across, down = r[2, 0] / lens[0], r[2, 1] / lens[1]
    rise = across * (x - lens[2]) + down * (y - lens[3]) + r[2, 2]
    return min(max(0.5 - rise / np.sqrt(across * across + down * down), 0.0), 1.0)


@_inlined
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


@_inlined
def _ellipsoid_cover(forms, k, x, y):
    if forms[k, 2, 0] * x + forms[k, 2, 1] * y + forms[k, 2, 2] >= 0:
        return 0.0
    root_x = 2 * forms[k, 0, 0] * x + forms[k, 0, 1] * y + forms[k, 1, 0]
    root_y = 2 * forms[k, 0, 2] * y + forms[k, 0, 1] * x + forms[k, 1, 1]
    # Of a quadratic form each half of the slopes' product, and what does not change with them.
    slopes = root_x * x + root_y * y
    root = 0.5 * (slopes + forms[k, 1, 0] * x + forms[k, 1, 1] * y) + forms[k, 1, 2]
    steep = np.sqrt(root_x * root_x + root_y * root_y)
    return min(max(root / max(steep, 1e-12) + 0.5, 0.0), 1.0)


@_jit
def _develop(view, exposure, curve, grain, noise, rgb, image):
    """Expose: the camera's gain and the lens's vignette, the tone curve, the sensor's noise."""
    height, width = rgb.shape[1:]
    lens, one, vignette = view.lens, np.float32(1), np.float32(view.vignette)
    last, noise = np.int32(len(curve) - 1), np.float32(noise)
    scale, shift = np.float32(1 / lens[0]), np.float32((0.5 - lens[2]) / lens[0])
    gain = 0.125 * exposure * (len(curve) - 1.0) ** 2
    through, value = np.empty(width, np.float32), np.empty(3 * width, np.float32)
    level = np.empty((3, width), np.int32)
    most, half = np.float32(254.5), np.float32(0.5)
    for v in range(height):
        y = np.float32((v + 0.5 - lens[3]) / lens[1])
        for u in range(width):
            x = np.float32(np.int32(u)) * scale + shift
            through[u] = one - vignette * (x * x + y * y)
        # With the look-up alone in its loop the others become vectors.
        for c in range(3):
            tint = np.float32(gain * view.tint[c])
            for u in range(width):
                root = np.sqrt(rgb[c, v, u] * (through[u] * tint))
                level[c, u] = min(np.int32(root), last)
        for u in range(width):
            for c in range(3):
                value[3 * u + c] = curve[np.uintp(level[c, u])]
        start = 3 * width * v
        out = image[v].ravel()
        for i in range(3 * width):
            grey = value[i] + grain[start + i] * noise
            out[i] = np.uint8(np.int32(min(max(grey, np.float32(0)), most) + half))
