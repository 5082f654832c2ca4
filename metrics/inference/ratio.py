"""Ratios of sums over clusters, and the paired difference of two.

F1, IoU, AbsRel and the like are ``R = sum(num) / sum(den)``. With ``D`` the sum of the
denominators, cluster g has the influence ``e_g = (num_g - R * den_g) / D`` and the share
``h_g = den_g / D``. Two networks on the same clusters have the difference of their deviations
(`metrics.inference.influence`), so that what both find hard cancels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metrics.inference.influence import Inference, deviations, effective_clusters
from ridealong.arrays import Bools, Floats, Ints

# Rounding errors of sums, relative to the figures: less than that is no difference at all.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Figure:
    """C figures of one network, with what every cluster does to them.

    Attributes:
        value: ``(C,)`` the figures; NaN where undefined (an empty denominator).
        influence: ``(G, C)`` influence values; NaN in undefined columns.
        weight: ``(G, C)`` each cluster's weight in the figure: its denominator. A cluster without
            weight says nothing about the figure, and does not count.
    """

    value: Floats
    influence: Floats
    weight: Floats

    @cached_property
    def informative(self) -> Bools:
        """``(G, C)`` clusters that say something."""
        return self.weight > 0

    @cached_property
    def clusters(self) -> Ints:
        """``(C,)`` how many clusters say something."""
        return np.asarray(self.informative.sum(axis=0), np.int64)

    @cached_property
    def share(self) -> Floats:
        """``(G, C)`` each cluster's share of the weight; 0 in columns without any."""
        total = self.weight.sum(axis=0)
        scale = np.zeros(total.shape)
        np.divide(1.0, total, out=scale, where=total > 0)
        return np.asarray(self.weight * scale)

    @property
    def effective(self) -> Floats:
        """``(C,)`` effective number of clusters."""
        return effective_clusters(self.share)

    @property
    def deviations(self) -> Floats:
        """``(G, C)`` what each cluster adds to the root of the variance."""
        return deviations(self.influence, self.share, self.clusters)


def ratio(num: Floats, den: Floats) -> Figure:
    """Ratios of column sums; ``num`` and ``den`` are ``(G, C)`` sums per cluster."""
    total = den.sum(axis=0)
    scale = np.full(total.shape, np.nan)
    np.divide(1.0, total, out=scale, where=total > 0)
    value = num.sum(axis=0) * scale
    return Figure(value, (num - value * den) * scale, den)


def difference(first: Figure, second: Figure) -> Inference:
    """What is known about ``first - second``, paired: row g of both is the same cluster.

    The figure that rests on fewer clusters decides how many count: a network that speaks in one
    drive has said something once, however many drives the other one speaks in. A difference, or
    an error, that is no more than the rounding of the sums is zero.
    """
    estimate = first.value - second.value
    se = np.sqrt(((first.deviations - second.deviations) ** 2).sum(axis=0))
    noise = rounding(first.value, second.value)
    return Inference(
        np.where(np.abs(estimate) <= noise, 0.0, estimate),
        np.where(np.isnan(estimate), np.nan, np.where(se <= noise, 0.0, se)),
        np.minimum(first.clusters, second.clusters),
        np.minimum(first.effective, second.effective),
    )


def rounding(first: Floats, second: Floats) -> Floats:
    """Rounding error that a difference of these figures may carry, ``(C,)``."""
    return np.asarray(ROUNDING * (np.abs(first) + np.abs(second)))


def ratio_difference(
    first_num: Floats, first_den: Floats, second_num: Floats, second_den: Floats
) -> Inference:
    """What is known about ``sum(num) / sum(den)`` of the first minus that of the second.

    All four are ``(G, C)``: sums per cluster (not per clip or frame) and cell.
    """
    return difference(ratio(first_num, first_den), ratio(second_num, second_den))
