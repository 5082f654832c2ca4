"""The frame that costs most in a cell, as both networks saw it, side by side in one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, ImageDraw, ImageFont

from dashboard.pictures.cameras import USUAL_CAMERA, camera_image, resized
from dashboard.pictures.masks import (
    FALSE,
    FOUND,
    MISSED,
    Judged,
    Picture,
    error_map,
    from_above,
    judged,
    over_image,
)
from dashboard.pictures.moments import costliest_time, middle_time
from ingest.clips.messages import LABEL_COLOUR, NETWORK_COLOURS, Colour
from ingest.clips.picture import draw
from ingest.clips.read import ClipReader
from metrics.gate.cells import Cell
from metrics.tasks.clip_view import ClipView
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import families, parse_prediction
from ridealong.errors import RidealongError
from ridealong.perception.annotations import BevLayer, Surface, at_times
from ridealong.perception.forms import Form
from ridealong.terminal.readable import counted
from ridealong.units import NS_PER_S
from shadow.outputs import RunOutputs
from shadow.runs import ROLES

ABOVE_PX, IMAGE_PX = 460, 480  # width of one panel
GAP_PX, HEAD_PX, FOOT_PX = 6, 26, 24
PAPER: Colour = (16, 18, 22)
INK: Colour = (245, 245, 245)
FAINT: Colour = (190, 196, 206)
LEGENDS: dict[Form, Sequence[tuple[str, Colour]]] = {
    Form.DEPTH: (("relative error: black 0, yellow 50% or more", FALSE),),
}
UNITS = {Form.LAYERS: "cell", Form.CLASSES: "pixel"}
USUAL_LEGEND = (("found", FOUND), ("missed", MISSED), ("false", FALSE))


@dataclass(frozen=True)
class Pair:
    """The picture, and what it shows.

    Attributes:
        picture: Deployed on the left, candidate on the right.
        camera: The camera; None if it is seen from above.
        seconds: The frame's time, from the clip's first set of camera frames.
        which: Which frame of the clip it is, in words.
        found: How much each network finds, in words; empty if that cannot be said.
    """

    picture: Picture
    camera: str | None
    seconds: float
    which: str
    found: str


def draw_pair(outputs: RunOutputs, clip: Mapping[str, Any], cell: Cell) -> Pair:
    """The picture of one clip for one cell.

    Args:
        outputs: The outputs of the cell's run.
        clip: A row of the table clips.
        cell: The cell.

    Raises:
        RidealongError: The clip has no video or is damaged, its family is not installed, or what
            runs the networks is not installed.
    """
    if not clip["blob"]:
        raise RidealongError("the clip has no video")
    prediction = parse_prediction(cell["prediction"])
    form = families()[prediction.task].form
    time = costliest_time(outputs, clip, cell)
    with outputs.open(clip) as reader:
        which = "the frame that costs most"
        if time is None:
            time, which = middle_time(reader, outputs.rate_hz), "a frame from the middle"
        scene = _scene(outputs, reader, prediction, time, form)
        seconds = (time - int(reader.set_timestamps()[0])) / NS_PER_S
    panels = [_panel(scene, role) for role in ROLES]
    titles = [f"{role}: {outputs.run[role]}" for role in ROLES]
    picture = _side_by_side([panel.picture for panel in panels], titles, form)
    return Pair(picture, scene.camera, seconds, which, _in_words(panels, UNITS.get(form, "label")))


def frame_panels(
    outputs: RunOutputs, reader: ClipReader, prediction: Prediction, time: int
) -> dict[str, Picture]:
    """One judged frame as each network saw it, by role: of any prediction, sparse or dense.

    Raises:
        RidealongError: The clip lacks the camera or is damaged; a network does not give the
            prediction; or what runs the networks is not installed.
    """
    form = families()[prediction.task].form
    scene = _scene(outputs, reader, prediction, time, form)
    return {role: _panel(scene, role).picture for role in ROLES}


@dataclass(frozen=True)
class _Scene:
    """One frame: its image, and views of it by both networks and by the labels."""

    prediction: Prediction
    form: Form
    camera: str | None
    image: Picture | None
    views: Mapping[str, ClipView]
    labels: ClipView | None


@dataclass(frozen=True)
class _Panel:
    """One network's part, and what it says in numbers: found and there, or an error."""

    picture: Picture
    counts: tuple[int, int] | None = None
    error: float | None = None


def _scene(
    outputs: RunOutputs, reader: ClipReader, prediction: Prediction, time: int, form: Form
) -> _Scene:
    at = np.array([time])
    seen = outputs.views(reader, at, dense=not form.sparse)
    labels = reader.labels(with_dense=() if form.sparse else (prediction.task,))
    known = ClipView(at_times(labels, at), {}, reader.image_sizes) if labels is not None else None
    if known is not None and not len(known.perception.timestamps_ns):
        known = None
    if form is Form.LAYERS:
        return _Scene(prediction, form, None, None, seen, known)
    camera = prediction.camera or USUAL_CAMERA
    image = camera_image(reader, camera, time)
    return _Scene(prediction, form, camera, image, seen, known)


