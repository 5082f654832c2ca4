"""The lowest score that counts, by network and class: one number, or a YAML file.

::

    default: 0.5      # of every class without its own
    car: 0.4
    pedestrian: 0.3

A file may also have one such mapping, or one number, for each network, under ``deployed`` and
``candidate``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.tasks.prediction import DEFAULT_THRESHOLD
from ridealong.documents import parse_document, read_text
from ridealong.errors import RidealongError
from ridealong.specs import nearest
from shadow.runs import ROLES

DEFAULT = "default"


@dataclass(frozen=True)
class Thresholds:
    """Thresholds by role and class.

    Attributes:
        by_class: ``{role: {class: threshold}}``, all classes.
        text: How they were given, for the report.
    """

    by_class: Mapping[str, Mapping[str, float]]
    text: str


def thresholds_of(given: str | None, categories: Sequence[str]) -> Thresholds:
    """The thresholds that a user gave, or the default.

    Raises:
        RidealongError: It is neither a finite number nor a file of such, or a class is unknown.
    """
    number = _number(given if given is not None else str(DEFAULT_THRESHOLD))
    if number is not None:
        same = dict.fromkeys(categories, number)
        return Thresholds({role: same for role in ROLES}, f"{number:g}")
    path = Path(str(given))
    if path.suffix in (".yaml", ".yml") and not path.exists():
        raise RidealongError("no such file", where=path, expected="a number, or a YAML file")
    if not given or not path.exists():
        what, expected = f"the threshold is {given!r}", "a number, or the path of a YAML file"
        raise RidealongError(what, expected=expected)
    document = parse_document(read_text(path), path)
    if document.faults:
        raise document.faults[0]
    content = document.root.plain
    if not isinstance(content, dict) or not content:
        raise RidealongError(
            "not a file of thresholds", where=path, expected="numbers by class, or by network"
        )
    each = {role: content for role in ROLES}
    if set(content) <= set(ROLES):
        each = {role: {} if content.get(role) is None else content[role] for role in ROLES}
    return Thresholds(
        {role: _by_class(own, categories, path) for role, own in each.items()}, path.name
    )


def _number(text: str) -> float | None:
    """A threshold in words of the command line; None if it must be a file."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        raise RidealongError(f"the threshold is {text}", expected="a finite number")
    return value


def _by_class(content: Any, categories: Sequence[str], path: Path) -> dict[str, float]:
    """One network's thresholds of all classes."""
    if not isinstance(content, dict):
        content = {DEFAULT: content}
    for name, value in content.items():
        if name != DEFAULT and name not in categories:
            hint = nearest(str(name), [*categories, DEFAULT])
            raise RidealongError(f"there is no class {name!r}", where=path, hint=hint)
        if isinstance(value, bool) or not isinstance(value, int | float):
            what = f"the threshold of {name} is {value!r}"
            raise RidealongError(what, where=path, expected="a number")
        if not math.isfinite(value):
            what = f"the threshold of {name} is {value}"
            raise RidealongError(what, where=path, expected="a finite number")
    own = {name: float(value) for name, value in content.items()}
    default = own.get(DEFAULT, DEFAULT_THRESHOLD)
    return {name: own.get(name, default) for name in categories}
