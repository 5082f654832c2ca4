"""From colours to an image: smooth outlines, halos, rain, and the sensor."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.raycast.kernels import inlined, kernel
from ingest.simulation.cameras.raycast.visibility import ROUND
from ingest.simulation.cameras.solids import BLUE, GLOW, HALF_X, RADIUS, RED, X, Y, Z
from ingest.simulation.cameras.views import GROUND


class Neighbours(NamedTuple):
    """Steps from a pixel to those beside it in a flat image; 0 at the image's border."""

    above: int
    below: int
    left: int
    right: int


class Halo(NamedTuple):
    """Middle and radius in pixels, brightness, and colour ``(3,)``."""

    u: float
    v: float
    radius: float
    power: float
    colour: NDArray[np.float64]


@kernel
def smooth(view, solids, sight):
    """Smooth outlines: mix what meets at one by how far the nearer one reaches into the pixel."""
    w, who, things, mixed = sight.w.ravel(), sight.who.ravel(), solids.things, sight.mixed
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
            beside = Neighbours(above, below, -1 * (u > 0), 1 * (u < width - 1))
            front, behind = _front_and_behind(w, who, things, at, beside)
            if behind == at:
                continue
            x, y, top = u + 0.5, v + 0.5, who[front]
            if top < 0:
                ground = _ground_cover(view, x, y)
                part = ground if who[at] == GROUND else 1 - ground
            elif entered[top] == ROUND:
                part = _ellipsoid_cover(forms, top, x, y)
            else:
                part = _block_cover(forms, top, entered[top], x, y)
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


@inlined
def _unlike_beside(over, here, under, differs):
    """Mark (not 0) the pixels of a row of which some neighbour sees something else."""
    width = len(differs)
    for u in range(width):
        differs[u] = (over[u] ^ here[u]) | (under[u] ^ here[u])
    for u in range(width - 1):
        differs[u] |= here[u] ^ here[u + 1]
    for u in range(1, width):
        differs[u] |= here[u] ^ here[u - 1]


@inlined
def _front_and_behind(w, who, things, at, beside):
    """The nearest solid among a pixel and its neighbours, and a neighbour that is another thing.

    Both are the pixel itself where there is none.
    """
    mine = things[who[at]]
    front = behind = at
    before = w[at] if who[at] >= 0 else np.float32(0)
    for move in (beside.above, beside.below, beside.left, beside.right):
        near_by = at + move
        k, near = who[np.uintp(near_by)], w[np.uintp(near_by)]
        other = things[k] != mine
        nearer = other & (k >= 0) & (near > before)
        behind = near_by if other else behind
        front = near_by if nearer else front
        before = near if nearer else before
    return front, behind


@inlined
def _ground_cover(view, x, y):
    """How much of a pixel lies below the horizon."""
    r, lens = view.rotation, view.lens
    across, down = r[2, 0] / lens[0], r[2, 1] / lens[1]
    rise = across * (x - lens[2]) + down * (y - lens[3]) + r[2, 2]
    return min(max(0.5 - rise / np.sqrt(across * across + down * down), 0.0), 1.0)


@inlined
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


@inlined
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


@kernel
def add_halos(view, solids, air, sight):
    """Halos around lamps that are seen; they grow with what is in the air."""
    w, (height, width) = sight.w, sight.w.shape
    r, origin, lens, lamps = view.rotation, view.origin, view.lens, solids.numbers
    extinction, strength = air.extinction, 0.35 if air.lamps else 0.12
    for k in solids.glowing:
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
        _add_halo(Halo(u, v, radius, power, lamps[k, RED : BLUE + 1]), sight.rgb)


@inlined
def _add_halo(halo, rgb):
    height, width = rgb.shape[1:]
    u, v, radius, power, colour = halo
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


@kernel
def add_rain(rows, rgb):
    """Rain that crosses the picture; rows of u, v, du, dv per pixel, length, brightness."""
    height, width = rgb.shape[1:]
    for k in range(len(rows)):
        for i in range(int(rows[k, 4])):
            u, v = int(rows[k, 0] + i * rows[k, 2]), int(rows[k, 1] + i * rows[k, 3])
            if 0 <= u < width and 0 <= v < height:
                for c in range(3):
                    rgb[c, v, u] += rows[k, 5]


@kernel
def develop(view, film, rgb, image):
    """Expose: the camera's gain and the lens's vignette, the tone curve, the sensor's noise."""
    height, width = rgb.shape[1:]
    lens, one, vignette = view.lens, np.float32(1), np.float32(view.vignette)
    curve, grain = film.curve, film.grain
    last, noise = np.int32(len(curve) - 1), np.float32(film.noise)
    scale, shift = np.float32(1 / lens[0]), np.float32((0.5 - lens[2]) / lens[0])
    gain = 0.125 * film.exposure * (len(curve) - 1.0) ** 2
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
