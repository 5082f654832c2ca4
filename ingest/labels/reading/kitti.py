"""KITTI: ``label_2``, one file for each image.

A line with a score is what a network reported, not a label. ``DontCare`` regions are left out.
A box without a size in space has none there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.labels.formats.kitti import (
    DONT_CARE,
    HIDDEN,
    KITTI_NAMES,
    LABELS,
    UNKNOWN_OCCLUSION,
    BoxInSpace,
)
from ingest.labels.reading.content import ReadImage, ReadLabels, ReadShape
from ingest.labels.reading.documents import read_text
from ingest.labels.reading.numbers import checked_box, finite, in_range
from ridealong.errors import RidealongError

_WORDS = 15
_UNKNOWN_PLACE = [-1000.0] * 3
# The columns that have the ranges of a line's box in space; its axes are others.
_COLUMNS = ("height_m", "width_m", "length_m", "x_m", "y_m", "z_m", "yaw_rad")
_OURS = {kitti: ours for ours, kitti in KITTI_NAMES.items()}


def read_kitti(path: Path) -> ReadLabels:
    """Labels of KITTI's object data set.

    Raises:
        RidealongError: There is no ``label_2``, or a line is not one of KITTI.
    """
    folders = [path] if path.name == LABELS else sorted(path.rglob(LABELS))
    files = sorted(file for folder in folders for file in folder.glob("*.txt"))
    if not files:
        raise RidealongError(f"has no label files in a folder {LABELS}", where=path)
    shapes = []
    for at, file in enumerate(files):
        lines = read_text(file).splitlines()
        shapes += [found for text in lines if (found := _shape(text, at, file)) is not None]
    return ReadLabels([ReadImage(file.name) for file in files], shapes, lacks_ignored=True)


def _shape(text: str, image: int, file: Path) -> ReadShape | None:
    words = text.split()
    if not words or words[0] == DONT_CARE:
        return None
    if len(words) not in (_WORDS, _WORDS + 1):
        raise RidealongError(
            f"a line has {len(words)} words", where=file, expected=f"{_WORDS}, as KITTI has"
        )
    numbers = [finite(word, words[0], file) for word in words[1:]]
    box = checked_box((numbers[3], numbers[4], numbers[5], numbers[6]), words[0], file)
    label = _OURS.get(words[0], words[0][:1].lower() + words[0][1:])
    # 0 also stands for unknown.
    truncation: Mapping[str, float] = {}
    if numbers[0] > 0:
        truncation = {"truncation": in_range("truncation", numbers[0], words[0], file)}
    in_space = _in_space(numbers[7:14], words[0], file)
    return ReadShape(
        image,
        label,
        box,
        attributes=truncation,
        in_space=in_space,
        hidden=_hidden(numbers[1], words[0], file),
        confirmed=len(words) == _WORDS,
    )


def _hidden(step: float, what: str, file: Path) -> tuple[float, float] | None:
    if step not in (-1, *HIDDEN, UNKNOWN_OCCLUSION):
        raise RidealongError(f"{what}: occluded is {step:g}", where=file, expected="0, 1, 2 or 3")
    return HIDDEN.get(int(step))


def _in_space(numbers: Sequence[float], what: str, file: Path) -> BoxInSpace | None:
    height, width, length, *place, rotation = numbers
    # KITTI writes sizes of -1 and a place of -1000 where nothing is known.
    if max(height, width, length) <= 0 or place == _UNKNOWN_PLACE:
        return None
    if min(height, width, length) <= 0:
        raise RidealongError(
            f"{what} has the dimensions {height:g}, {width:g}, {length:g}",
            where=file,
            expected="three positive numbers, or -1 -1 -1",
        )
    for name, value in zip(_COLUMNS, (height, width, length, *place, rotation), strict=True):
        in_range(name, value, what, file)
    return height, width, length, place[0], place[1], place[2], rotation
