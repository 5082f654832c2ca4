"""Moves marks apart that would hide each other."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]


def spread(places: Sequence[Point], gap: float) -> list[Point]:
    """The places, each moved to the nearest free one that is about ``gap`` from all before it.

    The first ones stay where they are. A place stays too if there is no room within four gaps.
    """
    taken = _Taken(0.95 * gap)
    out = list[Point]()
    for x, y in places:
        ways = ((x + gap * u, y + gap * v) for u, v in _HONEYCOMB)
        place = next((way for way in ways if taken.free(way)), (x, y))
        taken.add(place)
        out.append(place)
    return out


# The cell itself first: it is the most likely to be taken.
_AROUND = [(0, 0), *((u, v) for u in (-1, 0, 1) for v in (-1, 0, 1) if u or v)]


class _Taken:
    """Places that are taken, by cells as wide as the gap between places."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._cells: dict[tuple[int, int], list[Point]] = {}

    def add(self, place: Point) -> None:
        self._cells.setdefault(self._cell(place), []).append(place)

    def free(self, place: Point) -> bool:
        """Whether no place is nearer than the gap."""
        u, v = self._cell(place)
        for du, dv in _AROUND:
            for other in self._cells.get((u + du, v + dv), ()):
                if math.dist(place, other) <= self._gap:
                    return False
        return True

    def _cell(self, place: Point) -> tuple[int, int]:
        return math.floor(place[0] / self._gap), math.floor(place[1] / self._gap)


def _honeycomb(rings: int) -> NDArray[np.float64]:
    """Positions 1 apart around (0, 0), ``(N, 2)``, the nearest first."""
    steps = np.arange(-rings, rings + 1)
    u, v = (part.ravel() for part in np.meshgrid(steps, steps))
    places = np.stack([u + v / 2, v * np.sqrt(3) / 2], axis=1)
    far = np.linalg.norm(places, axis=1)
    nearest = np.lexsort([places[:, 0], places[:, 1], far.round(6)])
    return places[nearest[: np.count_nonzero(far < rings + 1e-6)]]


_HONEYCOMB: list[Point] = [(float(x), float(y)) for x, y in _honeycomb(4)]
