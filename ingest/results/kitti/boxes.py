"""Lines of KITTI's label files as boxes in the image and in space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import (
    NO_ATTRIBUTE,
    NO_TRACK,
    Boxes2D,
    Boxes3D,
    BoxesInBoth,
    Note,
    Role,
)

JUDGED = ("Car", "Pedestrian", "Cyclist")  # the benchmark evaluates these alone
DONT_CARE = "DontCare"
TYPES = (*JUDGED, "Van", "Truck", "Person_sitting", "Tram", "Misc", DONT_CARE)
LARGEST = 1e7  # no pixel and no metre is farther away
NOWHERE = -1000.0  # a coordinate of a box that is not in space

# Columns of the numbers of a line.
TRUNCATION, OCCLUSION, CORNERS, SIZE_HWL = 0, 1, slice(3, 7), slice(7, 10)
LEFT_TOP, RIGHT_BOTTOM = slice(3, 5), slice(5, 7)
POSITION, ROTATION, SCORE = slice(10, 13), 13, 14


@dataclass(frozen=True)
class Side:
    """The lines of one side that can be used.

    Attributes:
        role: Which side.
        frame: ``(N,)`` index into the frames.
        type: ``(N,)`` index into ``types``.
        types: As the benchmark spells them, where it knows them.
        numbers: ``(N, 14)``, or ``(N, 15)`` with scores.
        notes: What was odd.
    """

    role: Role
    frame: Ints
    type: Ints
    types: tuple[str, ...]
    numbers: Floats
    notes: tuple[Note, ...]


def usable(numbers: Floats, role: Role) -> tuple[Bools, list[tuple[str, Bools, str]]]:
    """Which lines ``(N,)`` can be used; and of each oddity its kind, its lines, and a sentence."""
    shaped = _finite(numbers) & (numbers[:, RIGHT_BOTTOM] > numbers[:, LEFT_TOP]).all(axis=1)
    if role == "truth":
        text = "labels have no finite place or no size above 0; they were left out"
        return shaped, [("boxes-without-size", ~shaped, text)]
    score = numbers[:, SCORE]
    ranked = np.isfinite(score)
    return ranked, [
        (
            "boxes-without-size", ranked & ~shaped,
            "boxes have no finite place or no size above 0; they count as false positives",
        ),
        (
            "scores-not-finite", ~ranked,
            "boxes have a score that is not a finite number; they were left out",
        ),
        (
            "scores-beyond", ranked & ((score < 0) | (score > 1)),
            "scores are not between 0 and 1; they were used as they are",
        ),
    ]  # fmt: skip


def placed(side: Side) -> Bools:
    """``(N,)`` which lines have a box in space."""
    numbers = side.numbers
    there = (numbers[:, POSITION] != NOWHERE).all(axis=1) & (numbers[:, SIZE_HWL] > 0).all(axis=1)
    return np.asarray(there & _finite(numbers), np.bool_)


def _finite(numbers: Floats) -> Bools:
    return np.asarray((np.abs(numbers[:, :SCORE]) <= LARGEST).all(axis=1), np.bool_)


def boxes_of(side: Side, categories: Sequence[str], in_space: bool) -> BoxesInBoth:
    """The boxes of a side, in space too if these are compared."""
    category = np.asarray([categories.index(name) for name in side.types], np.int64)[side.type]
    region = category == (categories.index(DONT_CARE) if DONT_CARE in categories else -1)
    numbers = side.numbers
    corners = np.where(_finite(numbers)[:, None], numbers[:, CORNERS], np.nan)
    size = corners[:, 2:] - corners[:, :2]
    image = Boxes2D(
        frame=side.frame,
        category=category,
        xywh=np.concatenate([corners[:, :2], size], axis=1),
        score=np.broadcast_to(1.0, len(numbers))
        if side.role == "truth"
        else numbers[:, SCORE].copy(),
        track=np.broadcast_to(NO_TRACK, len(numbers)),
        crowd=region,
        ignored=region,
        area=size.prod(axis=1),
    )
    space = _space(side, image) if in_space else None
    return BoxesInBoth(image, space, numbers[:, TRUNCATION].copy(), numbers[:, OCCLUSION].copy())


def _space(side: Side, image: Boxes2D) -> Boxes3D:
    """The boxes in space: x forward, y left, z up, from the camera; yaw 0 is straight ahead."""
    numbers = np.where(placed(side)[:, None], side.numbers, np.nan)
    height, width, length = numbers[:, SIZE_HWL].T
    right, down, forward = numbers[:, POSITION].T
    return Boxes3D(
        frame=image.frame,
        category=image.category,
        center_m=np.column_stack([forward, -right, height / 2 - down]),
        size_lwh_m=np.column_stack([length, width, height]),
        yaw_rad=-numbers[:, ROTATION] - np.pi / 2,
        velocity_mps=np.broadcast_to(np.nan, (len(numbers), 2)),
        attribute=np.broadcast_to(NO_ATTRIBUTE, len(numbers)),
        score=image.score,
        track=image.track,
        range_m=np.hypot(right, forward),
        ignored=image.ignored,
    )