def _panel(scene: _Scene, role: str) -> _Panel:
    if scene.form is Form.LAYERS:
        return _layers(scene, role)
    assert scene.image is not None
    image, scale = resized(scene.image, IMAGE_PX)
    if scene.form is Form.CLASSES:
        return _classes(scene, role, image)
    if scene.form is Form.DEPTH:
        return _depth(scene, role, image)
    return _outlines(scene, role, image, scale)


def _layers(scene: _Scene, role: str) -> _Panel:
    layer = str(scene.prediction.category)
    seen = scene.views[role].perception.bev[layer][0]
    there = scene.labels.perception.bev if scene.labels else {}
    real = there[layer][0] if layer in there else np.full_like(seen, 255)
    cells = judged(seen, real, 1) if layer in there else _unjudged(seen == 1)
    road, lines = (
        there[name][0] == 1 if name in there and name != layer else None
        for name in (BevLayer.ROAD, BevLayer.LANE_LINE)
    )
    return _Panel(
        from_above(cells, road, lines, ABOVE_PX), cells.counts if layer in there else None
    )


def _unjudged(seen: Any) -> Judged:
    """What a network says where there are no labels: neither right nor wrong."""
    nothing = np.zeros_like(seen)
    return Judged(seen, nothing, nothing)


def _classes(scene: _Scene, role: str, image: Picture) -> _Panel:
    camera = str(scene.camera)
    code = [surface.value for surface in Surface].index(str(scene.prediction.category))
    seen = scene.views[role].perception.segmentation[camera][0]
    real = scene.labels.perception.segmentation.get(camera) if scene.labels else None
    cells = _unjudged(seen == code) if real is None else judged(seen, real[0], code)
    return _Panel(over_image(image, cells), None if real is None else cells.counts)


def _depth(scene: _Scene, role: str, image: Picture) -> _Panel:
    camera = str(scene.camera)
    seen = scene.views[role].perception.depth[camera][0]
    real = scene.labels.perception.depth.get(camera) if scene.labels else None
    if real is None:
        raise RidealongError("the frame has no label of depth to compare with")
    picture, error = error_map(image, seen, real[0])
    return _Panel(picture, error=error)


def _outlines(scene: _Scene, role: str, image: Picture, scale: float) -> _Panel:
    """Boxes, lights and lines: what was found is thin, what was missed or is false is thick."""
    family = families()[scene.prediction.task]
    view, labels = scene.views[role], scene.labels
    if labels is None or family.differences is None:
        draw(image, _rows(view, scene), NETWORK_COLOURS[role], scale)
        if labels is not None:
            draw(image, _rows(labels, scene), LABEL_COLOUR, scale)
        return _Panel(image)
    (own, false), (real, missed) = family.differences(view, labels, [scene.prediction])
    draw(image, real.table.filter(pa.array(~missed)), FOUND, scale, 1)
    draw(image, own.table.filter(pa.array(~false)), NETWORK_COLOURS[role], scale)
    draw(image, own.table.filter(pa.array(false)), FALSE, scale, 4)
    draw(image, real.table.filter(pa.array(missed)), MISSED, scale, 4)
    there = len(missed)
    return _Panel(image, (there - int(missed.sum()), there))


def _rows(view: ClipView, scene: _Scene) -> pa.Table:
    rows = view.perception.sparse
    own = pc.and_(
        pc.equal(rows["task"], scene.prediction.task), pc.equal(rows["camera"], scene.camera)
    )
    return rows.filter(own)


def _in_words(panels: Sequence[_Panel], unit: str) -> str:
    """How much each network finds: ``deployed finds 95 of 160 cells, candidate 14``."""
    one, two = panels
    if one.counts and two.counts:
        found, there = one.counts
        return f"deployed finds {found:,} of {counted(there, unit)}, candidate {two.counts[0]:,}"
    if one.error is not None and two.error is not None:
        return f"mean relative error: deployed {one.error:.0%}, candidate {two.error:.0%}"
    return ""


def _side_by_side(panels: Sequence[Picture], titles: Sequence[str], form: Form) -> Picture:
    width, height = panels[0].size
    whole = Image.new("RGB", (2 * width + GAP_PX, HEAD_PX + height + FOOT_PX), PAPER)
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(15)
    for place, (panel, title, role) in enumerate(zip(panels, titles, ROLES, strict=True)):
        left = place * (width + GAP_PX)
        whole.paste(panel, (left, HEAD_PX))
        pen.rectangle((left + 4, 8, left + 14, 18), fill=NETWORK_COLOURS[role])
        pen.text((left + 20, 4), title[:60], fill=INK, font=font)
    _legend(pen, LEGENDS.get(form, USUAL_LEGEND), HEAD_PX + height)
    return whole


def _legend(pen: ImageDraw.ImageDraw, entries: Sequence[tuple[str, Colour]], top: int) -> None:
    font, left = ImageFont.load_default(13), 4
    for text, colour in entries:
        pen.rectangle((left, top + 7, left + 12, top + 17), fill=colour)
        pen.text((left + 18, top + 4), text, fill=FAINT, font=font)
        left += 18 + round(pen.textlength(text, font=font)) + 16
