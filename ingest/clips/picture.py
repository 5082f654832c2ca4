"""One instant of a clip as a picture: its cameras side by side, with annotations drawn on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ingest.clips.messages import LABEL_COLOUR, Colour, caption, outline
from ingest.clips.paths import paths_in_images, split_paths
from ingest.clips.read import ClipReader
from ingest.rig import shown_cameras
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import Image as Frame
from ridealong.units import NS_PER_S

Picture = Image.Image

TILE_WIDTH = 480
LONE_TILE_WIDTH = 960
LINE_WIDTH, PATH_WIDTH = 2, 4  # pixels of the picture
COLUMNS = 4  # at most
_GAP = 4
_BACKGROUND: Colour = (16, 18, 22)
_MASKED: Colour = (34, 37, 44)
_FAINT: Colour = (140, 146, 158)
_WHITE: Colour = (245, 245, 245)
_LIGHTS: dict[str, Colour] = {"red": (255, 70, 60), "yellow": (255, 210, 50)}
_LIGHTS["green"] = (70, 230, 90)


@dataclass(frozen=True)
class Layer:
    """One perception to draw: its name in the legend, the perception, its colour."""

    name: str
    seen: Perception
    colour: Colour = LABEL_COLOUR


def clip_picture(reader: ClipReader, at_s: float, layers: Sequence[Layer] | None = None) -> Picture:
    """Draw the cameras of a clip at one time, with layers over them.

    Each camera gives a tile, in the order of `shown_cameras`. A camera without a frame at that time
    is a dark tile with its name.

    Args:
        reader: The clip, which has a camera.
        at_s: Seconds from the clip's start; the nearest frames are shown.
        layers: What to draw; None draws the clip's labels.
    """
    if layers is None:
        labels = reader.labels(with_dense=False)
        layers = [] if labels is None else [Layer("labels", labels)]
    strokes = [stroke for layer in layers for stroke in _strokes(layer, reader.cameras)]
    names = shown_cameras(reader.cameras, reader.metadata.drive.get("source"))
    timestamp_ns, images = _nearest_set(reader, at_s)
    width = TILE_WIDTH if len(names) > 1 else LONE_TILE_WIDTH
    tiles = []
    for name in names:
        if name in images:
            at_ns, image = images[name]
            here = [replace(one, rows=_rows_at(one.rows, name, at_ns)) for one in strokes]
            tiles.append(_tile(image, here, name, width))
        else:
            tiles.append(_masked_tile(name, reader.cameras.get(name), width))
    legend = f"{reader.metadata.clip_id}  {_seconds(reader, timestamp_ns):.2f} s"
    return _grid(tiles, legend, layers)


def default_moment_s(reader: ClipReader) -> float:
    """Seconds from the clip's start to its middle, or to the labelled frame nearest the middle."""
    middle, labelled = reader.duration_s / 2, reader.label_timestamps()
    if not len(labelled):
        return middle
    seconds = (labelled - reader.metadata.start_ns) / NS_PER_S
    return float(seconds[np.abs(seconds - middle).argmin()])


def draw(
    image: Picture, rows: pa.Table, colour: Colour, scale: float = 1.0, width: int = LINE_WIDTH
) -> None:
    """Draw one camera's annotations of one frame on its image.

    Args:
        image: Drawn on in place.
        rows: Rows of `ANNOTATIONS`, all of this camera and frame.
        colour: Of boxes and lines; a traffic light's caption has the colour of its state.
        scale: Pixels of ``image`` per pixel of the camera.
        width: Width of lines, in pixels of ``image``.
    """
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    for row in rows.to_pylist():
        points = [(x * scale, y * scale) for x, y in outline(row)]
        if len(points) < 2:
            continue
        if row["points"]:
            pen.line(points, fill=colour, width=width)
            continue
        pen.line([*points, points[0]], fill=colour, width=LINE_WIDTH)
        _caption(pen, font, points[0], caption(row), _LIGHTS.get(row["category"], colour))


@dataclass(frozen=True)
class _Stroke:
    """Rows that are drawn in the same way."""

    rows: pa.Table
    colour: Colour
    width: int


def _strokes(layer: Layer, cameras: Mapping[str, CameraCalibration]) -> list[_Stroke]:
    """A layer's rows; the ego's path is drawn over the others, with a wider line."""
    paths, others = split_paths(layer.seen.sparse)
    return [
        _Stroke(others, layer.colour, LINE_WIDTH),
        _Stroke(paths_in_images(paths, cameras), layer.colour, PATH_WIDTH),
    ]


