"""Figures whose uncertainty is a delete-one-cluster jackknife: they are computed again without it.

HOTA and the errors of true positives are neither ratios of sums nor areas under a curve. With
``T_g`` the value without cluster g, the deviation of g is ``(T - T_g) * sqrt((G - 1) / G)`` (Efron
and Stein 1981), as in `metrics.inference.influence`, where ratios and areas get it from their
influence values. Here it is the other way round: the influence is ``(T - T_g) * (1 - h_g)``, with
``h_g`` the cluster's share of the weight.

If the value is undefined without a cluster, no spread can be measured.
"""

from collections.abc import Callable, Mapping

import numpy as np

from metrics.inference.figure import Figure, shares_of
from ridealong.arrays import Bools, Floats, Ints

AT_ONCE = 2**22  # rows times versions that one call gets
EXACT = 1e-12  # a remainder below this part of a sum is its rounding

Sums = Mapping[str, Floats]


def of_sums(
    value: Callable[[Sums], Floats], weight: Callable[[Sums], Floats], sums: Sums
) -> Figure:
    """A function of sums.

    Args:
        value: ``{statistic: sums} -> values``, elementwise.
        weight: ``{statistic: sums} -> weights``, elementwise.
        sums: ``(G, C)`` by statistic.
    """
    total = {name: own.sum(axis=0) for name, own in sums.items()}
    whole = np.asarray(value(total), np.float64)
    without = value({name: _rest(total[name], own) for name, own in sums.items()})
    return _figure(whole, np.asarray(without, np.float64), np.asarray(weight(sums), np.float64))


def _rest(total: Floats, own: Floats) -> Floats:
    """The sums without each cluster, ``(G, C)``."""
    rest = total - own
    return np.where(np.abs(rest) <= EXACT * np.abs(total), 0.0, rest)


def of_rows(value: Callable[[Bools, Floats], Floats], clusters: Ints, labels: Floats) -> Figure:
    """One figure that is computed from rows.

    Args:
        value: ``(keep (K, n), labels (K,)) -> (K,)``: K versions of the value, each from the rows
            that it keeps and from that many labels.
        clusters: ``(n,)`` the cluster of each row, 0 to G - 1.
        labels: ``(G,)`` labels, which are the weights of clusters.

    Returns:
        A figure with one column.
    """
    total = labels.sum()
    whole = value(np.ones((1, len(clusters)), np.bool_), np.array([total]))
    without = np.full(len(labels), whole[0], np.float64)
    # A cluster without rows and labels changes nothing.
    some = np.flatnonzero((np.bincount(clusters, minlength=len(labels)) > 0) | (labels > 0))
    step = max(AT_ONCE // max(len(clusters), 1), 1)
    for start in range(0, len(some), step):
        out = some[start : start + step]
        without[out] = value(clusters != out[:, None], total - labels[out])
    return _figure(np.asarray(whole, np.float64), without[:, None], labels[:, None])


def _figure(whole: Floats, without: Floats, weight: Floats) -> Figure:
    rest = 1 - shares_of(weight)
    influence = np.where(rest > 0, (whole - without) * rest, 0.0)
    return Figure(whole, np.where(np.isnan(whole), np.nan, influence), weight)
