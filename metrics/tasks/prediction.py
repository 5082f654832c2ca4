"""Predictions: the unit that may not regress.

A prediction is named by its family, its category (if the family has categories) and its camera (if
its predictions belong to one): ``objects/pedestrian@main``, ``depth@rear``, ``bev/road``.
`metrics.tasks.registry.parse_prediction` reads such a name and checks it.
"""

import re
from dataclasses import dataclass

DEFAULT_THRESHOLD = 0.5  # the lowest score that counts, unless a network's manifest has another


@dataclass(frozen=True, order=True)
class Prediction:
    """One output of a network for one category and camera.

    Attributes:
        task: The name of its family.
        category: Class, state of a light, kind of line, top-down layer; None where the family has
            no categories.
        camera: The camera; None where it belongs to none.
    """

    task: str
    category: str | None = None
    camera: str | None = None

    def __str__(self) -> str:
        category = f"/{self.category}" if self.category is not None else ""
        camera = f"@{self.camera}" if self.camera is not None else ""
        return f"{self.task}{category}{camera}"


def task_of(prediction: str) -> str:
    """The task in a prediction's name: ``objects`` of ``objects/car@main``.

    It does not check the name, unlike `metrics.tasks.registry.parse_prediction`. So it also reads
    the names in stored scores and verdicts whose family is no longer installed.
    """
    return re.split("[/@]", prediction, maxsplit=1)[0]
