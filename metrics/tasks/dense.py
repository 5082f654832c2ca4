"""Dense arrays over time: resampling, and the overlap of two class maps.

Arrays are ``(T, h, w)`` and cover the whole image (or the whole area seen from above) at any
resolution. A few frames are processed at a time, so that their data stays in the cache.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Ints
from ridealong.perception.annotations import UNLABELLED

Item = TypeVar("Item", bound=np.generic)

PIXELS_AT_ONCE = 65_536


def nearest_grid(array: NDArray[Item], size: tuple[int, int]) -> NDArray[Item]:
    """Resample ``(T, h, w)`` to ``(T, *size)``: each pixel takes the one around its centre."""
    height, width = array.shape[1:]
    if (height, width) == size:
        return array
    rows = ((np.arange(size[0]) + 0.5) * height / size[0]).astype(np.int64)
    columns = ((np.arange(size[1]) + 0.5) * width / size[1]).astype(np.int64)
    resampled: NDArray[Item] = array.take(rows, axis=1).take(columns, axis=2)
    return resampled


def in_chunks(frames: int, size: tuple[int, int]) -> Iterator[slice]:
    """Slices of a few frames each, about `PIXELS_AT_ONCE` pixels."""
    step = max(1, PIXELS_AT_ONCE // max(1, size[0] * size[1]))
    return (slice(start, min(start + step, frames)) for start in range(0, frames, step))


def finer(one: NDArray[np.generic], two: NDArray[np.generic]) -> tuple[int, int]:
    """The larger height and the larger width of two arrays: a grid for both."""
    return max(one.shape[1], two.shape[1]), max(one.shape[2], two.shape[2])


def check_frames(array: NDArray[np.generic], frames: int) -> None:
    """Raise `ValueError` unless the array is ``(frames, h, w)`` and not empty in h or w."""
    if array.ndim != 3 or array.shape[0] != frames or 0 in array.shape[1:]:
        raise ValueError(f"dense array of shape {array.shape} on {frames} frames")


def overlaps(
    one: NDArray[np.uint8],
    two: NDArray[np.uint8],
    codes: Sequence[int],
    size: tuple[int, int],
    where_labelled: bool = False,
) -> Ints:
    """``(len(codes), 2)``: pixels in which both maps have the code, and in which either has it.

    Up to ten codes, counting one after the other is at least as fast as a table of all pairs.

    Args:
        one: ``(T, h, w)`` codes.
        two: ``(T, h, w)`` codes.
        codes: Which codes to count.
        size: The grid that both are resampled to.
        where_labelled: Leave out the pixels that are `UNLABELLED` in ``one``.
    """
    counts = np.zeros((len(codes), 2), np.int64)
    for chunk in in_chunks(len(one), size):
        a, b = nearest_grid(one[chunk], size), nearest_grid(two[chunk], size)
        if where_labelled:
            b = np.where(a == UNLABELLED, np.uint8(UNLABELLED), b)
        for place, code in enumerate(codes):
            in_a, in_b = a == code, b == code
            counts[place] += np.count_nonzero(in_a & in_b), np.count_nonzero(in_a | in_b)
    return counts


def check_codes(codes: NDArray[np.uint8], known: int) -> None:
    """Raise `ValueError` where a code is neither below ``known`` nor `UNLABELLED`."""
    if ((codes >= known) & (codes != UNLABELLED)).any():
        raise ValueError(f"a class id is neither below {known} nor {UNLABELLED}")
