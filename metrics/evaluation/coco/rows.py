"""What is kept of a COCO evaluation: sums per frame and class, and a row for each detection."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from metrics.evaluation.calibration import (
    DETECTIONS,
    bin_sums,
)
from metrics.evaluation.coco.matching import LEVELS, Matches, Ranked, cells_of
from metrics.evaluation.evaluation import DETECTION_ROWS, NAME, SCORE_ROWS
from metrics.tasks.metric import Metric
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import Boxes2D


@dataclass(frozen=True)
class Judged:
    """Judged detections, what they are at every level, and the labels that count.

    Attributes:
        cell: ``(D,)`` image and class: ``category * frames + frame``.
        category: ``(D,)``.
        score: ``(D,)``.
        hits: ``(D,)`` bit k: it found a label at level k.
        ignored: ``(D,)`` bit k: neither a hit nor an error at level k.
        label_cell: ``(L,)`` image and class of each label that is to be found.
        frames: How many frames there are.
    """

    cell: Ints
    category: Ints
    score: Floats
    hits: Ints
    ignored: Ints
    label_cell: Ints
    frames: int


def judged(
    truth: Boxes2D,
    results: Boxes2D,
    ranked: Ranked,
    matches: Matches,
    ignored: Bools,
    beyond: Bools,
    frames: int,
) -> Judged:
    """Combine matches, scores and labels.

    Labels that are ``ignored`` need not be found. Detections that are ``beyond`` the range of areas
    are ignored unless they are matched.
    """
    spared = ignored[matches.label]
    bit = 1 << matches.level
    taken = _bits(matches.found, bit, len(ranked))
    hits = _bits(matches.found[~spared], bit[~spared], len(ranked))
    every = (1 << len(LEVELS)) - 1
    return Judged(
        cell=ranked.cell,
        category=ranked.category,
        score=results.score[ranked.row],
        hits=hits,
        ignored=(taken & ~hits) | np.where(beyond, every & ~taken, 0),
        label_cell=cells_of(truth, frames)[~ignored],
        frames=frames,
    )


def _bits(at: Ints, bit: Ints, size: int) -> Ints:
    """The sum of different powers of two at every place; a float holds it exactly."""
    return np.bincount(at, weights=bit, minlength=size).astype(np.int64)


def detection_rows(of: Judged, names: Sequence[str], first: int) -> pa.Table:
    """`DETECTION_ROWS`, by class and then by descending score.

    Args:
        of: What was judged.
        names: The predictions of all classes.
        first: Which of them is the first one here.
    """
    columns = [
        pa.array((of.cell % max(of.frames, 1)).astype(np.int32)),
        _named(of.category + first, names),
        pa.array(of.score),
        pa.array(of.hits.astype(np.uint32)),
        pa.array(of.ignored.astype(np.uint32)),
        pa.nulls(len(of.cell), DETECTION_ROWS.field("errors").type),
    ]
    return pa.table(columns, schema=DETECTION_ROWS)


def score_rows(
    of: Judged,
    metrics: Sequence[Metric],
    names: Sequence[str],
    first: int,
    thresholds: Floats,
    calibrated: bool,
) -> pa.Table:
    """`SCORE_ROWS` of all metrics.

    Args:
        of: What was judged.
        metrics: The metrics; they share statistics by name.
        names: The predictions of all classes.
        first: Which of them is the first one here.
        thresholds: The lowest score that counts, for each class.
        calibrated: Whether scores are probabilities, so that their calibration can be judged.
    """
    cells, sums = _sums(of, thresholds[first:], calibrated)
    wanted = [(m, s) for m, metric in enumerate(metrics) for s in metric.statistics if s in sums]
    kept = {statistic: np.flatnonzero(values) for statistic, values in sums.items()}
    lengths = [len(kept[statistic]) for _, statistic in wanted]
    cell = cells[np.concatenate([kept[statistic] for _, statistic in wanted])]
    value = np.concatenate([sums[statistic][kept[statistic]] for _, statistic in wanted])
    statistics = list(dict.fromkeys(s for metric in metrics for s in metric.statistics))
    codes = np.array([(m, statistics.index(statistic)) for m, statistic in wanted])
    metric_code, statistic_code = np.repeat(codes, lengths, axis=0).T
    category, frame = np.divmod(cell, max(of.frames, 1))
    columns = [
        pa.array(frame.astype(np.int32)),
        _named(category + first, names),
        _named(metric_code, [metric.name for metric in metrics]),
        _named(statistic_code, statistics),
        pa.array(value),
    ]
    return pa.table(columns, schema=SCORE_ROWS)


def _sums(of: Judged, thresholds: Floats, calibrated: bool) -> tuple[Ints, dict[str, Floats]]:
    """The cells with anything in them, and the sums of every statistic in each."""
    both = np.concatenate([of.cell, of.label_cell])
    cells, code = np.unique(both, return_inverse=True)
    found, wanted = code[: len(of.cell)], code[len(of.cell) :]
    right, exists = (of.hits & 1) > 0, (of.ignored & 1) == 0
    reported = exists & (of.score >= thresholds[of.category])

    def count(where: Ints) -> Floats:
        return np.bincount(where, minlength=len(cells)).astype(np.float64)

    labels, tp = count(wanted), count(found[reported & right])
    sums = {"labels": labels, "tp": tp, "fp": count(found[reported & ~right]), "fn": labels - tp}
    if calibrated:
        sums[DETECTIONS] = count(found[exists])
        sums |= bin_sums(of.score[exists], right[exists], found[exists], len(cells))
    return cells, sums


def _named(codes: Ints, names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(names, NAME.value_type)
    )
