"""Light: the grid of light on the ground, and sun and sky on the faces of solids."""

from typing import NamedTuple

import numpy as np

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
from ingest.simulation.cameras.raycast.kernels import inlined, kernel
from ingest.simulation.cameras.solids import COS, FRONT, HALF_Z, MATTER, SIN, Matter, X, Y


class CellRow(NamedTuple):
    """Cells along x that a lamp lights: the first one's place from the lamp, and their number."""

    x: np.float32
    y: np.float32
    number: int


_WHITE, _WARM, _RED = (tuple(rgb) for rgb in LAMP_RGB.astype(np.float32))


@inlined
def lit(grid, gx, gy):
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


@kernel
def fill_light_grid(stamps, daylight, grid):
    """Fill the grid of light: shadows first, then contact shadows, then lamps."""
    planes, lamps = grid.planes, stamps.lamps
    planes[:LAMP] = 1.0
    for k in range(len(stamps.casters)):
        _stamp_shadow(planes[SUN], stamps.casters[k], daylight.sun_ego)
    for k in range(len(stamps.contacts)):
        _stamp_contact(planes[SKY], stamps.contacts[k])
    if len(lamps) > 0:
        planes[LAMP:] = 0.0
        power = np.empty(CELLS, np.float32)
        for k in range(len(lamps)):
            _stamp_lamp(planes[LAMP + int(lamps[k, 5])], lamps[k], power)
    _sum_light(grid, daylight, len(lamps) > 0)


@kernel
def _sum_light(grid, daylight, lamps):
    planes, light, lamp = grid.planes, grid.light, grid.lamp
    full_sun, full_sky = daylight.sun, daylight.sky
    sun0, sun1, sun2 = np.float32(full_sun[0]), np.float32(full_sun[1]), np.float32(full_sun[2])
    sky0, sky1, sky2 = np.float32(full_sky[0]), np.float32(full_sky[1]), np.float32(full_sky[2])
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


@inlined
def _cells(low, high):
    first = max(int(np.ceil((low + REACH_M) / CELL_M - 0.5)), 0)
    last = min(int(np.floor((high + REACH_M) / CELL_M - 0.5)), CELLS - 1)
    return first, last + 1


@kernel
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


@inlined
def _slab(at, step, half, enter, leave):
    """Narrow the part of a way that lies between -half and half."""
    if abs(step) < 1e-9:
        return enter, leave if abs(at) <= half else -1.0
    a, b = (-half - at) / step, (half - at) / step
    return max(enter, min(a, b)), min(leave, max(a, b))


@kernel
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


@inlined
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
        cells = CellRow(px, np.float32(py), k2 - k1)
        if reach <= 0:
            _round_power(cells, power)
        else:
            _beam_power(cells, (np.float32(ax), np.float32(ay)), reach, power)
        row = plane[j, k1 : max(k1, k2)]
        for i in range(len(row)):
            row[i] += power[i] * strength


@inlined
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


@inlined
def _round_power(cells, power):
    """Light of a lamp that shines all round, for a row of cells."""
    first, py = cells.x, cells.y
    one, span = np.float32(1), np.float32(AROUND_M * AROUND_M)
    for i in range(cells.number):
        px = first + np.float32(np.int32(i)) * np.float32(CELL_M)
        square = px * px + py * py
        fall = one + square * np.float32(1 / 30.0)
        power[i] = max(np.float32(0), one - square / span) / (fall * fall)


@inlined
def _beam_power(cells, direction, reach, power):
    """Light of a headlamp, for a row of cells: a bell across, falling with distance."""
    (ax, ay), first, py = direction, cells.x, cells.y
    one, none, quarter = np.float32(1), np.float32(0), np.float32(0.25)
    span, slope = np.float32(1.6 * reach), np.float32(2.2 / reach)
    near = np.float32(1 / (0.12 * reach))
    for i in range(cells.number):
        px = first + np.float32(np.int32(i)) * np.float32(CELL_M)
        ahead, aside = max(px * ax + py * ay, none), py * ax - px * ay
        wide = aside / (np.float32(1.1) + np.float32(0.30) * ahead)
        bell = max(one - wide * wide * quarter, none)
        far = slope * ahead
        fall = bell * bell / (one + far * far) * max(one - ahead / span, none)
        power[i] = bell * bell * fall * min(one, ahead * near)


@kernel
def light_faces(numbers, kinds, daylight, light, facing):
    """Sun and sky on each face of each block, and how much it turns towards the ego's lamps."""
    sun, sun_ego, sky = daylight.sun, daylight.sun_ego, daylight.sky
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
                light[k, i, j] = sun[j] * shine + sky[j] * dome
            facing[k, i] = min(max(-(x * wx + y * wy), 0.15), 1.0)
