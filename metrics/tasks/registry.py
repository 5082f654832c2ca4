"""All families of predictions: the built-in ones, and those of installed packages.

An installed package adds a family through the entry point group ``ridealong.tasks``. The
entry point has the family's name and names a `TaskFamily`: ``cones = "conepackage.cones:FAMILY"``.
"""

import re
from collections.abc import Mapping, Sequence

from metrics.tasks import bev, depth, lanes, lights, objects, segmentation
from metrics.tasks.family import TaskFamily
from metrics.tasks.metric import Metric
from metrics.tasks.prediction import Prediction
from ridealong.errors import RidealongError
from ridealong.perception.cameras import check_camera_name
from ridealong.registry import Registry
from ridealong.specs import nearest

FAMILIES: Registry[TaskFamily] = Registry(
    group="ridealong.tasks",
    noun="task",
    # Their order is the order of evaluation and of listings.
    built_in=tuple(module.FAMILY for module in (objects, lights, lanes, depth, segmentation, bev)),
    type=TaskFamily,
    expected="a metrics.tasks.family.TaskFamily",
)

NAME = re.compile(r"(?P<task>[^/@]+)(/(?P<category>[^/@]+))?(@(?P<camera>[^/@]+))?")


def family_names() -> list[str]:
    """The names of all families: the built-in ones in their order, then the others by name.

    Raises:
        RidealongError: Two families have one name.
    """
    return FAMILIES.names()


def families() -> Mapping[str, TaskFamily]:
    """All families that can be loaded, by name and in the order of `family_names`.

    A family whose package is broken is left out; `family` reports it to those who need it.

    Raises:
        RidealongError: Two families have one name.
    """
    return FAMILIES.usable


def require_families() -> None:
    """Load every family.

    Raises:
        NotInstalledError: The package of one is broken.
    """
    for name in family_names():
        family(name)


def family(name: str) -> TaskFamily:
    """The family of that name.

    Raises:
        NotInstalledError: Unknown (the nearest is suggested), or its package is broken.
    """
    return FAMILIES.find(name)


def sparse_tasks() -> frozenset[str]:
    """The names of the families that are stored as rows, so that outputs of them are kept."""
    return frozenset(name for name, own in families().items() if own.form.sparse)


def lookup(task: str, metric: str) -> Metric:
    """The metric of that task and name.

    Raises:
        RidealongError: Unknown; the message suggests the nearest.
    """
    known = family(task).metrics
    if metric not in known:
        raise RidealongError(f"{task} has no metric {metric!r}", hint=nearest(metric, list(known)))
    return known[metric]


def known_metric(task: str, metric: str) -> Metric | None:
    """The metric of that task and name; None if either is unknown here.

    Raises:
        NotInstalledError: The package of the task is broken.
    """
    return family(task).metrics.get(metric) if task in FAMILIES else None


def definition_of(task: str) -> str:
    """Hash (sha256) of all that the stored scores of a family depend on.

    Raises:
        RidealongError: Unknown; the message suggests the nearest.
    """
    return family(task).definition


def parse_prediction(name: str) -> Prediction:
    """Read a name such as ``'lights/red@narrow'``.

    Raises:
        RidealongError: There is no such prediction; the message suggests the nearest.
    """
    parts = NAME.fullmatch(name)
    if parts is None:
        raise RidealongError(
            f"{name!r} is not a prediction", expected="a name like 'objects/pedestrian@main'"
        )
    prediction = Prediction(parts["task"], parts["category"], parts["camera"])
    own = _family_of(prediction, name)
    _check_parts(prediction, own)
    if own.categories:
        _check_known("category", prediction.category, own.categories, name)
    if prediction.camera is not None:
        check_camera_name(prediction.camera)
    return prediction


def _family_of(prediction: Prediction, name: str) -> TaskFamily:
    if prediction.task not in FAMILIES:
        _check_known("task", prediction.task, family_names(), name)
    return family(prediction.task)


def _check_parts(prediction: Prediction, own: TaskFamily) -> None:
    for part, value, wanted in (
        ("category", prediction.category, bool(own.categories)),
        ("camera", prediction.camera, own.has_camera),
    ):
        if (value is not None) != wanted:
            problem = f"has no {part}" if wanted else f"has a {part}, but {own.name} has none"
            raise RidealongError(
                f"prediction {str(prediction)!r} {problem}", expected=f"like {own.example!r}"
            )


def _check_known(part: str, value: str | None, known: Sequence[str], name: str) -> None:
    if value is not None and value not in known:
        raise RidealongError(
            f"prediction {name!r}: unknown {part} {value!r}", hint=nearest(value, list(known))
        )
