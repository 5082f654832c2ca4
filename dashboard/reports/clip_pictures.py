"""The pictures of the costliest clips: the frame that costs most, as each network saw it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dashboard.pictures.cameras import USUAL_CAMERA
from dashboard.pictures.moments import costliest_time, middle_time
from dashboard.pictures.pair import frame_panels
from dashboard.reports.content import Content, Costly
from dashboard.reports.pictures import Pictures, jpeg, none_because
from ingest.schemas import CLIPS
from metrics.gate.cells import Cell
from metrics.tasks.registry import families, parse_prediction
from ridealong.errors import RidealongError
from ridealong.extras import require
from ridealong.lake import Lake
from ridealong.perception.forms import Form
from ridealong.terminal.console import Console
from ridealong.units import NS_PER_S
from shadow.outputs import RunOutputs, run_outputs
from shadow.runs import ROLES

AREAS = "what is found is green, what is missed red and hatched, what is false yellow and dotted"
OUTLINES = "what is missed is red, what is false yellow, both thick"
MEANINGS = {form: OUTLINES for form in Form} | {
    Form.CLASSES: AREAS,
    Form.LAYERS: AREAS,
    Form.DEPTH: "black is no error, yellow a relative error of 50% or more",
}


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
    prediction = parse_prediction(cell["prediction"])
    costliest = costliest_time(outputs, clip, cell)
    with outputs.open(clip) as reader:
        time = middle_time(reader, outputs.rate_hz) if costliest is None else costliest
        panels = frame_panels(outputs, reader, prediction, time)
    which = "a frame from the middle" if costliest is None else "the frame that costs most"
    seconds = (time - int(clip["start_ns"])) / NS_PER_S
    form = families()[prediction.task].form
    where = "from above" if form is Form.LAYERS else f"camera {prediction.camera or USUAL_CAMERA}"
    about = f"{which}: {where}, {seconds:.2f} s from the clip's start; {MEANINGS[form]}"
    return Pictures(about, {f"{role}: {outputs.run[role]}": jpeg(panels[role]) for role in ROLES})
