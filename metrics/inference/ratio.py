"""Ratios of sums over clusters, and the paired difference of two.

F1, IoU, AbsRel and the like are ``R = sum(num) / sum(den)``. With ``D`` the sum of the
denominators, cluster g has the influence ``e_g = (num_g - R * den_g) / D`` and the share
``h_g = den_g / D``. For two networks on the same clusters, the deviations are subtracted
(`metrics.inference.influence`), so what is hard for both cancels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metrics.inference.influence import Inference, deviations, effective_clusters
from ridealong.arrays import Bools, Floats, Ints

# Rounding errors of sums, relative to the figures; a smaller difference is zero.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Figure:
    """C figures of one network, with the influence of every cluster.

    Attributes:
        value: ``(C,)`` the figures; NaN where undefined (an empty denominator).
        influence: ``(G, C)`` influence values; NaN in undefined columns.
        weight: ``(G, C)`` each cluster's weight in the figure: its denominator. A cluster without
            weight does not count.
    """

    value: Floats
    influence: Floats
    weight: Floats

    @cached_property
    def informative(self) -> Bools:
        """``(G, C)`` clusters with weight."""
        return self.weight > 0

    @cached_property
    def clusters(self) -> Ints:
        """``(C,)`` how many clusters have weight."""
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
        """``(G, C)`` what each cluster adds to the standard error."""
        return deviations(self.influence, self.share, self.clusters)


def ratio(num: Floats, den: Floats) -> Figure:
    """Ratios of column sums; ``num`` and ``den`` are ``(G, C)`` sums per cluster."""
    total = den.sum(axis=0)
    scale = np.full(total.shape, np.nan)
    np.divide(1.0, total, out=scale, where=total > 0)
    value = num.sum(axis=0) * scale
    return Figure(value, (num - value * den) * scale, den)


def difference(first: Figure, second: Figure) -> Inference:
    """``first - second`` with its uncertainty, paired: row g of both is the same cluster.

    The figure that rests on fewer clusters decides how many count. A difference or an error within
    the rounding of the sums is zero.
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
    """The possible rounding error of the difference of these figures, ``(C,)``."""
    return np.asarray(ROUNDING * (np.abs(first) + np.abs(second)))
