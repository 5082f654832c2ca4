"""The state of the traffic light that matters to us, per camera and frame.

A frame's *overall state* is that of the relevant light (``relevant`` is not false) that is red,
yellow or green with the highest score at or above its threshold; of equal scores the larger box,
then red before yellow before green. Without such a light the state is "none"; rows of the category
"none" do not count. Each frame is one entry of a confusion matrix, label against output, and a
prediction such as ``lights/red@narrow`` is read from it. Red taken for green is counted separately.

Source: scikit-learn's confusion matrix and balanced accuracy.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from metrics.tasks.clip_view import ClipView, SparseRows
from metrics.tasks.disagreement import jaccard_metric
from metrics.tasks.family import Reported, Scorer, TaskFamily
from metrics.tasks.maps import overlap_sums
from metrics.tasks.metric import (
    Better,
    Metric,
    Reference,
    Result,
    Sums,
    detection_metrics,
    detection_sums,
    over,
)
from metrics.tasks.prediction import DEFAULT_THRESHOLD, Prediction
from metrics.tasks.stability import PARAMETERS as STEADINESS
from metrics.tasks.stability import flicker_metric, flicker_sums, inner_frames
from ridealong.arrays import Floats, Ints
from ridealong.perception.annotations import LightState, Task
from ridealong.perception.forms import Form

NAME = Task.LIGHTS.value
STATES = tuple(LightState)
SHOWN = (LightState.RED, LightState.YELLOW, LightState.GREEN)
RED, GREEN, NONE = (STATES.index(s) for s in (LightState.RED, LightState.GREEN, LightState.NONE))

COUNTS = detection_metrics(
    NAME, "frames in that state", "confusion of overall states, as scikit-learn's"
)
RED_AS_GREEN = Metric(
    "red_as_green",
    NAME,
    Better.LOWER,
    "1",
    ("red_as_green", "red"),
    Reference.LABELS,
    "share of the frames with a red light that were called green",
    "confusion of overall states",
    over("red_as_green", "red"),
    categories=frozenset({LightState.RED}),
)
FLICKER = flicker_metric(
    NAME,
    "frames that alone are in the state, or that the next frame alone is not in it",
    "all frames in the state",
)
DISAGREEMENT = jaccard_metric(NAME, "frames in the state")


def against_labels(
    outputs: ClipView, labels: ClipView, predictions: Sequence[Prediction]
) -> Result:
    """Each state's counts, from the camera's confusion matrix."""
    cameras = cameras_of(predictions)
    confusion = confusion_of(overall_states(labels, cameras), overall_states(outputs, cameras))
    names = tuple(map(str, predictions))
    camera = np.array([cameras.index(str(p.camera)) for p in predictions])
    state = np.array([code_of(p) for p in predictions])
    tp = confusion[camera, state, state]
    fp = confusion[camera, :, state].sum(axis=1) - tp
    fn = confusion[camera, state, :].sum(axis=1) - tp
    counts = detection_sums(COUNTS, names, tp, fp, fn)
    red = camera[state == RED]
    errors = {"red_as_green": confusion[red, RED, GREEN], "red": confusion[red, RED].sum(axis=1)}
    reds = tuple(name for name, s in zip(names, state, strict=True) if s == RED)
    return Result((*counts, Sums(RED_AS_GREEN, reds, errors)))


def cameras_of(predictions: Sequence[Prediction]) -> list[str]:
    """The cameras of some predictions, sorted."""
    return sorted({str(p.camera) for p in predictions})


def code_of(prediction: Prediction) -> int:
    """The index of the prediction's state in `STATES`."""
    return STATES.index(LightState(str(prediction.category)))


def overall_states(view: ClipView, cameras: Sequence[str]) -> Ints:
    """``(cameras, T)`` index into `STATES`."""
    shown = [Prediction(NAME, state, camera) for camera in cameras for state in SHOWN]
    rows = reported_lights(view, shown)
    states = np.full((len(cameras), view.frames), NONE)
    camera, state = np.divmod(rows.cell, len(SHOWN))
    # Written in ascending priority: the last write stays.
    order = np.lexsort((-state, _area(rows), rows.floats("score")[:, 0]))
    states[camera[order], rows.frame[order]] = state[order]
    return states


