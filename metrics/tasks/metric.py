"""What a metric is: summable statistics per clip, and the figure that is computed from their sums.

Most figures are a ratio ``numerator / denominator``, and both are linear in the statistics. So
statistics can be summed over frames, clips and drives, and the linearised t interval applies. A
figure of rows, such as an average precision, needs rows of detections in addition to the sums.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pyarrow as pa

from metrics.schemas import MATCHES
from metrics.tasks.prediction import Prediction
from ridealong.arrays import Bools, Floats, Ints

# {statistic: sums} -> (numerator, denominator), elementwise on arrays of any shape.
Ratio = Callable[[Mapping[str, Floats]], tuple[Floats, Floats]]

LABELS = "labels"  # the statistic that a figure of rows has: labels, found or not

IDENTITY = ("network_sha256", "reference", "clip_id", "drive_id", "definition", "labels")

# The rows of MATCHES before the caller adds the network and the clip.
MATCH_ROWS = pa.schema([f for f in MATCHES.schema if f.name not in IDENTITY])


class Better(StrEnum):
    """The direction in which a metric improves."""

    HIGHER = "higher"
    LOWER = "lower"


class Curve(StrEnum):
    """How a precision-recall curve becomes one number."""

    COCO = "coco"  # highest precision at or beyond 101 recalls, from 0 to 1
    NUSCENES = "nuscenes"  # precision at 101 recalls; below 0.1 recall or precision nothing counts
    R40 = "r40"  # highest precision at or beyond 40 recalls, from 1/40 to 1 (KITTI)
    EVERY_POINT = "every_point"  # the area below the monotone envelope


@dataclass(frozen=True)
class Precision:
    """An average precision: the mean over some levels of matching, as bits of a detection's row.

    A row that is ignored at a level does not exist there.
    """

    levels: tuple[int, ...] = (0,)
    curve: Curve = Curve.COCO


@dataclass(frozen=True)
class Smooth:
    """A smooth function of sums that is not a ratio, such as HOTA; its error is by jackknife.

    Attributes:
        value: ``{statistic: sums} -> values``, elementwise on arrays of any shape; NaN where
            undefined.
        weight: ``{statistic: sums} -> weights``: how much a cluster weighs in the value, such as
            its labels.
    """

    value: Callable[[Mapping[str, Floats]], Floats]
    weight: Callable[[Mapping[str, Floats]], Floats]


@dataclass(frozen=True)
class DetectionRows:
    """Rows of one prediction in descending order of score, as a `RowFigure` takes them.

    Attributes:
        score: ``(n,)``.
        hits, ignored: ``(n,)`` bits by level.
        errors: ``(n, errors)``; NaN where a row has none. Without columns if no row has any.
    """

    score: Floats
    hits: Ints
    ignored: Ints
    errors: Floats

    def error(self, column: int) -> Floats:
        """``(n, 1)`` one of the errors; NaN where a row has none."""
        if not self.errors.shape[1]:
            return np.full((len(self.score), 1), np.nan)
        return self.errors[:, [column]]


# (rows, keep (K, n), labels (K,)) -> (K,) values: K versions of the value, each from the kept rows
# and that many labels. Used for the value and for its delete-one-drive jackknife; NaN is undefined.
RowFigure = Callable[[DetectionRows, Bools, Floats], Floats]


@dataclass(frozen=True)
class OfRows:
    """A value that is computed from rows of detections in any other way; its error is by jackknife.

    Attributes:
        value: The value.
        levels: The levels of matching that it looks at, as bits.
    """

    value: RowFigure
    levels: tuple[int, ...] = (0,)


class Reference(StrEnum):
    """What a score is compared with."""

    LABELS = "labels"  # ground truth
    SELF = "self"  # the same network, a frame earlier or later
    OTHER = "other"  # the other network of the shadow pair


@dataclass(frozen=True)
class Metric:
    """One metric of one family.

    Attributes:
        name: Unique within the family.
        task: The name of the family.
        better: Its direction.
        unit: The unit of the value; ``'1'`` is dimensionless.
        statistics: Names of the summable statistics that a clip gives.
        reference: What it is compared with.
        description: What it measures, in one line.
        source: Where it comes from.
        figure: What its value is; by default the average precision at level 0.
        categories: The categories it judges; empty for all of the family.
        to_find: ``{statistic: sums} -> how much there was to find``; None if that is the ratio's
            denominator, the weight of a smooth figure, or the labels of a figure of rows. A drive
            with nothing to find does not count towards the drives that a verdict needs.
        share: Whether the value is a share, from 0 to 1; any other value is then an error.
    """

    name: str
    task: str
    better: Better
    unit: str
    statistics: tuple[str, ...]
    reference: Reference
    description: str
    source: str
    figure: Ratio | Precision | Smooth | OfRows = Precision()
    categories: frozenset[str] = frozenset()
    to_find: Callable[[Mapping[str, Floats]], Floats] | None = None
    share: bool = True

    @property
    def ratio(self) -> Ratio | None:
        """The ratio that its value is; None for any other figure."""
        return None if isinstance(self.figure, Precision | Smooth | OfRows) else self.figure

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of matching that it looks at; none if it needs no rows of detections."""
        return self.figure.levels if isinstance(self.figure, Precision | OfRows) else ()

    @property
    def matched_rows(self) -> bool:
        """Whether the value needs rows of detections in addition to the sums."""
        return bool(self.levels)

    def judges(self, prediction: Prediction) -> bool:
        """Whether it is a metric of that prediction."""
        fits = not self.categories or prediction.category in self.categories
        return prediction.task == self.task and fits

    def to_find_in(self, sums: Mapping[str, Floats]) -> Floats:
        """How much there was to find."""
        if self.to_find is not None:
            return self.to_find(sums)
        if self.ratio is not None:
            return self.ratio(sums)[1]
        return self.figure.weight(sums) if isinstance(self.figure, Smooth) else sums[LABELS]

    def value(self, sums: Mapping[str, Floats]) -> Floats:
        """``numerator / denominator``; NaN, unknown, where the denominator is 0.

        Raises:
            ValueError: The metric is no ratio.
        """
        if self.ratio is None:
            raise ValueError(f"{self.name} is no ratio of sums")
        numerator, denominator = (np.asarray(part, np.float64) for part in self.ratio(sums))
        unknown = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
        divided: Floats = np.divide(numerator, denominator, out=unknown, where=denominator > 0)
        return divided


