"""KITTI's object detection of one network: sums per frame, rows of detections, and `AP_R40`.

Predictions are ``objects/<class>`` for boxes in the image, and ``boxes3d/<class>`` for boxes in
space, which are judged as seen from above too. The bits of a row are the difficulties easy,
moderate and hard; in space, three bits for boxes in space, then three for boxes seen from above.

The summary has the devkit's own numbers. The judged average precision is computed from rows, which
allow any slice and an interval. It differs from the devkit's in two ways: precision is read at
every recall instead of at the nearest of 41 hits, and where two detections fit one label, the one
of the better score wins instead of the one of the larger overlap (see
`metrics.evaluation.kitti.matching`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from metrics.evaluation.evaluation import DETECTION_ROWS, SCORE_ROWS, Evaluated
from metrics.evaluation.kitti.difficulty import CLASSES, DIFFICULTIES
from metrics.evaluation.kitti.fields import ClassFields, Overlap, class_fields
from metrics.evaluation.kitti.matching import Field, average_precision, rows_of_matching
from metrics.tasks.prediction import DEFAULT_THRESHOLD
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import BoxesInBoth, Frames

# By which overlaps the predictions of a task are judged; F1, precision and recall by the first.
TASKS = {"objects": (Overlap.IMAGE,), "boxes3d": (Overlap.SPACE, Overlap.TOP_DOWN)}
METRIC_OF = {Overlap.IMAGE: "ap", Overlap.SPACE: "ap_3d", Overlap.TOP_DOWN: "ap_bev"}
MAIN_LEVEL = [level.name for level in DIFFICULTIES].index("moderate")
SUFFIX = {"objects": "", "boxes3d": "_3d"}  # of the metrics at the threshold
COUNTS = {"f1": ("tp", "fp", "fn"), "precision": ("tp", "fp"), "recall": ("tp", "fn")}


def evaluate(
    frames: Frames,
    categories: tuple[str, ...],
    truth: BoxesInBoth,
    results: BoxesInBoth,
    thresholds: Mapping[str, float],
) -> Evaluated:
    """Evaluate one network; boxes in space if ground truth and results have such boxes."""
    scores, detections = [SCORE_ROWS.empty_table()], [DETECTION_ROWS.empty_table()]
    summary = {}
    for judged in CLASSES:
        if judged.name not in categories:
            continue
        one = class_fields(judged, categories, truth, results)
        summary[judged.name] = {kind.value: _by_level(f) for kind, f in one.fields.items()}
        for prediction in _predictions(judged.name, one, results):
            threshold = thresholds.get(judged.name, DEFAULT_THRESHOLD)
            scores += prediction.sums(threshold, len(frames))
            detections.append(prediction.rows())
    return Evaluated(_joined(scores), _joined(detections), {"AP_R40": summary})


@dataclass(frozen=True)
class _Prediction:
    """One prediction, with its D detections.

    Attributes:
        task, category: Its name.
        frame, score: ``(D,)``.
        levels: The metric and the field of each bit.
        hits, ignored: ``(bits, D)``.
    """

    task: str
    category: str
    frame: Ints
    score: Floats
    levels: tuple[tuple[str, Field], ...]
    hits: Bools
    ignored: Bools

    def __str__(self) -> str:
        return f"{self.task}/{self.category}"

    def rows(self) -> pa.Table:
        """Rows of `DETECTION_ROWS`."""
        bits = 1 << np.arange(len(self.levels), dtype=np.uint32)
        columns = [
            pa.array(self.frame.astype(np.int32)),
            _repeated(str(self), len(self.frame)),
            pa.array(self.score),
            pa.array(bits @ self.hits, pa.uint32()),
            pa.array(bits @ self.ignored, pa.uint32()),
            pa.nulls(len(self.frame), DETECTION_ROWS.field("errors").type),
        ]
        return pa.table(columns, schema=DETECTION_ROWS)

    def sums(self, threshold: float, frames: int) -> list[pa.Table]:
        """Rows of `SCORE_ROWS`: counts at the threshold, and labels to find."""
        labels = {metric: _per_frame(f.frame[f.counted], frames) for metric, f in self.levels}
        reported, hits = self.score >= threshold, self.hits[MAIN_LEVEL]
        wrong = ~hits & ~self.ignored[MAIN_LEVEL]
        counts = {
            "tp": _per_frame(self.frame[reported & hits], frames),
            "fp": _per_frame(self.frame[reported & wrong], frames),
        }
        counts["fn"] = labels[self.levels[MAIN_LEVEL][0]] - counts["tp"]
        return [
            *(
                self._statistic(metric + SUFFIX[self.task], name, counts[name])
                for metric, names in COUNTS.items()
                for name in names
            ),
            *(self._statistic(metric, "labels", number) for metric, number in labels.items()),
        ]

    def _statistic(self, metric: str, statistic: str, count: Ints) -> pa.Table:
        frame = np.flatnonzero(count)
        names = (_repeated(name, len(frame)) for name in (str(self), metric, statistic))
        value = pa.array(count[frame].astype(np.float64))
        return pa.table([pa.array(frame.astype(np.int32)), *names, value], schema=SCORE_ROWS)


def _predictions(name: str, one: ClassFields, results: BoxesInBoth) -> Iterator[_Prediction]:
    frame, score = results.image.frame[one.mine], results.image.score[one.mine]
    for task, kinds in TASKS.items():
        if not set(kinds) <= set(one.fields):
            continue
        levels = tuple(
            (f"{METRIC_OF[kind]}_{level.name}", field)
            for kind in kinds
            for level, field in zip(DIFFICULTIES, one.fields[kind], strict=True)
        )
        matched = [rows_of_matching(field) for _, field in levels]
        # Small detections of other classes come after those of the class.
        hits = np.array([one_level.hits[: len(frame)] for one_level in matched])
        ignored = np.array([one_level.ignored[: len(frame)] for one_level in matched])
        yield _Prediction(task, name, frame, score, levels, hits, ignored)


def _joined(parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).unify_dictionaries()


def _by_level(fields: tuple[Field, ...]) -> dict[str, float | None]:
    return {
        level.name: average_precision(field)
        for level, field in zip(DIFFICULTIES, fields, strict=True)
    }


def _per_frame(frame: Ints, frames: int) -> Ints:
    return np.bincount(frame, minlength=frames)


def _repeated(name: str, times: int) -> pa.Array:
    codes = pa.array(np.zeros(times, np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array([name]))
