"""Who can be matched with whom, by class, kind of overlap and difficulty."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from metrics.evaluation.kitti.difficulty import (
    DIFFICULTIES,
    DONT_CARE,
    JudgedClass,
    counted,
    of_class,
    small,
)
from metrics.evaluation.kitti.matching import Field
from metrics.evaluation.kitti.overlaps import (
    covered,
    image_iou,
    iou_in_space,
    near,
    top_down_iou,
    upright,
)
from metrics.tasks.boxes import same_group
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import BoxesInBoth


class Overlap(StrEnum):
    """By which overlap boxes are matched, as the summary names it."""

    IMAGE = "2d"
    TOP_DOWN = "bev"
    SPACE = "3d"


@dataclass(frozen=True)
class ClassFields:
    """One class of one network.

    Attributes:
        mine: ``(D,)`` indices into the results: its detections, in the order of the files.
        fields: For each kind of overlap, one per difficulty. Their detections are those of
            ``mine``, followed by small ones of other classes.
        labels: Indices into the ground truth: the labels that the fields speak of.
    """

    mine: Ints
    labels: Ints
    fields: Mapping[Overlap, tuple[Field, ...]]


def class_fields(
    judged: JudgedClass, categories: tuple[str, ...], truth: BoxesInBoth, results: BoxesInBoth
) -> ClassFields:
    """The fields of a class; those of boxes in space only if both sides have such boxes."""
    wanted = of_class(truth, categories, (judged.name,))
    labels = np.flatnonzero(wanted | of_class(truth, categories, judged.neighbours))
    is_mine = of_class(results, categories, (judged.name,))
    tiny = np.array([small(results, level) for level in DIFFICULTIES])
    mine = np.flatnonzero(is_mine)
    detections = np.r_[mine, np.flatnonzero(~is_mine & tiny.any(axis=0))]
    regions = np.flatnonzero(of_class(truth, categories, (DONT_CARE,)))
    spared = _in_region(results, detections, truth, regions, judged.min_iou)
    in_space = truth.space is not None and results.space is not None
    fields = {}
    for kind in Overlap if in_space else (Overlap.IMAGE,):
        label, detection, overlap = _pairs(kind, truth, labels, results, detections)
        enough = np.flatnonzero(overlap > judged.min_iou)
        every = Field(
            label=label[enough],
            detection=detection[enough],
            overlap=overlap[enough],
            frame=truth.image.frame[labels],
            counted=wanted[labels],
            score=results.image.score[detections],
            mine=is_mine[detections],
            small=np.zeros(len(detections), np.bool_),
            # Regions that nobody labelled have no box in space.
            spared=spared & (kind is Overlap.IMAGE),
        )
        fields[kind] = tuple(
            every.at(counted(truth, labels, level), too_small[detections])
            for level, too_small in zip(DIFFICULTIES, tiny, strict=True)
        )
    return ClassFields(mine, labels, fields)


def _in_region(
    results: BoxesInBoth, detections: Ints, truth: BoxesInBoth, regions: Ints, share: float
) -> Bools:
    """``(D,)`` detections of which more than a share lies in one region."""
    box, region = same_group(results.image.frame[detections], truth.image.frame[regions])
    inside = covered(results.image.xywh[detections[box]], truth.image.xywh[regions[region]])
    spared = np.zeros(len(detections), np.bool_)
    spared[box[inside > share]] = True
    return spared


def _pairs(
    kind: Overlap, truth: BoxesInBoth, labels: Ints, results: BoxesInBoth, detections: Ints
) -> tuple[Ints, Ints, Floats]:
    """Labels and detections of one frame, as places in their lists, with their overlap."""
    label, detection = same_group(truth.image.frame[labels], results.image.frame[detections])
    if kind is Overlap.IMAGE:
        left, right = truth.image.xywh[labels[label]], results.image.xywh[detections[detection]]
        return label, detection, image_iou(left, right)
    assert truth.space is not None and results.space is not None
    left, right = upright(truth.space)[labels], upright(results.space)[detections]
    meet = near(left[label], right[detection])
    label, detection = label[meet], detection[meet]
    overlap = iou_in_space if kind is Overlap.SPACE else top_down_iou
    return label, detection, overlap(left[label], right[detection])
