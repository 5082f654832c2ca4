"""What a table of scores is about: its figures, and codes for all names in it.

A *figure* is a metric compared with one reference. Its predictions are *cells*, numbered over all
figures. A *kind* is one statistic of a figure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from metrics.tasks.metric import LABELS, Metric, MetricLookup, Reference
from metrics.tasks.prediction import task_of
from ridealong.arrays import Floats

COMPARABLE = (Reference.LABELS, Reference.SELF)  # they show which network is better
NAMES = ("network_sha256", "reference", "prediction", "metric", "statistic")

# Sums are made of whole numbers below this, so they are exact and do not depend on their order.
WHOLE = 2.0**61


@dataclass(frozen=True)
class Pair:
    """The networks of a comparison, deployed and candidate; they may be the same."""

    deployed: str
    candidate: str

    @property
    def names(self) -> tuple[str, str]:
        """Both."""
        return self.deployed, self.candidate

    def code(self, network: str) -> int:
        """0 for the deployed network, 1 for the candidate unless it is the same."""
        return self.names.index(network)


@dataclass(frozen=True)
class Figure:
    """A metric compared with one reference.

    Attributes:
        metric: The metric.
        reference: What both networks were compared with.
        predictions: Those with a score, sorted.
        cell: The code of the first of them; the others follow.
        kind: The code of the metric's first statistic; the others follow.
        scale: By statistic, what values are multiplied by before they are summed.
    """

    metric: Metric
    reference: str
    predictions: tuple[str, ...]
    cell: int
    kind: int
    scale: tuple[float, ...]

    @property
    def comparable(self) -> bool:
        """Whether it shows which network is better."""
        return self.reference in COMPARABLE

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of matching that it looks at; none if it needs no rows."""
        return self.metric.levels

    @property
    def labels(self) -> int:
        """The kind that counts labels, for a figure of rows."""
        return self.kind + self.metric.statistics.index(LABELS)

    @cached_property
    def terms(self) -> tuple[Floats, Floats] | None:
        """What each statistic adds to numerator and denominator; None if it is no ratio."""
        if self.metric.ratio is None:
            return None
        names = self.metric.statistics
        each = np.eye(len(names))
        num, den = self.metric.ratio(dict(zip(names, each, strict=True)))
        return np.asarray(num, np.float64), np.asarray(den, np.float64)


def figures_of(catalog: pa.Table, metrics: MetricLookup) -> list[Figure]:
    """The figures of all scores, by task, metric and reference; unknown metrics are left out.

    Args:
        catalog: Columns ``prediction``, ``metric``, ``reference``, ``statistic`` and ``highest``.
        metrics: The metric of a task and a name.
    """
    names: dict[tuple[str, str, str], set[str]] = {}
    highest: dict[tuple[str, str, str, str], float] = {}
    for row in catalog.to_pylist():
        key = task_of(row["prediction"]), row["metric"], row["reference"]
        names.setdefault(key, set()).add(row["prediction"])
        wide = *key, row["statistic"]
        highest[wide] = max(highest.get(wide, 0.0), row["highest"])
    found: list[Figure] = []
    cell = kind = 0
    for key in sorted(names):
        metric = metrics(*key[:2])
        if metric is not None:
            scale = tuple(_scale(highest.get((*key, s), 0.0)) for s in metric.statistics)
            found.append(Figure(metric, key[2], tuple(sorted(names[key])), cell, kind, scale))
            cell, kind = cell + len(names[key]), kind + len(metric.statistics)
    return found


def _scale(highest: float) -> float:
    """The power of two that brings the highest value just below `WHOLE`."""
    if highest == 0:
        return 1.0
    return float(np.ldexp(1.0, min(int(np.log2(WHOLE)) - int(np.frexp(highest)[1]), 1000)))


def names_table(figures: Iterable[Figure], pair: Pair) -> pa.Table:
    """Names to codes: columns `NAMES`, and ``n`` (network), ``cell``, ``kind``, ``scale``."""
    rows = [
        (network, one.reference, prediction, one.metric.name, statistic, pair.code(network),
         one.cell + place, one.kind + slot, one.scale[slot])
        for one in figures
        for network in (dict.fromkeys(pair.names) if one.comparable else (pair.candidate,))
        for place, prediction in enumerate(one.predictions)
        for slot, statistic in enumerate(one.metric.statistics)
    ]  # fmt: skip
    text = [(name, pa.string()) for name in NAMES]
    codes = [("n", pa.uint8()), ("cell", pa.int32()), ("kind", pa.int32()), ("scale", pa.float64())]
    return _table(rows, pa.schema([*text, *codes]))


def kinds_table(figures: Iterable[Figure]) -> pa.Table:
    """What each kind is: columns ``kind``, ``slot``, ``size`` and ``alone``.

    ``slot`` is its place among the ``size`` statistics of its figure. A figure that is ``alone`` is
    one for both networks. The last row, -1, is for rows of detections.
    """
    rows: list[tuple[object, ...]] = [
        (one.kind + slot, slot, len(one.metric.statistics), not one.comparable)
        for one in figures
        for slot in range(len(one.metric.statistics))
    ]
    schema = {"kind": pa.int32(), "slot": pa.int32(), "size": pa.int32(), "alone": pa.bool_()}
    return _table([*rows, (-1, None, None, None)], pa.schema(schema))


def row_keys(figures: Iterable[Figure]) -> list[tuple[str, str]]:
    """Reference and prediction of all rows that figures need; the place in it is their code."""
    return sorted({(one.reference, p) for one in figures if one.levels for p in one.predictions})


def predictions_table(figures: Sequence[Figure], pair: Pair) -> pa.Table:
    """Names of detections to codes: columns `NAMES` without the metric's, ``n`` and ``place``."""
    rows = [
        (network, reference, prediction, pair.code(network), place)
        for network in dict.fromkeys(pair.names)
        for place, (reference, prediction) in enumerate(row_keys(figures))
    ]
    text = [(name, pa.string()) for name in NAMES[:3]]
    return _table(rows, pa.schema([*text, ("n", pa.uint8()), ("place", pa.int32())]))


def levels_table(figures: Sequence[Figure]) -> pa.Table:
    """At which levels detections count: ``place``, ``cell``, ``bit``, ``kind`` of its labels."""
    place = {key: place for place, key in enumerate(row_keys(figures))}
    rows = [
        (place[one.reference, prediction], one.cell + at, 1 << level, one.labels)
        for one in figures
        for at, prediction in enumerate(one.predictions)
        for level in one.levels
    ]
    schema = {"place": pa.int32(), "cell": pa.int32(), "bit": pa.uint32(), "kind": pa.int32()}
    return _table(rows, pa.schema(schema))


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.table([list(column) for column in columns], schema=schema)
