"""Lines of KITTI's label files: a type, then 14 numbers, and a score in results.

type, truncation, occlusion, alpha, left, top, right, bottom, height, width, length, x, y, z,
rotation_y. Image coordinates are pixels. The position is the middle of the bottom in the reference
frame of the camera: x right, y down, z forward; rotation_y turns about y, from x towards -z.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError
from ridealong.limits import refused

LABEL_FIELDS, RESULT_FIELDS = 15, 16
LONGEST_SHOWN = 40  # characters of a wrong field


@dataclass(frozen=True)
class Lines:
    """N lines of many files.

    Attributes:
        file: ``(N,)`` index into the files.
        type: ``(N,)`` index into the types.
        types: The types as the files spell them.
        numbers: ``(N, 14)``, or ``(N, 15)`` with scores.
    """

    file: Ints
    type: Ints
    types: tuple[str, ...]
    numbers: Floats

    def take(self, which: Bools) -> "Lines":
        """Some of the lines."""
        return Lines(self.file[which], self.type[which], self.types, self.numbers[which])


def read_lines(files: Sequence[Path], fields: int) -> Lines:
    """Read files of lines with this many fields.

    Raises:
        RidealongError: A file cannot be read or is no text, or a line has another number of fields,
            or something other than a number in one.
    """
    types: dict[str, int] = {}
    counts, codes, numbers = [], [], [np.empty((0, fields - 1))]
    for file in files:
        rows = _rows(file, fields)
        counts.append(len(rows))
        if rows:
            codes += [types.setdefault(row[0], len(types)) for row in rows]
            numbers.append(_numbers(file, rows))
    return Lines(
        np.repeat(np.arange(len(files)), counts),
        np.array(codes, np.int64),
        tuple(types),
        np.concatenate(numbers),
    )


def text_of(file: Path) -> str:
    """The text of a file.

    Raises:
        RidealongError: It cannot be read, or is no text in UTF-8.
    """
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise refused(error, file) or RidealongError(
            (error.strerror or str(error)).lower(), where=file
        ) from error
    except UnicodeDecodeError as error:
        raise RidealongError("is no text in UTF-8", where=file, hint="save it as UTF-8") from error


def _rows(file: Path, fields: int) -> list[list[str]]:
    rows = [line.split() for line in text_of(file).split("\n")]
    for number, row in enumerate(rows, 1):
        if row and len(row) != fields:
            raise _wrong_length(f"{file}, line {number}", len(row), fields)
    return [row for row in rows if row]


def _wrong_length(where: str, found: int, fields: int) -> RidealongError:
    expected = f"{fields}: type and {fields - 1} numbers"
    hint = None
    if fields == RESULT_FIELDS and found == LABEL_FIELDS:
        expected, hint = f"{fields}: type, 14 numbers and a score", "is the score missing?"
    elif fields == LABEL_FIELDS and found == RESULT_FIELDS:
        hint = "16 fields are a result with its score"
    elif found in (LABEL_FIELDS + 2, RESULT_FIELDS + 2):
        hint = "lines of KITTI tracking begin with frame and track; is this --task tracks?"
    return RidealongError(f"{found} fields", where=where, expected=expected, hint=hint)


def _numbers(file: Path, rows: list[list[str]]) -> Floats:
    try:
        return np.array([row[1:] for row in rows], np.float64)
    except ValueError:
        raise _no_number(file, rows) from None


def _no_number(file: Path, rows: list[list[str]]) -> RidealongError:
    for row in rows:
        for text in row[1:]:
            try:
                float(text)
            except ValueError:
                shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
                return RidealongError(
                    f"{shown!r} in the line that begins {' '.join(row[:4])[:LONGEST_SHOWN]!r}",
                    where=file,
                    expected="a number",
                )
    raise AssertionError("every field is a number")
