"""Lines of KITTI's label files: a type, then 14 numbers, and a score in results.

type, truncation, occlusion, alpha, left, top, right, bottom, height, width, length, x, y, z,
rotation_y. Image coordinates are pixels. The position is the middle of the bottom in the reference
frame of the camera: x right, y down, z forward; rotation_y turns about y, from x towards -z.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ingest.results.sequences.text_rows import is_number
from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError
from ridealong.limits import refused

LABEL_FIELDS, RESULT_FIELDS = 15, 16
BLOCK = 2**22  # characters that are parsed at once
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


def read_lines(files: Sequence[Path], fields: int) -> Lines:
    """Read files of lines with this many fields.

    Raises:
        RidealongError: A file cannot be read or is not text, or a line has another number of
            fields, or something other than a number in one.
    """
    types: dict[str, int] = {}
    counts: list[int] = []
    codes, numbers = [np.empty(0, np.int64)], [np.empty((0, fields - 1))]
    for block in _blocks(files):
        rows = [_rows(file, text, fields) for file, text in block]
        counts += map(len, rows)
        names, parsed = _parsed(block, rows, fields)
        known = [types.setdefault(name, len(types)) for name in names.dictionary.to_pylist()]
        codes.append(np.asarray(known, np.int64)[names.indices.to_numpy()])
        numbers.append(parsed)
    file = np.repeat(np.arange(len(files)), counts)
    return Lines(file, np.concatenate(codes), tuple(types), np.concatenate(numbers))


def _blocks(files: Sequence[Path]) -> Iterator[list[tuple[Path, str]]]:
    """The texts of files, many small ones at once."""
    block, size = [], 0
    for file in files:
        block.append((file, text_of(file)))
        size += len(block[-1][1])
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _rows(file: Path, text: str, fields: int) -> list[str]:
    """The lines that are not empty, with one blank between fields."""
    rows = [" ".join(line.split()) for line in text.split("\n")]
    for number, row in enumerate(rows, 1):
        if row and row.count(" ") != fields - 1:
            raise _wrong_length(f"{file}, line {number}", row.count(" ") + 1, fields)
    return [row for row in rows if row]


def _parsed(
    block: Sequence[tuple[Path, str]], rows: Sequence[Sequence[str]], fields: int
) -> tuple[pa.DictionaryArray, Floats]:
    """The types of all lines of a block, and their numbers."""
    text = "\n".join(row for of_file in rows for row in of_file).encode()
    names = ["type", *map(str, range(1, fields))]
    kinds = {"type": pa.dictionary(pa.int32(), pa.string())} | dict.fromkeys(
        names[1:], pa.float64()
    )
    if not text:
        return pa.array([], kinds["type"]), np.empty((0, fields - 1))
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(text),
            pa.csv.ReadOptions(column_names=names, use_threads=False),
            pa.csv.ParseOptions(delimiter=" ", quote_char=False),
            pa.csv.ConvertOptions(column_types=kinds, null_values=[]),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return _parsed_exactly(block, rows)
    numbers = [table[name].to_numpy() for name in names[1:]]
    return table["type"].combine_chunks(), np.stack(numbers, axis=1)


def _parsed_exactly(
    block: Sequence[tuple[Path, str]], rows: Sequence[Sequence[str]]
) -> tuple[pa.DictionaryArray, Floats]:
    """The same for spellings of numbers that Arrow does not know, such as ``1e400``."""
    numbers, types = [], []
    for (file, _), of_file in zip(block, rows, strict=True):
        for row in of_file:
            name, *texts = row.split(" ")
            types.append(name)
            if not all(map(is_number, texts)):
                raise _no_number(file, row, texts)
            numbers.append([float(text) for text in texts])
    return pa.array(types, pa.string()).dictionary_encode(), np.array(numbers)


def text_of(file: Path) -> str:
    """The text of a file.

    Raises:
        RidealongError: It cannot be read, or is not UTF-8 text.
    """
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise refused(error, file) or RidealongError(
            (error.strerror or str(error)).lower(), where=file
        ) from error
    except UnicodeDecodeError as error:
        raise RidealongError("is not UTF-8 text", where=file, hint="save it as UTF-8") from error


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


def _no_number(file: Path, row: str, texts: Sequence[str]) -> RidealongError:
    text = next(text for text in texts if not is_number(text))
    shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
    return RidealongError(
        f"{shown!r} in the line that begins {row[:LONGEST_SHOWN]!r}",
        where=file,
        expected="a number",
    )
