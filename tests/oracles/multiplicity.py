"""Corrections for many tests as published: ``(n,)`` p-values in, adjusted ones out."""

import numpy as np

from ridealong.arrays import Floats


def holm(p: Floats) -> Floats:
    """Holm's step-down: the chance of any false rejection stays below the level (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted
