import numpy as np
import pytest
from scipy import stats

from metrics.inference.influence import effective_clusters, infer
from metrics.inference.ratio import pair_weights, ratio, ratio_difference


def columns(*values: list[float]) -> list[np.ndarray]:
    return [np.array(value, np.float64)[:, None] for value in values]


def test_hand_computed_difference_of_two_ratios() -> None:
    # R = 10/15 and 6/12; influence differences are 7, -4, -3 over 180.
    found = ratio_difference(*columns([2, 3, 5], [4, 5, 6], [1, 2, 3], [4, 4, 4]))
    se = np.sqrt(3 / 2 * (49 + 16 + 9)) / 180
    assert found.estimate == pytest.approx(1 / 6)
    assert found.se == pytest.approx(se)
    assert found.df == 2
    low, high = found.interval(0.95)
    assert (low, high) == pytest.approx((1 / 6 - 4.302653 * se, 1 / 6 + 4.302653 * se), abs=1e-6)
    assert found.lower_bound(0.95) == pytest.approx(1 / 6 - 2.919986 * se, abs=1e-6)
    assert found.p_worse() == pytest.approx(stats.t.cdf(1 / 6 / se, 2))
    assert found.p_better() == pytest.approx(1 - stats.t.cdf(1 / 6 / se, 2))


def test_equal_denominators_are_the_paired_t_test() -> None:
    rng = np.random.default_rng(3)
    first, second, ones = rng.random(12), rng.random(12), np.ones(12)
    found = ratio_difference(*columns(first, ones, second, ones))
    oracle = stats.ttest_rel(first, second, alternative="less")
    assert found.p_worse()[0] == pytest.approx(oracle.pvalue)
    assert found.estimate[0] / found.se[0] == pytest.approx(oracle.statistic)


def test_influence_agrees_with_the_jackknife() -> None:
    rng = np.random.default_rng(5)
    den = rng.integers(20, 40, (60, 1)).astype(float)
    num = den * rng.random((60, 1))
    left_out = [ratio(np.delete(num, g, 0), np.delete(den, g, 0)).value[0] for g in range(60)]
    jackknife = np.sqrt(59 / 60 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    one = ratio(num, den)
    assert infer(one.value, one.influence, one.informative).se[0] == pytest.approx(
        jackknife, rel=0.02
    )
    assert one.influence.sum() == pytest.approx(0, abs=1e-12)


def test_swapping_the_networks_turns_every_sign_exactly() -> None:
    rng = np.random.default_rng(7)
    a, b, c, d = rng.random((4, 15, 20)) + np.array([0, 1, 0, 1])[:, None, None]
    there, back = ratio_difference(a, b, c, d), ratio_difference(c, d, a, b)
    np.testing.assert_array_equal(there.estimate, -back.estimate)
    np.testing.assert_array_equal(there.se, back.se)
    np.testing.assert_array_equal(there.p_worse(), back.p_better())


def test_clusters_that_say_nothing_do_not_count() -> None:
    rng = np.random.default_rng(9)
    sums = list(rng.random((4, 10, 1)) + 1)
    empty = [np.vstack([values, np.zeros((90, 1))]) for values in sums]
    few, many = ratio_difference(*sums), ratio_difference(*empty)
    assert few.clusters == many.clusters == 10
    assert few.se == pytest.approx(many.se)


def test_undefined_is_nan_without_a_warning() -> None:
    zeros, ones = columns([0, 0, 0], [1, 2, 3])
    found = ratio_difference(ones, ones, zeros, zeros)
    for values in (found.estimate, found.se, found.p_worse(), *found.interval(0.95)):
        assert np.isnan(values).all()
    assert found.clusters == 3


@pytest.mark.parametrize("clusters", [0, 1])
def test_too_few_clusters_for_any_error(clusters: int) -> None:
    sums = np.ones((clusters, 1))
    found = ratio_difference(sums, sums, sums, sums)
    assert np.isnan(found.se).all()
    assert np.isnan(found.lower_bound(0.95)).all()


def test_no_variance_is_certain() -> None:
    ones, halves = columns([1.0] * 8, [0.5] * 8)
    same, worse = (
        ratio_difference(ones, ones, ones, ones),
        ratio_difference(halves, ones, ones, ones),
    )
    assert (same.estimate[0], same.se[0], same.p_worse()[0]) == (0, 0, 1)
    assert (worse.estimate[0], worse.se[0], worse.p_worse()[0]) == (-0.5, 0, 0)


def test_effective_clusters() -> None:
    weights = np.array([[1, 100, 0], [1, 1, 0], [1, 1, 0], [1, 1, 0]], np.float64)
    np.testing.assert_allclose(effective_clusters(weights), [4, 103**2 / 10003, np.nan])
    figure = ratio(*columns([1, 1], [3, 1]))
    np.testing.assert_allclose(pair_weights(figure, figure)[:, 0], [0.75, 0.25])


def fleets(clusters: int, runs: int, effect: float) -> tuple[np.ndarray, ...]:
    """Drives of uneven length, hard or easy for both networks, each with a drive's own effect."""
    rng = np.random.default_rng(clusters)
    shape = (clusters, runs)
    den = rng.lognormal(4, 0.4, shape)
    hardness = rng.normal(0.7, 0.1, shape)
    first = den * (hardness + rng.normal(effect, 0.05, shape))
    return first, den, den * hardness, den


@pytest.mark.parametrize(
    ("clusters", "least", "most"), [(8, 0.925, 0.95), (20, 0.935, 0.955), (50, 0.938, 0.957)]
)
def test_interval_covers_the_truth(clusters: int, least: float, most: float) -> None:
    found = ratio_difference(*fleets(clusters, 8000, effect=0.03))
    low, high = found.interval(0.95)
    covered = np.mean((low <= 0.03) & (high >= 0.03))
    assert least < covered < most


def test_false_alarms_stay_rare_where_frames_would_cry_wolf() -> None:
    rng = np.random.default_rng(17)
    drives, frames, runs = 20, 60, 2000
    effect = rng.normal(0, 0.1, (drives, 1, runs))
    gain = effect + rng.normal(0, 0.1, (drives, frames, runs))
    frame_t = gain.mean((0, 1)) / (gain.std((0, 1)) / np.sqrt(drives * frames))
    ones, zeros = np.full((drives, runs), float(frames)), np.zeros((drives, runs))
    found = ratio_difference(gain.sum(1), ones, zeros, ones)
    assert np.mean(frame_t < -1.645) > 0.35
    assert np.mean(found.p_worse() < 0.05) < 0.06
