"""Without labels: how steady one network is over time, compared with itself in nearby frames.

*Flicker* is the share of reported items that do not last: a box (or a light's state) that neither
the frame before nor the frame after has, or that is missing in the next frame and back in the one
after. An item that is both counts once, so the share is at most 1. It is unknown where nothing is
reported: no output does not count as steady.

*Jitter* is how much lines and dense outputs change. For depth it is the second difference over
time, which stays small if the car moves steadily. For the others it is the area that the classes of
two consecutive frames do not share. Frames more than 0.5 s apart are not linked.

Source: ours; the triggers flicker and box_jitter detect the same on the road.
"""

from collections.abc import Sequence

from metrics.tasks.clip_view import MAX_STEP_NS, ClipView, linked
from metrics.tasks.metric import Better, Metric, Reference, Result, Sums, over, unshared
from metrics.tasks.prediction import Prediction
from ridealong.arrays import Bools, Ints

SOURCE = "ours"
PARAMETERS = {"max_step_ns": MAX_STEP_NS}


def flicker_metric(task: str, what: str, among: str) -> Metric:
    """The metric flicker: ``what`` does not last, ``among`` all that is reported."""
    return Metric(
        "flicker",
        task,
        Better.LOWER,
        "1",
        ("flickers", "said"),
        Reference.SELF,
        f"{what}, over {among}",
        SOURCE,
        over("flickers", "said"),
    )


def jitter_metric(task: str, what: str) -> Metric:
    """The metric jitter of areas: 1 - IoU between consecutive frames."""
    return Metric(
        "jitter",
        task,
        Better.LOWER,
        "1",
        ("intersection", "union"),
        Reference.SELF,
        f"1 - IoU of the {what} between consecutive frames",
        SOURCE,
        unshared,
    )


def flicker_sums(
    metric: Metric, predictions: Sequence[Prediction], flickers: Ints, reported: Ints
) -> Result:
    """The statistics of `flicker_metric`."""
    names = tuple(map(str, predictions))
    return Result((Sums(metric, names, {"flickers": flickers, "said": reported}),))


def inner_frames(view: ClipView) -> Bools:
    """``(T - 2,)``: whether a frame is linked both to the one before and to the one after."""
    steps = linked(view.perception)
    return steps[:-1] & steps[1:]
