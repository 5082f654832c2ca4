import numpy as np
import pytest
from scipy import stats

from metrics.inference.planning import MOST, clusters_needed


def needed(se: float, clusters: int, distance: float, alpha: float, power: float) -> int:
    answer = clusters_needed(
        np.array([se]), np.array([clusters]), np.array([distance]), alpha=alpha, power=power
    )
    return int(answer[0])


def test_is_the_smallest_that_satisfies_the_formula() -> None:
    sd, distance, alpha, power = 0.1 * np.sqrt(20), 0.05, 0.05, 0.8
    count = needed(0.1, 20, distance, alpha, power)

    def wanted(g: int) -> float:
        reach = stats.t.ppf(1 - alpha, g - 1) + stats.t.ppf(power, g - 1)
        return float((reach * sd / distance) ** 2)

    assert count >= wanted(count)
    assert count - 1 < wanted(count - 1)


def test_simulated_power_is_as_planned() -> None:
    count = needed(0.1, 25, 0.2, 0.05, 0.8)
    sample = np.random.default_rng(0).normal(0.2, 0.5, (count, 20_000))
    t = sample.mean(0) / (sample.std(0, ddof=1) / np.sqrt(count))
    assert np.mean(t > stats.t.ppf(0.95, count - 1)) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan")])
def test_the_border_itself_is_never_resolved(distance: float) -> None:
    assert needed(0.1, 20, distance, 0.05, 0.8) == MOST


def test_without_variance_the_fewest_do() -> None:
    assert needed(0.0, 5, 0.1, 0.05, 0.8) == 2
