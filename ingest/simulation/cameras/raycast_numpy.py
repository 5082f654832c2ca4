"""The ray caster in numpy: the same steps as `raycast_numba`, whole arrays at a time.

Slower by an order of magnitude, and there for machines on which numba does not work; it is also
what the compiled one is tested against.
"""

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.ground import CELLS as TILE_CELLS
from ingest.simulation.cameras.ground import COARSE_M, FINE_M, LEVELS, STARTS, TEXELS
from ingest.simulation.cameras.lamps import CELL_M, CELLS, LAMP, REACH_M, SKY, SUN
from ingest.simulation.cameras.raycast import Air, Ground, Scene
from ingest.simulation.cameras.solids import (
    BLUE,
    COS,
    FRONT,
    GLOW,
    GRAIN,
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
    Shape,
    X,
    Y,
    Z,
)
from ingest.simulation.cameras.views import SKY_COLUMNS, View

Numbers = NDArray[np.float64]
Ints = NDArray[np.int64]
Floats32 = NDArray[np.float32]

GROUND, NOTHING, ROUND = -1, -2, -1
_NEAR_M = 0.05
_OFFSETS = ((-0.375, 0.125), (-0.125, -0.375), (0.125, 0.375), (0.375, -0.125))


def stamp(
    field: Floats32, casters: Numbers, contacts: Numbers, lamps: Numbers, sun: Numbers, clear: bool
) -> None:
    """Fill the grid of light: shadows first, then contact shadows, then lamps."""
    field[:, :, : SKY + 1] = 1.0
    field[:, :, LAMP:] = 0.0
    for row in casters if clear else ():
        _stamp_shadow(field, row, sun)
    for row in contacts:
        _stamp_contact(field, row)
    for row in lamps:
        _stamp_lamp(field, row)


def _patch(
    x: float, y: float, x1: float, x2: float, y1: float, y2: float
) -> tuple[tuple[slice, slice], Numbers, Numbers]:
    """Cells of a rectangle, and their middles relative to a place."""
    slices = []
    for low, high in ((y1, y2), (x1, x2)):
        first = max(int(np.ceil((low + REACH_M) / CELL_M - 0.5)), 0)
        last = min(int(np.floor((high + REACH_M) / CELL_M - 0.5)), CELLS - 1)
        slices.append(slice(first, max(last + 1, first)))
    at = [(np.arange(s.start, s.stop) + 0.5) * CELL_M - REACH_M for s in slices]
    py, px = np.meshgrid(at[0] - y, at[1] - x, indexing="ij")
    return (slices[0], slices[1]), px, py


def _stamp_shadow(field: Floats32, row: Numbers, sun: Numbers) -> None:
    x, y, c, s, hx, hy, low, high = row
    sx, sy = sun[0] / sun[2], sun[1] / sun[2]
    ex, ey = abs(c) * hx + abs(s) * hy, abs(s) * hx + abs(c) * hy
    cells, px, py = _patch(
        x,
        y,
        x - ex + min(-sx * high, 0.0),
        x + ex + max(-sx * high, 0.0),
        y - ey + min(-sy * high, 0.0),
        y + ey + max(-sy * high, 0.0),
    )
    enter, leave = np.full(px.shape, low), np.full(px.shape, high)
    turned = ((c * px + s * py, c * sx + s * sy, hx), (c * py - s * px, c * sy - s * sx, hy))
    for q, d, h in turned:
        if abs(d) < 1e-9:
            leave = np.where(np.abs(q) > h, -1.0, leave)
        else:
            a, b = (-h - q) / d, (h - q) / d
            enter = np.maximum(enter, np.minimum(a, b))
            leave = np.minimum(leave, np.maximum(a, b))
    field[(*cells, SUN)][enter < leave] = 0.0


