"""The frames of ground truth: their order, names, drives, times and attributes."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import Frames


@dataclass(frozen=True)
class FrameEntry:
    """A frame as a file describes it.

    Attributes:
        key: What results refer to it by.
        name: Its name; unique.
        drive: Its drive.
        number: Its place in the drive; None if unknown.
        time_s: When it was taken, by any clock; None if unknown.
        image: The path of its image.
        size: Width and height in pixels; NaN where unknown.
        attributes: Its attributes, and those of its drive.
    """

    key: Hashable
    name: str
    drive: str
    number: float | None = None
    time_s: float | None = None
    image: str | None = None
    size: tuple[float, float] = (np.nan, np.nan)
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FrameList:
    """Frames by drive and time, and how to find them.

    Attributes:
        frames: The frames.
        index: The place of each key in them.
        visit: ``(F,)`` the place of each frame in the order in which the reference tool of the
            format visits them.
        drive: ``(F,)`` code of its drive.
        size: ``(F, 2)`` width and height in pixels; NaN where unknown.
    """

    frames: Frames
    index: Mapping[Hashable, int]
    visit: Ints
    drive: Ints
    size: Floats


def frame_list(path: Path, entries: Sequence[FrameEntry], rate_hz: float | None) -> FrameList:
    """Frames in the order of their drives, and of time within a drive.

    A drive whose frames are not all numbered keeps the order of the entries, and so do frames of
    one number.

    Args:
        path: The file, for messages.
        entries: In the order in which the reference tool of the format visits them.
        rate_hz: Frames a second; None if unknown.

    Raises:
        RidealongError: A text is not valid Unicode.
    """
    codes: dict[str, int] = {}
    drive = np.array([codes.setdefault(one.drive, len(codes)) for one in entries], np.int64)
    number = np.array([np.nan if one.number is None else one.number for one in entries])
    unnumbered = np.bincount(drive[np.isnan(number)], minlength=len(codes))[drive] > 0
    number[unnumbered] = np.nan
    order = np.lexsort((number, drive))
    ordered = [entries[at] for at in order]
    drive, number = drive[order], number[order]
    given = np.array([np.nan if one.time_s is None else one.time_s for one in ordered])
    frames = Frames(
        name=texts(path, [one.name for one in ordered]),
        drive=texts(path, [one.drive for one in ordered]),
        time_s=given if rate_hz is None else _paced(drive, number) / rate_hz,
        image=texts(path, [one.image for one in ordered]),
        attributes=_attributes(path, [one.attributes for one in ordered]),
    )
    index = {one.key: at for at, one in enumerate(ordered)}
    size = np.array([one.size for one in ordered], np.float64).reshape(-1, 2)
    return FrameList(frames, index, order, drive, size)


def _paced(drive: Ints, number: Floats) -> Floats:
    """The number of each frame; its place in the drive where it has none."""
    places = np.arange(len(drive)) - np.searchsorted(drive, drive, "left")
    return np.where(np.isnan(number), places, number)


def texts(path: Path, values: Iterable[str | None]) -> pa.Array:
    """A column of text.

    Raises:
        RidealongError: One is not valid Unicode.
    """
    try:
        return pa.array(list(values), pa.string())
    except UnicodeEncodeError as error:
        what = f"has the text {error.object!r}, which is not valid Unicode"
        raise RidealongError(what, where=path) from error


def _attributes(path: Path, rows: Sequence[Mapping[str, str]]) -> pa.Table:
    names = texts(path, dict.fromkeys(name for row in rows for name in row)).to_pylist()
    columns = {name: texts(path, [row.get(name) for row in rows]) for name in names}
    if not columns:
        return pa.table({"": pa.nulls(len(rows))}).drop_columns([""])
    return pa.table(columns)


def attributes_in(row: Mapping[str, Any], without: Iterable[str] = ()) -> dict[str, str]:
    """The fields of an object that are text, true or false; those under ``attributes`` too."""
    nested = row.get("attributes")
    fields = {**row, **nested} if isinstance(nested, dict) else row
    return {
        key: value if isinstance(value, str) else str(value).lower()
        for key, value in fields.items()
        if key not in without and isinstance(value, str | bool)
    }
