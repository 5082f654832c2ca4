"""Numbers and attributes in label files."""

import math
from collections.abc import Mapping
from pathlib import Path

from ingest.labels.neutral import ATTRIBUTES
from ingest.labels.reading.content import Box
from ridealong.errors import RidealongError

_FLAGS = frozenset({"relevant"})


def finite(value: object, what: str, where: Path) -> float:
    """A finite number.

    Raises:
        RidealongError: It is none.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, bool):
        raise RidealongError(f"{what} is {value!r}", where=where, expected="a finite number")
    return number


def checked_box(box: Box, what: str, where: Path) -> Box:
    """A box that is not empty.

    Raises:
        RidealongError: Its right is not beyond its left, or its bottom not below its top.
    """
    if not (box[2] > box[0] and box[3] > box[1]):
        corners = ", ".join(f"{value:g}" for value in box)
        raise RidealongError(f"{what} has the corners {corners}", where=where, expected="a box")
    return box


def known_attributes(
    given: Mapping[str, object], what: str, where: Path
) -> dict[str, float | bool]:
    """The attributes that are columns of labels; those without a value are left out.

    Raises:
        RidealongError: One of them is not a number, or not true or false.
    """
    found: dict[str, float | bool] = {}
    for name in ATTRIBUTES:
        value = given.get(name)
        if value is None or value == "":
            continue
        if name in _FLAGS:
            found[name] = flag(value)
        else:
            found[name] = finite(value, f"{what}: {name}", where)
    return found


def flag(value: object) -> bool:
    """Whether an attribute is true, as a word or a value."""
    return value is True or str(value).lower() in ("true", "1", "1.0")


def whole(value: object) -> int | None:
    """A whole number of an attribute; None if it is none."""
    try:
        return int(str(value))
    except ValueError:
        return None
