"""Columns of samples in numpy: values, and where they are unknown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ridealong.arrays import Bools, Floats

Truth = NDArray[np.int8]  # 1 true, -1 false, 0 unknown: `and` is the minimum, `or` the maximum
Bounds = tuple[Floats, Floats]  # minimum and maximum, -inf and inf if open


@dataclass(frozen=True)
class Column:
    """Values of ``N`` samples; a literal has one value for all.

    Attributes:
        values: ``(N,)`` or ``()``: numbers, flags, or codes of texts; arbitrary where unknown.
        unknown: The same shape; true where the value is unknown.
        bounds: Bounds of the unknown values; None: anything.
    """

    values: NDArray[Any]
    unknown: Bools
    bounds: Bounds | None = None

    def at(self, positions: NDArray[np.int64]) -> "Column":
        """The column at the given samples."""
        bounds = None
        if self.bounds is not None:
            bounds = self.bounds[0][positions], self.bounds[1][positions]
        return Column(self.values[positions], self.unknown[positions], bounds)

    @property
    def numbers(self) -> Floats:
        """The values as float64."""
        return self.values.astype(np.float64, copy=False)

    @property
    def truth(self) -> Truth:
        """Flags as truth."""
        return truth_of(self.values, self.unknown)

    @property
    def with_nan(self) -> Floats:
        """The values as float64, NaN where unknown."""
        return np.where(self.unknown, np.nan, self.numbers)


def truth_of(true: NDArray[np.bool_], unknown: Bools) -> Truth:
    """Flags, some of them unknown, as truth."""
    # Arithmetic on bytes is much faster than `where`.
    return (2 * true.astype(np.int8) - 1) * ~unknown


def unknown_column(rows: int) -> Column:
    """A column that is unknown everywhere."""
    return Column(np.zeros(rows), np.ones(rows, bool))


def read_column(column: pa.ChunkedArray, codes: dict[str, int]) -> Column:
    """A signal's column; null is unknown, and so is a number that is not finite.

    A text becomes its number in ``codes``; new texts are added to it.
    """
    kind = column.type
    if pa.types.is_floating(kind):
        values = column.to_numpy()  # NaN for null
        return Column(values, ~np.isfinite(values))
    if pa.types.is_null(kind):
        return unknown_column(len(column))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        zero = False if pa.types.is_boolean(kind) else 0
        return Column(column.fill_null(zero).to_numpy(), _nulls(column))
    return _read_texts(column, codes)


def _nulls(column: pa.ChunkedArray) -> Bools:
    if not column.null_count:
        return np.zeros(len(column), bool)
    return np.asarray(column.is_null().to_numpy(), bool)


def _read_texts(column: pa.ChunkedArray, codes: dict[str, int]) -> Column:
    encoded = column.combine_chunks().dictionary_encode()
    words = encoded.dictionary.to_pylist()
    own = np.array([codes.setdefault(word, len(codes)) for word in words] or [0])
    return Column(own[encoded.indices.fill_null(0).to_numpy()], _nulls(column))
