"""Statistics and detections as the rows that an evaluation returns."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from metrics.evaluation.evaluation import DETECTION_ROWS, SCORE_ROWS
from metrics.tasks.metric import Metric
from ridealong.arrays import Bools, Floats, Ints

LEVELS_M = (0.5, 1.0, 2.0, 4.0)  # how close a detection must be to the label that it finds
TASK = "boxes3d"


def level_bits(flags: Sequence[Bools]) -> Ints:
    """``(N,)`` bits: the k-th flag of each detection is bit k."""
    bits = np.zeros(len(flags[0]), np.int64)
    for level, flag in enumerate(flags):
        bits |= flag.astype(np.int64) << level
    return bits


def per_frame(
    frame: Ints, category: Ints, weight: Floats | Bools, shape: tuple[int, int]
) -> Floats:
    """Sums by frame and category, of that shape."""
    cell = frame * shape[1] + category
    sums = np.bincount(cell, weights=np.asarray(weight, np.float64), minlength=shape[0] * shape[1])
    return np.asarray(sums, np.float64).reshape(shape)


def score_rows(
    metrics: Sequence[Metric],
    categories: Sequence[str],
    sums: Mapping[str, Mapping[str, Floats]],
) -> pa.Table:
    """Rows of `SCORE_ROWS`.

    Args:
        metrics: The metrics; one that does not judge a category has no rows of it.
        categories: C names.
        sums: ``{metric: {statistic: (F, C) sums}}``.
    """
    names = pa.array([f"{TASK}/{name}" for name in categories], pa.string())
    parts = [SCORE_ROWS.empty_table()]
    for metric in metrics:
        judged = [not metric.categories or name in metric.categories for name in categories]
        for statistic in metric.statistics:
            values = sums[metric.name][statistic] * np.asarray(judged, np.bool_)
            frame, category = np.nonzero(values)
            parts.append(_of(metric.name, statistic, frame, category, values, names))
    return pa.concat_tables(parts).unify_dictionaries()


def detection_rows(
    frame: Ints,
    category: Ints,
    categories: Sequence[str],
    score: Floats,
    hits: Ints,
    ignored: Ints,
    errors: Floats,
) -> pa.Table:
    """Rows of `DETECTION_ROWS`; ``errors`` is ``(N, E)``, and a row of NaN alone becomes null."""
    names = pa.array([f"{TASK}/{name}" for name in categories], pa.string())
    known = ~np.isnan(errors).all(axis=1)
    offsets = np.append(0, np.cumsum(known * errors.shape[1])).astype(np.int32)
    starts = pa.array(offsets, mask=np.append(~known, False))
    lists = pa.ListArray.from_arrays(starts, pa.array(errors[known].reshape(-1), pa.float64()))
    columns = [
        pa.array(frame, pa.int32()),
        pa.DictionaryArray.from_arrays(pa.array(category, pa.int32()), names),
        pa.array(score, pa.float64()),
        pa.array(hits, pa.uint32()),
        pa.array(ignored, pa.uint32()),
        lists.cast(DETECTION_ROWS.field("errors").type),
    ]
    return pa.table(columns, schema=DETECTION_ROWS)


def _of(
    metric: str, statistic: str, frame: Ints, category: Ints, values: Floats, names: pa.Array
) -> pa.Table:
    same = pa.array(np.zeros(len(frame), np.int32))
    columns = [
        pa.array(frame, pa.int32()),
        pa.DictionaryArray.from_arrays(pa.array(category, pa.int32()), names),
        pa.DictionaryArray.from_arrays(same, pa.array([metric])),
        pa.DictionaryArray.from_arrays(same, pa.array([statistic])),
        pa.array(values[frame, category], pa.float64()),
    ]
    return pa.table(columns, schema=SCORE_ROWS)
