"""Ratios of sums over clusters.

F1, IoU, AbsRel and the like are ``R = sum(num) / sum(den)``. With ``D`` the sum of the
denominators, cluster g has the influence ``e_g = (num_g - R * den_g) / D`` and the share
``h_g = den_g / D``.
"""

import numpy as np

from metrics.inference.figure import Figure
from ridealong.arrays import Floats


def ratio(num: Floats, den: Floats) -> Figure:
    """Ratios of column sums; ``num`` and ``den`` are ``(G, C)`` sums per cluster."""
    total = den.sum(axis=0)
    scale = np.full(total.shape, np.nan)
    np.divide(1.0, total, out=scale, where=total > 0)
    value = num.sum(axis=0) * scale
    return Figure(value, (num - value * den) * scale, den)
