"""Figures over the states of lights, as scikit-learn defines them."""

from collections.abc import Mapping, Sequence

import numpy as np

from metrics.tasks.lights import FAMILY, SHOWN
from ridealong.arrays import Floats


def balanced_accuracy(
    recalls: Mapping[str, Mapping[str, Floats]], states: Sequence[str] = SHOWN
) -> Floats:
    """Mean recall over ``states`` ("none" apart), from each state's summed tp and fn.

    Args:
        recalls: Per state the sums of the metric recall, arrays of one shape.
        states: The states to average over.

    Returns:
        NaN, unknown, where one of the states never showed.
    """
    means = [FAMILY.metrics["recall"].value(recalls[state]) for state in states]
    return np.asarray(np.mean(means, axis=0), np.float64)