def _stamp_contact(field: Floats32, row: Numbers) -> None:
    x, y, c, s, hx, hy = row
    reach = 0.7
    ex, ey = abs(c) * hx + abs(s) * hy + reach, abs(s) * hx + abs(c) * hy + reach
    cells, px, py = _patch(x, y, x - ex, x + ex, y - ey, y + ey)
    ox = np.maximum(np.abs(c * px + s * py) - hx, 0.0)
    oy = np.maximum(np.abs(c * py - s * px) - hy, 0.0)
    open_sky = 0.30 + 0.70 * np.minimum(np.hypot(ox, oy) / reach, 1.0)
    field[(*cells, SKY)] = np.minimum(field[(*cells, SKY)], open_sky)


def _stamp_lamp(field: Floats32, row: Numbers) -> None:
    x, y, ax, ay, reach = row[:5]
    span = 22.0 if reach <= 0 else 1.6 * reach
    cells, px, py = _patch(x, y, x - span, x + span, y - span, y + span)
    if reach <= 0:
        square = px * px + py * py
        power = np.maximum(0.0, 1 - square / (span * span)) / (1 + square / 30.0) ** 2
    else:
        ahead, aside = px * ax + py * ay, py * ax - px * ay
        lit = (ahead > 0) & (ahead < span)
        wide = aside / np.where(lit, 1.1 + 0.30 * ahead, 1.0)
        far = 2.2 * ahead / reach
        power = np.exp(-wide * wide) / (1 + far * far) * (1 - ahead / span)
        power = np.where(lit, power * np.minimum(1.0, ahead / (0.12 * reach)), 0.0)
    field[(*cells, slice(LAMP, LAMP + 3))] += power[..., None] * row[5:8]


def cast(
    view: View,
    numbers: Numbers,
    kinds: Ints,
    forms: Numbers,
    entered: Ints,
    w: Floats32,
    who: NDArray[np.int32],
    face: NDArray[np.int32],
    hits: Ints,
    boxes: Ints,
    stamps: Ints,
) -> None:
    """Find what each pixel sees: inverse depth, index of the solid, and its face."""
    height, width = w.shape
    w[:] = view.ground_w
    who[:] = np.where(w > 0, GROUND, NOTHING)
    for k in range(len(numbers)):
        offset = numbers[k, :3] - view.origin
        bounds = _bounds(view, numbers[k], offset, width, height)
        if bounds is None:
            continue
        u1, u2, v1, v2 = bounds
        u, v = np.meshgrid(np.arange(u1, u2) + 0.5, np.arange(v1, v2) + 0.5)
        if kinds[k, SHAPE] == Shape.BLOCK:
            entered[k], sides = _forms(view, numbers[k], offset, forms[k])
        else:
            entered[k], sides = ROUND, np.zeros(1, np.int64)
            _ellipsoid(view, numbers[k], offset, forms[k])
        value, which = _inverse_depth(forms[k], int(entered[k]), u, v)
        part = (slice(v1, v2), slice(u1, u2))
        instance = int(kinds[k, INSTANCE])
        if len(stamps) and instance > 0:
            _count(instance, value > 0, part, stamps.reshape(w.shape), hits, boxes)
        wins = value.astype(np.float64) > w[part]
        w[part][wins], who[part][wins], face[part][wins] = value[wins], k, sides[which[wins]]


def _inverse_depth(forms: Numbers, entered: int, u: Numbers, v: Numbers) -> tuple[Numbers, Ints]:
    """Inverse depth of one solid at pixel places (0 is a miss), and which entered face is hit."""
    if entered == ROUND:
        return _ellipsoid_w(forms, u, v), np.zeros(u.shape, np.int64)
    values = forms[:, 0, None, None] * u + forms[:, 1, None, None] * v + forms[:, 2, None, None]
    if entered == 0:
        return np.zeros(u.shape), np.zeros(u.shape, np.int64)
    which = values[:entered].argmin(axis=0)
    first = values[:entered].min(axis=0)
    last = np.maximum(values[entered:].max(axis=0), 0.0)
    return np.where(first > last, first, 0.0), which


