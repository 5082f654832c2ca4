"""Which labels and detections count at KITTI's three difficulties.

Source: the devkit of KITTI's object benchmark (Geiger et al. 2012), ``evaluate_object.cpp``.
"""

from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Bools, Ints
from ridealong.perception.result_files import BoxesInBoth

DONT_CARE = "DontCare"


@dataclass(frozen=True)
class Difficulty:
    """A difficulty: labels that are harder are ignored.

    Attributes:
        name: Its name.
        min_height_px: Labels must be higher, detections at least as high, in the image.
        max_occlusion: The most hidden class of labels.
        max_truncation: The largest share outside the image.
    """

    name: str
    min_height_px: float
    max_occlusion: float
    max_truncation: float


DIFFICULTIES = (
    Difficulty("easy", 40, 0, 0.15),
    Difficulty("moderate", 25, 1, 0.3),
    Difficulty("hard", 25, 2, 0.5),
)


@dataclass(frozen=True)
class JudgedClass:
    """A class that is evaluated.

    Attributes:
        name: Its name in the files.
        min_iou: Detections must overlap a label by more, in the image, from above and in space.
        neighbours: Classes whose labels are ignored: finding one is neither right nor wrong.
    """

    name: str
    min_iou: float
    neighbours: tuple[str, ...] = ()


CLASSES = (
    JudgedClass("Car", 0.7, ("Van",)),
    JudgedClass("Pedestrian", 0.5, ("Person_sitting",)),
    JudgedClass("Cyclist", 0.5),
)


def of_class(boxes: BoxesInBoth, categories: tuple[str, ...], names: tuple[str, ...]) -> Bools:
    """``(N,)`` which boxes are of classes with these names."""
    return np.isin(boxes.image.category, [k for k, name in enumerate(categories) if name in names])


def counted(labels: BoxesInBoth, which: Ints, difficulty: Difficulty) -> Bools:
    """Which of some labels are easy enough to have to be found."""
    return np.asarray(
        (labels.image.xywh[which, 3] > difficulty.min_height_px)
        & (labels.occlusion[which] <= difficulty.max_occlusion)
        & (labels.truncation[which] <= difficulty.max_truncation)
    )


def small(detections: BoxesInBoth, difficulty: Difficulty) -> Bools:
    """``(N,)`` which detections are too low in the image to be judged.

    The devkit drops the fraction of a pixel first; the limits are whole pixels, so it changes
    nothing.
    """
    return np.asarray(np.abs(detections.image.xywh[:, 3]) < difficulty.min_height_px)
