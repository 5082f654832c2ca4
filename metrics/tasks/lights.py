"""The state of the traffic light that matters to us, per camera and frame.

A frame's *overall state* is that of the relevant light (``relevant`` is not false) that is red,
yellow or green with the highest score at or above its threshold; of equal scores the larger box,
then red before yellow before green; no such light is the state "none". Rows of the category "none"
say nothing. Each frame is one entry of a confusion matrix, label against output; a prediction such
as ``lights/red@narrow`` is read off it. Red taken for green is counted apart.

Source: scikit-learn's confusion matrix and balanced accuracy.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow.compute as pc

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
from metrics.tasks.prediction import Prediction
from metrics.tasks.views import Rows, View, rows_of
from ridealong.arrays import Floats, Ints
from ridealong.perception.annotations import LightState, Task

STATES = tuple(LightState)
SHOWN = (LightState.RED, LightState.YELLOW, LightState.GREEN)
RED, GREEN, NONE = (STATES.index(s) for s in (LightState.RED, LightState.GREEN, LightState.NONE))

COUNTS = detection_metrics(
    Task.LIGHTS, "frames in that state", "confusion of overall states, as scikit-learn's"
)
RED_AS_GREEN = Metric(
    "red_as_green",
    Task.LIGHTS,
    Better.LOWER,
    "1",
    ("red_as_green", "red"),
    Reference.LABELS,
    "share of the frames with a red light that were called green",
    "confusion of overall states",
    over("red_as_green", "red"),
    categories=frozenset({LightState.RED}),
)
METRICS = (*COUNTS, RED_AS_GREEN)
PARAMETERS = {"states": ",".join(STATES)}


def against_labels(outputs: View, labels: View, predictions: Sequence[Prediction]) -> Result:
    """Each state's counts, read off the camera's confusion matrix."""
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


def overall_states(view: View, cameras: Sequence[str]) -> Ints:
    """``(cameras, T)`` index into `STATES`."""
    shown = [Prediction(Task.LIGHTS, state, camera) for camera in cameras for state in SHOWN]
    rows = said_lights(view, shown)
    states = np.full((len(cameras), view.frames), NONE)
    camera, state = np.divmod(rows.cell, len(SHOWN))
    # Written in ascending order of what should win: the last write stays.
    order = np.lexsort((-state, _area(rows), rows.floats("score")[:, 0]))
    states[camera[order], rows.frame[order]] = state[order]
    return states


def said_lights(view: View, predictions: Sequence[Prediction]) -> Rows:
    """The relevant lights at or above their thresholds."""
    rows = rows_of(view.perception, predictions)
    relevant = pc.fill_null(rows.table["relevant"], True).to_numpy().astype(np.bool_)
    return rows.take(
        relevant & (rows.floats("score")[:, 0] >= view.threshold_of(predictions)[rows.cell])
    )


def _area(rows: Rows) -> Floats:
    """Size of each light's box; 0 where the box is unknown."""
    x1, y1, x2, y2 = (rows.known(name, 0.0) for name in ("x1", "y1", "x2", "y2"))
    return (x2 - x1) * (y2 - y1)


def confusion_of(truth: Ints, said: Ints) -> Ints:
    """``(cameras, 4, 4)``: frames by the label's state (rows) and the output's (columns)."""
    cameras, frames = truth.shape
    camera = np.repeat(np.arange(cameras), frames)
    cell = (camera * len(STATES) + truth.ravel()) * len(STATES) + said.ravel()
    flat = np.bincount(cell, minlength=cameras * len(STATES) ** 2)
    return flat.reshape(cameras, len(STATES), len(STATES))


def balanced_accuracy(
    recalls: Mapping[str, Mapping[str, Floats]], states: Sequence[str] = SHOWN
) -> Floats:
    """Mean recall over ``states`` ("none" apart), from each state's summed tp and fn.

    Args:
        recalls: Per state the sums of the metric recall, arrays of one shape.
        states: The states to average over.

    Returns:
        NaN, unknown, where one of the states never showed.
    """
    means = [COUNTS[2].value(recalls[state]) for state in states]
    return np.asarray(np.mean(means, axis=0), np.float64)
