"""Colours of pixels that see a solid or the sky."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.lamps import CELL_M, CELLS, REACH_M
from ingest.simulation.cameras.raycast.kernels import inlined, kernel
from ingest.simulation.cameras.raycast.lighting import lit
from ingest.simulation.cameras.solids import (
    BLUE,
    COS,
    GLOW,
    GRAIN,
    GREEN,
    HALF_X,
    HALF_Y,
    HALF_Z,
    MATTER,
    RED,
    SHAPE,
    SIN,
    X,
    Y,
    Z,
)
from ingest.simulation.cameras.views import GROUND, HAZE_STEPS, NOTHING, SKY_COLUMNS


class Stretch(NamedTuple):
    """Pixels of one row that see the same face.

    Attributes:
        v: The row.
        first, last: The first column and the one after the last.
        k, side: The solid and its face.
    """

    v: np.uintp
    first: int
    last: int
    k: int
    side: int


class RowSight(NamedTuple):
    """Where the pixels of a row look: room that is used again for each row.

    Attributes:
        depth: ``(W,)`` metres along the optical axis.
        step: ``(W,)`` distance in half metres.
        place: ``(3, W)`` ego frame.
    """

    depth: NDArray[np.float32]
    step: NDArray[np.int32]
    place: NDArray[np.float32]


@kernel
def shade_above(view, solids, air, sight):
    """Sky and solids, one stretch of a row that sees the same face at a time."""
    who, face, kinds = sight.who, sight.face, solids.kinds
    height, width = who.shape
    row = RowSight(
        np.empty(width, np.float32), np.empty(width, np.int32), np.empty((3, width), np.float32)
    )
    for v in range(height):
        _fill_row(view, v, sight.w[v], row)
        line, last = np.uintp(v), 0
        while last < width:
            first, k, side = last, who[v, last], face[v, last]
            last += 1
            while last < width and who[v, last] == k and face[v, last] == side:
                last += 1
            stretch = Stretch(line, first, last, k, side)
            if k == NOTHING:
                _sky(view, air, stretch, sight.rgb)
            elif k == GROUND:
                continue
            elif kinds[k, SHAPE] == 1:
                _round(solids, air, stretch, row, sight.rgb)
            elif kinds[k, MATTER] == 2 and side < 4:
                _facade(view, solids, air, stretch, row, sight.rgb)
            else:
                _plain(solids, air, stretch, row, sight.rgb)


@inlined
def _fill_row(view, v, w, row):
    """Where in the ego frame the pixels of a row look, how deep, and how far in half metres."""
    depth, step, place = row.depth, row.step, row.place
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


@inlined
def _sky(view, air, stretch, rgb):
    panorama, turn, columns, v = air.panorama, np.float32(air.turn), view.sky_column, stretch.v
    for at in range(stretch.first, stretch.last):
        u = np.uintp(at)
        column = np.uintp(np.int32(columns[v, u] + turn) & np.int32(SKY_COLUMNS - 1))
        line = np.uintp(view.sky_row[v, u])
        for c in range(3):
            rgb[c, v, u] = panorama[line, column, c]


@inlined
def _lamps(air, facing, px, py, pz):
    """Light of lamps on a face."""
    reach, cell, most = np.float32(REACH_M), np.float32(1 / CELL_M), np.float32(CELLS - 1)
    half, none, one = np.float32(0.5), np.float32(0), np.float32(1)
    gx, gy = (px + reach) * cell - half, (py + reach) * cell - half
    if gx < none or gy < none or gx >= most or gy >= most:
        return none, none, none
    r, g, b = lit(air.lamp, gx, gy)
    # Headlamps light what faces them, and little above the bonnet.
    above = max(pz - np.float32(0.8), none) * np.float32(1 / 1.1)
    part = facing / (one + above * above)
    return r * part, g * part, b * part


@inlined
def _keep(air, step, v, u, colour, rgb):
    """Write a pixel's colour, seen through the air."""
    r, g, b = colour
    haze0, haze1, haze2 = air.haze[0], air.haze[1], air.haze[2]
    seen = air.clear[np.uintp(step)]
    rgb[0, v, u] = haze0 + (r - haze0) * seen
    rgb[1, v, u] = haze1 + (g - haze1) * seen
    rgb[2, v, u] = haze2 + (b - haze2) * seen


