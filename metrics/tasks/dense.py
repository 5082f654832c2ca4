"""Dense arrays over time: resampling, and the confusion of two class maps.

Arrays are ``(T, h, w)`` and cover the whole image (or the whole area seen from above) at any
resolution. A few frames are processed at a time, so that their data stays in the cache.
"""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Ints

Item = TypeVar("Item", bound=np.generic)

PIXELS_AT_ONCE = 65_536
CODES = 256


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


def joint_counts(
    rows: NDArray[np.uint8], columns: NDArray[np.uint8], size: tuple[int, int]
) -> Ints:
    """``(256, 256)``: pixels by the code in ``rows`` and the code in ``columns``, on one grid."""
    counts = np.zeros(CODES * CODES, np.int64)
    for chunk in in_chunks(len(rows), size):
        high, low = (nearest_grid(side[chunk], size) + np.uint8(1) for side in (rows, columns))
        # The code 255 became 0, so most pairs are small numbers, and their counts few.
        found = np.bincount((high * np.uint16(CODES) + low).ravel())
        counts[: len(found)] += found
    return np.roll(counts.reshape(CODES, CODES), -1, axis=(0, 1))


def check_codes(counts: Ints, known: int, unlabelled: int) -> None:
    """Raise `ValueError` where a code is neither below ``known`` nor ``unlabelled``."""
    codes = [*range(known), unlabelled]
    if counts[np.ix_(codes, codes)].sum() != counts.sum():
        raise ValueError(f"a class id is neither below {known} nor {unlabelled}")
