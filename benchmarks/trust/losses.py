"""By how much to weaken a network for a true loss of a given size."""

from collections.abc import Callable
from functools import cache

import numpy as np

from benchmarks.trust.fleets import Fleet
from ridealong.arrays import Floats

TrueValue = Callable[[Fleet, float], float]  # the value of a network that is weaker by a shift
SHIFTS = np.linspace(0, 1, 11)


def shift_for(value: TrueValue, fleet: Fleet, lost: Floats | float) -> Floats:
    """The shift that gives a true loss of ``lost``, which is a number or one a drive."""
    if not np.any(lost):
        return np.zeros(np.shape(lost))
    return np.asarray(np.interp(lost, _losses(value, fleet), SHIFTS))


@cache
def _losses(value: TrueValue, fleet: Fleet) -> Floats:
    """The losses by `SHIFTS`."""
    values = np.array([value(fleet, float(shift)) for shift in SHIFTS])
    return np.asarray(np.maximum.accumulate(values[0] - values))
