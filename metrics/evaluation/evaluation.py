"""What an evaluation of result files is: sums per frame, rows of detections, and a summary.

An evaluation follows the reference tool of its format (COCO, MOT, nuScenes, ...). Its *summary*
has that tool's numbers. Its sums and rows have the same content by frame, so that any slice, and an
interval by drive, is computed from them.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from metrics.tasks.metric import Metric
from metrics.tasks.prediction import Prediction
from ridealong.perception.result_files import Frames

NAME = pa.dictionary(pa.int32(), pa.string())

# Statistics of one network; rows whose value is 0 are left out.
SCORE_ROWS = pa.schema(
    [
        pa.field("frame", pa.int32()),  # index into the frames
        pa.field("prediction", NAME),
        pa.field("metric", NAME),
        pa.field("statistic", NAME),
        pa.field("value", pa.float64()),
    ]
)

# Detections of one network, for the metrics that are computed from rows.
DETECTION_ROWS = pa.schema(
    [
        pa.field("frame", pa.int32()),
        pa.field("prediction", NAME),
        pa.field("score", pa.float64()),
        pa.field("hits", pa.uint32()),  # bit k: it found a label at the evaluation's k-th level
        pa.field("ignored", pa.uint32()),  # bit k: neither a hit nor an error at that level
        # Errors of a hit, as the evaluation names them (`Evaluation.errors`); null without any.
        pa.field("errors", pa.list_(pa.field("element", pa.float64()))),
    ]
)

# {(prediction, metric, statistic): sum}; one of 0 may be missing.
Totals = Mapping[tuple[str, str, str], float]


@dataclass(frozen=True)
class Evaluated:
    """The result of one network.

    Attributes:
        scores: Rows of `SCORE_ROWS`.
        detections: Rows of `DETECTION_ROWS`.
        summary: The numbers of the reference tool, by its names; fractions, not per cent. A value
            is a number, None if it is undefined, or a mapping of such (by class).
    """

    scores: pa.Table
    detections: pa.Table
    summary: Mapping[str, Any]

    @property
    def totals(self) -> Totals:
        """The sums over all frames."""
        keys = ["prediction", "metric", "statistic"]
        rows = self.scores.group_by(keys).aggregate([("value", "sum")]).to_pylist()
        return {(row[keys[0]], row[keys[1]], row[keys[2]]): row["value_sum"] for row in rows}


# (frames, categories, ground truth, results, threshold per category) -> Evaluated. Ground truth and
# results are of the type that the evaluation takes.
Evaluate = Callable[[Frames, tuple[str, ...], Any, Any, Mapping[str, float]], Evaluated]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of result files.

    Attributes:
        name: Its name, such as ``coco``.
        task: The first part of its predictions' names: ``objects``, ``tracks``, ``boxes3d``. If it
            has predictions of several tasks, that of most of them.
        metrics: What is judged; the first one of a prediction's task is required by default.
        margins: The shipped margin of each metric that has one, in its unit.
        evaluate: Evaluates one network.
        parameters: All numbers and choices that statistics depend on, as JSON values.
        version: Raise it when a change of the code changes what a statistic means.
        errors: Names of the values in `DETECTION_ROWS.errors`.
        has_threshold: Whether some metric counts only what reaches a threshold. False where the
            output is final, as a tracker's is.
    """

    name: str
    task: str
    metrics: tuple[Metric, ...]
    margins: Mapping[str, float]
    evaluate: Evaluate
    parameters: Mapping[str, object] = field(default_factory=dict)
    version: int = 1
    errors: tuple[str, ...] = ()
    has_threshold: bool = True

    def metrics_of(self, prediction: str) -> tuple[Metric, ...]:
        """The metrics of a prediction; it must pass the first one if no gate is given."""
        task, _, category = prediction.partition("/")
        named = Prediction(task, category or None)
        return tuple(metric for metric in self.metrics if metric.judges(named))

    @property
    def definition(self) -> str:
        """Hash (sha256) of all that its sums and rows depend on."""
        document = {
            "evaluation": self.name,
            "version": self.version,
            "parameters": dict(self.parameters),
            "metrics": [[metric.name, list(metric.statistics)] for metric in self.metrics],
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
