"""Colours and segmentation of pixels that see the ground."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.ground import FIRST, NODES
from ingest.simulation.cameras.raycast.kernels import inlined, kernel
from ingest.simulation.cameras.raycast.lighting import lit
from ingest.simulation.cameras.solids import SURFACE
from ingest.simulation.cameras.views import GROUND, NOTHING

FAR_SURFACE, SKY_SURFACE = 3, 9
_FIRST, _NODES = np.array(FIRST, np.int32), np.array(NODES, np.int32)
_BLOCK = 512


class Samples(NamedTuple):
    """Samples of a block of pixels: room that is used again for each block.

    Attributes:
        words: ``(4, _BLOCK)`` the four texels around each sample.
        x, y: ``(_BLOCK,)`` places of the samples in the texture, in nodes.
        step_x, step_y: From one sample of a pixel to its next.
    """

    words: NDArray[np.uint32]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    step_x: NDArray[np.float32]
    step_y: NDArray[np.float32]


@kernel
def segment(view, kinds, ground, sight, surfaces):
    """Fill ``surfaces`` with the id of what each pixel sees."""
    who, floor, spread, into = sight.who.ravel(), view.floor, view.spread, surfaces.ravel()
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


@inlined
def _in_texture(place, level, c, s, x, y):
    """The position of a point of the ego frame in a level's texture, in nodes."""
    return place[level, 0] + c * x - s * y, place[level, 1] + s * x + c * y


@kernel
def shade_ground(view, ground, air, sight):
    """Block by block of the pixels that share a level of the texture and a number of samples."""
    who, floor = sight.who.ravel(), view.floor
    chosen = np.empty(len(floor) + 1, np.int32)
    samples = Samples(
        np.empty((4, _BLOCK), np.uint32),
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
    )
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
                _place_samples(view.spread, block, level, ground, samples)
                _albedo(ground, level, taps, len(block), samples, colour)
            _light_ground(view, block, air, who, colour, sight.rgb)


@inlined
def _place_samples(spread, block, level, ground, samples):
    """Place each pixel's first sample in the level's texture, and the step to its next."""
    c, s = ground.turn
    for m in range(len(block)):
        n = np.uintp(block[m])
        x, y, dx, dy = spread[n, 0], spread[n, 1], spread[n, 2], spread[n, 3]
        samples.x[m], samples.y[m] = _in_texture(ground.place, level, c, s, x, y)
        samples.step_x[m], samples.step_y[m] = c * dx - s * dy, s * dx + c * dy


@inlined
def _albedo(ground, level, taps, count, samples, colour):
    """Linear colour of the ground that pixels cover, sampled along their footprints.

    The texels are fetched in a loop of their own: many fetches are then under way at once, and the
    loops around it become vectors.
    """
    texels, words, size = ground.texels, samples.words, np.int32(_NODES[level])
    first, last = np.int32(_FIRST[level]), size - np.int32(1)
    colour[:, :count] = 0
    for _ in range(taps):
        for m in range(count):
            i, j = np.int32(samples.x[m]), np.int32(samples.y[m])
            left, right = i & last, np.int32(i + np.int32(1)) & last
            low = np.int32(first + (j & last) * size)
            high = np.int32(first + (np.int32(j + np.int32(1)) & last) * size)
            words[0, m], words[1, m] = low + left, low + right
            words[2, m], words[3, m] = high + left, high + right
        for q in range(4):
            for m in range(count):
                words[q, m] = texels[np.uintp(words[q, m])]
        _blend(samples, count, colour)
    scale = np.float32(1 / 65280.0) / np.float32(taps)
    for c in range(3):
        for m in range(count):
            root = colour[c, m] * scale
            colour[c, m] = root * root


@inlined
def _blend(samples, count, colour):
    """Add four texels blended, each channel times 256, and go on to the next sample."""
    words, px, py = samples.words, samples.x, samples.y
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
        px[m], py[m] = x + samples.step_x[m], y + samples.step_y[m]


@inlined
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
            r, g, b = lit(light, gx, gy)
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
