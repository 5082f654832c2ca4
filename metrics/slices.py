"""Slices: drives or frames that share attributes, as in ``light=night&road=city``.

A slice is ``all``, or conditions on attributes, sorted by attribute and joined by ``&``. A drive
with an unknown attribute is in ``all``, but in no slice by that attribute. ``%``, ``&`` and ``=``
inside a name or a value are percent-encoded.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ridealong.errors import RidealongError
from ridealong.specs import nearest

ALL = "all"

# The attributes of a fleet's drives. Result files have any others.
DIMENSIONS = ("country", "hardware", "light", "road", "software", "weather")

Slice = tuple[tuple[str, str], ...]  # (attribute, value), sorted by attribute; () is all


@lru_cache(maxsize=4096)  # a run with 50,000 cells has a few dozen slices
def parse_slice(text: str) -> Slice:
    """Read a slice; the order of its conditions does not matter.

    Raises:
        RidealongError: Not ``attribute=value`` joined by ``&``, or an attribute twice.
    """
    if text == ALL:
        return ()
    conditions = tuple(sorted(_condition(part, text) for part in text.split("&")))
    names = [name for name, _ in conditions]
    if len(set(names)) < len(names):
        raise RidealongError(f"slice {text!r} names an attribute twice")
    return conditions


def _condition(part: str, text: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not (equals and name and value):
        expected = "'all', or attribute=value joined by '&', as in 'light=night&road=city'"
        raise RidealongError(f"slice {text!r} cannot be read", expected=expected)
    return unquote(name), unquote(value)


def format_slice(conditions: Slice) -> str:
    """The slice in its only spelling."""
    parts = (f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(conditions))
    return "&".join(parts) or ALL


def _encoded(text: str) -> str:
    return re.sub("[%&=]", lambda found: quote(found[0]), text)


def attributes_in(slices: Iterable[str]) -> set[str]:
    """The attributes that the slices name."""
    return {name for text in slices for name, _ in parse_slice(text)}


def check_attributes(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse attributes that are not known.

    Raises:
        RidealongError: There is one; the nearest is suggested.
    """
    known = sorted(set(known))
    for name in names:
        if name not in known:
            hint = nearest(name, known) if known else "there are no attributes"
            raise RidealongError(f"unknown attribute {name!r} in a slice", hint=hint)


def slices_by(drives: pa.Table, dimensions: Sequence[str]) -> list[str]:
    """``all``, and one slice for every value of each attribute among the drives; sorted.

    Raises:
        RidealongError: The drives do not have an attribute.
    """
    check_attributes(dimensions, drives.column_names)
    found = {
        format_slice(((name, value),))
        for name in dimensions
        for value in pc.unique(drives[name]).to_pylist()
        if value  # an empty text is unknown, too
    }
    return [ALL, *sorted(found)]


def in_slice(drives: pa.Table, conditions: Slice) -> NDArray[np.bool_]:
    """Which drives are in the slice, ``(drives,)``.

    Raises:
        RidealongError: The drives do not have an attribute.
    """
    check_attributes((name for name, _ in conditions), drives.column_names)
    inside = np.ones(drives.num_rows, dtype=np.bool_)
    for name, value in conditions:
        same = pc.fill_null(pc.equal(drives[name].cast(pa.string()), value), False)
        inside &= same.to_numpy(zero_copy_only=False)
    return inside
