"""All families of predictions: the built-in ones, and those of installed packages.

An installed package adds a family through the entry point group ``ridealong.tasks``. The
entry point has the family's name and names a `TaskFamily`: ``cones = "conepackage.cones:FAMILY"``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint

from metrics.tasks import bev, depth, lanes, lights, objects, segmentation
from metrics.tasks.family import TaskFamily
from metrics.tasks.metric import Metric
from metrics.tasks.prediction import Prediction
from ridealong.errors import RidealongError
from ridealong.installed import broken, installed, load
from ridealong.perception.cameras import check_camera_name
from ridealong.specs import nearest

GROUP = "ridealong.tasks"

# Their order is the order of evaluation and of listings.
BUILT_IN = tuple(module.FAMILY for module in (objects, lights, lanes, depth, segmentation, bev))

NAME = re.compile(r"(?P<task>[^/@]+)(/(?P<category>[^/@]+))?(@(?P<camera>[^/@]+))?")

_registered: list[TaskFamily] = []  # by `registered`, temporarily


@cache
def families() -> Mapping[str, TaskFamily]:
    """All families by name: the built-in ones in their order, then the others by name.

    Raises:
        RidealongError: An entry point has a name that is taken, cannot be loaded, or does not name
            a family of the same name.
    """
    known = {family.name: family for family in (*BUILT_IN, *_registered)}
    for name, point in installed(GROUP, taken=known).items():
        known[name] = _loaded(point)
    return known


def _loaded(point: EntryPoint) -> TaskFamily:
    family = load(point)
    if not isinstance(family, TaskFamily):
        expected = "an object of metrics.tasks.family.TaskFamily"
        raise broken(point, f"is an object of {type(family).__qualname__}", expected)
    if family.name != point.name:
        raise broken(point, f"gives the family {family.name!r}", "an entry point of the same name")
    return family


@contextmanager
def registered(family: TaskFamily) -> Iterator[None]:
    """Add a family inside a ``with`` block, in this process alone: for tests.

    Raises:
        ValueError: There is a family of that name.
    """
    if family.name in families():
        raise ValueError(f"the task family {family.name!r} is a duplicate")
    _registered.append(family)
    families.cache_clear()
    try:
        yield
    finally:
        _registered.remove(family)
        families.cache_clear()


def family(name: str) -> TaskFamily:
    """The family of that name.

    Raises:
        RidealongError: Unknown; the message suggests the nearest.
    """
    known = families()
    if name not in known:
        raise RidealongError(f"unknown task {name!r}", hint=nearest(name, list(known)))
    return known[name]


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


def metrics_of(prediction: Prediction) -> tuple[Metric, ...]:
    """The metrics that judge a prediction."""
    return tuple(m for m in family(prediction.task).metrics.values() if m.judges(prediction))


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
    _check_known("task", prediction.task, list(families()), name)
    own = families()[prediction.task]
    _check_parts(prediction, own)
    if own.categories:
        _check_known("category", prediction.category, own.categories, name)
    if prediction.camera is not None:
        check_camera_name(prediction.camera)
    return prediction


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
