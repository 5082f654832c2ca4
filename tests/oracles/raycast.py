"""The ray caster in numpy: the same steps as the compiled one, whole arrays at a time.

Tests compare the compiled caster with it, and `benchmarks.render` measures how much faster that is.
"""

import numpy as np
from numpy.typing import NDArray

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
from ingest.simulation.cameras.raycast.interface import (
    Air,
    Caster,
    Counts,
    Daylight,
    Film,
    GroundTexture,
    LightGrid,
    LightStamps,
    LitSolids,
    Sight,
)
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
    REAR,
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
from ingest.simulation.cameras.views import GROUND, NOTHING, SKY_COLUMNS, CameraView
from ridealong.arrays import Floats, Ints
from tests.oracles.ground import paint_tile

Floats32 = NDArray[np.float32]

ROUND = -1
_NEAR_M = 0.05
_FIRST, _NODES = np.array(FIRST), np.array(NODES)


def fill_light_grid(stamps: LightStamps, daylight: Daylight, grid: LightGrid) -> None:
    """Fill the grid of light: shadows first, then contact shadows, then lamps."""
    planes, lamp = grid.planes, grid.lamp
    planes[:LAMP] = 1.0
    planes[LAMP:] = 0.0
    for row in stamps.casters:
        _stamp_shadow(planes, row, daylight.sun_ego)
    for row in stamps.contacts:
        _stamp_contact(planes, row)
    for row in stamps.lamps:
        _stamp_lamp(planes, row)
    for c in range(3):
        lamp[..., c] = sum(planes[LAMP + i] * rgb[c] for i, rgb in enumerate(LAMP_RGB))
        day = planes[SUN] * daylight.sun[c] + planes[SKY] * daylight.sky[c]
        grid.light[..., c] = day + lamp[..., c]


def _patch(
    x: float, y: float, x1: float, x2: float, y1: float, y2: float
) -> tuple[tuple[slice, slice], Floats, Floats]:
    """Cells of a rectangle, and their middles relative to a place."""
    slices = []
    for low, high in ((y1, y2), (x1, x2)):
        first = max(int(np.ceil((low + REACH_M) / CELL_M - 0.5)), 0)
        last = min(int(np.floor((high + REACH_M) / CELL_M - 0.5)), CELLS - 1)
        slices.append(slice(first, max(last + 1, first)))
    at = [(np.arange(s.start, s.stop) + 0.5) * CELL_M - REACH_M for s in slices]
    py, px = np.meshgrid(at[0] - y, at[1] - x, indexing="ij")
    return (slices[0], slices[1]), px, py


def _stamp_shadow(planes: Floats32, row: Floats, sun: Floats) -> None:
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
    planes[(SUN, *cells)][enter < leave] = 0.0


def _stamp_contact(planes: Floats32, row: Floats) -> None:
    x, y, c, s, hx, hy = row
    reach = 0.7
    ex, ey = abs(c) * hx + abs(s) * hy + reach, abs(s) * hx + abs(c) * hy + reach
    cells, px, py = _patch(x, y, x - ex, x + ex, y - ey, y + ey)
    ox = np.maximum(np.abs(c * px + s * py) - hx, 0.0)
    oy = np.maximum(np.abs(c * py - s * px) - hy, 0.0)
    open_sky = 0.30 + 0.70 * np.minimum(np.hypot(ox, oy) / reach, 1.0)
    planes[(SKY, *cells)] = np.minimum(planes[(SKY, *cells)], open_sky)


def _stamp_lamp(planes: Floats32, row: Floats) -> None:
    x, y, ax, ay, reach = row[:5]
    span = AROUND_M if reach <= 0 else 1.6 * reach
    wide = 0.0 if reach <= 0 else 2 * (1.1 + 0.30 * span)  # at the beam's end
    far = span if reach <= 0 else np.hypot(span, wide)
    cells, px, py = _patch(x, y, x - far, x + far, y - far, y + far)
    if reach <= 0:
        square = px * px + py * py
        power = np.maximum(0.0, 1 - square / (span * span)) / (1 + square / 30.0) ** 2
    else:
        ahead, aside = np.maximum(px * ax + py * ay, 0.0), py * ax - px * ay
        power = np.maximum(1 - (aside / (2.2 + 0.60 * ahead)) ** 2, 0.0) ** 4
        power *= np.maximum(1 - ahead / span, 0.0) / (1 + (2.2 * ahead / reach) ** 2)
        power *= np.minimum(1.0, ahead / (0.12 * reach))
    planes[(LAMP + int(row[5]), *cells)] += power * row[6]


