"""Slices: drives that share attributes, as in ``light=night&road=city``.

A slice is ``all``, or conditions on attributes of the drive, sorted by attribute and joined by
``&``. A drive with an unknown attribute is in ``all``, but in no slice by that attribute. ``%``,
``&`` and ``=`` inside a value are percent-encoded.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ridealong.errors import RidealongError
from ridealong.specs import nearest

ALL = "all"
DIMENSIONS = ("country", "hardware", "light", "road", "software", "weather")

Slice = tuple[tuple[str, str], ...]  # (attribute, value), sorted by attribute; () is all


def parse_slice(text: str) -> Slice:
    """Read a slice; the order of its conditions does not matter.

    Raises:
        RidealongError: Not ``attribute=value`` joined by ``&``, an unknown attribute, or one twice.
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
    if not equals or not value:
        expected = "'all', or attribute=value joined by '&', as in 'light=night&road=city'"
        raise RidealongError(f"slice {text!r} cannot be read", expected=expected)
    if name not in DIMENSIONS:
        hint = nearest(name, list(DIMENSIONS))
        raise RidealongError(f"slice {text!r} names the unknown attribute {name!r}", hint=hint)
    return name, unquote(value)


def format_slice(conditions: Slice) -> str:
    """The slice in its only spelling."""
    parts = (f"{name}={_encoded(value)}" for name, value in sorted(conditions))
    return "&".join(parts) or ALL


def _encoded(value: str) -> str:
    return re.sub("[%&=]", lambda found: quote(found[0]), value)


def slices_by(drives: pa.Table, dimensions: Sequence[str]) -> list[str]:
    """``all``, and one slice for every value of each attribute among the drives; sorted."""
    found = {
        format_slice(((name, value),))
        for name in dimensions
        for value in pc.unique(drives[name]).to_pylist()
        if value  # an empty text is unknown, too
    }
    return [ALL, *sorted(found)]


def in_slice(drives: pa.Table, conditions: Slice) -> NDArray[np.bool_]:
    """Which drives are in the slice, ``(drives,)``."""
    inside = np.ones(drives.num_rows, dtype=np.bool_)
    for name, value in conditions:
        same = pc.fill_null(pc.equal(drives[name].cast(pa.string()), value), False)
        inside &= same.to_numpy(zero_copy_only=False)
    return inside
