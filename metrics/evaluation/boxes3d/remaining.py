"""Hits among ranked rows when some rows are removed, as a delete-one-drive jackknife does.

A data set has many drives and most rows remain, so nothing here is computed again for all rows:
each step costs the rows that are removed and the places that are asked for.
"""

from collections.abc import Callable

import numpy as np

from ridealong.arrays import Bools, Floats, Ints


class Hits:
    """The hits among n rows in descending order of score.

    Args:
        hit: ``(n,)``.
    """

    def __init__(self, hit: Bools) -> None:
        self.rows = len(hit)
        self.at = np.flatnonzero(hit)  # (m,) the row of each hit


class Remaining:
    """What remains of the hits without some rows.

    Args:
        hits: The hits.
        removed: ``(d,)`` rows in ascending order.
    """

    def __init__(self, hits: Hits, removed: Ints) -> None:
        self._at, self._removed = hits.at, removed
        place = np.searchsorted(hits.at, removed)
        inside = place < len(hits.at)
        place, rows = place[inside], removed[inside]
        self.gone = place[hits.at[place] == rows]  # numbers of the hits that are removed
        self._shifted = self.gone - np.arange(len(self.gone))
        self.count = len(hits.at) - len(self.gone)
        self.rows = hits.rows - len(removed)
        self._all_rows = hits.rows

    def number(self, index: Ints) -> Ints:
        """The number, among all hits, of the remaining hit with that index."""
        return np.asarray(index + np.searchsorted(self._shifted, index, side="right"))

    def index(self, number: Ints) -> Ints:
        """How many hits remain before the hit with that number."""
        return np.asarray(number - np.searchsorted(self.gone, number))

    def row(self, number: Ints) -> Ints:
        """The row of the hit with that number."""
        return self._at[number]

    def rows_before(self, number: Ints) -> Ints:
        """How many rows remain before the hit with that number."""
        at = self._at[number]
        return np.asarray(at - np.searchsorted(self._removed, at))

    def rows_before_each(self) -> Ints:
        """``(count,)``: how many rows remain before each remaining hit."""
        left = np.ones(len(self._at), np.bool_)
        left[self.gone] = False
        at = self._at[left]
        later = np.bincount(np.searchsorted(at, self._removed), minlength=self.count)
        return np.asarray(at - np.cumsum(later[: self.count]))

    def row_before(self, number: Ints) -> Ints:
        """The last row that remains before the hit with that number; -1 if there is none."""
        return self._last_until(self._at[number] - 1)

    @property
    def last_row(self) -> int:
        """The last row that remains; -1 if there is none."""
        return int(self._last_until(np.array([self._all_rows - 1]))[0])

    def _last_until(self, row: Ints) -> Ints:
        if not len(self._removed):
            return row
        # Rows that are removed one after the other have one value here.
        run = self._removed - np.arange(len(self._removed))
        place = np.maximum(np.searchsorted(self._removed, row, side="right") - 1, 0)
        before_run = self._removed[np.searchsorted(run, run[place])] - 1
        return np.where(self._removed[place] == row, before_run, row)


def each_version(of: Callable[[Ints, float], float], keep: Bools, labels: Floats) -> Floats:
    """``(K,)`` values of K versions of the rows; NaN without labels.

    Args:
        of: ``(removed rows, labels) -> value``.
        keep: ``(K, n)`` the rows that each version has.
        labels: ``(K,)`` the labels that it has.
    """
    values = np.full(len(labels), np.nan)
    for version in np.flatnonzero(labels > 0):
        values[version] = of(np.flatnonzero(~keep[version]), float(labels[version]))
    return values


def found_until(recalls: Floats, labels: float, hits: int) -> Ints:
    """How many of the hits are found down to each recall, at most all."""
    found = np.floor(recalls * labels)
    found = np.where((found + 1) / labels <= recalls, found + 1, found)
    found = np.where(found / labels > recalls, found - 1, found)
    return np.asarray(np.minimum(found, hits), np.int64)