def _count(
    instance: int,
    hit: NDArray[np.bool_],
    part: tuple[slice, slice],
    stamps: Ints,
    hits: Ints,
    boxes: Ints,
) -> None:
    new = hit & (stamps[part] != instance)
    rows, columns = np.nonzero(new)
    if not len(rows):
        return
    stamps[part][new] = instance
    hits[instance] += len(rows)
    rows, columns = rows + part[0].start, columns + part[1].start
    box = boxes[instance]
    box[0], box[1] = min(box[0], columns.min()), min(box[1], rows.min())
    box[2], box[3] = max(box[2], columns.max() + 1), max(box[3], rows.max() + 1)


def _bounds(
    view: View, row: Numbers, offset: Numbers, width: int, height: int
) -> tuple[int, int, int, int] | None:
    signs = np.array([[1 if i >> axis & 1 else -1 for axis in range(3)] for i in range(8)])
    local = signs * row[HALF_X : HALF_Z + 1]
    c, s = row[COS], row[SIN]
    corners = offset + np.stack(
        [c * local[:, 0] - s * local[:, 1], s * local[:, 0] + c * local[:, 1], local[:, 2]], axis=1
    )
    xyz = corners @ view.rotation
    ahead = xyz[:, 2] >= _NEAR_M
    if not ahead.any():
        return None
    if not ahead.all():
        return 0, width, 0, height
    fx, fy, cx, cy = view.lens
    u, v = fx * xyz[:, 0] / xyz[:, 2] + cx, fy * xyz[:, 1] / xyz[:, 2] + cy
    u1, u2 = max(int(np.floor(u.min())) - 1, 0), min(int(np.ceil(u.max())) + 1, width)
    v1, v2 = max(int(np.floor(v.min())) - 1, 0), min(int(np.ceil(v.max())) + 1, height)
    return (u1, u2, v1, v2) if u1 < u2 and v1 < v2 else None


def _forms(view: View, row: Numbers, offset: Numbers, forms: Numbers) -> tuple[int, Ints]:
    """Write the faces' linear forms, those entered first; give their count and the faces."""
    hx, hy, hz = row[HALF_X : HALF_Z + 1]
    front, rear, side = row[FRONT : SIDE + 1] / (2 * hz)
    c, s = row[COS], row[SIN]
    normals = np.array(
        [(c, s, front), (-c, -s, rear), (-s, c, side), (s, -c, side), (0, 0, 1), (0, 0, -1)]
    )
    reach = [hx - front * hz, hx - rear * hz, hy - side * hz, hy - side * hz, hz, hz]
    slack = np.array(reach) + normals @ offset
    slack = np.where(np.abs(slack) < 1e-9, 1e-9, slack)
    seen = normals @ view.rotation / slack[:, None]
    seen[:, 0] /= view.lens[0]
    seen[:, 1] /= view.lens[1]
    seen[:, 2] -= seen[:, 0] * view.lens[2] + seen[:, 1] * view.lens[3]
    sides = np.concatenate([np.flatnonzero(slack < 0), np.flatnonzero(slack >= 0)[::-1]])
    forms[:] = seen[sides]
    return int((slack < 0).sum()), sides


def _ellipsoid(view: View, row: Numbers, offset: Numbers, forms: Numbers) -> None:
    c, s = row[COS], row[SIN]
    turn = np.array([(c, s, 0), (-s, c, 0), (0, 0, 1)]) / row[HALF_X : HALF_Z + 1, None]
    rays = turn @ view.rotation
    rays[:, 0] /= view.lens[0]
    rays[:, 1] /= view.lens[1]
    rays[:, 2] -= rays[:, 0] * view.lens[2] + rays[:, 1] * view.lens[3]
    eye = -turn @ offset
    forms[:3], forms[3, 0], forms[4] = rays, eye @ eye - 1, eye


