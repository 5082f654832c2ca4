"""Without labels: how much two networks disagree on the same frames, from 0 to 1 (entirely).

The metric is symmetrical: it does not change if the networks are swapped. It shows where to look,
not which network is better.

Source: ours; 1 - Dice for boxes and lines, 1 - Jaccard for states, classes and cells.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from metrics.tasks.boxes import Pairs, most_matches
from metrics.tasks.clip_view import SparseRows
from metrics.tasks.metric import Better, Metric, Ratio, Reference, Result, Sums, unshared
from metrics.tasks.prediction import Prediction
from ridealong.arrays import Bools, Floats, Ints


def disagreement_metric(
    task: str, statistics: tuple[str, str], what: str, source: str, ratio: Ratio
) -> Metric:
    """The metric disagreement of a family."""
    description = f"{what}; symmetrical"
    other, lower = Reference.OTHER, Better.LOWER
    return Metric("disagreement", task, lower, "1", statistics, other, description, source, ratio)


def pairing_metric(task: str, what: str) -> Metric:
    """The disagreement of items that can be paired: 1 - Dice."""
    statistics = ("pairs", "items")
    text = f"1 - 2 pairs / all {what} of both networks, at their thresholds, paired by IoU"
    return disagreement_metric(task, statistics, text, "1 - Dice", _unpaired_share)


def jaccard_metric(task: str, what: str) -> Metric:
    """The disagreement of areas or of sets of frames: 1 - Jaccard."""
    statistics = ("intersection", "union")
    return disagreement_metric(task, statistics, f"1 - IoU of the {what}", "1 - Jaccard", unshared)


def _unpaired_share(sums: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """The share of both sides' items that are in no pair."""
    return sums["items"] - 2 * sums["pairs"], sums["items"]


def pairing_sums(
    metric: Metric, predictions: Sequence[Prediction], pairs: Pairs, left: Ints, right: Ints
) -> Result:
    """The statistics of `pairing_metric`: ``left`` and ``right`` are the items' cells.

    The largest one-to-one matching is the same from both sides; a greedy one is not.
    """
    cells = len(predictions)
    paired = np.bincount(left[most_matches(pairs, len(left), len(right))], minlength=cells)
    items = np.bincount(left, minlength=cells) + np.bincount(right, minlength=cells)
    names = tuple(map(str, predictions))
    return Result((Sums(metric, names, {"pairs": paired, "items": items}),))


def unpaired(
    one: SparseRows, two: SparseRows, pairs: Pairs
) -> tuple[tuple[SparseRows, Bools], tuple[SparseRows, Bools]]:
    """The items of both sides, each with a mask of those that are in no pair."""
    # Each side is computed separately. A left item of one largest matching and a right item of
    # another can both be paired in a third (Mendelsohn and Dulmage).
    back = Pairs(pairs.right, pairs.left, pairs.iou)
    sizes = len(one.cell), len(two.cell)
    return (
        (one, _all_but(most_matches(pairs, *sizes), sizes[0])),
        (two, _all_but(most_matches(back, *sizes[::-1]), sizes[1])),
    )


def _all_but(places: Ints, size: int) -> Bools:
    mask = np.ones(size, np.bool_)
    mask[places] = False
    return mask
