"""The figure of a metric over clusters: a ratio of sums, an average precision, or any other kind.

Legend: U units of summation, P predictions, G clusters, n rows of detections, L levels of matching.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from metrics.inference import jackknife
from metrics.inference.figure import Figure, side_by_side
from metrics.inference.precision import Codes, average_precision
from metrics.inference.ratio import ratio
from metrics.tasks.metric import LABELS, DetectionRows, Metric, OfRows, Precision, Smooth
from ridealong.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Detections:
    """Rows of one network, by prediction and descending score.

    Attributes:
        predictions: How many predictions there are.
        prediction, unit: ``(n,)`` codes of each row's prediction and unit of summation.
        rows: The n rows.
    """

    predictions: int
    prediction: Codes
    unit: Codes
    rows: DetectionRows

    @property
    def bounds(self) -> Ints:
        """Where each prediction's rows begin and end, ``(P + 1,)``."""
        codes = np.arange(self.predictions + 1, dtype=self.prediction.dtype)
        return np.searchsorted(self.prediction, codes)

    def take(self, keep: Bools | Ints) -> "Detections":
        """Some of the rows."""
        prediction, unit = self.prediction[keep], self.unit[keep]
        return Detections(self.predictions, prediction, unit, _taken(self.rows, keep))

    def of(self, predictions: Ints) -> "Detections":
        """The rows of some predictions, given by ascending code; their new codes count from 0."""
        bounds = self.bounds
        spans = [np.arange(bounds[code], bounds[code + 1]) for code in predictions]
        some = self.take(np.concatenate([np.zeros(0, np.int64), *spans]))
        prediction = np.repeat(np.arange(len(predictions)), [len(span) for span in spans])
        return Detections(len(predictions), prediction, some.unit, some.rows)

    def each(self, cluster: Ints) -> Iterator[tuple[DetectionRows, Ints]]:
        """Each prediction's rows, and the cluster of each row.

        ``cluster`` is ``(U,)``; rows of units whose cluster is -1 are left out.
        """
        of_row = cluster[self.unit]
        for start, end in itertools.pairwise(self.bounds):
            inside = start + np.flatnonzero(of_row[start:end] >= 0)
            yield _taken(self.rows, inside), of_row[inside]


def _taken(rows: DetectionRows, keep: Bools | Ints) -> DetectionRows:
    return DetectionRows(rows.score[keep], rows.hits[keep], rows.ignored[keep], rows.errors[keep])


def bits(rows: Ints, levels: tuple[int, ...]) -> Bools:
    """Some bits of each row, ``(L, n)``."""
    masks = np.array([1 << level for level in levels], rows.dtype)
    return np.asarray(rows & masks[:, None], np.bool_)


def figure_of(
    metric: Metric,
    sums: Mapping[str, Floats],
    detections: Detections | None,
    cluster: Ints,
    *,
    sampled: bool = True,
) -> Figure:
    """The value of each prediction, ``(P,)``, with the influence of every cluster.

    Args:
        metric: The metric.
        sums: ``(G, P)`` by statistic.
        detections: The rows, where the metric needs them.
        cluster: ``(U,)`` the cluster of each unit, 0 to G - 1; -1 for those that do not count.
        sampled: Whether an average precision is sampled as its curve defines; else it is the area.
    """
    kind = metric.figure
    if isinstance(kind, Smooth):
        return jackknife.of_sums(kind.value, kind.weight, sums)
    if not isinstance(kind, Precision | OfRows):
        return ratio(*kind(sums))
    assert detections is not None
    labels = sums[LABELS]
    columns = (
        _precision(kind, rows, own, labels[:, place], sampled)
        if isinstance(kind, Precision)
        else _of_rows(kind, rows, own, labels[:, place])
        for place, (rows, own) in enumerate(detections.each(cluster))
    )
    return side_by_side(list(columns), len(labels))


def _precision(
    kind: Precision, rows: DetectionRows, cluster: Ints, labels: Floats, sampled: bool
) -> Figure:
    """The mean over the levels."""
    matched, exists = bits(rows.hits, kind.levels), ~bits(rows.ignored, kind.levels)
    found = average_precision(rows.score, matched, exists, cluster, labels, kind.curve)
    value = found.value if sampled else found.area
    influence, weight = found.influence.mean(axis=0), found.weight.mean(axis=0)
    return Figure(value.mean(keepdims=True), influence[:, None], weight[:, None])


def _of_rows(kind: OfRows, rows: DetectionRows, cluster: Ints, labels: Floats) -> Figure:
    return jackknife.of_rows(lambda keep, left: kind.value(rows, keep, left), cluster, labels)


def alone(
    metric: Metric, sums: Mapping[str, Floats], detections: Detections | None, cluster: Ints
) -> Floats:
    """One prediction's value on each cluster alone, ``(G,)``; NaN where it is undefined.

    The arguments are as for `figure_of`, with one prediction.
    """
    kind = metric.figure
    if isinstance(kind, Smooth):
        return np.asarray(kind.value(sums), np.float64)[:, 0]
    if not isinstance(kind, Precision | OfRows):
        return metric.value(sums)[:, 0]
    assert detections is not None
    labels = sums[LABELS][:, 0]
    rows, own = next(detections.each(cluster))
    # A stable order keeps each cluster's rows in descending score.
    order = np.argsort(own, kind="stable")
    bounds = np.searchsorted(own[order], np.arange(len(labels) + 1))
    spans = [order[start:end] for start, end in itertools.pairwise(bounds)]
    values = [
        _of_one(kind, _taken(rows, span), whole) for span, whole in zip(spans, labels, strict=True)
    ]
    return np.array(values, np.float64)


def _of_one(kind: Precision | OfRows, rows: DetectionRows, labels: float) -> float:
    if isinstance(kind, OfRows):
        keep = np.ones((1, len(rows.score)), np.bool_)
        return float(kind.value(rows, keep, np.array([labels]))[0])
    one = np.zeros(len(rows.score), np.int64)
    return float(_precision(kind, rows, one, np.array([labels]), sampled=False).value[0])