def light_faces(
    numbers: Floats, kinds: Ints, daylight: Daylight, light: Floats32, facing: Floats32
) -> None:
    """Sun and sky on each face of each block, and how much it turns towards the ego's lamps."""
    sun_ego = daylight.sun_ego
    tall = 2 * numbers[:, HALF_Z]
    lean = numbers[:, [FRONT, REAR, SIDE, SIDE]] / tall[:, None]
    flat = 1 / np.sqrt(1 + lean**2)
    c, s = numbers[:, COS, None], numbers[:, SIN, None]
    x, y, z = np.zeros((3, len(numbers), 6))
    x[:, :4] = np.hstack([c, -c, -s, s]) * flat
    y[:, :4] = np.hstack([s, -s, c, -c]) * flat
    z[:, :4] = lean * flat
    z[:, 4], z[:, 5] = 1, -1
    shine = np.maximum(x * sun_ego[0] + y * sun_ego[1] + z * sun_ego[2], 0)
    # Panes that lean back mirror the sky: as light, relative to their dark albedo.
    glass = (kinds[:, MATTER] == Matter.GLASS)[:, None]
    dome = 0.62 + 0.38 * z + glass * 3.0 * (0.35 + np.maximum(z, 0))
    light[:] = daylight.sun * shine[..., None] + daylight.sky * dome[..., None]
    away = np.maximum(np.hypot(numbers[:, X], numbers[:, Y]), 1e-6)[:, None]
    towards = -(x * numbers[:, X, None] + y * numbers[:, Y, None]) / away
    facing[:] = np.clip(towards, 0.15, 1.0)


def draw(
    view: CameraView,
    solids: LitSolids,
    ground: GroundTexture,
    air: Air,
    sight: Sight,
    counts: Counts,
    film: Film,
    image: NDArray[np.uint8],
) -> None:
    """Draw one camera's image; with ``counts.stamps`` also count the pixels of instances."""
    _cast(view, solids, sight, counts)
    _shade_above(view, solids, air, sight)
    _shade_ground(view, ground, air, sight)
    _smooth(view, solids, sight)
    _halos(view, solids, air, sight.w, sight.rgb)
    _rain(film.streaks, sight.rgb)
    _develop(view, film, sight.rgb, image)


def _cast(view: CameraView, solids: LitSolids, sight: Sight, counts: Counts) -> None:
    """Find what each pixel sees: inverse depth, index of the solid, and its face."""
    numbers, kinds, forms, entered = solids.numbers, solids.kinds, sight.forms, sight.entered
    w, who, face = sight.w, sight.who, sight.face
    height, width = w.shape
    w[:], who[:], face[:] = view.ground_w, np.where(view.ground_w > 0, GROUND, NOTHING), 0
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
        if len(counts.stamps) and instance > 0:
            _count(instance, value > 0, part, w.shape, counts)
        wins = value.astype(np.float64) > w[part]
        w[part][wins], who[part][wins], face[part][wins] = value[wins], k, sides[which[wins]]


def _inverse_depth(forms: Floats, entered: int, u: Floats, v: Floats) -> tuple[Floats, Ints]:
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
    shape: tuple[int, ...],
    counts: Counts,
) -> None:
    stamps = counts.stamps.reshape(shape)
    new = hit & (stamps[part] != instance)
    rows, columns = np.nonzero(new)
    if not len(rows):
        return
    stamps[part][new] = instance
    counts.hits[instance] += len(rows)
    rows, columns = rows + part[0].start, columns + part[1].start
    box = counts.boxes[instance]
    box[0], box[1] = min(box[0], columns.min()), min(box[1], rows.min())
    box[2], box[3] = max(box[2], columns.max() + 1), max(box[3], rows.max() + 1)


