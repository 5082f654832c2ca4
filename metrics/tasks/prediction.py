"""Names of predictions: the unit that may not regress.

``objects/pedestrian@main``, ``lights/red@narrow``, ``lanes/road_edge@main``, ``depth@rear``,
``segmentation/road@main``, ``bev/road``: a task, a category (all but depth), a camera (all but
bev).
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from ridealong.errors import RidealongError
from ridealong.perception.annotations import (
    BevLayer,
    LaneCategory,
    LightState,
    ObjectCategory,
    Surface,
    Task,
)
from ridealong.perception.cameras import check_camera_name
from ridealong.specs import nearest

CATEGORIES: dict[Task, type[StrEnum]] = {
    Task.OBJECTS: ObjectCategory,
    Task.LIGHTS: LightState,
    Task.LANES: LaneCategory,
    Task.SEGMENTATION: Surface,
    Task.BEV: BevLayer,
}

EXAMPLES = {
    Task.OBJECTS: "objects/pedestrian@main",
    Task.LIGHTS: "lights/red@narrow",
    Task.LANES: "lanes/road_edge@main",
    Task.DEPTH: "depth@rear",
    Task.SEGMENTATION: "segmentation/road@main",
    Task.BEV: "bev/road",
}

SHAPE = re.compile(r"(?P<task>[^/@]+)(/(?P<category>[^/@]+))?(@(?P<camera>[^/@]+))?")


@dataclass(frozen=True, order=True)
class Prediction:
    """One output of a network for one category and camera.

    Attributes:
        task: Family of predictions.
        category: Class, light state, line or top-down layer; None for depth.
        camera: The camera; None for top-down layers.

    Raises:
        RidealongError: The parts do not fit each other.
    """

    task: Task
    category: str | None = None
    camera: str | None = None

    def __post_init__(self) -> None:
        _check_parts(self)
        _check_category(self)
        if self.camera is not None:
            check_camera_name(self.camera)

    def __str__(self) -> str:
        category = f"/{self.category}" if self.category is not None else ""
        camera = f"@{self.camera}" if self.camera is not None else ""
        return f"{self.task}{category}{camera}"


def parse_prediction(name: str) -> Prediction:
    """Read a name such as ``'lights/red@narrow'``.

    Raises:
        RidealongError: No such prediction can be; the message suggests the nearest.
    """
    parts = SHAPE.fullmatch(name)
    if parts is None:
        raise RidealongError(
            f"{name!r} is not a prediction", expected="a name like 'objects/pedestrian@main'"
        )
    _check_known("task", parts["task"], [str(task) for task in EXAMPLES], name)
    return Prediction(Task(parts["task"]), parts["category"], parts["camera"])


def _check_parts(prediction: Prediction) -> None:
    task = prediction.task
    wants_category, wants_camera = task is not Task.DEPTH, task is not Task.BEV
    for part, value, wanted in (
        ("category", prediction.category, wants_category),
        ("camera", prediction.camera, wants_camera),
    ):
        if (value is not None) != wanted:
            problem = f"has no {part}" if wanted else f"has a {part}, but {task} knows none"
            raise RidealongError(
                f"prediction {str(prediction)!r} {problem}", expected=f"like {EXAMPLES[task]!r}"
            )


def _check_category(prediction: Prediction) -> None:
    kind = CATEGORIES.get(prediction.task)
    if kind is not None:
        known = [str(category) for category in kind]
        _check_known("category", prediction.category, known, str(prediction))


def _check_known(part: str, value: str | None, known: list[str], name: str) -> None:
    if value is not None and value not in known:
        raise RidealongError(
            f"prediction {name!r}: unknown {part} {value!r}", hint=nearest(value, known)
        )
