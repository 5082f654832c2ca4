"""How many drives it takes to decide.

The standard error falls with the root of the clusters. A truth that lies ``distance`` from the
border is told from it with the chance ``power`` once
``G >= ((t(1 - alpha) + t(power)) * sd / distance) ** 2``, where ``sd = se * sqrt(G now)`` and the
quantiles are Student's with ``G - 1`` degrees of freedom.
"""

import numpy as np

from metrics.inference.influence import Floats, Ints, student_quantile

FEWEST = 2  # clusters that have a standard error at all
MOST = 10**9  # stands for "never": more than any fleet has


def clusters_needed(
    se: Floats, clusters: Ints, distance: Floats, *, alpha: Floats | float, power: Floats | float
) -> Ints:
    """Clusters in all, ``(C,)``, so that ``distance`` is resolved; `MOST` where it never is.

    Args:
        se: ``(C,)`` standard errors now.
        clusters: ``(C,)`` clusters now.
        distance: ``(C,)`` from the presumed truth to the border, in the metric's own unit; zero or
            less is never resolved.
        alpha: Level of the one-sided test.
        power: Chance of a decision; with several cells that must all pass, ``1 - beta / cells``.
    """
    resolvable = (distance > 0) & np.isfinite(se)
    sd = np.where(resolvable, se, np.inf) * np.sqrt(np.maximum(clusters, 1))
    spread = np.divide(sd, distance, out=np.full(sd.shape, np.inf), where=resolvable)
    low, high = np.full(sd.shape, FEWEST - 1), np.full(sd.shape, MOST)
    # More clusters are needed less the more there are, so the answer is where the two cross.
    while np.any(high - low > 1):
        middle = (low + high) // 2
        reach = student_quantile(1 - np.asarray(alpha), middle - 1)
        reach = reach + student_quantile(np.asarray(power), middle - 1)
        enough = middle >= (reach * spread) ** 2
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high.astype(np.int64)
