"""Ratios of sums over clusters, and the paired difference of two.

F1, IoU, AbsRel and the like are ``R = sum(num) / sum(den)``. With ``N`` and ``D`` the sums,
cluster g has the influence ``e_g = (num_g - R * den_g) / D``; a difference of two networks on the
same clusters has the difference of their influences, so that what both find hard cancels.
"""

from dataclasses import dataclass

import numpy as np

from metrics.inference.influence import Bools, Floats, Inference, infer


@dataclass(frozen=True)
class Figure:
    """C figures of one network, with what every cluster does to them.

    Attributes:
        value: ``(C,)`` the figures; NaN where undefined (an empty denominator).
        influence: ``(G, C)`` influence values; NaN in undefined columns.
        weight: ``(G, C)`` each cluster's weight in the figure: its denominator.
        informative: ``(G, C)`` clusters that say something.
    """

    value: Floats
    influence: Floats
    weight: Floats
    informative: Bools


def ratio(num: Floats, den: Floats) -> Figure:
    """Ratios of column sums; ``num`` and ``den`` are ``(G, C)`` sums per cluster."""
    total = den.sum(axis=0)
    scale = np.full(total.shape, np.nan)
    np.divide(1.0, total, out=scale, where=total > 0)
    value = num.sum(axis=0) * scale
    return Figure(value, (num - value * den) * scale, den, (den != 0) | (num != 0))


def difference(first: Figure, second: Figure) -> Inference:
    """What is known about ``first - second``, paired: row g of both is the same cluster."""
    return infer(
        first.value - second.value,
        first.influence - second.influence,
        first.informative | second.informative,
    )


def pair_weights(first: Figure, second: Figure) -> Floats:
    """Each cluster's share in the two figures, averaged, ``(G, C)``."""
    return (_shares(first.weight) + _shares(second.weight)) / 2


def _shares(weight: Floats) -> Floats:
    total = weight.sum(axis=0)
    scale = np.zeros(total.shape)
    np.divide(1.0, total, out=scale, where=total > 0)
    return np.asarray(weight * scale)


def ratio_difference(
    first_num: Floats, first_den: Floats, second_num: Floats, second_den: Floats
) -> Inference:
    """What is known about ``sum(num) / sum(den)`` of the first minus that of the second.

    All four are ``(G, C)``: sums per cluster (not per clip or frame) and cell.
    """
    return difference(ratio(first_num, first_den), ratio(second_num, second_den))