def _caption(
    pen: ImageDraw.ImageDraw, font: Any, corner: tuple[float, float], text: str, ink: Colour
) -> None:
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    at = (corner[0], max(0.0, corner[1] - (bottom - top) - 5))
    pen.rectangle((at[0], at[1], at[0] + right - left + 3, at[1] + bottom + 1), fill=_BACKGROUND)
    pen.text((at[0] + 2, at[1]), text, fill=ink, font=font)


def _nearest_set(reader: ClipReader, at_s: float) -> tuple[int, dict[str, tuple[int, Frame]]]:
    """The instant nearest a time, and each camera's frame of that instant with the frame's time.

    If no camera has a frame, the instant is the given time.
    """
    times = reader.set_timestamps()
    wanted = reader.metadata.start_ns + round(at_s * NS_PER_S)
    if len(times) == 0:
        return wanted, {}
    instant = int(times[np.abs(times - wanted).argmin()])
    own = {name: _frame_near(reader.timestamps(name), instant) for name in reader.cameras}
    due = np.array([time for time in own.values() if time is not None], np.int64)
    images = {
        name: (time, image)
        for time, found in reader.frames_at(list(reader.cameras), due)
        for name, image in found.items()
        if own[name] == time
    }
    return instant, images


def _frame_near(times_ns: NDArray[np.int64], instant_ns: int) -> int | None:
    """The time of a camera's frame at an instant; None if it was lost.

    Cameras may have clocks and rates of their own: a frame at most half a period away is shown.
    """
    if len(times_ns) == 0:
        return None
    nearest = int(times_ns[np.abs(times_ns - instant_ns).argmin()])
    half_ns = np.median(np.diff(times_ns)) / 2 if len(times_ns) > 1 else 0
    return nearest if abs(nearest - instant_ns) <= half_ns else None


def _tile(frame: Frame, strokes: Sequence[_Stroke], name: str, width: int) -> Picture:
    height, recorded_width = frame.shape[:2]
    scale = width / recorded_width
    tile = Image.fromarray(frame).resize((width, round(height * scale)), Image.Resampling.LANCZOS)
    for one in strokes:
        draw(tile, one.rows, one.colour, scale, one.width)
    _name(tile, name, _WHITE)
    return tile


def _rows_at(rows: pa.Table, camera: str, timestamp_ns: int) -> pa.Table:
    here = pc.and_(
        pc.equal(rows["timestamp_ns"], timestamp_ns),
        pc.equal(rows["camera"], camera),
    )
    return rows.filter(here)


def _masked_tile(name: str, camera: CameraCalibration | None, width: int) -> Picture:
    ratio = camera.height / camera.width if camera else 0.6
    tile = Image.new("RGB", (width, round(width * ratio)), _MASKED)
    _name(tile, f"{name}: no frame" if camera else f"{name}: masked", _FAINT)
    return tile


def _name(tile: Picture, text: str, ink: Colour) -> None:
    pen, font = ImageDraw.Draw(tile), ImageFont.load_default(14)
    left, _, right, bottom = pen.textbbox((0, 0), text, font=font)
    top = tile.height - bottom - 7
    pen.rectangle((0, top, right - left + 10, tile.height), fill=_BACKGROUND)
    pen.text((5, top + 2), text, fill=ink, font=font)


def _grid(tiles: Sequence[Picture], legend: str, layers: Sequence[Layer]) -> Picture:
    rows = -(-len(tiles) // COLUMNS) or 1
    columns = -(-len(tiles) // rows) or 1  # rows that are as even as can be
    lines = [tiles[at : at + columns] for at in range(0, len(tiles), columns)]
    heights = [max(tile.height for tile in line) for line in lines]
    bar = 26
    width = columns * (tiles[0].width + _GAP) + _GAP if tiles else TILE_WIDTH
    page = Image.new("RGB", (width, bar + sum(heights) + len(lines) * _GAP), _BACKGROUND)
    top = bar
    for line, height in zip(lines, heights, strict=True):
        for column, tile in enumerate(line):
            page.paste(tile, (_GAP + column * (tile.width + _GAP), top))
        top += height + _GAP
    _legend(page, legend, layers)
    return page


def _legend(page: Picture, text: str, layers: Sequence[Layer]) -> None:
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    pen.text((8, 5), text, fill=_WHITE, font=font)
    x = 8 + pen.textlength(text, font=font) + 24
    for layer in layers:
        pen.rectangle((x, 9, x + 10, 19), fill=layer.colour)
        pen.text((x + 15, 5), layer.name, fill=layer.colour, font=font)
        x += 15 + pen.textlength(layer.name, font=font) + 20


def _seconds(reader: ClipReader, timestamp_ns: int) -> float:
    return (timestamp_ns - reader.metadata.start_ns) / NS_PER_S
