"""A figure of one network over clusters, and the paired difference of two networks.

For two networks on the same clusters, the deviations are subtracted
(`metrics.inference.influence`), so what is hard for both cancels.
"""

from collections.abc import Sequence
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
        return shares_of(self.weight)

    @property
    def effective(self) -> Floats:
        """``(C,)`` effective number of clusters."""
        return effective_clusters(self.share)

    @property
    def deviations(self) -> Floats:
        """``(G, C)`` what each cluster adds to the standard error."""
        return deviations(self.influence, self.share, self.clusters)


def shares_of(weight: Floats) -> Floats:
    """Each cluster's share of the weight, ``(G, C)``; 0 in columns without any."""
    total = weight.sum(axis=0)
    scale = np.zeros(total.shape)
    np.divide(1.0, total, out=scale, where=total > 0)
    return np.asarray(weight * scale)


def side_by_side(figures: Sequence[Figure], clusters: int) -> Figure:
    """Figures over the same G clusters as the columns of one; none of them is ``(G, 0)``."""
    empty = np.zeros((clusters, 0))
    return Figure(
        np.concatenate([np.zeros(0), *(one.value for one in figures)]),
        np.concatenate([empty, *(one.influence for one in figures)], axis=1),
        np.concatenate([empty, *(one.weight for one in figures)], axis=1),
    )


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
