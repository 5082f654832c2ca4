"""Kinds of data sets: evaluation, classes, and the gate that they get by default."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.trust import evaluated
from benchmarks.trust.drawn import Draw, Drawn
from benchmarks.trust.fleets import Fleet
from benchmarks.trust.tables import Judging, Tables
from metrics.evaluation.boxes3d.nuscenes import EVALUATION as NUSCENES_EVALUATION
from metrics.evaluation.coco.evaluation import EVALUATION as COCO_EVALUATION
from metrics.evaluation.evaluation import Evaluation
from metrics.evaluation.tracking.evaluation import EVALUATION as MOT_EVALUATION
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict
from metrics.slices import ALL
from metrics.tasks.metric import Metric
from ridealong.arrays import Floats


@dataclass(frozen=True)
class DataSet:
    """One kind of data set.

    Attributes:
        name: For the tables.
        evaluation: Its evaluation.
        draw: Draws a class.
        classes: Labels of each class in a drive of size 1. Drives without any of the last one are
            the rule.
        attributes: Of `benchmarks.trust.fleets.ATTRIBUTES`, those to slice by.
    """

    name: str
    evaluation: Evaluation
    draw: Draw
    classes: Mapping[str, float]
    attributes: tuple[str, ...]

    @cached_property
    def judging(self) -> Judging:
        """By the metrics of the evaluation."""
        own = {(self.evaluation.task, metric.name): metric for metric in self.evaluation.metrics}
        return Judging(lambda task, name: own.get((task, name)), data_set=True)

    @property
    def main(self) -> Metric:
        """The metric that every class must pass by default."""
        return self.evaluation.metrics[0]

    @property
    def common(self) -> list[str]:
        """All classes but the rare one."""
        return list(self.classes)[:-1]

    def prediction(self, category: str) -> str:
        return f"{self.evaluation.task}/{category}"

    def drawn(
        self,
        rng: np.random.Generator,
        fleet: Fleet,
        drives: int,
        lost: Mapping[str, Floats] | None = None,
    ) -> dict[str, Drawn]:
        """Each class, with the true loss of the candidate on each drive."""
        lost = lost or {}
        return {
            name: self.draw(rng, fleet, drives, lost.get(name, 0.0), rate)
            for name, rate in self.classes.items()
        }

    def gate(self, classes: Iterable[str] = (), slices: tuple[str, ...] = (ALL,)) -> GateSpec:
        """The main metric of these classes is required on these slices; all else is watched.

        The default, all classes over all drives, is what two result files are judged by without a
        gate.
        """
        main = self.main.name
        required = [
            {"prediction": self.prediction(category), "metric": main, "slice": where}
            for category in classes or self.classes
            for where in slices
        ]
        watched = {"by": list(self.attributes)}
        margins = dict(self.evaluation.margins)
        return GateSpec.model_validate(
            {"required": required, "margins": margins, "watched": watched}
        )

    def judged(
        self, drawn: Mapping[str, Drawn], gate: GateSpec, attributes: Mapping[str, list[str]]
    ) -> RunVerdict:
        """The verdict on all classes and metrics."""
        tables = Tables(max(one.drives for one in drawn.values()), self.judging)
        for category, one in drawn.items():
            prediction = self.prediction(category)
            metrics = self.evaluation.metrics_of(prediction)
            tables.add(prediction, tuple(metric.name for metric in metrics), one)
        return tables.judged(gate, attributes)


COCO = DataSet(
    "COCO", COCO_EVALUATION, evaluated.boxes2d,
    {"car": 60, "pedestrian": 40, "truck": 25, "bicycle": 20, "bus": 15, "train": 0.5},
    ("light", "road", "weather"),
)  # fmt: skip
TRACKS = DataSet(
    "tracks", MOT_EVALUATION, evaluated.mota_tracks,
    # In many frames each.
    {"car": 300, "pedestrian": 200, "truck": 125, "bicycle": 100, "bus": 75, "train": 2.5},
    ("light", "road", "weather"),
)  # fmt: skip
# Its errors are computed again without each drive, which takes long.
NUSCENES = DataSet(
    "nuScenes", NUSCENES_EVALUATION, evaluated.boxes3d,
    {"car": 60, "pedestrian": 40, "trailer": 0.5},
    ("light", "road"),
)  # fmt: skip
DATA_SETS = {one.name: one for one in (COCO, TRACKS, NUSCENES)}
