import numpy as np
import pytest
from scipy import stats

from metrics.inference.influence import effective_clusters
from metrics.inference.ratio import ratio
from tests.oracles.ratios import ratio_difference


def columns(*values: list[float]) -> list[np.ndarray]:
    return [np.array(value, np.float64)[:, None] for value in values]


def test_hand_computed_difference_of_two_ratios() -> None:
    # Without one drive the ratios are 8/11, 7/10, 5/9 (now 10/15) and 5/8, 4/8, 3/8 (now 6/12):
    # the differences move by 9/88 - 15/90 = -17/264, 1/30, 1/72 (times -1 below).
    found = ratio_difference(*columns([2, 3, 5], [4, 5, 6], [1, 2, 3], [4, 4, 4]))
    left_out = np.array([8 / 11 - 5 / 8, 7 / 10 - 4 / 8, 5 / 9 - 3 / 8]) - 1 / 6
    se = np.sqrt(2 / 3 * (left_out**2).sum())
    df = 1 / ((16 + 25 + 36) / 15**2) - 1  # Kish of 4, 5, 6, which is below that of 4, 4, 4
    assert found.estimate == pytest.approx(1 / 6)
    assert found.se == pytest.approx(se)
    assert found.df == pytest.approx(df)
    t = stats.t.ppf([0.95, 0.975], df)
    assert found.interval(0.95) == pytest.approx((1 / 6 - t[1] * se, 1 / 6 + t[1] * se))
    assert found.lower_bound(0.95) == pytest.approx(1 / 6 - t[0] * se)
    assert found.p_worse() == pytest.approx(stats.t.cdf(1 / 6 / se, df))
    assert found.p_better() == pytest.approx(1 - stats.t.cdf(1 / 6 / se, df))


def test_equal_denominators_are_the_paired_t_test() -> None:
    rng = np.random.default_rng(3)
    first, second, ones = rng.random(12), rng.random(12), np.ones(12)
    found = ratio_difference(*columns(first, ones, second, ones))
    oracle = stats.ttest_rel(first, second, alternative="less")
    assert found.p_worse()[0] == pytest.approx(oracle.pvalue)
    assert found.estimate[0] / found.se[0] == pytest.approx(oracle.statistic)


def test_the_error_is_the_delete_one_jackknifes() -> None:
    rng = np.random.default_rng(5)
    den = rng.lognormal(3, 1, (12, 1))
    num = den * rng.random((12, 1))
    one, ones = ratio(num, den), np.ones((12, 1))
    left_out = np.array(
        [ratio(np.delete(num, g, 0), np.delete(den, g, 0)).value for g in range(12)]
    )
    jackknife = np.sqrt(11 / 12 * np.sum((left_out - one.value) ** 2))
    found = ratio_difference(num, den, ones, ones)
    assert found.se[0] == pytest.approx(jackknife)
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


def test_a_network_that_speaks_once_has_one_cluster() -> None:
    """Whatever the other one says, and however often."""
    ones, once = np.ones((30, 1)), np.zeros((30, 1))
    once[4] = 1
    found = ratio_difference(once, once, 0.7 * ones, ones)
    assert found.estimate == pytest.approx(0.3)
    assert (found.clusters, found.effective) == (1, 1)
    for values in (found.se, found.p_worse(), *found.interval(0.95)):
        assert np.isnan(values).all()


def test_one_drive_that_outweighs_all_others_leaves_no_interval() -> None:
    den = np.ones((30, 1))
    den[0] = 1e5
    found = ratio_difference(den * 0.6, den, den * 0.5, den)
    assert found.clusters == 30 and found.effective[0] == pytest.approx(1, abs=1e-3)
    assert np.isnan(found.lower_bound(0.95)).all() and np.isnan(found.p_worse()).all()


@pytest.mark.parametrize("seed", range(20))
def test_equal_ratios_over_other_sums_do_not_differ(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num, den, times = rng.random((3, 30, 1)) + 0.1, np.ones((30, 1)), rng.integers(2, 9)
    den += rng.random((30, 1))
    found = ratio_difference(num * times, den * times, num, den)
    assert (found.estimate[0], found.se[0], found.p_worse()[0], found.p_better()[0]) == (0, 0, 1, 1)


def test_undefined_is_nan_without_a_warning() -> None:
    zeros, ones = columns([0, 0, 0], [1, 2, 3])
    found = ratio_difference(ones, ones, zeros, zeros)
    for values in (found.estimate, found.se, found.p_worse(), *found.interval(0.95)):
        assert np.isnan(values).all()
    assert found.clusters == 0


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
    share = weights / np.maximum(weights.sum(axis=0), 1)
    np.testing.assert_allclose(effective_clusters(share), [4, 103**2 / 10003, np.nan])
    np.testing.assert_allclose(ratio(*columns([1, 1], [3, 1])).share[:, 0], [0.75, 0.25])


def fleets(clusters: int, runs: int, sigma: float, effect: float) -> tuple[np.ndarray, ...]:
    """Drives of uneven length, hard or easy for both networks, each with a drive's own effect."""
    rng = np.random.default_rng(clusters)
    shape = (clusters, runs)
    den = rng.lognormal(4, sigma, shape)
    hardness = rng.normal(0.7, 0.1, shape)
    first = den * (hardness + rng.normal(effect, 0.05, shape))
    return first, den, den * hardness, den


@pytest.mark.parametrize("sigma", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("clusters", [8, 12, 20, 50])
def test_interval_covers_the_truth(clusters: int, sigma: float) -> None:
    """With 6,000 runs three standard errors are 0.008; a trial over all gave .941 to .966."""
    found = ratio_difference(*fleets(clusters, 6000, sigma, effect=0.03))
    low, high = found.interval(0.95)
    assert 0.935 < np.mean((low <= 0.03) & (high >= 0.03)) < 0.975
    assert np.mean(found.lower_bound(0.95) > 0.03) < 0.065


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
