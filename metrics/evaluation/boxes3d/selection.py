"""Some of the boxes, in another order."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import Boxes3D


def taken(boxes: Boxes3D, index: Ints | Bools) -> Boxes3D:
    """Those boxes, in that order."""
    return Boxes3D(**{one.name: _taken(getattr(boxes, one.name), index) for one in fields(Boxes3D)})


def _taken(values: NDArray[Any], index: Ints | Bools) -> NDArray[Any]:
    """Some values; one that all rows share remains one value in memory."""
    if len(values) and values.strides[0] == 0:
        count = int(index.sum()) if index.dtype == np.bool_ else len(index)
        return np.broadcast_to(values[0], (count, *values.shape[1:]))
    taken: NDArray[Any] = values[index]
    return taken


def place_in_group(group: Ints) -> Ints:
    """``(N,)``: how many earlier boxes are in the same group."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first = np.searchsorted(ordered, ordered, side="left")
    place = np.empty(len(group), np.int64)
    place[order] = np.arange(len(group)) - first
    return place


def thresholds(categories: tuple[str, ...], threshold: Mapping[str, float]) -> Floats:
    """``(C,)`` the lowest score that counts, by category."""
    return np.asarray([threshold[name] for name in categories], np.float64)
