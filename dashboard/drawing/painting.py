"""Codes painted over a picture: a colour and a pattern each, so that they differ in grey too."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dashboard.drawing.colours import Colour
from dashboard.drawing.judging import Code, Codes
from metrics.tasks.dense import nearest_grid
from ridealong.arrays import Bools

Picture = Image.Image

MISSED: Colour = (255, 60, 130)
FALSE: Colour = (255, 225, 60)
INK: Colour = (245, 245, 245)
DARK: Colour = (16, 18, 22)


class Pattern(Enum):
    """How an area is filled; a number of pixels after which it repeats."""

    FULL = 0
    STRIPES = 6
    CHEQUERS = 8


@dataclass(frozen=True)
class Look:
    """How a code looks."""

    colour: Colour
    pattern: Pattern = Pattern.FULL
    opacity: float = 0.45


def looks(right: Colour) -> dict[Code, Look]:
    """The looks of the codes; what is right has the colour of whoever reported it."""
    return {
        Code.RIGHT: Look(right),
        Code.MISSED: Look(MISSED, Pattern.STRIPES, 0.9),
        Code.FALSE: Look(FALSE, Pattern.CHEQUERS, 0.9),
    }


def paint(picture: Picture, codes: Codes, by_code: Mapping[Code, Look]) -> Picture:
    """The picture with codes ``(h, w)`` over all of it."""
    pixels = np.asarray(picture.convert("RGB"), np.float32).copy()
    over = nearest_grid(codes[None], (picture.height, picture.width))[0]
    for code, look in by_code.items():
        mask = (over == code) & _pattern(look.pattern, over.shape)
        pixels[mask] += look.opacity * (np.array(look.colour, np.float32) - pixels[mask])
    return Image.fromarray(pixels.round().astype(np.uint8))


def _pattern(pattern: Pattern, shape: tuple[int, ...]) -> Bools:
    rows, columns = np.indices(shape[:2])
    step = pattern.value
    if pattern is Pattern.STRIPES:
        return np.asarray((rows + columns) % step < step // 2)
    if pattern is Pattern.CHEQUERS:
        return np.asarray((rows % step < step // 2) == (columns % step < step // 2))
    return np.ones(shape[:2], np.bool_)


def legend(
    picture: Picture,
    lines: Mapping[Code, str],
    by_code: Mapping[Code, Look],
    corner: tuple[int, int],
) -> None:
    """Write a line for each code below a corner, in place: its look and what is said of it."""
    size = max(9, picture.height // 30)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    x, y = corner
    for code, text in lines.items():
        swatch = Image.new("RGB", (2 * size, size), DARK)
        swatch = paint(swatch, np.full((size, 2 * size), code, np.uint8), by_code)
        pen.rectangle((x, y, x + 2 * size + 10 + pen.textlength(text, font), y + size + 6), DARK)
        picture.paste(swatch, (x + 3, y + 3))
        pen.text((x + 2 * size + 8, y + 1), text, INK, font)
        y += size + 7
