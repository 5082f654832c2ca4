"""Lines of KITTI's label files as boxes in the image and in space."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ingest.results.sequences.tracked_rows import constant
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
POSITION, IN_SPACE, SCORE = slice(10, 13), slice(7, 14), 14


@dataclass(frozen=True)
class Side:
    """The boxes of one side.

    Attributes:
        role: Which side.
        types: Their types, as the benchmark spells them where it knows them.
        boxes: N boxes; a category is an index into ``types``.
        notes: What was odd.
    """

    role: Role
    types: tuple[str, ...]
    boxes: BoxesInBoth
    notes: tuple[Note, ...]

    @property
    def in_space(self) -> Bools:
        """``(N,)`` which boxes are in space too."""
        assert self.boxes.space is not None
        return np.isfinite(self.boxes.space.range_m)

    def compared(self, categories: Sequence[str], in_space: bool) -> BoxesInBoth:
        """The boxes by the categories of a comparison, in space too if these are compared."""
        category = np.asarray([categories.index(name) for name in self.types], np.int64)
        category = category[self.boxes.image.category]
        image, space = self.boxes.image, self.boxes.space
        return replace(
            self.boxes,
            image=replace(image, category=category),
            space=replace(space, category=category) if space and in_space else None,
        )


def usable(numbers: Floats, role: Role) -> tuple[Bools, list[tuple[str, Bools, str]]]:
    """Which lines ``(N,)`` can be used; and of each oddity its kind, its lines, and a sentence."""
    shaped = _finite(numbers) & (numbers[:, RIGHT_BOTTOM] > numbers[:, LEFT_TOP]).all(axis=1)
    if role == "truth":
        text = "labels have no finite place or no size above 0; left out"
        return shaped, [("boxes-without-size", ~shaped, text)]
    score = numbers[:, SCORE]
    ranked = np.isfinite(score)
    return ranked, [
        (
            "boxes-without-size", ranked & ~shaped,
            "boxes have no finite place or no size above 0; counted as false positives",
        ),
        (
            "scores-not-finite", ~ranked,
            "boxes have a score that is not a finite number; left out",
        ),
        (
            "scores-beyond", ranked & ((score < 0) | (score > 1)),
            "scores are not between 0 and 1; used unchanged",
        ),
    ]  # fmt: skip


def boxes_of(
    role: Role, frame: Ints, type_: Ints, types: Sequence[str], numbers: Floats
) -> BoxesInBoth:
    """Lines as boxes in the image and in space.

    Args:
        role: Their side.
        frame: ``(N,)`` index into the frames.
        type_: ``(N,)`` index into the types.
        types: The types.
        numbers: ``(N, 14)``, or ``(N, 15)`` with scores.
    """
    count, finite = len(numbers), _finite(numbers)
    region = np.asarray([name == DONT_CARE for name in types], np.bool_)[type_]
    xywh = np.where(finite[:, None], numbers[:, CORNERS], np.nan)
    xywh[:, 2:] -= xywh[:, :2]
    of_truth = role == "truth"
    image = Boxes2D(
        frame=frame,
        category=type_,
        xywh=xywh,
        score=constant(1.0, count) if of_truth else numbers[:, SCORE].copy(),
        track=constant(NO_TRACK, count),
        crowd=region,
        ignored=region,
        area=xywh[:, 2] * xywh[:, 3],
    )
    truncation, occlusion = (
        numbers[:, column].copy() if of_truth else constant(-1.0, count)
        for column in (TRUNCATION, OCCLUSION)
    )
    return BoxesInBoth(image, _space(image, numbers, finite), truncation, occlusion)


def _space(image: Boxes2D, numbers: Floats, finite: Bools) -> Boxes3D:
    """The boxes in space: x forward, y left, z up, from the camera; yaw 0 is straight ahead."""
    there = (numbers[:, POSITION] != NOWHERE).all(axis=1) & (numbers[:, SIZE_HWL] > 0).all(axis=1)
    known = np.where((there & finite)[:, None], numbers[:, IN_SPACE], np.nan)
    height, width, length, right, down, forward, rotation = known.T
    return Boxes3D(
        frame=image.frame,
        category=image.category,
        center_m=np.column_stack([forward, -right, height / 2 - down]),
        size_lwh_m=np.column_stack([length, width, height]),
        yaw_rad=-rotation - np.pi / 2,
        velocity_mps=np.broadcast_to(np.nan, (len(numbers), 2)),
        attribute=constant(NO_ATTRIBUTE, len(numbers)),
        score=image.score,
        track=image.track,
        range_m=np.hypot(right, forward),
        ignored=image.ignored,
    )


def _finite(numbers: Floats) -> Bools:
    return np.asarray((np.abs(numbers[:, :SCORE]) <= LARGEST).all(axis=1), np.bool_)
