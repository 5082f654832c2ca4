import numpy as np
import pytest

from tests.oracles.bootstrap import (
    PairedSums,
    cluster_weights,
    percentile_interval,
    ratio_differences,
    studentised_interval,
)
from tests.oracles.ratios import ratio_difference


def sums(clusters: int, seed: int = 0) -> PairedSums:
    rng = np.random.default_rng(seed)
    den = rng.lognormal(4, 0.5, clusters)
    hard = rng.normal(0.6, 0.1, clusters)
    first = den * (hard + rng.normal(0.02, 0.05, clusters))
    return PairedSums(first, den, den * hard, den)


def columns(one: PairedSums) -> list[np.ndarray]:
    parts = (one.first_num, one.first_den, one.second_num, one.second_den)
    return [part[:, None] for part in parts]


def test_weights_draw_as_many_clusters_as_there_are_and_repeat_by_seed() -> None:
    weights = cluster_weights(12, 100, seed=4)
    assert (weights.sum(axis=1) == 12).all()
    np.testing.assert_array_equal(weights, cluster_weights(12, 100, seed=4))


def test_one_matrix_product_is_the_loop() -> None:
    one, weights = sums(10), cluster_weights(10, 5, seed=1)
    slow = []
    for row in weights.astype(int):
        drawn = np.repeat(np.arange(10), row)
        slow.append(
            one.first_num[drawn].sum() / one.first_den[drawn].sum()
            - one.second_num[drawn].sum() / one.second_den[drawn].sum()
        )
    np.testing.assert_allclose(ratio_differences(one, weights), slow)


def test_spread_of_resamples_is_the_linearised_error() -> None:
    one = sums(200)
    found = ratio_difference(*columns(one))
    spread = ratio_differences(one, cluster_weights(200, 4000, seed=2)).std()
    assert spread == pytest.approx(found.se[0], rel=0.05)


def test_intervals_agree_with_the_linearised_t_when_clusters_are_many() -> None:
    one, weights = sums(200), cluster_weights(200, 4000, seed=3)
    low, high = ratio_difference(*columns(one)).interval(0.95)
    width = high[0] - low[0]
    for interval in (percentile_interval, studentised_interval):
        assert interval(one, weights, 0.95) == pytest.approx((low[0], high[0]), abs=width / 12)


def test_percentile_intervals_are_shorter_with_few_clusters() -> None:
    one, weights = sums(8, seed=6), cluster_weights(8, 4000, seed=5)
    percentile = percentile_interval(one, weights, 0.95)
    low, high = ratio_difference(*columns(one)).interval(0.95)
    assert percentile[1] - percentile[0] < high[0] - low[0]