def _ellipsoid_w(forms: Numbers, u: Numbers, v: Numbers) -> Numbers:
    gap = forms[..., 3, 0]
    rays = [forms[..., i, 0] * u + forms[..., i, 1] * v + forms[..., i, 2] for i in range(3)]
    b = sum(ray * forms[..., 4, i] for i, ray in enumerate(rays))
    root = b * b - sum(ray * ray for ray in rays) * gap
    hit = (b < 0) & (root > 0) & (gap > 0)
    return np.where(hit, (np.sqrt(np.maximum(root, 0)) - b) / np.where(gap > 0, gap, 1), 0.0)


def visible(who: NDArray[np.int32], kinds: Ints, counts: Ints) -> None:
    """Count each instance's pixels after the z-test."""
    counts += np.bincount(kinds[who[who >= 0], INSTANCE], minlength=len(counts))


def surfaces(
    view: View,
    w: Floats32,
    who: NDArray[np.int32],
    kinds: Ints,
    ground: Ground,
    out: NDArray[np.uint8],
) -> None:
    """Segmentation."""
    out[:] = 9
    out[who >= 0] = kinds[who[who >= 0], SURFACE]
    floor = who == GROUND
    out[floor] = 3
    near = floor & (view.level >= 0)
    x, y = _in_world(ground, view.ground_xy[near].astype(np.float64))
    start, side, px, py = _place(ground, x, y, view.level[near].astype(np.int64))
    at = start + (py + 0.5).astype(np.int64) * side + (px + 0.5).astype(np.int64)
    out[near] = ground.texels[at] >> 24


def _in_world(ground: Ground, xy: Numbers) -> tuple[Numbers, Numbers]:
    px, py, c, s = ground.pose
    return px + c * xy[:, 0] - s * xy[:, 1], py + s * xy[:, 0] + c * xy[:, 1]


def _place(
    ground: Ground, x: Numbers, y: Numbers, level: Ints
) -> tuple[Ints, Ints, Numbers, Numbers]:
    kind = (level >= LEVELS).astype(np.int64)
    inner = level - kind * LEVELS
    tile_m = np.where(kind == 0, FINE_M, COARSE_M) * TILE_CELLS
    lx, ly = (x - ground.corners[kind, 0]) / tile_m, (y - ground.corners[kind, 1]) / tile_m
    last = ground.table.shape[1] - 1
    i, j = np.clip(lx.astype(np.int64), 0, last), np.clip(ly.astype(np.int64), 0, last)
    scale = TILE_CELLS >> inner
    px = np.clip((lx - i) * scale, 0.0, scale - 1e-3)
    py = np.clip((ly - j) * scale, 0.0, scale - 1e-3)
    start = ground.table[kind, i, j] * TEXELS + np.array(STARTS)[inner]
    return start, scale + 1, px, py


def _albedo(view: View, ground: Ground, near: NDArray[np.bool_]) -> Numbers:
    """Linear colour ``(N, 3)`` of the ground that pixels cover."""
    level = view.level[near].astype(np.int64)
    taps = view.taps[near].astype(np.int64)
    x, y = _in_world(ground, view.ground_xy[near].astype(np.float64))
    c, s = ground.pose[2:]
    step = view.step[near].astype(np.float64)
    dx, dy = c * step[:, 0] - s * step[:, 1], s * step[:, 0] + c * step[:, 1]
    total = np.zeros((len(level), 3))
    for tap in range(int(taps.max(initial=0))):
        on = np.flatnonzero(taps > tap)
        at = tap - 0.5 * (taps[on] - 1)
        total[on] += _blend(ground, x[on] + at * dx[on], y[on] + at * dy[on], level[on])
    return np.asarray((total / (65280.0 * taps[:, None])) ** 2)


