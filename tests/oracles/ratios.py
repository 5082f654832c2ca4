"""The difference of two ratios of sums in one call, as the tests of intervals need it."""

from metrics.inference.figure import difference
from metrics.inference.influence import Inference
from metrics.inference.ratio import ratio
from ridealong.arrays import Floats


def ratio_difference(
    first_num: Floats, first_den: Floats, second_num: Floats, second_den: Floats
) -> Inference:
    """``sum(num) / sum(den)`` of the first minus that of the second, with its uncertainty.

    All four are ``(G, C)``: sums per cluster (not per clip or frame) and cell.
    """
    return difference(ratio(first_num, first_den), ratio(second_num, second_den))
