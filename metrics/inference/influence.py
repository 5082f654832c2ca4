"""Standard errors, intervals and tests from the spread between clusters.

A figure T (a ratio of sums, an average precision, a difference of two) depends on clusters through
their sums. The *influence value* of cluster g is ``e_g = dT / dw_g``, the change of T when g gets
a little more weight. T does not change if all weights grow in proportion, so the values sum to 0.

Leaving cluster g out altogether changes T by about ``-e_g / (1 - h_g)``, where ``h_g`` is the
cluster's share of the weight; for a ratio of sums this is exact. These are the *deviations* of the
delete-one jackknife (Efron and Stein 1981; for regression they are known as CR3, Bell and McCaffrey
2002), and the standard error is the root of ``(G - 1) / G`` times the sum of their squares. Without
``1 - h_g``, a large cluster pulls the figure towards itself, and the error is too small.

``(T - truth) / se`` is about t-distributed. Its degrees of freedom are the *effective* number of
clusters minus one, ``1 / sum(h_g ** 2) - 1`` (Kish 1965, Survey Sampling, 11.7). This is
Satterthwaite's approximation (1946; Imbens and Kolesar 2016) where a cluster's noise grows with
its size. With equal clusters it is ``G - 1``. All of this is asymptotic: `benchmarks.trust`
measures how far it holds.

Legend: ``(G, C)`` is clusters by cells, ``(C,)`` one value per cell, NaN where undefined.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ridealong.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Inference:
    """C figures with their uncertainty, each over its own clusters.

    Attributes:
        estimate: ``(C,)`` the figures.
        se: ``(C,)`` standard errors; NaN with fewer than two clusters.
        clusters: ``(C,)`` clusters that count, G.
        effective: ``(C,)`` number of clusters of equal weight with the same information; NaN
            without clusters.
    """

    estimate: Floats
    se: Floats
    clusters: Ints
    effective: Floats

    @property
    def df(self) -> Floats:
        """Degrees of freedom, ``(C,)``."""
        return self.effective - 1

    @property
    def known(self) -> Bools:
        """Where there is an interval: a figure, an error and a degree of freedom, ``(C,)``."""
        return np.isfinite(self.estimate) & np.isfinite(self.se) & (self.df >= 1)

    def take(self, keep: Bools | Ints) -> "Inference":
        """Some of the figures, by mask or by index."""
        return Inference(
            self.estimate[keep], self.se[keep], self.clusters[keep], self.effective[keep]
        )

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Two-sided interval, ``(C,)`` low and high; NaN with less than one degree of freedom."""
        half = student_quantile((1 + level) / 2, self.df) * self.se
        return self.estimate - half, self.estimate + half

    def lower_bound(self, level: float) -> Floats:
        """One-sided lower bound, ``(C,)``; NaN with less than one degree of freedom."""
        return np.asarray(self.estimate - student_quantile(level, self.df) * self.se)

    def p_worse(self) -> Floats:
        """P-values of "the figure is zero or more" against "it is below zero", ``(C,)``."""
        return self._p_below(self.estimate)

    def p_better(self) -> Floats:
        """P-values of "the figure is zero or less" against "it is above zero", ``(C,)``."""
        return self._p_below(-self.estimate)

    def _p_below(self, estimate: Floats) -> Floats:
        varies = self.known & (self.se > 0)
        t = np.divide(estimate, self.se, out=np.zeros_like(estimate), where=varies)
        # Without variance the sign decides: zero is not below zero.
        certain = np.where(estimate < 0, 0.0, 1.0)
        p = np.where(varies, special.stdtr(np.where(varies, self.df, 1.0), t), certain)
        return np.where(self.known, p, np.nan)


def student_quantile(q: Floats | float, df: Floats | Ints) -> Floats:
    """Quantiles of Student's t; NaN where ``df`` is below 1."""
    enough = df >= 1
    return np.where(enough, special.stdtrit(np.where(enough, df, 1.0), q), np.nan)


def deviations(influence: Floats, share: Floats, clusters: Ints) -> Floats:
    """What each cluster adds to the standard error, ``(G, C)``.

    The square of the standard error is the sum of their squares.

    Args:
        influence: ``(G, C)`` influence values, 0 if a cluster has no weight.
        share: ``(G, C)`` each cluster's share of the weight, 0 to 1.
        clusters: ``(C,)`` clusters with weight.

    Returns:
        NaN in columns of fewer than two clusters: without the only one nothing is left.
    """
    rest = 1 - share
    left_out = np.full(influence.shape, np.nan)
    np.divide(influence, rest, out=left_out, where=rest > 0)
    several = np.where(clusters > 1, clusters, 1)
    correction = np.where(clusters > 1, np.sqrt((several - 1) / several), np.nan)
    return np.asarray(left_out * correction)


def effective_clusters(share: Floats) -> Floats:
    """Kish's effective number of clusters, ``1 / sum(share ** 2)``, per cell; NaN without weight.

    Equal to the number of clusters when all weigh the same, towards 1 when one outweighs the rest
    (Kish 1965, Survey Sampling, 11.7). ``share`` is ``(G, C)``; a column sums to 1, or is all 0.
    """
    squares = (share**2).sum(axis=0)
    effective = np.full(squares.shape, np.nan)
    np.divide(1.0, squares, out=effective, where=squares > 0)
    return effective