def _blend(ground: Ground, x: Numbers, y: Numbers, level: Ints) -> Numbers:
    start, side, px, py = _place(ground, x, y, level)
    i, j = px.astype(np.int64), py.astype(np.int64)
    fx, fy = ((px - i) * 16).astype(np.int64), ((py - j) * 16).astype(np.int64)
    at = start + j * side + i
    w11 = fx * fy
    w10, w01 = fx * 16 - w11, fy * 16 - w11
    corners = ((0, 256 - w11 - w10 - w01), (1, w10), (side, w01), (side + 1, w11))
    out = np.zeros((len(x), 3))
    for move, weight in corners:
        word = ground.texels[at + move].astype(np.int64)
        for channel in range(3):
            out[:, channel] += (word >> 8 * channel & 255) * weight
    return out


def _lit(field: Floats32, x: Numbers, y: Numbers) -> Numbers:
    """The grid of light ``(N, 5)`` at places of the ego frame, blended between cells."""
    gx, gy = (x + REACH_M) / CELL_M - 0.5, (y + REACH_M) / CELL_M - 0.5
    outside = (gx < 0) | (gy < 0) | (gx >= CELLS - 1) | (gy >= CELLS - 1)
    gx, gy = np.where(outside, 0, gx), np.where(outside, 0, gy)
    i, j = gx.astype(np.int64), gy.astype(np.int64)
    fx, fy = (gx - i)[:, None], (gy - j)[:, None]
    low = field[j, i] * (1 - fx) + field[j, i + 1] * fx
    high = field[j + 1, i] * (1 - fx) + field[j + 1, i + 1] * fx
    return np.where(outside[:, None], (1.0, 1.0, 0.0, 0.0, 0.0), low * (1 - fy) + high * fy)


def shade(
    view: View,
    scene: Scene,
    ground: Ground,
    air: Air,
    w: Floats32,
    who: NDArray[np.int32],
    face: NDArray[np.int32],
    rgb: Floats32,
) -> None:
    """Linear colour of each pixel: solids and sky, then the ground, which may mirror them."""
    sky = who == NOTHING
    column = (view.sky_column[sky].astype(np.float64) + air.turn).astype(np.int64) % SKY_COLUMNS
    rgb[sky] = air.sky[view.sky_row[sky], column]
    solid = who >= 0
    depth = 1 / w[solid].astype(np.float64)
    colour = _solid(view, scene, air, who[solid], face[solid], depth, solid)
    rgb[solid] = _through_air(air, view.stretch[solid] * depth, colour)
    floor = who == GROUND
    colour = _floor(view, ground, air, rgb, who, floor)
    # Single precision, as the compiled caster divides: else the last digit picks another step.
    rgb[floor] = _through_air(air, view.stretch[floor] / w[floor], colour)


def _through_air(air: Air, distance: Numbers | Floats32, rgb: Numbers) -> Numbers:
    clear = air.clear[np.minimum((distance * 2).astype(np.int64), len(air.clear) - 1)]
    return np.asarray(air.haze + (rgb - air.haze) * clear[:, None])


def _floor(
    view: View,
    ground: Ground,
    air: Air,
    rgb: Floats32,
    who: NDArray[np.int32],
    floor: NDArray[np.bool_],
) -> Numbers:
    colour = np.tile(ground.far, (int(floor.sum()), 1))
    colour[view.level[floor] >= 0] = _albedo(view, ground, floor & (view.level >= 0))
    xy = view.ground_xy[floor].astype(np.float64)
    light = _lit(air.field, xy[:, 0], xy[:, 1])
    sun, sky, lamp = light[:, SUN, None], light[:, SKY, None], light[:, LAMP:]
    colour *= air.sun * air.sun_up * sun + air.ambient * sky + lamp
    at = view.mirror[floor]
    shiny = (at >= 0) & (who.ravel()[at] != GROUND)
    if air.wet > 0:
        part = 0.6 * air.wet * view.gloss[floor][shiny, None]
        dry = colour[shiny] * (1 - 0.30 * air.wet)
        colour[shiny] = dry + (rgb.reshape(-1, 3)[at[shiny]] - dry) * part
    return colour


