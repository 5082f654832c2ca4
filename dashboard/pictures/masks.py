"""One network's output on one frame against the labels: what it found, missed, and saw falsely.

Dense outputs (classes, layers seen from above, depth) are drawn as areas, sparse ones as outlines.
What was missed is hatched and what is false is dotted, so that the picture reads in grey.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ingest.clips.messages import Colour
from metrics.tasks.dense import finer, nearest_grid
from ridealong.arrays import Bools
from ridealong.perception.annotations import BEV_X_M, BEV_Y_M, UNLABELLED

Picture = Image.Image

FOUND: Colour = (74, 190, 110)
MISSED: Colour = (255, 72, 72)
FALSE: Colour = (255, 208, 60)
GROUND: Colour = (24, 27, 34)
ROAD: Colour = (58, 63, 74)
LINES: Colour = (98, 104, 118)
EGO: Colour = (240, 240, 245)
WORST_ERROR = 0.5  # relative; what is larger is drawn like this


@dataclass(frozen=True)
class Judged:
    """The cells or pixels of one class on one frame.

    Attributes:
        found, missed, false: ``(h, w)``; cells without a label are in none of them.
    """

    found: Bools
    missed: Bools
    false: Bools

    @property
    def counts(self) -> tuple[int, int]:
        """How much was found, and how much there was."""
        found = int(self.found.sum())
        return found, found + int(self.missed.sum())


def judged(seen: NDArray[np.uint8], labels: NDArray[np.uint8], code: int) -> Judged:
    """Compare ``(h, w)`` maps of class codes, on the finer grid of both."""
    size = finer(seen[None], labels[None])
    own, real = (nearest_grid(one[None], size)[0] for one in (seen, labels))
    known, mine, there = real != UNLABELLED, own == code, real == code
    return Judged(known & mine & there, known & ~mine & there, known & mine & ~there)


def over_image(image: Picture, cells: Judged) -> Picture:
    """The cells over a camera's image, which is darkened."""
    picture = image.convert("L").point(lambda value: round(0.55 * value)).convert("RGB")
    return _painted(picture, cells, strength=0.62)


def from_above(cells: Judged, road: Bools | None, lines: Bools | None, side: int) -> Picture:
    """The cells seen from above, with the road and the vehicle itself for orientation.

    Args:
        cells: What is judged.
        road: ``(h, w)`` cells of the road, by the labels; None if unknown.
        lines: The same for lane lines.
        side: Width and height of the picture, in pixels.
    """
    picture = Image.new("RGB", (side, side), GROUND)
    for mask, colour in ((road, ROAD), (lines, LINES)):
        if mask is not None:
            picture.paste(colour, mask=_enlarged(mask, picture.size))
    picture = _painted(picture, cells, strength=1.0)
    _draw_ego(picture)
    return picture


def error_map(
    image: Picture, seen: NDArray[np.float32], labels: NDArray[np.float32]
) -> tuple[Picture, float]:
    """The relative error of depth over a camera's image, and its mean; unknown labels are dark."""
    size = finer(labels[None], labels[None])
    own = nearest_grid(seen[None], size)[0]
    known = np.isfinite(labels) & (labels > 0)
    error = np.zeros(size, np.float32)
    error[known] = np.abs(np.nan_to_num(own[known]) - labels[known]) / labels[known]
    mean = float(error[known].mean()) if known.any() else 0.0
    heat = np.clip(error / WORST_ERROR, 0, 1)[..., None]
    base = np.array(image.convert("L").resize(size[::-1]), np.float32)[..., None] * 0.35
    paint = base * (1 - heat) + heat * np.array(FALSE, np.float32)
    paint = np.where(known[..., None], paint, base * 0.4)
    small = Image.fromarray(paint.astype(np.uint8))
    return small.resize(image.size, Image.Resampling.NEAREST), mean


def _painted(picture: Picture, cells: Judged, strength: float) -> Picture:
    for mask, colour, pattern in (
        (cells.found, FOUND, None),
        (cells.false, FALSE, _dots),
        (cells.missed, MISSED, _hatches),
    ):
        area = _enlarged(mask, picture.size)
        if pattern is not None:
            drawn = pattern(picture.height, picture.width)
            thin = Image.fromarray(np.where(drawn, np.asarray(area), 0).astype(np.uint8))
            picture.paste(colour, mask=area.point(lambda value: round(0.35 * strength * value)))
            picture.paste(colour, mask=thin)
        else:
            picture.paste(colour, mask=area.point(lambda value: round(strength * value)))
    return picture


def _enlarged(mask: Bools, size: tuple[int, int]) -> Picture:
    small = Image.fromarray((mask * 255).astype(np.uint8))
    return small.resize(size, Image.Resampling.NEAREST)


def _hatches(height: int, width: int) -> Bools:
    rows, columns = np.ogrid[:height, :width]
    stripes: Bools = (rows + columns) % 7 < 4
    return stripes


def _dots(height: int, width: int) -> Bools:
    rows, columns = np.ogrid[:height, :width]
    dots: Bools = (rows % 5 < 3) & (columns % 5 < 3)
    return dots


def _draw_ego(picture: Picture) -> None:
    """The vehicle, about 4 by 2 m, where the ego frame has its origin."""
    across = picture.width / (BEV_Y_M[1] - BEV_Y_M[0])
    along = picture.height / (BEV_X_M[1] - BEV_X_M[0])
    x, y = BEV_Y_M[1] * across, BEV_X_M[1] * along
    corners = [(x, y - 4 * along), (x - across, y + along), (x + across, y + along)]
    ImageDraw.Draw(picture).polygon(corners, fill=EGO)
