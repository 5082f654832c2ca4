"""Where carriageways run into each other, as at ramps: nothing of one may be on another."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ingest.simulation.maps.roads import line_length
from ingest.simulation.maps.world import resample
from ingest.simulation.values import Points

STEP_M = 1.0
TOUCH_M = 0.3  # borders that touch do not overlap
SHORTEST_M = 2.0  # shortest piece to keep


@dataclass(frozen=True, eq=False)
class Carriageway:
    """A stretch of asphalt: its middle, and half its width."""

    middle_m: Points
    half_m: float

    @cached_property
    def _course(self) -> cKDTree:
        return cKDTree(resample(self.middle_m, STEP_M)[0])

    def holds(self, xy_m: Points) -> NDArray[np.bool_]:
        """Which of the ``(N, 2)`` places are on it; its borders and its ends are not."""
        # Farther places count as infinitely far: most are, and need no search.
        distance, nearest = self._course.query(xy_m, distance_upper_bound=self.half_m)
        inner = (nearest > 0) & (nearest < self._course.n - 1)
        return np.asarray(inner & (distance < self.half_m - TOUCH_M))


def clear_pieces(line_m: Points, carriageways: Sequence[Carriageway]) -> list[Points]:
    """Pieces of a line that are not on a carriageway, in order; all of it if none of it is."""
    xy = resample(line_m, STEP_M)[0]
    covered = np.zeros(len(xy), bool)
    for carriageway in carriageways:
        covered |= carriageway.holds(xy)
    if not covered.any():
        return [line_m]
    turns = np.flatnonzero(np.diff(covered.astype(np.int8))) + 1
    runs = np.split(np.arange(len(xy)), turns)
    pieces = [xy[run] for run in runs if not covered[run[0]] and len(run) > 1]
    return [piece for piece in pieces if line_length(piece) >= SHORTEST_M]