def _solid(
    view: View,
    scene: Scene,
    air: Air,
    k: NDArray[np.int32],
    face: NDArray[np.int32],
    depth: Numbers,
    solid: NDArray[np.bool_],
) -> Numbers:
    row, matter = scene.numbers[k], scene.kinds[k, MATTER]
    at = view.origin + view.rays[solid] * depth[:, None]
    block = scene.kinds[k, SHAPE] == Shape.BLOCK
    side = np.where(block, face, 0)
    light = np.where(block[:, None], scene.face_light[k, side], _round_light(row, at, air))
    if air.lamps:
        facing = np.where(block, scene.face_to_ego[k, side], 0.6)
        part = facing / (1 + (np.maximum(at[:, 2] - 0.8, 0) / 1.1) ** 2)
        light = light + _lit(air.field, at[:, 0], at[:, 1])[:, LAMP:] * part[:, None]
    colour = row[:, RED : BLUE + 1] * (light + row[:, GLOW, None])
    leaves = matter == Matter.FOLIAGE
    colour[leaves] *= _speckle(row[leaves], at[leaves])[:, None]
    wall = (matter == Matter.FACADE) & (face < 4)
    grain = scene.kinds[k[wall], GRAIN] * 4 + face[wall]
    colour[wall] = _facade(
        row[wall], grain, face[wall], depth[wall], at[wall], light[wall], view, air
    )
    return colour