@inlined
def _plain(solids, air, stretch, row, rgb):
    """A block's face of one colour."""
    numbers, light, k, side = solids.numbers, solids.face_light, stretch.k, stretch.side
    facing, step, place, v = solids.face_to_ego[k, side], row.step, row.place, stretch.v
    red, green = np.float32(numbers[k, RED]), np.float32(numbers[k, GREEN])
    blue, glow = np.float32(numbers[k, BLUE]), np.float32(numbers[k, GLOW])
    lr, lg, lb = light[k, side, 0] + glow, light[k, side, 1] + glow, light[k, side, 2] + glow
    for column in range(stretch.first, stretch.last):
        u = np.uintp(column)
        r, g, b = lr, lg, lb
        if air.lamps:
            near = _lamps(air, facing, place[0, u], place[1, u], place[2, u])
            r, g, b = lr + near[0], lg + near[1], lb + near[2]
        _keep(air, step[u], v, u, (r * red, g * green, b * blue), rgb)


@inlined
def _round(solids, air, stretch, row, rgb):
    """An ellipsoid; leaves are speckled."""
    numbers, k, step, place = solids.numbers, stretch.k, row.step, row.place
    sun_ego, sun, sky = air.daylight.sun_ego, air.daylight.sun, air.daylight.sky
    c, s = np.float32(numbers[k, COS]), np.float32(numbers[k, SIN])
    x, y, z = np.float32(numbers[k, X]), np.float32(numbers[k, Y]), np.float32(numbers[k, Z])
    fx, fy = np.float32(numbers[k, HALF_X] ** -2), np.float32(numbers[k, HALF_Y] ** -2)
    fz, upward = np.float32(numbers[k, HALF_Z] ** -2), np.float32(0.5 / numbers[k, HALF_Z])
    red, green = np.float32(numbers[k, RED]), np.float32(numbers[k, GREEN])
    blue, glow = np.float32(numbers[k, BLUE]), np.float32(numbers[k, GLOW])
    sx, sy, sz = sun_ego[0], sun_ego[1], sun_ego[2]
    sun0, sun1, sun2 = sun[0], sun[1], sun[2]
    sky0, sky1, sky2 = sky[0], sky[1], sky[2]
    none, leaves = np.float32(0), solids.kinds[k, MATTER] == 1
    for column in range(stretch.first, stretch.last):
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
        colour = r * red * part, g * green * part, b * blue * part
        _keep(air, step[u], stretch.v, u, colour, rgb)


@inlined
def _speckle(px, py, pz, z, scale):
    """Leaves: random grain, darker towards the bottom of the crown."""
    five, shift = np.float32(5), np.float32(4096)
    i, j = np.int32(px * five + shift), np.int32(py * five + shift)
    grain = _hash(i, j, np.int32(pz * five))
    low = min(max((pz - z) * scale + np.float32(0.5), np.float32(0)), np.float32(1))
    shade = np.float32(0.65) + np.float32(0.35) * low
    return (grain * np.float32(0.5) + np.float32(0.72)) * shade


@inlined
def _hash(a, b, c):
    """A number from 0 to 1 out of three whole ones."""
    n = np.uint32(np.uint32(a) * np.uint32(374761393) + np.uint32(b) * np.uint32(668265263))
    n = np.uint32(n + np.uint32(c) * np.uint32(2147483647))
    n = np.uint32((n ^ (n >> np.uint32(13))) * np.uint32(1274126177))
    n = (n ^ (n >> np.uint32(16))) & np.uint32(0xFFFF)
    return np.float32(np.int32(n)) * np.float32(1 / 65535.0)


@inlined
def _facade(view, solids, air, stretch, row, rgb):
    """A wall with windows: floors of 3 m, a window every 2.5 m, some lit at night."""
    numbers, light, k, face = solids.numbers, solids.face_light, stretch.k, stretch.side
    facing, depth, step, place = solids.face_to_ego[k, face], row.depth, row.step, row.place
    c, s, turn = numbers[k, COS], numbers[k, SIN], face < 2
    half = numbers[k, HALF_Y] if turn else numbers[k, HALF_X]
    pitch = 2 * half / max(int(2 * half / 2.5), 1)
    ax, ay = np.float32((-s if turn else c) / pitch), np.float32((c if turn else s) / pitch)
    x, y = np.float32(numbers[k, X]), np.float32(numbers[k, Y])
    middle, third = np.float32(half / pitch), np.float32(1 / 3.0)
    near_x, near_z = np.float32(1 / (view.lens[0] * pitch)), np.float32(1 / (view.lens[1] * 3.0))
    one, none, half_, least = np.float32(1), np.float32(0), np.float32(0.5), np.float32(0.02)
    seed = np.int32(solids.kinds[k, GRAIN] * 4 + face)
    red, green = np.float32(numbers[k, RED]), np.float32(numbers[k, GREEN])
    blue, windows = np.float32(numbers[k, BLUE]), np.float32(air.windows)
    haze0, haze1, haze2 = air.haze[0], air.haze[1], air.haze[2]
    for column in range(stretch.first, stretch.last):
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
        _keep(air, step[u], stretch.v, u, (r, g, b), rgb)
