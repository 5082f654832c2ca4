"""Numbers and attributes in label files."""

import math
from collections.abc import Mapping
from pathlib import Path

from ingest.labels.neutral import ATTRIBUTES
from ingest.labels.reading.content import Box
from ridealong.errors import RidealongError

_FLAGS = frozenset({"relevant"})
_MOST_M, _LONGEST_M, _MOST_RAD = 1e5, 1e3, 1e3
_SHARE, _PLACE, _LENGTH = (-1e-3, 1 + 1e-3), (-_MOST_M, _MOST_M), (0.0, _LONGEST_M)
# What a label can have; numbers of 32 bits hold no more of some.
_RANGES = {
    **dict.fromkeys(("occlusion", "truncation"), _SHARE),
    **dict.fromkeys(("x_m", "y_m", "z_m"), _PLACE),
    **dict.fromkeys(("length_m", "width_m", "height_m"), _LENGTH),
    "yaw_rad": (-_MOST_RAD, _MOST_RAD),
}


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
        RidealongError: One of them is not a number, or one that no label has.
    """
    found: dict[str, float | bool] = {}
    for name in ATTRIBUTES:
        value = given.get(name)
        if value is None or value == "":
            continue
        if name in _FLAGS:
            found[name] = flag(value)
        else:
            found[name] = in_range(name, finite(value, f"{what}: {name}", where), what, where)
    return found


def in_range(name: str, value: float, what: str, where: Path) -> float:
    """A number of an attribute that a label can have.

    Raises:
        RidealongError: No label has such a number.
    """
    low, high = _RANGES[name]
    if not low <= value <= high:
        raise RidealongError(
            f"{what}: {name} is {value:g}", where=where, expected=f"{low:g} to {high:g}"
        )
    return value


def flag(value: object) -> bool:
    """Whether an attribute is true, as a word or a value."""
    return value is True or str(value).lower() in ("true", "1", "1.0")


def whole(value: object) -> int | None:
    """A whole number of an attribute; None if it is none."""
    try:
        return int(str(value))
    except ValueError:
        return None