def reported_lights(view: ClipView, predictions: Sequence[Prediction]) -> SparseRows:
    """The relevant lights at or above their thresholds."""
    rows = view.rows_of(predictions)
    relevant = pc.fill_null(rows.table["relevant"], True).to_numpy().astype(np.bool_)
    return rows.take(
        relevant & (rows.floats("score")[:, 0] >= view.threshold_of(predictions)[rows.cell])
    )


def _area(rows: SparseRows) -> Floats:
    """Size of each light's box; 0 where the box is unknown."""
    x1, y1, x2, y2 = (rows.known(name, 0.0) for name in ("x1", "y1", "x2", "y2"))
    return (x2 - x1) * (y2 - y1)


def confusion_of(truth: Ints, reported: Ints) -> Ints:
    """``(cameras, 4, 4)``: frames by the label's state (rows) and the output's (columns)."""
    cameras, frames = truth.shape
    camera = np.repeat(np.arange(cameras), frames)
    cell = (camera * len(STATES) + truth.ravel()) * len(STATES) + reported.ravel()
    flat = np.bincount(cell, minlength=cameras * len(STATES) ** 2)
    return flat.reshape(cameras, len(STATES), len(STATES))


def against_self(view: ClipView, predictions: Sequence[Prediction]) -> Result:
    """States that last one frame, and states that are interrupted for one frame."""
    cameras = cameras_of(predictions)
    states = overall_states(view, cameras)
    camera = [cameras.index(str(p.camera)) for p in predictions]
    state = np.array([code_of(p) for p in predictions])
    shows = states[camera] == state[:, None]
    before, now, after = shows[:, :-2], shows[:, 1:-1], shows[:, 2:]
    unsteady = np.zeros_like(shows)
    unsteady[:, 1:-1] |= ~before & now & ~after & inner_frames(view)
    unsteady[:, :-2] |= before & ~now & after & inner_frames(view)
    return flicker_sums(FLICKER, predictions, unsteady.sum(axis=1), shows.sum(axis=1))


def against_other(one: ClipView, two: ClipView, predictions: Sequence[Prediction]) -> Result:
    """Frames in which only one of the networks sees the state."""
    cameras = cameras_of(predictions)
    states = [overall_states(view, cameras) for view in (one, two)]
    sums = []
    for prediction in predictions:
        camera = cameras.index(str(prediction.camera))
        a, b = (s[camera] == code_of(prediction) for s in states)
        sums.append((int((a & b).sum()), int((a | b).sum())))
    return Result((overlap_sums(DISAGREEMENT, predictions, sums),))


def differences(
    one: ClipView, two: ClipView, predictions: Sequence[Prediction]
) -> tuple[Reported, Reported]:
    """The lights that show each network's overall state, and whether the other one's differs."""
    cameras = cameras_of(predictions)
    states = [overall_states(view, cameras) for view in (one, two)]
    camera = np.array([cameras.index(str(p.camera)) for p in predictions])
    code = np.array([code_of(p) for p in predictions])

    def shown(view: ClipView, own: int) -> Reported:
        rows = reported_lights(view, predictions)
        at = camera[rows.cell], rows.frame
        state = code[rows.cell]
        wins = states[own][at] == state
        return rows.take(wins), (states[1 - own][at] != state)[wins]

    return shown(one, 0), shown(two, 1)


FAMILY = TaskFamily(
    name=NAME,
    form=Form.STATES,
    example="lights/red@narrow",
    categories=tuple(state.value for state in LightState),
    against_labels=Scorer((*COUNTS, RED_AS_GREEN), against_labels),
    against_self=Scorer((FLICKER,), against_self),
    against_other=Scorer((DISAGREEMENT,), against_other),
    parameters={
        "states": [state.value for state in STATES],
        "default_threshold": DEFAULT_THRESHOLD,
        **STEADINESS,
    },
    nothing=LightState.NONE.value,
    differences=differences,
)
