"""The layout seen from above as a picture: the road in grey, the vehicle, and what is judged."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dashboard.drawing.colours import BEV_LAYERS
from dashboard.drawing.judging import Code, Codes
from dashboard.drawing.painting import DARK, INK, Look, Picture, paint
from ridealong.perception.annotations import BEV_X_M, BEV_Y_M, BevLayer

RINGS_M = (20, 40)


def topdown(size: int, road: Codes | None) -> Picture:
    """A square of the layout, ahead is up, with the cells of the road if they are known."""
    picture = Image.new("RGB", (size, size), DARK)
    if road is not None:
        look = {Code.RIGHT: Look(BEV_LAYERS[BevLayer.ROAD], opacity=0.6)}
        picture = paint(picture, np.asarray(road == 1, np.uint8), look)
    return picture


def mark_ego(picture: Picture) -> None:
    """Draw the vehicle and rings of distance, in place."""
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(max(9, picture.height // 32))
    scale = picture.height / (BEV_X_M[1] - BEV_X_M[0])
    x, y = BEV_Y_M[1] * scale, BEV_X_M[1] * scale
    for ring in RINGS_M:
        r = ring * scale
        pen.arc((x - r, y - r, x + r, y + r), 180, 360, fill=(120, 125, 135))
        pen.text((x + 3, y - r + 2), f"{ring} m", (170, 175, 185), font)
    length, half = 2.4 * scale, 1.0 * scale
    pen.polygon([(x, y - length), (x - half, y + length), (x + half, y + length)], outline=INK)
