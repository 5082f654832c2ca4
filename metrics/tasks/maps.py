"""Scores of class maps: segmentation per camera, layers seen from above.

``iou`` compares with labels. Pixels whose label is `UNLABELLED` are not judged. An unknown output
at a labelled pixel counts as a wrong class: giving no output does not improve the value. Outputs
are resampled to the labels' grid by the nearest pixel.

Source: the Jaccard index over the data set's confusion, as scikit-learn's and torchmetrics'
MulticlassJaccardIndex (not the mean over images). Jitter and disagreement are ours
(`metrics.tasks.stability`, `metrics.tasks.disagreement`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.tasks.clip_view import ClipView, linked
from metrics.tasks.dense import check_codes, check_frames, finer, overlaps
from metrics.tasks.disagreement import jaccard_metric
from metrics.tasks.family import PairScorer, Scorer, SelfScorer
from metrics.tasks.metric import Better, Metric, Reference, Result, Sums, over, shared_part
from metrics.tasks.prediction import Prediction
from metrics.tasks.stability import PARAMETERS as STEADINESS
from metrics.tasks.stability import jitter_metric
from ridealong.arrays import Ints
from ridealong.perception.annotations import UNLABELLED, Perception

PARAMETERS = {"unlabelled": UNLABELLED, "resampling": "nearest", **STEADINESS}

ClassMap = NDArray[np.uint8]  # (T, h, w)


@dataclass(frozen=True)
class MapReader:
    """How the predictions of a family are read from a perception's class maps.

    Attributes:
        codes: How many classes a map has; their ids are 0 to ``codes`` - 1.
        map_of: The map that a prediction is part of, and a name for it.
        code_of: The id that the prediction's pixels have in its map.
    """

    codes: int
    map_of: Callable[[Perception, Prediction], tuple[ClassMap, str]]
    code_of: Callable[[Prediction], int]

    def read(self, view: ClipView, prediction: Prediction) -> ClassMap:
        """The map that the prediction is part of.

        Raises:
            ValueError: It does not have the shape ``(frames, h, w)``, or a code is not a class.
        """
        array, _ = self.map_of(view.perception, prediction)
        check_frames(array, view.frames)
        check_codes(array, self.codes)
        return array


class MapScores:
    """The scorers of one family of class maps.

    Args:
        task: The family's name.
        what: What the maps count, as in ``pixels of the class``.
        reader: How its predictions are read.
    """

    def __init__(self, task: str, what: str, reader: MapReader) -> None:
        self._reader = reader
        self._iou = Metric(
            "iou",
            task,
            Better.HIGHER,
            "1",
            ("intersection", "union"),
            Reference.LABELS,
            f"intersection / union of the {what}, unlabelled ones left out",
            "Jaccard index over the summed confusion (scikit-learn, torchmetrics)",
            over("intersection", "union"),
            to_find=shared_part,
        )
        self._jitter = jitter_metric(task, what)
        self._disagreement = jaccard_metric(task, what)
        self.against_labels: PairScorer = Scorer((self._iou,), self._shared_with_labels)
        self.against_self: SelfScorer = Scorer((self._jitter,), self._shared_with_next)
        self.against_other: PairScorer = Scorer((self._disagreement,), self._shared_with_other)

    def _shared_with_labels(
        self, outputs: ClipView, labels: ClipView, predictions: Sequence[Prediction]
    ) -> Result:
        def overlap(prediction: Prediction, codes: Sequence[int]) -> Ints:
            truth, reported = (self._reader.read(side, prediction) for side in (labels, outputs))
            size = (truth.shape[1], truth.shape[2])
            return overlaps(truth, reported, codes, size, where_labelled=True)

        return self._result(self._iou, labels, predictions, overlap)

    def _shared_with_next(self, view: ClipView, predictions: Sequence[Prediction]) -> Result:
        steps = np.flatnonzero(linked(view.perception))

        def overlap(prediction: Prediction, codes: Sequence[int]) -> Ints:
            reported = self._reader.read(view, prediction)
            now, after = reported[steps], reported[steps + 1]
            return overlaps(now, after, codes, finer(now, after))

        return self._result(self._jitter, view, predictions, overlap)

    def _shared_with_other(
        self, one: ClipView, two: ClipView, predictions: Sequence[Prediction]
    ) -> Result:
        def overlap(prediction: Prediction, codes: Sequence[int]) -> Ints:
            here, there = (self._reader.read(side, prediction) for side in (one, two))
            return overlaps(here, there, codes, finer(here, there))

        return self._result(self._disagreement, one, predictions, overlap)

    def _result(
        self,
        metric: Metric,
        view: ClipView,
        predictions: Sequence[Prediction],
        overlap: Callable[[Prediction, Sequence[int]], Ints],
    ) -> Result:
        """Intersection and union of each prediction; the classes of a map are counted together."""
        by_map: dict[str, list[int]] = {}
        for place, prediction in enumerate(predictions):
            _, name = self._reader.map_of(view.perception, prediction)
            by_map.setdefault(name, []).append(place)
        sums = np.zeros((len(predictions), 2), np.int64)
        for places in by_map.values():
            codes = [self._reader.code_of(predictions[place]) for place in places]
            sums[places] = overlap(predictions[places[0]], codes)
        return Result((overlap_sums(metric, predictions, sums),))


def overlap_sums(
    metric: Metric, predictions: Sequence[Prediction], sums: Ints | Sequence[tuple[int, int]]
) -> Sums:
    """Pairs of (intersection, union) as the metric's statistics."""
    intersection, union = np.array(sums, np.int64).reshape(-1, 2).T
    names = tuple(map(str, predictions))
    return Sums(metric, names, {"intersection": intersection, "union": union})
