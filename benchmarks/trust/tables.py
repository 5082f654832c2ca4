"""The tables that `metrics.gate.verdicts.judge` takes, from what was drawn; one clip a drive."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from benchmarks.trust.drawn import Drawn, Rows
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict, judge
from metrics.schemas import DETECTIONS, MATCHES, SCORES
from metrics.tasks.metric import Metric, MetricLookup, Reference
from metrics.tasks.prediction import task_of
from metrics.tasks.registry import known_metric
from ridealong.arrays import Floats, Ints

NETWORKS = ("d" * 64, "c" * 64)


@dataclass(frozen=True)
class Judging:
    """What one kind of scores is judged by.

    Attributes:
        metrics: The metric of a task and a name.
        data_set: Whether scores are those of result files: all drives are judged, and detections
            have bits for levels of matching.
    """

    metrics: MetricLookup
    data_set: bool

    def metric(self, prediction: str, name: str) -> Metric:
        """The metric of that name."""
        found = self.metrics(task_of(prediction), name)
        assert found is not None, name
        return found


REPLAYED = Judging(known_metric, data_set=False)


@dataclass
class Tables:
    """Scores and rows of detections, metric by metric."""

    drives: int
    judging: Judging = REPLAYED
    _scores: list[tuple[tuple[str, ...], Floats | Ints]] = field(default_factory=list)
    _rows: list[tuple[str, str, Rows]] = field(default_factory=list)

    def add(self, prediction: str, metrics: tuple[str, ...], drawn: Drawn) -> None:
        """These metrics of both networks, on the first drives."""
        for metric in (self.judging.metric(prediction, name) for name in metrics):
            for network, sums in zip(NETWORKS, drawn.sums, strict=True):
                for statistic in metric.statistics:
                    key = (network, metric.reference, prediction, metric.name, statistic)
                    self._scores.append((key, sums[statistic]))
        if drawn.rows:
            self._rows += [(n, prediction, r) for n, r in zip(NETWORKS, drawn.rows, strict=True)]

    def judged(self, gate: GateSpec, attributes: Mapping[str, list[str]]) -> RunVerdict:
        """The verdict."""
        names = pa.array([f"drive-{index:05d}" for index in range(self.drives)])
        clips = {"clip_id": names, "drive_id": names}
        clips["by_disagreement"] = pa.repeat(False, self.drives)
        drives = pa.table({"drive_id": names, "cluster_id": names, **attributes})
        rows = self._detections(names) if self.judging.data_set else self._matches(names)
        return judge(
            self._score_table(names),
            rows,
            pa.table(clips),
            drives,
            *NETWORKS,
            gate,
            metrics=self.judging.metrics,
            complete=self.judging.data_set,
        )

    def _score_table(self, names: pa.Array) -> pa.Table:
        keys, values = zip(*self._scores, strict=True)
        counts = [len(one) for one in values]
        which = np.repeat(np.arange(len(keys)), counts)
        network, reference, prediction, metric, statistic = (
            pa.array(column).take(pa.array(which)) for column in zip(*keys, strict=True)
        )
        drive = names.take(pa.array(np.concatenate([np.arange(count) for count in counts])))
        value = np.concatenate(values).astype(np.float64)
        one, unknown = pa.repeat("one", len(value)), pa.nulls(len(value), pa.string())
        columns = [network, reference, drive, drive, prediction, metric, statistic, value]
        return pa.table([*columns, one, unknown], schema=SCORES.schema)

    def _matches(self, names: pa.Array) -> pa.Table:
        parts = [
            pa.table(
                {
                    **_named(network, prediction, rows, names),
                    "timestamp_ns": np.arange(len(rows.score)),
                    "score": rows.score.astype(np.float32),
                    "matched": rows.hits > 0,
                    "iou": pa.array(np.full(len(rows.score), 0.8), mask=rows.hits == 0),
                }
            )
            .select(MATCHES.schema.names)
            .cast(MATCHES.schema)
            for network, prediction, rows in self._rows
        ]
        return pa.concat_tables([MATCHES.schema.empty_table(), *parts])

    def _detections(self, names: pa.Array) -> pa.Table:
        parts = [
            pa.table(
                {
                    **_named(network, prediction, rows, names),
                    "score": rows.score,
                    "hits": rows.hits.astype(np.uint32),
                    "ignored": np.zeros(len(rows.score), np.uint32),
                    "errors": _lists(rows),
                }
            )
            .select(DETECTIONS.schema.names)
            .cast(DETECTIONS.schema)
            for network, prediction, rows in self._rows
        ]
        return pa.concat_tables([DETECTIONS.schema.empty_table(), *parts])


def _named(network: str, prediction: str, rows: Rows, names: pa.Array) -> dict[str, pa.Array]:
    """The columns that matches and detections share."""
    count, drive = len(rows.score), names.take(pa.array(rows.drive))
    return {
        "network_sha256": pa.repeat(network, count),
        "reference": pa.repeat(str(Reference.LABELS), count),
        "clip_id": drive,
        "drive_id": drive,
        "prediction": pa.repeat(prediction, count),
        "definition": pa.repeat("one", count),
        "labels": pa.nulls(count, pa.string()),
    }


def _lists(rows: Rows) -> pa.Array:
    """The errors as lists; null where there is none."""
    count = len(rows.score)
    if rows.errors is None:
        return pa.nulls(count, pa.list_(pa.float64()))
    lists = pa.FixedSizeListArray.from_arrays(rows.errors.ravel(), rows.errors.shape[1])
    known = pa.array(np.isfinite(rows.errors).all(axis=1))
    flat = lists.cast(pa.list_(pa.float64()))
    return pa.compute.if_else(known, flat, pa.scalar(None, flat.type))
