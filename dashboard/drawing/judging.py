"""What is right and wrong in a dense output, per pixel or cell, by the rules of its metric."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.tasks.bev import OCCUPIED
from metrics.tasks.dense import nearest_grid
from metrics.tasks.depth import CAP_M, FACTOR, LEAST_M
from metrics.tasks.prediction import Prediction
from metrics.tasks.segmentation import CLASSES
from ridealong.arrays import Bools
from ridealong.errors import RidealongError
from ridealong.perception.annotations import UNLABELLED, Perception, Task

Codes = NDArray[np.uint8]


class Code(IntEnum):
    """What a pixel or cell is. The words differ for depth, where nothing is missed."""

    NOTHING = 0  # not judged, or rightly empty
    RIGHT = 1
    MISSED = 2  # labelled, and not reported; depth: too far
    FALSE = 3  # reported, and not labelled; depth: too near


WORDS = {Code.RIGHT: "right", Code.MISSED: "missed", Code.FALSE: "false"}
DEPTH_WORDS = {Code.RIGHT: "right", Code.MISSED: "too far", Code.FALSE: "too near"}
DEPTH_RULE = f"right is less than a factor of {FACTOR} from the label, which is at most {CAP_M:g} m"


@dataclass(frozen=True)
class Place:
    """Where a dense prediction is: its task, its camera or layer, and its class.

    Attributes:
        task: ``segmentation``, ``depth`` or ``bev``.
        name: The camera, or the layer of bev.
        code: The value of its pixels in the array; None for depth.
    """

    task: str
    name: str
    code: int | None

    def of(self, seen: Perception, whose: str) -> NDArray[Any]:
        """Its array ``(T, h, w)``.

        Raises:
            RidealongError: The perception has none.
        """
        arrays = getattr(seen, self.task, {})
        if self.name not in arrays:
            what = f"layer {self.name}" if self.task == Task.BEV else f"camera {self.name}"
            raise RidealongError(f"{whose} has no {self.task} of the {what}")
        found: NDArray[Any] = arrays[self.name]
        return found


def place_of(prediction: Prediction) -> Place:
    """Where a dense prediction is found in a perception."""
    if prediction.task == Task.BEV:
        return Place(prediction.task, str(prediction.category), OCCUPIED)
    if prediction.task == Task.SEGMENTATION:
        code = CLASSES.index(str(prediction.category))
        return Place(prediction.task, str(prediction.camera), code)
    return Place(prediction.task, str(prediction.camera), None)


def codes(place: Place, output: NDArray[Any], label: NDArray[Any]) -> Codes:
    """Judge outputs ``(T, h, w)`` against labels of any size; the codes have the labels' size."""
    size = (label.shape[1], label.shape[2])
    reported = nearest_grid(output, size)
    if place.code is None:
        return _depth_codes(reported, label)
    labelled = label != UNLABELLED
    there, said = label == place.code, reported == place.code
    return _coded(labelled & there & said, labelled & there & ~said, labelled & ~there & said)


def _depth_codes(reported: NDArray[Any], label: NDArray[Any]) -> Codes:
    with np.errstate(invalid="ignore"):
        labelled = (label > 0) & (label <= CAP_M)
        output = np.fmin(np.fmax(reported, LEAST_M), CAP_M)
        far, near = output >= FACTOR * label, label >= FACTOR * output
    return _coded(labelled & ~far & ~near, labelled & far, labelled & near)


def _coded(right: Bools, missed: Bools, false: Bools) -> Codes:
    found = np.zeros(right.shape, np.uint8)
    for code, where in ((Code.RIGHT, right), (Code.MISSED, missed), (Code.FALSE, false)):
        found[where] = code
    return found
