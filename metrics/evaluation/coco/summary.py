"""COCO's twelve numbers, and the average precisions of every class.

Precision is interpolated at 101 recalls: the highest precision at or beyond each recall. The
average precision of the data set is the mean over levels, recalls and classes, and the average
recall is the mean of the last recall over levels and classes. Classes without labels do not count.
For a range of areas, labels outside of it are ignored, and so are unmatched detections outside.

Detections enter one by one, as in pycocotools, even where their scores are equal.

Source: `pycocotools.cocoeval.COCOeval.accumulate` and `summarize`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.evaluation.coco.matching import LEVELS, Matcher, Ranked
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import Boxes2D

RECALLS = np.linspace(0.0, 1.0, 101)
AT_50, AT_75 = 0, 5  # indices into LEVELS
# By the suffix of their names: from and to an area, both inclusive, in square pixels.
AREAS: Mapping[str, tuple[float, float]] = {
    "": (0.0, 1e5**2),
    "s": (0.0, 32.0**2),
    "m": (32.0**2, 96.0**2),
    "l": (96.0**2, 1e5**2),
}
FEWER_DETECTIONS = (1, 10)  # per image and class


@dataclass(frozen=True)
class Curves:
    """The curves of one range of areas.

    Attributes:
        precision: ``(levels, K, 101)`` interpolated precision of every class.
        recall: ``(levels, K)`` share of the labels that are found; NaN without labels.
        fewer: The same with at most so many detections of each image and class.
        labels: ``(K,)`` labels to be found.
    """

    precision: Floats
    recall: Floats
    fewer: Mapping[int, Floats]
    labels: Ints

    @classmethod
    def joined(cls, parts: Sequence["Curves"]) -> "Curves":
        """The curves of consecutive classes together."""
        return cls(
            np.concatenate([part.precision for part in parts], axis=1),
            np.concatenate([part.recall for part in parts], axis=1),
            {
                most: np.concatenate([part.fewer[most] for part in parts], axis=1)
                for most in FEWER_DETECTIONS
            },
            np.concatenate([part.labels for part in parts]),
        )


ByArea = Mapping[str, Curves]


def curves_of(
    truth: Boxes2D, results: Boxes2D, ranked: Ranked, matcher: Matcher, classes: int
) -> ByArea:
    """The curves of every range of areas.

    Only crowds are ignored: pycocotools overwrites the field ``ignore`` with ``iscrowd``.
    """
    areas = results.area[ranked.row]
    curves = {}
    for suffix, limits in AREAS.items():
        ignored = truth.crowd | outside(truth.area, limits)
        judged = ~outside(areas, limits)
        curves[suffix] = _curves(ranked, matcher, truth, ignored, judged, classes)
    return curves


def joined(parts: Sequence[ByArea]) -> ByArea:
    """The curves of consecutive classes together."""
    return {suffix: Curves.joined([part[suffix] for part in parts]) for suffix in AREAS}


def summary_of(categories: Sequence[str], curves: ByArea) -> dict[str, object]:
    """The twelve numbers, and ``per_class`` with AP, AP50 and AP75; None where undefined."""
    whole = curves[""]
    seen = whole.labels > 0
    numbers = {
        "AP": _mean(whole.precision[:, seen]),
        "AP50": _mean(whole.precision[AT_50, seen]),
        "AP75": _mean(whole.precision[AT_75, seen]),
        **{f"AP{size}": _average(curves[size]) for size in "sml"},
        **{f"AR{count}": _mean(whole.fewer[count][:, seen]) for count in FEWER_DETECTIONS},
        "AR100": _mean(whole.recall[:, seen]),
        **{f"AR{size}": _recall(curves[size]) for size in "sml"},
    }
    return {**numbers, "per_class": _by_class(categories, whole)}


def outside(area: Floats, limits: tuple[float, float]) -> Bools:
    """Which areas are outside of the range."""
    return (area < limits[0]) | (area > limits[1])


def _average(curves: Curves) -> float | None:
    return _mean(curves.precision[:, curves.labels > 0])


def _recall(curves: Curves) -> float | None:
    return _mean(curves.recall[:, curves.labels > 0])


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _by_class(categories: Sequence[str], curves: Curves) -> dict[str, dict[str, float | None]]:
    by_level = curves.precision.mean(axis=2).T  # (K, levels)
    values = {"AP": by_level.mean(axis=1), "AP50": by_level[:, AT_50], "AP75": by_level[:, AT_75]}
    return {
        name: {key: float(value[k]) if curves.labels[k] else None for key, value in values.items()}
        for k, name in enumerate(categories)
    }


def _curves(
    ranked: Ranked,
    matcher: Matcher,
    truth: Boxes2D,
    ignored: Bools,
    judged: Bools,
    classes: int,
) -> Curves:
    """The curves if these labels are ignored, and unmatched detections that are not ``judged``."""
    matches = matcher.match(ignored)
    hit = ~ignored[matches.label]
    # How many detections count before each one, with a 0 in front.
    counts = np.zeros((len(LEVELS), len(ranked) + 1), np.int32)
    counts[:, 1:] = judged
    counts[matches.level, matches.found + 1] = hit
    np.cumsum(counts, axis=1, out=counts)
    level, found = matches.level[hit], matches.found[hit]
    category = ranked.category[found]
    first = np.searchsorted(ranked.category, np.arange(classes))
    said = counts[level, found + 1] - counts[level, first[category]]
    curve = level * classes + category
    total = np.bincount(curve, minlength=len(LEVELS) * classes)
    start = np.cumsum(total) - total
    right = np.arange(len(curve)) - start[curve] + 1
    envelope = _highest_beyond(right / (said + np.spacing(1)), total)
    labels = np.bincount(truth.category[~ignored], minlength=classes)
    return Curves(
        _interpolated(envelope, start, total, labels),
        _shares(total, labels),
        {
            most: _shares(
                np.bincount(curve[ranked.rank[found] < most], minlength=len(total)), labels
            )
            for most in FEWER_DETECTIONS
        },
        labels,
    )


def _highest_beyond(values: Floats, lengths: Ints) -> Floats:
    """The highest value at or after each place, within each of the consecutive runs.

    In step k each place sees 2^k places ahead, so a few steps over the whole array suffice.
    """
    ends = np.repeat(np.cumsum(lengths), lengths)
    room = ends - np.arange(len(values))  # places from here to the end of the run
    highest, step = values.copy(), 1
    longest = int(lengths.max(initial=0))
    while step < longest:
        ahead = np.where(room[:-step] > step, highest[step:], 0.0)
        highest[:-step] = np.maximum(highest[:-step], ahead)
        step *= 2
    return highest


def _interpolated(envelope: Floats, start: Ints, total: Ints, labels: Ints) -> Floats:
    """``(levels, K, 101)``; a recall that is not reached has precision 0."""
    needed = np.tile(_hits_needed(labels), (len(LEVELS), 1))  # (levels * K, 101)
    reached = needed <= total[:, None]
    at = np.where(reached, start[:, None] + needed - 1, len(envelope))
    values: Floats = np.append(envelope, 0.0)[at]
    return values.reshape(len(LEVELS), len(labels), len(RECALLS))


def _hits_needed(labels: Ints) -> Ints:
    """``(K, 101)``: the fewest hits, at least 1, whose share of the labels reaches each recall."""
    some = np.maximum(labels, 1)[:, None]
    # Rounding can put the product one off, so the division decides, as in pycocotools.
    needed = np.maximum(np.floor(RECALLS * some).astype(np.int64) - 1, 1)
    for _ in range(3):
        needed += needed / some < RECALLS
    return needed


def _shares(total: Ints, labels: Ints) -> Floats:
    found = total.reshape(len(LEVELS), len(labels)).astype(np.float64)
    unknown = np.full_like(found, np.nan)
    shares: Floats = np.divide(found, labels, out=unknown, where=labels > 0)
    return shares
