"""From influence values to a standard error, an interval and a test.

A figure T (a ratio of sums, an average precision, a difference of two) depends on clusters through
their sums. The *influence value* of cluster g is ``e_g = dT / dw_g``, the change of T when g gets
a little more weight; T does not change when all weights grow alike, so the values sum to zero.
Then ``T`` has the standard error ``sqrt(G / (G - 1) * sum(e_g ** 2))`` and
``(T - truth) / se`` is about t-distributed with ``G - 1`` degrees of freedom (linearisation;
Särndal, Swensson, Wretman 1992, 5.5). A statement about many clusters: asymptotic, not exact.

Legend: ``(G, C)`` is clusters by cells, ``(C,)`` one value per cell, NaN where undefined.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Inference:
    """What is known about C figures, each over its own clusters.

    Attributes:
        estimate: ``(C,)`` the figures.
        se: ``(C,)`` standard errors; NaN with fewer than two clusters.
        clusters: ``(C,)`` clusters that say something, G.
    """

    estimate: Floats
    se: Floats
    clusters: Ints

    @property
    def df(self) -> Ints:
        """Degrees of freedom, ``(C,)``."""
        return self.clusters - 1

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Two-sided interval, ``(C,)`` low and high."""
        half = student_quantile((1 + level) / 2, self.df) * self.se
        return self.estimate - half, self.estimate + half

    def lower_bound(self, level: float) -> Floats:
        """One-sided lower bound, ``(C,)``."""
        return np.asarray(self.estimate - student_quantile(level, self.df) * self.se)

    def p_worse(self) -> Floats:
        """P-values of "the figure is zero or more" against "it is below zero", ``(C,)``."""
        return self._p_below(self.estimate)

    def p_better(self) -> Floats:
        """P-values of "the figure is zero or less" against "it is above zero", ``(C,)``."""
        return self._p_below(-self.estimate)

    def _p_below(self, estimate: Floats) -> Floats:
        known = np.isfinite(estimate) & np.isfinite(self.se)
        varies = known & (self.se > 0)
        t = np.divide(estimate, self.se, out=np.zeros_like(estimate), where=varies)
        # Without any variance the sign alone decides: zero is not below zero.
        certain = np.where(estimate < 0, 0.0, 1.0)
        p = np.where(varies, special.stdtr(np.maximum(self.df, 1), t), certain)
        return np.where(known, p, np.nan)


def student_quantile(q: Floats | float, df: Ints) -> Floats:
    """Quantiles of Student's t; NaN where ``df`` is below 1."""
    return np.where(df >= 1, special.stdtrit(np.maximum(df, 1), q), np.nan)


def infer(estimate: Floats, influence: Floats, informative: Bools) -> Inference:
    """Standard errors of C figures from their influence values.

    Args:
        estimate: ``(C,)`` the figures.
        influence: ``(G, C)`` influence values, 0 where a cluster says nothing.
        informative: ``(G, C)`` which clusters say something about which figure. The others do not
            count as clusters: a drive without a pedestrian tells nothing about pedestrians.
    """
    clusters = informative.sum(axis=0).astype(np.int64)
    spread = (influence**2).sum(axis=0)
    correction = np.divide(
        clusters, clusters - 1, out=np.full(clusters.shape, np.nan), where=clusters > 1
    )
    return Inference(estimate, np.sqrt(correction * spread), clusters)


def effective_clusters(weights: Floats) -> Floats:
    """Kish's effective number of clusters, ``(sum w)**2 / sum w**2``, per cell.

    Equal to the number of clusters when all weigh the same, towards 1 when one outweighs the rest
    (Kish 1965, Survey Sampling, 11.7). ``weights`` is ``(G, C)``; NaN where all weights are zero.
    """
    squares = (weights**2).sum(axis=0)
    total = weights.sum(axis=0)
    effective = np.full(total.shape, np.nan)
    np.divide(total**2, squares, out=effective, where=squares > 0)
    return effective
