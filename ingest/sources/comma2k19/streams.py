"""Numpy arrays without extension, in pairs of times and values; everything is checked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ridealong.arrays import Floats
from ridealong.errors import UnreadableError


@dataclass(frozen=True)
class Stream:
    """Samples by time: ``time_s (N,)`` ascending (equal ones allowed), ``values (N, width)``."""

    time_s: Floats
    values: Floats


def read_stream(folder: Path, width: int) -> Stream | None:
    """The stream in ``folder/t`` and ``folder/value``; None if neither file exists.

    Samples that were logged late are sorted in.

    Raises:
        UnreadableError: One of the two is missing or damaged, or their lengths differ.
    """
    time_file, value_file = folder / "t", folder / "value"
    if not time_file.exists() and not value_file.exists():
        return None
    time_s, values = read_array(time_file, 1)[:, 0], read_array(value_file, width)
    if len(time_s) != len(values):
        raise UnreadableError(
            f"has {len(values)} rows",
            where=value_file,
            expected=f"{len(time_s)}, as in {time_file.name!r}",
        )
    if not np.isfinite(time_s).all():
        raise UnreadableError("holds a time that is not finite", where=time_file)
    order = np.argsort(time_s, kind="stable")
    return Stream(time_s[order], values[order])


def read_array(file: Path, width: int) -> Floats:
    """A ``(N, width)`` float64 array from a .npy file; ``(N,)`` counts as width 1.

    Pickled objects are refused, because loading them would run code.

    Raises:
        UnreadableError: Missing, damaged, pickled, or of another shape or type.
    """
    try:
        # Mapped, so that a header with a wrong length fails at once.
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error), where=file) from error
    except (ValueError, EOFError, SyntaxError, OverflowError, MemoryError) as error:
        raise UnreadableError(
            f"cannot be read as a numpy array ({error})",
            where=file,
            expected="a whole .npy file of numbers, without pickled objects",
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise UnreadableError("contains no numbers", where=file, expected="a .npy file of numbers")
    columns = array[:, None] if array.ndim == 1 else array
    if columns.ndim != 2 or columns.shape[1] != width:
        raise UnreadableError(f"has the shape {array.shape}", where=file, expected=f"(N, {width})")
    return np.array(columns, np.float64)
