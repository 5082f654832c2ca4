"""By which attributes of its items a run is sliced."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ridealong.errors import RidealongError
from ridealong.perception.result_files import Frames
from ridealong.specs import nearest
from shadow.judged import NO_ATTRIBUTES

FEWEST_VALUES, MOST_VALUES = 2, 20
MOST_NAMED_VALUES = 200  # of an attribute that the user names
SEVERAL = 2  # drives

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|inf", re.IGNORECASE)


def slices_of(frames: Frames, named: Sequence[str] | None) -> tuple[str, ...]:
    """The attributes to slice by: those named, or all that suit.

    Raises:
        RidealongError: A named attribute is not there, or has too many values.
    """
    if named is None:
        free = (n for n in frames.attributes.column_names if n and n not in NO_ATTRIBUTES)
        return tuple(name for name in free if _suits(frames, name))
    for name in named:
        _check(frames, name)
    return tuple(dict.fromkeys(named))


def _suits(frames: Frames, name: str) -> bool:
    """Whether an attribute has 2 to 20 values that are not numbers, each in several drives.

    So one that is constant, or that names the drive, does not suit.
    """
    column = frames.attributes[name]
    known = pc.unique(column).drop_null().to_pylist()
    if not FEWEST_VALUES <= len(known) <= MOST_VALUES or all(map(_NUMBER.fullmatch, known)):
        return False
    pairs = pa.table({"value": column, "drive": frames.drive}).group_by(["value", "drive"])
    drives = pairs.aggregate([]).group_by("value").aggregate([("drive", "count")])
    held = {row["value"]: row["drive_count"] for row in drives.to_pylist()}
    return all(held[value] >= SEVERAL for value in known)


def _check(frames: Frames, name: str) -> None:
    known = [n for n in frames.attributes.column_names if n not in NO_ATTRIBUTES]
    if name not in known:
        hint = nearest(name, known) if known else "the files have no attributes"
        raise RidealongError(f"there is no field {name!r} to slice by", hint=hint)
    values = pc.count_distinct(frames.attributes[name]).as_py()
    if values > MOST_NAMED_VALUES:
        raise RidealongError(
            f"the field {name!r} has {values:,} values",
            expected=f"at most {MOST_NAMED_VALUES} to slice by",
        )
