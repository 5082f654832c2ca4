"""How many drives are needed to decide a cell.

The estimate over n drives combines the estimate over the G drives so far and what the others will
add. The prior is that the candidate is as good as the deployed network, give or take a third of
the margin: the true delta is normal around 0 with that deviation. With the data this gives a
*predictive* distribution of the estimate over n drives (Spiegelhalter, Abrams, Myles 2004, 6.5),
and so the chance that the cell is decided then. We assume that more drives are as varied, and as
uneven, as those so far. With ``w = G / n`` and ``se`` the standard error now::

    truth    ~ N(k * delta, k * se**2)        k = prior**2 / (prior**2 + se**2), prior = margin / 3
    delta_n  ~ N(w * delta + (1 - w) * k * delta,
                 (1 - w)**2 * k * se**2 + w * (1 - w) * se**2)
    decided    delta_n > -margin + t(1 - alpha) * se * sqrt(w), or
               delta_n < -t(1 - alpha') * se * sqrt(w)

`benchmarks.planning` measures how often a cell is decided at the predicted numbers.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from metrics.inference.influence import Inference, student_quantile
from ridealong.arrays import Bools, Floats, Ints

FEWEST = 2  # clusters, for a standard error
MOST = 10**9  # means "never": more than any fleet has
PRIOR_IN_MARGINS = 1 / 3  # deviation of the true delta, before any data


@dataclass(frozen=True)
class Borders:
    """What decides C cells.

    Attributes:
        margin: ``(C,)`` the largest loss that we accept; NaN where no cell can pass.
        alpha_pass: Level of the one-sided test against ``-margin``.
        alpha_worse: ``(C,)`` level of the one-sided test against 0.
    """

    margin: Floats
    alpha_pass: float
    alpha_worse: Floats

    def take(self, keep: Bools | Ints) -> "Borders":
        """Those of some of the cells, by mask or by index."""
        return Borders(self.margin[keep], self.alpha_pass, self.alpha_worse[keep])


def clusters_to_add(now: Inference, borders: Borders, fewest: int, chance: float) -> Ints:
    """How many more clusters decide undecided cells with that chance, ``(C,)``; `MOST` if none do.

    Without a standard error, or if only clusters are missing, it is the fewest that could decide.

    Args:
        now: The inference so far.
        borders: What decides.
        fewest: With fewer clusters nothing is decided.
        chance: As for `clusters_needed`.
    """
    needed = np.full(now.clusters.shape, MOST)
    some = np.flatnonzero(now.known & (now.clusters >= FEWEST))
    needed[some] = clusters_needed(now.take(some), borders.take(some), chance)
    needed[now.clusters < FEWEST] = fewest
    more = np.maximum(np.maximum(needed, fewest) - now.clusters, 1)
    return np.asarray(np.where(needed >= MOST, MOST, more))


def clusters_needed(now: Inference, borders: Borders, chance: float) -> Ints:
    """The smallest number of clusters with that chance of a decision, ``(C,)``; `MOST` if none.

    Args:
        now: The inference so far, over at least `FEWEST` clusters.
        borders: What decides.
        chance: 0.5 for the median of the prediction, 0.9 for a number that 90% of cells stay below.
    """
    low, high = np.maximum(now.clusters, FEWEST), np.full(now.clusters.shape, MOST)
    possible = now.known & (chance_decided(now, borders, high) >= chance)
    low = np.where(chance_decided(now, borders, low) >= chance, low - 1, low)
    high = np.where(possible, high, low + 1)
    while np.any(high - low > 1):
        middle = (low + high) // 2
        enough = chance_decided(now, borders, middle) >= chance
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(possible, high, MOST).astype(np.int64)


def chance_decided(now: Inference, borders: Borders, clusters: Ints) -> Floats:
    """The chance that a cell is decided with so many clusters, ``(C,)``; NaN where unknown.

    ``clusters`` is ``(C,)``; it counts as at least the present number.
    """
    w = np.minimum(now.clusters / clusters, 1.0)
    se_then = now.se * np.sqrt(w)
    df = now.effective / w - 1
    trust = _trust_in_what_was_measured(now, borders)
    mean = (w + (1 - w) * trust) * now.estimate
    spread = now.se * np.sqrt((1 - w) ** 2 * trust + w * (1 - w))
    to_pass = -borders.margin + student_quantile(1 - borders.alpha_pass, df) * se_then
    to_regress = -student_quantile(1 - borders.alpha_worse, df) * se_then
    passes = np.nan_to_num(_normal_above(to_pass, mean, spread))
    regresses = _normal_above(-to_regress, -mean, spread)
    return np.minimum(passes + regresses, 1.0)


def _trust_in_what_was_measured(now: Inference, borders: Borders) -> Floats:
    """The weight of the measured delta against the prior, 0 to 1; 1 without a margin."""
    prior, noise = (PRIOR_IN_MARGINS * borders.margin) ** 2, now.se**2
    trust = np.divide(prior, prior + noise, out=np.ones(prior.shape), where=prior + noise > 0)
    return np.where(np.isnan(borders.margin), 1.0, trust)


def _normal_above(border: Floats, mean: Floats, spread: Floats) -> Floats:
    """The chance that a normal variable is above the border, ``(C,)``."""
    varies = spread > 0
    z = np.divide(mean - border, spread, out=np.zeros(spread.shape), where=varies)
    sure = np.where(mean > border, 1.0, 0.0)
    return np.where(np.isnan(mean - border), np.nan, np.where(varies, special.ndtr(z), sure))