def _bounds(
    view: CameraView, row: Floats, offset: Floats, width: int, height: int
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


def _forms(view: CameraView, row: Floats, offset: Floats, forms: Floats) -> tuple[int, Ints]:
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


def _ellipsoid(view: CameraView, row: Floats, offset: Floats, forms: Floats) -> None:
    c, s = row[COS], row[SIN]
    turn = np.array([(c, s, 0), (-s, c, 0), (0, 0, 1)]) / row[HALF_X : HALF_Z + 1, None]
    rays = turn @ view.rotation
    rays[:, 0] /= view.lens[0]
    rays[:, 1] /= view.lens[1]
    rays[:, 2] -= rays[:, 0] * view.lens[2] + rays[:, 1] * view.lens[3]
    eye = -turn @ offset
    forms[:3], forms[3, 0], forms[4] = rays, eye @ eye - 1, eye


def _ellipsoid_w(forms: Floats, u: Floats, v: Floats) -> Floats:
    gap = forms[..., 3, 0]
    rays = [forms[..., i, 0] * u + forms[..., i, 1] * v + forms[..., i, 2] for i in range(3)]
    b = sum(ray * forms[..., 4, i] for i, ray in enumerate(rays))
    root = b * b - sum(ray * ray for ray in rays) * gap
    hit = (b < 0) & (root > 0) & (gap > 0)
    return np.where(hit, (np.sqrt(np.maximum(root, 0)) - b) / np.where(gap > 0, gap, 1), 0.0)


def count_visible(who: NDArray[np.int32], kinds: Ints, visible: Ints) -> None:
    """Count each instance's pixels that are seen."""
    visible += np.bincount(kinds[who[who >= 0], INSTANCE], minlength=len(visible))


def segment(
    view: CameraView,
    kinds: Ints,
    ground: GroundTexture,
    sight: Sight,
    surfaces: NDArray[np.uint8],
) -> None:
    """Fill ``surfaces`` with the id of what each pixel sees."""
    who, into = sight.who.ravel(), surfaces.ravel()
    into[:] = 9
    into[who >= 0] = kinds[who[who >= 0], SURFACE]
    into[who == GROUND] = 3
    level, taps = _segmented(view)
    near = (who[view.floor] == GROUND) & (level >= 0)
    at, level, spread = view.floor[near], level[near], view.spread[near]
    middle = np.float32(0.5) * (taps[near, None] - 1).astype(np.float32)
    px, py = _in_texture(ground, level, spread[:, :2] + middle * spread[:, 2:4])
    i, j = (px + 0.5).astype(np.int64), (py + 0.5).astype(np.int64)
    into[at] = _texels(ground, level, i, j) >> 24


def _segmented(view: CameraView) -> tuple[Ints, Ints]:
    """Level and number of samples of each pixel that may see the ground."""
    first, last, level, taps = view.segments.T.astype(np.int64)
    return np.repeat(level, last - first), np.repeat(taps, last - first)


def _in_texture(ground: GroundTexture, level: Ints, xy: Floats32) -> tuple[Floats32, Floats32]:
    """Where places of the ego frame lie in their levels' textures, all in nodes."""
    (c, s), place = ground.turn, ground.place[level]
    x, y = xy[:, 0], xy[:, 1]
    return place[:, 0] + c * x - s * y, place[:, 1] + s * x + c * y


def _texels(ground: GroundTexture, level: Ints, i: Ints, j: Ints) -> Ints:
    nodes = _NODES[level]
    return np.asarray(ground.texels[_FIRST[level] + j % nodes * nodes + i % nodes].astype(np.int64))


def _albedo(ground: GroundTexture, level: Ints, taps: Ints, spread: Floats32) -> Floats:
    """Linear colour ``(N, 3)`` of the ground that pixels cover."""
    (c, s), (dx, dy) = ground.turn, spread[:, 2:4].T
    px, py = _in_texture(ground, level, spread[:, :2])
    sx, sy = c * dx - s * dy, s * dx + c * dy
    total = np.zeros((len(level), 3))
    for tap in range(int(taps.max(initial=0))):
        on = np.flatnonzero(taps > tap)
        total[on] += _blend(ground, level[on], px[on] + tap * sx[on], py[on] + tap * sy[on])
    return np.asarray((total / (65280.0 * taps[:, None])) ** 2)


def _blend(ground: GroundTexture, level: Ints, px: Floats32, py: Floats32) -> Floats:
    i, j = px.astype(np.int64), py.astype(np.int64)
    fx, fy = ((px - i) * 16).astype(np.int64), ((py - j) * 16).astype(np.int64)
    w11 = fx * fy
    w10, w01 = fx * 16 - w11, fy * 16 - w11
    corners = ((0, 0, 256 - w11 - w10 - w01), (1, 0, w10), (0, 1, w01), (1, 1, w11))
    out = np.zeros((len(px), 3))
    for di, dj, weight in corners:
        word = _texels(ground, level, i + di, j + dj)
        for channel in range(3):
            out[:, channel] += (word >> 8 * channel & 255) * weight
    return out


def _cells(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Places of the ego frame as places in the grid of light; -1 outside."""
    gx, gy = (x + REACH_M) / CELL_M - 0.5, (y + REACH_M) / CELL_M - 0.5
    outside = (gx < 0) | (gy < 0) | (gx >= CELLS - 1) | (gy >= CELLS - 1)
    return np.where(outside, -1, gx), np.where(outside, -1, gy)


def _lit(grid: Floats32, gx: Floats, gy: Floats, outside: Floats | Floats32) -> Floats:
    """A grid of light ``(N, 3)`` at places in it, blended between cells."""
    i, j = np.maximum(gx, 0).astype(np.int64), np.maximum(gy, 0).astype(np.int64)
    fx, fy = (gx - i)[:, None], (gy - j)[:, None]
    low = grid[j, i] * (1 - fx) + grid[j, i + 1] * fx
    high = grid[j + 1, i] * (1 - fx) + grid[j + 1, i + 1] * fx
    return np.where((gx < 0)[:, None], outside, low * (1 - fy) + high * fy)


def _shade_above(view: CameraView, solids: LitSolids, air: Air, sight: Sight) -> None:
    w, who, rgb = sight.w.ravel(), sight.who.ravel(), sight.rgb.reshape(3, -1)
    sky = who == NOTHING
    turned = view.sky_column.ravel()[sky] + np.float32(air.turn)
    column = turned.astype(np.int64) % SKY_COLUMNS
    rgb[:, sky] = air.panorama[view.sky_row.ravel()[sky], column].T
    solid = who >= 0
    depth = 1 / w[solid].astype(np.float64)
    rays = _rays(view)[solid]
    at = view.origin + rays * depth[:, None]
    colour = _solid(view, solids, air, who[solid], sight.face.ravel()[solid], depth, at)
    steps = (np.linalg.norm(rays, axis=1) * depth * 2).astype(np.int64)
    rgb[:, solid] = _through_air(air, steps, colour).T


def _rays(view: CameraView) -> Floats:
    """Each pixel's ray ``(H * W, 3)``, ego frame: one unit is one metre along the optical axis."""
    height, width = view.ground_w.shape
    fx, fy, cx, cy = view.lens
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = (u.ravel() - cx) / fx, (v.ravel() - cy) / fy
    return np.asarray(np.stack([x, y, np.ones_like(x)], axis=1) @ view.rotation.T)


def _shade_ground(view: CameraView, ground: GroundTexture, air: Air, sight: Sight) -> None:
    who, rgb = sight.who.ravel(), sight.rgb.reshape(3, -1)
    seen = who[view.floor] == GROUND
    at, spread = view.floor[seen], view.spread[seen]
    level, taps = (of_all[seen] for of_all in _segmented(view))
    colour = np.tile(ground.far.astype(np.float64), (len(at), 1))
    near = level >= 0
    colour[near] = _albedo(ground, level[near], taps[near], spread[near])
    cells = spread[:, 4:].astype(np.float64)
    colour *= _lit(air.light, cells[:, 0], cells[:, 1], air.open)
    mirror = view.mirror[seen]
    shiny = (mirror >= 0) & (who[mirror] != GROUND)
    if air.wet > 0:
        part = 0.6 * air.wet * view.gloss[seen][shiny, None]
        dry = colour[shiny] * (1 - 0.30 * air.wet)
        colour[shiny] = dry + (rgb[:, mirror[shiny]].T - dry) * part
    rgb[:, at] = _through_air(air, view.hazed[seen].astype(np.int64), colour).T


def _through_air(air: Air, steps: Ints, rgb: Floats) -> Floats:
    clear = air.clear[np.minimum(steps, len(air.clear) - 1)]
    return np.asarray(air.haze + (rgb - air.haze) * clear[:, None])


def _solid(
    view: CameraView,
    solids: LitSolids,
    air: Air,
    k: NDArray[np.int32],
    face: NDArray[np.int8],
    depth: Floats,
    at: Floats,
) -> Floats:
    row, matter = solids.numbers[k], solids.kinds[k, MATTER]
    block = solids.kinds[k, SHAPE] == Shape.BLOCK
    side = np.where(block, face, 0)
    light = np.where(
        block[:, None], solids.face_light[k, side], _round_light(row, at, air.daylight)
    )
    if air.lamps:
        facing = np.where(block, solids.face_to_ego[k, side], 0.6)
        part = facing / (1 + (np.maximum(at[:, 2] - 0.8, 0) / 1.1) ** 2)
        cells = _cells(at[:, 0], at[:, 1])
        light = light + _lit(air.lamp, *cells, np.zeros(3)) * part[:, None]
    colour = row[:, RED : BLUE + 1] * (light + row[:, GLOW, None])
    leaves = matter == Matter.FOLIAGE
    colour[leaves] *= _speckle(row[leaves], at[leaves])[:, None]
    wall = (matter == Matter.FACADE) & (face < 4)
    grain = solids.kinds[k[wall], GRAIN] * 4 + face[wall]
    colour[wall] = _facade(
        row[wall], grain, face[wall], depth[wall], at[wall], light[wall], view, air
    )
    return colour


def _round_light(row: Floats, at: Floats, day: Daylight) -> Floats:
    c, s = row[:, COS], row[:, SIN]
    ex, ey, ez = (at - row[:, [X, Y, Z]]).T
    nx, ny = (c * ex + s * ey) / row[:, HALF_X] ** 2, (c * ey - s * ex) / row[:, HALF_Y] ** 2
    normals = np.stack([c * nx - s * ny, s * nx + c * ny, ez / row[:, HALF_Z] ** 2], axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    sun = np.maximum(normals @ day.sun_ego, 0)[:, None]
    return np.asarray(day.sun * sun + day.sky * (0.62 + 0.38 * normals[:, 2:]))


def _speckle(row: Floats, at: Floats) -> Floats:
    # Towards zero, as the compiled caster rounds.
    cell = np.trunc(at * 5 + [4096, 4096, 0]).astype(np.int64)
    low = (at[:, 2] - row[:, Z]) / row[:, HALF_Z] * 0.5 + 0.5
    return np.asarray((_hash(*cell.T) * 0.5 + 0.72) * (0.65 + 0.35 * np.clip(low, 0, 1)))


def _hash(a: Ints, b: Ints, c: Ints) -> Floats:
    n = (a * 374761393 + b * 668265263 + c * 2147483647) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 65535.0


def _facade(
    row: Floats,
    grain: Ints,
    face: NDArray[np.int8],
    depth: Floats,
    at: Floats,
    light: Floats,
    view: CameraView,
    air: Air,
) -> Floats:
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


def _smooth(view: CameraView, solids: LitSolids, sight: Sight) -> None:
    """Smooth outlines: mix what meets at one by how far the nearer one reaches into the pixel."""
    who, rgb = sight.who.ravel(), sight.rgb.reshape(3, -1)
    at = np.flatnonzero(_outline(solids.things[sight.who]))
    v, u = np.divmod(at, sight.who.shape[1])
    front, behind = _beside(sight, solids.things, at, u, v)
    top, part = who[front], np.empty(len(at))
    solid = top >= 0
    part[solid] = _cover(sight.forms, sight.entered, top[solid], u[solid] + 0.5, v[solid] + 0.5)
    across, down = view.rotation[2, 0] / view.lens[0], view.rotation[2, 1] / view.lens[1]
    ground = np.clip(0.5 - _rays(view)[at, 2] / np.hypot(across, down), 0, 1)
    part = np.where(solid, part, np.where(who[at] == GROUND, ground, 1 - ground))
    # What is not seen in the middle covers less than half, or else it is hidden.
    intruded = front != at
    part = np.where(intruded, np.where(part <= 0.5, 1 - part, 1.0), part).astype(np.float32)
    other = rgb[:, np.where(intruded, front, behind)]
    rgb[:, at] = other + part * (rgb[:, at] - other)


def _beside(sight: Sight, things: Ints, at: Ints, u: Ints, v: Ints) -> tuple[Ints, Ints]:
    """The nearest solid among pixels and their neighbours, and a neighbour of another thing."""
    w, who = sight.w.ravel(), sight.who.ravel()
    height, width = sight.who.shape
    front, behind = at, at
    before = np.where(who[at] >= 0, w[at], 0)
    for move in (-width * (v > 0), width * (v < height - 1), -1 * (u > 0), 1 * (u < width - 1)):
        beside = at + move
        differs = things[who[at]] != things[who[beside]]
        behind = np.where(differs, beside, behind)
        nearer = differs & (who[beside] >= 0) & (w[beside] > before)
        front, before = np.where(nearer, beside, front), np.where(nearer, w[beside], before)
    return front, behind


def _outline(thing: Ints) -> NDArray[np.bool_]:
    """Where some neighbour shows another thing; parts of one road user or light are one."""
    edge = np.zeros(thing.shape, np.bool_)
    beside, below = thing[:, 1:] != thing[:, :-1], thing[1:] != thing[:-1]
    edge[:, 1:] |= beside
    edge[:, :-1] |= beside
    edge[1:] |= below
    edge[:-1] |= below
    return edge


def _cover(forms: Floats, entered: Ints, k: NDArray[np.int32], u: Floats, v: Floats) -> Floats:
    """How much of the pixel around each place each solid covers: half at its outline."""
    ball, out = entered[k] == ROUND, np.empty(len(k))
    out[ball] = _ellipsoid_reach(forms[k[ball]], u[ball], v[ball])
    out[~ball] = _block_reach(forms[k[~ball]], entered[k[~ball]], u[~ball], v[~ball])
    return np.clip(out + 0.5, 0.0, 1.0)


def _block_reach(forms: Floats, entered: Ints, u: Floats, v: Floats) -> Floats:
    """How far places lie inside blocks' outlines, in pixels."""
    rows = np.arange(len(forms))
    forms = np.pad(forms, ((0, 0), (0, 1), (0, 0)))  # the last face: depth 0
    values = forms[..., 0] * u[:, None] + forms[..., 1] * v[:, None] + forms[..., 2]
    enters = np.arange(7) < entered[:, None]
    first = np.where(enters, values, np.inf).argmin(axis=1)
    last = np.where(enters, -np.inf, values).argmax(axis=1)
    slope = forms[rows, first, :2] - forms[rows, last, :2]
    gap = values[rows, first] - values[rows, last]
    return np.asarray(gap / np.maximum(np.hypot(*slope.T), 1e-12))


def _ellipsoid_reach(forms: Floats, u: Floats, v: Floats) -> Floats:
    gap, eye = forms[:, 3, 0], forms[:, 4]
    ray = forms[:, :3, 0] * u[:, None] + forms[:, :3, 1] * v[:, None] + forms[:, :3, 2]
    b = (ray * eye).sum(axis=1)
    root = b * b - (ray * ray).sum(axis=1) * gap
    slopes = [
        2 * (b * (forms[:, :3, i] * eye).sum(axis=1) - (ray * forms[:, :3, i]).sum(axis=1) * gap)
        for i in range(2)
    ]
    reach = root / np.maximum(np.hypot(*slopes), 1e-12)
    return np.where(b < 0, reach, -1.0)


def _halos(view: CameraView, solids: LitSolids, air: Air, w: Floats32, rgb: Floats32) -> None:
    """Halos around lamps that are seen; they grow with what is in the air."""
    lamps, extinction = solids.numbers[solids.glowing], air.extinction
    strength = 0.35 if air.lamps else 0.12
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
        rgb[:, v1:v2, u1:u2] += part * lamps[k, RED : BLUE + 1, None, None]


def _rain(rows: Floats, rgb: Floats32) -> None:
    """Rain that crosses the picture; rows of u, v, du, dv per pixel, length, brightness."""
    height, width = rgb.shape[1:]
    for u, v, du, dv, length, light in rows:
        for i in range(int(length)):
            x, y = int(u + i * du), int(v + i * dv)
            if 0 <= x < width and 0 <= y < height:
                rgb[:, y, x] += light


def _develop(view: CameraView, film: Film, rgb: Floats32, image: NDArray[np.uint8]) -> None:
    """Expose: the camera's gain and the lens's vignette, the tone curve, the sensor's noise."""
    last = len(film.curve) - 1
    scale = np.float32(last) * np.sqrt(np.float32(0.125) * np.float32(film.exposure))
    fx, fy, cx, cy = view.lens
    u, v = np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5
    square = ((u - cx) / fx) ** 2 + ((v - cy) / fy)[:, None] ** 2
    gain = ((1 - view.vignette * square)[..., None] * view.tint).astype(np.float32)
    light = np.moveaxis(rgb, 0, -1)
    index = np.minimum((np.sqrt(light * gain) * scale).astype(np.int64), last)
    value = film.curve[index] + film.grain.reshape(image.shape) * np.float32(film.noise)
    image[:] = (np.clip(value, 0.0, 254.5) + np.float32(0.5)).astype(np.int64)


NUMPY = Caster(paint_tile, fill_light_grid, light_faces, draw, count_visible, segment)