def _round_light(row: Numbers, at: Numbers, air: Air) -> Numbers:
    c, s = row[:, COS], row[:, SIN]
    ex, ey, ez = (at - row[:, [X, Y, Z]]).T
    nx, ny = (c * ex + s * ey) / row[:, HALF_X] ** 2, (c * ey - s * ex) / row[:, HALF_Y] ** 2
    normals = np.stack([c * nx - s * ny, s * nx + c * ny, ez / row[:, HALF_Z] ** 2], axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    sun = np.maximum(normals @ air.sun_ego, 0)[:, None]
    return np.asarray(air.sun * sun + air.ambient * (0.62 + 0.38 * normals[:, 2:]))


def _speckle(row: Numbers, at: Numbers) -> Numbers:
    # Towards zero, as the compiled caster rounds.
    cell = np.trunc(at * 5 + [4096, 4096, 0]).astype(np.int64)
    low = (at[:, 2] - row[:, Z]) / row[:, HALF_Z] * 0.5 + 0.5
    return np.asarray((_hash(*cell.T) * 0.5 + 0.72) * (0.65 + 0.35 * np.clip(low, 0, 1)))


def _hash(a: Ints, b: Ints, c: Ints) -> Numbers:
    n = (a * 374761393 + b * 668265263 + c * 2147483647) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 65535.0


def _facade(
    row: Numbers,
    grain: Ints,
    face: NDArray[np.int32],
    depth: Numbers,
    at: Numbers,
    light: Numbers,
    view: View,
    air: Air,
) -> Numbers:
    ex, ey = at[:, 0] - row[:, X], at[:, 1] - row[:, Y]
    c, s = row[:, COS], row[:, SIN]
    ends = face < 2
    along = np.where(ends, c * ey - s * ex, c * ex + s * ey)
    half = np.where(ends, row[:, HALF_Y], row[:, HALF_X])
    pitch = 2 * half / np.maximum((2 * half / 2.5).astype(np.int64), 1)
    column_f, floor_f = (along + half) / pitch, at[:, 2] / 3.0
    column, floor = np.trunc(column_f).astype(np.int64), np.trunc(floor_f).astype(np.int64)
    fx, fz = column_f - column, floor_f - floor
    blur_x = np.clip(depth / view.lens[0] / pitch, 0.02, 1.0)
    blur_z = np.clip(depth / view.lens[1] / 3.0, 0.02, 1.0)
    wide, low = np.where(floor == 0, 0.40, 0.27), np.where(floor == 0, 0.08, 0.30)
    glass = np.clip((wide - np.abs(fx - 0.5)) / blur_x + 0.5, 0, 1)
    glass *= np.clip(np.minimum(fz - low, 0.79 - fz) / blur_z + 0.5, 0, 1)
    mood = _hash(column, floor, grain)
    wall = row[:, RED : BLUE + 1] * light * np.where(fz > 0.93, 0.86, 1.0)[:, None]
    warm = np.where(mood < 0.34, air.windows * (0.4 + mood), 0.0)[:, None]
    pane = light * [0.02, 0.02, 0.025] + (0.10 + 0.10 * mood)[:, None] * air.haze
    pane += warm * [1.0, 0.74, 0.42]
    return np.asarray(wall + (pane - wall) * glass[:, None])


def smooth(
    view: View,
    kinds: Ints,
    forms: Numbers,
    entered: Ints,
    who: NDArray[np.int32],
    rgb: Floats32,
    out: Floats32,
) -> None:
    """Smooth outlines: a pixel at one is tried at four places among what its neighbours see."""
    out[:] = rgb
    v, u = np.nonzero(_outline(who, kinds))
    padded = np.pad(who, 1, mode="edge")
    moves = [(0, 0), (-1, 0), (0, -1), (1, 0), (0, 1)]
    near = np.stack([padded[v + 1 + dv, u + 1 + du] for dv, du in moves])
    height, width = who.shape
    rows = [np.clip(v + dv, 0, height - 1) for dv, _ in moves]
    columns = [np.clip(u + du, 0, width - 1) for _, du in moves]
    total = np.zeros((len(v), 3))
    down = view.rotation[2, 1] / view.lens[1] / view.origin[2]
    across = view.rotation[2, 0] / view.lens[0] / view.origin[2]
    base = -view.rays[v, u, 2].astype(np.float64) / view.origin[2]
    for du, dv in _OFFSETS:
        best_w, best = np.zeros(len(v)), np.zeros(len(v), np.int64)
        for i in range(len(moves)):
            value = np.zeros(len(v))
            solid = near[i] >= 0
            value[solid] = _at_places(
                forms, entered, near[i][solid], u[solid] + 0.5 + du, v[solid] + 0.5 + dv
            )
            value = np.where(near[i] == GROUND, base - across * du - down * dv, value)
            wins = value > best_w
            best_w[wins], best[wins] = value[wins], i
        for i in range(len(moves)):
            best[(best_w <= 0) & (near[i] == NOTHING)] = i
        total += (
            0.25 * rgb[np.stack(rows)[best, range(len(v))], np.stack(columns)[best, range(len(v))]]
        )
    out[v, u] = total


def _outline(who: NDArray[np.int32], kinds: Ints) -> NDArray[np.bool_]:
    edge = np.zeros(who.shape, np.bool_)
    beside = _apart(who[:, 1:], who[:, :-1], kinds)
    below = _apart(who[1:], who[:-1], kinds)
    edge[:, 1:] |= beside
    edge[:, :-1] |= beside
    edge[1:] |= below
    edge[:-1] |= below
    return edge


def _apart(a: NDArray[np.int32], b: NDArray[np.int32], kinds: Ints) -> NDArray[np.bool_]:
    """Whether two things meet; parts of one road user or light stay as they are."""
    instances = np.append(kinds[:, INSTANCE], [0, 0])  # the last two are what is no solid
    mine, other = instances[a], instances[b]
    return np.asarray((a != b) & ((mine != other) | (mine == 0)))


def _at_places(
    forms: Numbers, entered: Ints, k: NDArray[np.int32], u: Numbers, v: Numbers
) -> Numbers:
    """Inverse depth of many solids, each at its own place."""
    out = np.zeros(len(k))
    ball = entered[k] == ROUND
    out[ball] = _ellipsoid_w(forms[k[ball]], u[ball], v[ball])
    k, u, v = k[~ball], u[~ball], v[~ball]
    mine = forms[k]
    values = mine[..., 0] * u[:, None] + mine[..., 1] * v[:, None] + mine[..., 2]
    enters = np.arange(6) < entered[k][:, None]
    first = np.where(enters, values, np.inf).min(axis=1, initial=1e30)
    last = np.where(enters, 0.0, values).max(axis=1, initial=0.0)
    out[~ball] = np.where(first > last, first, 0.0)
    return out


def glows(
    view: View, lamps: Numbers, extinction: float, strength: float, w: Floats32, rgb: Floats32
) -> None:
    """Halos around lamps (rows of solids) that are seen; they grow with what is in the air."""
    height, width = w.shape
    offset = lamps[:, :3] - view.origin
    xyz = offset @ view.rotation
    ahead = xyz[:, 2] > 0.5
    lamps, offset, xyz = lamps[ahead], offset[ahead], xyz[ahead]
    fx, fy, cx, cy = view.lens
    us, vs = fx * xyz[:, 0] / xyz[:, 2] + cx, fy * xyz[:, 1] / xyz[:, 2] + cy
    radii = np.clip(0.9 * fx * lamps[:, RADIUS] / xyz[:, 2], 0.35, 9.0)
    near = np.exp(-extinction * np.linalg.norm(offset, axis=1))
    power = strength * lamps[:, GLOW] * near * (1 + 25 * extinction)
    inside = (us >= 0) & (vs >= 0) & (us < width) & (vs < height)
    for k in np.flatnonzero(inside):
        u, v, radius = us[k], vs[k], radii[k]
        if w[int(v), int(u)] * (xyz[k, 2] - lamps[k, HALF_X] - 0.1) > 1.0:
            continue
        reach = radius * 5
        u1, u2 = max(int(u - reach), 0), min(int(u + reach) + 1, width)
        v1, v2 = max(int(v - reach), 0), min(int(v + reach) + 1, height)
        x, y = np.meshgrid(np.arange(u1, u2) + 0.5 - u, np.arange(v1, v2) + 0.5 - v)
        far = (x * x + y * y) / (radius * radius)
        part = np.where(far < 25, power[k] * (1 / (1 + far) - 1 / 26.0) ** 2, 0.0)
        rgb[v1:v2, u1:u2] += part[..., None] * lamps[k, RED : BLUE + 1]


def streaks(rows: Numbers, rgb: Floats32) -> None:
    """Rain that crosses the picture; rows of u, v, du, dv per pixel, length, brightness."""
    height, width = rgb.shape[:2]
    for u, v, du, dv, length, light in rows:
        for i in range(int(length)):
            x, y = int(u + i * du), int(v + i * dv)
            if 0 <= x < width and 0 <= y < height:
                rgb[y, x] += light


def develop(
    view: View,
    gain: Numbers,
    curve: Floats32,
    grain: Floats32,
    start: int,
    deviation: float,
    rgb: Floats32,
    image: NDArray[np.uint8],
) -> None:
    """Expose: the lens's vignette, the camera's gain, the tone curve, the sensor's noise."""
    last = len(curve) - 1
    light = rgb * view.vignette[..., None] * gain.astype(np.float32)
    scale = np.float32(last) * np.sqrt(np.float32(0.125))
    index = np.minimum((np.sqrt(light) * scale).astype(np.int64), last)
    noise = grain[(start + np.arange(image.size)) & (len(grain) - 1)].reshape(image.shape)
    value = curve[index] + noise * np.float32(deviation)
    image[:] = (np.clip(value, 0.0, 254.5) + np.float32(0.5)).astype(np.int64)
