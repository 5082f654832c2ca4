"""One frame as each network of a run saw it, with what is wrong in the foreground."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from dashboard.drawing.colours import LAYERS
from dashboard.drawing.judging import (
    DEPTH_WORDS,
    WORDS,
    Code,
    Codes,
    codes,
    place_of,
)
from dashboard.drawing.painting import DARK, Picture, legend, looks, paint
from dashboard.drawing.topdown import mark_ego, topdown
from dashboard.player.differences import judge
from ingest.clips.picture import draw
from ingest.clips.read import ClipReader
from metrics.tasks.clip_view import ClipView
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import sparse_tasks
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.perception.annotations import ANNOTATIONS, BevLayer, Perception, Task, at_times
from shadow.outputs import RunOutputs
from shadow.runs import ROLES

WIDTH = 640
USUAL_CAMERA = "main"


def frame_pictures(
    outputs: RunOutputs,
    reader: ClipReader,
    prediction: Prediction,
    time_ns: int,
    width: int = WIDTH,
) -> dict[str, Picture]:
    """One frame as each network saw it, by role: of any prediction, sparse or dense.

    Sparse predictions: the camera's image with the marks of the prediction's task. Segmentation and
    depth: the image with what is right, missed and false. Top-down layers: the same seen from
    above, beside a small image. Where the frame has no label, what was reported counts as right.

    Args:
        outputs: The outputs of the run.
        reader: The clip.
        prediction: Any prediction of the networks.
        time_ns: A judged frame: one of the clip's `sample_times` at the run's rate.
        width: Of the pictures, in pixels.

    Raises:
        RidealongError: The clip has no camera; it or an output is damaged; a network does not give
            the prediction; or dense outputs are needed and torch is not installed.
    """
    image = resized(camera_image(reader, camera_of(reader, prediction), time_ns), width)
    times = np.array([time_ns], np.int64)
    if prediction.task in sparse_tasks():
        return _with_marks(outputs, reader, prediction, times, image)
    views = outputs.views(reader, times, dense=True)
    labels = dense_labels(reader, prediction, time_ns)
    return {
        role: _judged(prediction, image, views[role].perception, labels, role) for role in ROLES
    }


def camera_of(reader: ClipReader, prediction: Prediction | None = None) -> str:
    """The camera of the prediction, else the usual one, else the clip's first.

    Raises:
        RidealongError: No camera has a frame.
    """
    own = prediction.camera if prediction else None
    for name in (own, USUAL_CAMERA, *reader.cameras):
        if name in reader.cameras and len(reader.timestamps(name)):
            return name
    raise RidealongError("the clip has no camera")


def camera_image(reader: ClipReader, camera: str, time_ns: int) -> Picture:
    """A camera's frame nearest a time.

    Raises:
        RidealongError: There is no such camera, it has no frame, or the frame is damaged.
    """
    times = reader.timestamps(camera)
    if not len(times):
        raise RidealongError(f"camera {camera!r} has no frames", where=reader.path)
    nearest = times[[np.abs(times - time_ns).argmin()]]
    (image,) = [found[camera] for _, found in reader.frames_at([camera], nearest)]
    return Image.fromarray(image)


def resized(image: Picture, width: int) -> Picture:
    """The image in another width."""
    size = (width, max(round(image.height * width / image.width), 1))
    return image.resize(size, Image.Resampling.LANCZOS)


def dense_labels(reader: ClipReader, prediction: Prediction, time_ns: int) -> Perception | None:
    """The dense labels that judge a prediction at one frame; None if the frame has none."""
    names = reader.dense_label_names().get(prediction.task, [])
    if prediction.task != Task.BEV:
        names = [name for name in names if name == prediction.camera]
    arrays = {}
    for name in names:
        times, array = reader.dense_labels(prediction.task, name, time_ns, time_ns)
        if len(times):
            arrays[name] = array
    if not arrays:
        return None
    empty = Perception(np.array([time_ns], np.int64), ANNOTATIONS.empty_table())
    return replace(empty, **{prediction.task: arrays})  # type: ignore[arg-type]


def _with_marks(
    outputs: RunOutputs,
    reader: ClipReader,
    prediction: Prediction,
    times: Ints,
    image: Picture,
) -> dict[str, Picture]:
    views = outputs.views(reader, times, dense=False)
    labels = reader.labels(with_dense=False)
    known = at_times(labels, times).sparse if labels else ANNOTATIONS.empty_table()
    camera = camera_of(reader, prediction)
    scale = image.width / reader.cameras[camera].width
    counted = counted_rows(views)
    found = {}
    for role in ROLES:
        picture = image.copy()
        for rows, colour in ((known, LAYERS["labels"]), (counted[role], LAYERS[role])):
            draw(picture, _of_task(rows, camera, prediction.task), colour, scale)
        found[role] = picture
    return found


def counted_rows(views: Mapping[str, ClipView]) -> dict[str, pa.Table]:
    """The rows of each network that count, by role."""
    sides = judge(*(views[role] for role in ROLES))
    return {
        role: views[role].perception.sparse.filter(pa.array(side.counts))
        for role, side in zip(ROLES, sides, strict=True)
    }


def _of_task(rows: pa.Table, camera: str, task: str) -> pa.Table:
    return rows.filter(pc.and_(pc.equal(rows["camera"], camera), pc.equal(rows["task"], task)))


def _judged(
    prediction: Prediction, image: Picture, seen: Perception, labels: Perception | None, role: str
) -> Picture:
    place = place_of(prediction)
    output = place.of(seen, f"the {role} network")
    found = _reported(output, place.code)
    if labels is not None:
        found = codes(place, output, place.of(labels, "the label"))
    own = looks(LAYERS[role])
    lines = _lines(prediction, found[0], labelled=labels is not None)
    if prediction.task != Task.BEV:
        picture = paint(image, found[0], own)
        legend(picture, lines, own, (4, 4))
        return picture
    road = (labels or seen).bev.get(BevLayer.ROAD)
    above = paint(topdown(image.height, None if road is None else road[0]), found[0], own)
    mark_ego(above)
    picture = Image.new("RGB", image.size, DARK)
    picture.paste(above, (image.width - above.width, 0))
    small = resized(image, max(image.width - above.width - 8, 1))
    picture.paste(small, (0, 0))
    legend(picture, lines, own, (4, small.height + 8))
    return picture


def _reported(output: NDArray[np.generic], code: int | None) -> Codes:
    """What was reported, where no label says whether it is right; of depth, what is known."""
    said = np.isfinite(output) if code is None else output == code
    return np.asarray(said, np.uint8)


def _lines(prediction: Prediction, found: Codes, labelled: bool) -> dict[Code, str]:
    """What is said of each code, with its size."""
    counts = np.bincount(found.ravel(), minlength=len(Code))
    unit = "cells" if prediction.task == Task.BEV else "px"
    if not labelled:
        return {Code.RIGHT: f"reported: {counts[Code.RIGHT]:,} {unit}; no label here"}
    words = DEPTH_WORDS if prediction.task == Task.DEPTH else WORDS
    return {code: f"{word}: {counts[code]:,} {unit}" for code, word in words.items()}