# (task, name) -> the metric; None if there is none.
MetricLookup = Callable[[str, str], Metric | None]


@dataclass(frozen=True)
class Sums:
    """One metric's statistics of several predictions on one clip.

    Attributes:
        metric: The metric.
        predictions: ``N`` names.
        values: Per statistic ``(N,)``.
    """

    metric: Metric
    predictions: tuple[str, ...]
    values: Mapping[str, Floats | Ints]

    def __post_init__(self) -> None:
        if tuple(self.values) != self.metric.statistics:
            raise ValueError(
                f"{self.metric.task}'s {self.metric.name} has the statistics "
                f"{self.metric.statistics}, not {tuple(self.values)}"
            )


@dataclass(frozen=True)
class Result:
    """The scores of one family's predictions on one clip: statistics, and matched rows of boxes."""

    sums: tuple[Sums, ...] = ()
    matches: pa.Table = field(default_factory=MATCH_ROWS.empty_table)


def over(numerator: str, denominator: str) -> Ratio:
    """The ratio of two statistics."""
    return lambda sums: (sums[numerator], sums[denominator])


def precision(sums: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Share of the detections that are right: tp / (tp + fp)."""
    return sums["tp"], sums["tp"] + sums["fp"]


def recall(sums: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Share of the labels that are found: tp / (tp + fn)."""
    return sums["tp"], sums["tp"] + sums["fn"]


def f1(sums: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn)."""
    return 2 * sums["tp"], 2 * sums["tp"] + sums["fp"] + sums["fn"]


def labels_of(sums: Mapping[str, Floats]) -> Floats:
    """Labels, found or not: tp + fn."""
    return sums["tp"] + sums["fn"]


def shared_part(sums: Mapping[str, Floats]) -> Floats:
    """The part of the labels that is found, for the IoU of areas.

    The area of the labels is not stored. If neither network found any of it, a miss cannot be
    distinguished from an output where nothing was labelled.
    """
    return sums["intersection"]


def unshared(sums: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """1 - intersection / union: the part that two sets do not share."""
    return sums["union"] - sums["intersection"], sums["union"]


def detection_metrics(task: str, unit_of_count: str, source: str) -> tuple[Metric, Metric, Metric]:
    """F1, precision and recall at the network's threshold, from tp, fp, fn."""
    count = f"of {unit_of_count}, at the network's threshold"
    labels, higher = Reference.LABELS, Better.HIGHER
    return (
        Metric(
            "f1", task, higher, "1", ("tp", "fp", "fn"), labels,
            f"2 tp / (2 tp + fp + fn) {count}", source, f1, to_find=labels_of,
        ),
        Metric(
            "precision", task, higher, "1", ("tp", "fp"), labels,
            f"tp / (tp + fp) {count}", source, precision,
        ),
        Metric(
            "recall", task, higher, "1", ("tp", "fn"), labels,
            f"tp / (tp + fn) {count}", source, recall,
        ),
    )  # fmt: skip


def detection_sums(
    metrics: tuple[Metric, ...], names: tuple[str, ...], tp: Ints, fp: Ints, fn: Ints
) -> tuple[Sums, ...]:
    """The counts as the statistics of each of `detection_metrics`."""
    counts = {"tp": tp, "fp": fp, "fn": fn}
    return tuple(Sums(m, names, {s: counts[s] for s in m.statistics}) for m in metrics)
