"""The pictures of the costliest clips: the frame that costs most, as each network saw it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from dashboard.player.differences import judge
from dashboard.reports.content import Content, Costly
from dashboard.reports.pictures import Pictures, jpeg, none_because, resized
from ingest.clips.messages import LABEL_COLOUR, NETWORK_COLOURS
from ingest.clips.picture import default_moment_s, draw
from ingest.clips.read import ClipReader, open_clip
from ingest.schemas import CLIPS
from metrics.gate.cells import Cell
from metrics.tasks.clip_view import ClipView
from metrics.tasks.metric import Reference
from metrics.tasks.prediction import task_of
from metrics.tasks.registry import families, parse_prediction, sparse_tasks
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.extras import require
from ridealong.lake import Lake
from ridealong.perception.annotations import ANNOTATIONS, at_times
from ridealong.perception.forms import Form
from ridealong.perception.recording import Image as Frame
from ridealong.terminal.console import Console
from ridealong.units import NS_PER_S
from shadow.frame_losses import FrameLosses
from shadow.outputs import RunOutputs, run_outputs
from shadow.runs import ROLES

USUAL_CAMERA = "main"


def clip_pictures(lake: Lake, content: Content, console: Console) -> list[Pictures]:
    """The pictures of each of the costliest clips, in their order.

    Raises:
        RidealongError: No picture can be made.
    """
    require("a picture", "video")
    with (
        run_outputs(lake, lake.snapshot(), content.run) as outputs,
        console.steps("pictures", len(content.costly)) as steps,
    ):
        return list(_each(outputs, content.costly, steps.advance))


def _each(
    outputs: RunOutputs, costly: Sequence[Costly], advance: Callable[[], None]
) -> Iterator[Pictures]:
    rows = outputs.snapshot.query(
        "select * from clips where list_contains(?, clip_id)",
        CLIPS,
        params=[[one.item for one in costly]],
    ).to_pylist()
    clips = {row["clip_id"]: row for row in rows}
    for one in costly:
        try:
            yield _pictures(outputs, clips[one.item], one.cell)
        except RidealongError as error:
            yield none_because(error)
        advance()


def _pictures(outputs: RunOutputs, clip: Mapping[str, Any], cell: Cell) -> Pictures:
    if not clip["blob"]:
        return none_because("the clip has no video")
    costliest = _costliest(outputs, clip, cell)
    with open_clip(outputs.lake.path(clip["blob"])) as reader:
        camera = _camera(reader, cell)
        if camera is None:
            return none_because("the clip has no camera")
        time = _middle(reader, outputs.rate_hz) if costliest is None else costliest
        image = _image(reader, camera, time)
        views = outputs.views(reader, reader.sample_times(outputs.rate_hz), dense=False)
        labels = reader.labels(with_dense=False)
    seen = _counted({role: _cut(view, time) for role, view in views.items()})
    known = at_times(labels, np.array([time])).sparse if labels else ANNOTATIONS.empty_table()
    drawn = {
        f"{role}: {outputs.run[role]}": _drawn(
            image, _of(known, camera, cell), _of(seen[role], camera, cell), role
        )
        for role in ROLES
    }
    seconds = (time - int(clip["start_ns"])) / NS_PER_S
    which = "a frame from the middle" if costliest is None else "the frame that costs most"
    task = task_of(cell["prediction"])
    instead = "" if task in sparse_tasks() else f"; boxes are drawn, as {task} has none"
    about = f"{which}: camera {camera}, {seconds:.2f} s from the clip's start{instead}"
    return Pictures(about, drawn)


def _costliest(outputs: RunOutputs, clip: Mapping[str, Any], cell: Cell) -> int | None:
    """The time of the frame with the largest share of the cell's loss; None if it is unknown.

    Only a comparison with labels has shares of frames. Dense outputs are not stored: the networks
    infer them again, if what runs them is installed.
    """
    if cell["reference"] != Reference.LABELS:
        return None
    try:
        shares = FrameLosses(outputs, [cell]).of(clip)
    except NotInstalledError:
        return None
    return max(shares, key=lambda time: (shares[time], -time), default=None)


def _camera(reader: ClipReader, cell: Cell) -> str | None:
    """The camera of the cell's prediction, else the usual one, else the clip's first."""
    own = parse_prediction(cell["prediction"]).camera
    wanted = [name for name in (own, USUAL_CAMERA, *reader.cameras) if name in reader.cameras]
    return next((name for name in wanted if len(reader.timestamps(name))), None)


def _middle(reader: ClipReader, rate_hz: float) -> int:
    """The judged frame nearest the clip's labelled middle."""
    times = reader.sample_times(rate_hz)
    middle = reader.metadata.start_ns + round(default_moment_s(reader) * NS_PER_S)
    return int(times[np.abs(times - middle).argmin()])


def _image(reader: ClipReader, camera: str, time: int) -> Frame:
    """A camera's frame nearest a time."""
    times = reader.timestamps(camera)
    nearest = times[[np.abs(times - time).argmin()]]
    (image,) = [found[camera] for _, found in reader.frames_at([camera], nearest)]
    return image


def _cut(view: ClipView, time: int) -> ClipView:
    return view.on(at_times(view.perception, np.array([time])))


def _counted(views: Mapping[str, ClipView]) -> dict[str, pa.Table]:
    """The rows of each network that count, by role."""
    sides = judge(*(views[role] for role in ROLES))
    return {
        role: views[role].perception.sparse.filter(pa.array(side.counts))
        for role, side in zip(ROLES, sides, strict=True)
    }


def _of(rows: pa.Table, camera: str, cell: Cell) -> pa.Table:
    """The rows of the cell's task; of all tasks with boxes if that one has nothing to draw."""
    own = task_of(cell["prediction"])
    boxes = [name for name, family in families().items() if family.form is Form.BOXES]
    tasks = [own] if own in sparse_tasks() else boxes
    rows = rows.filter(pc.equal(rows["camera"], camera))
    return rows.filter(pc.is_in(rows["task"], pa.array(tasks, pa.string())))


def _drawn(image: Frame, labels: pa.Table, seen: pa.Table, role: str) -> bytes:
    picture, scale = resized(Image.fromarray(image))
    draw(picture, labels, LABEL_COLOUR, scale)
    draw(picture, seen, NETWORK_COLOURS[role], scale)
    return jpeg(picture)
