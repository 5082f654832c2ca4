import numpy as np
import pytest
from scipy import stats

from metrics.inference.influence import Inference
from metrics.inference.planning import (
    MOST,
    PRIOR_IN_MARGINS,
    Borders,
    chance_decided,
    clusters_needed,
)

MARGIN = 0.03


def known(delta: float, se: float, clusters: int = 20) -> Inference:
    return Inference(
        np.array([delta]), np.array([se]), np.array([clusters]), np.array([float(clusters)])
    )


def borders(margin: float = MARGIN) -> Borders:
    return Borders(np.array([margin]), 0.05, np.array([0.005]))


def needed(now: Inference, chance: float = 0.5, margin: float = MARGIN) -> int:
    return int(clusters_needed(now, borders(margin), chance)[0])


def test_is_the_smallest_with_that_chance() -> None:
    now = known(-0.005, 0.03)
    count = needed(now)
    assert chance_decided(now, borders(), np.array([count]))[0] >= 0.5
    assert chance_decided(now, borders(), np.array([count - 1]))[0] < 0.5


def test_the_chance_is_that_of_a_simulation() -> None:
    """Draw the truth, then the drives to come, from what the docstring says."""
    rng = np.random.default_rng(0)
    delta, se, now, then = -0.01, 0.02, 20, 60
    prior = MARGIN * PRIOR_IN_MARGINS
    trust = prior**2 / (prior**2 + se**2)
    truth = rng.normal(trust * delta, np.sqrt(trust) * se, 400_000)
    new = truth + rng.normal(0, se * np.sqrt(now / (then - now)), truth.shape)
    over_all = (now * delta + (then - now) * new) / then
    to_pass, to_regress = stats.t.ppf([0.95, 0.995], then - 1) * se * np.sqrt(now / then)
    decided = (over_all > to_pass - MARGIN) | (over_all < -to_regress)
    chance = chance_decided(known(delta, se, now), borders(), np.array([then]))[0]
    assert chance == pytest.approx(np.mean(decided), abs=0.003)


def test_the_end_is_beyond_the_middle() -> None:
    now = known(-0.005, 0.03)
    assert needed(now, 0.5) < needed(now, 0.9) < MOST


def test_a_smaller_spread_or_a_wider_margin_needs_fewer() -> None:
    counts = [needed(known(-0.005, se)) for se in (0.02, 0.03, 0.05)]
    assert counts == sorted(counts)
    assert needed(known(-0.005, 0.03), margin=0.06) < needed(known(-0.005, 0.03))


def test_without_a_margin_only_a_loss_can_be_shown() -> None:
    nan = float("nan")
    assert needed(known(0.01, 0.02), margin=nan) == MOST
    assert needed(known(-0.01, 0.02), margin=nan) < MOST


def test_what_is_decided_needs_no_more_than_there_are() -> None:
    assert needed(known(0.0, 0.0, 5)) == 5
    assert needed(known(0.1, 0.01, 20)) == 20


def test_with_an_unknown_spread_nobody_knows_how_many() -> None:
    assert needed(known(0.0, float("nan"))) == MOST


def test_half_of_the_cells_need_fewer_and_nearly_all_stay_below_the_end() -> None:
    """Equal networks at 20 drives, undecided: decided at the middle, and at the end?"""
    rng = np.random.default_rng(3)
    first = rng.normal(0, 0.16, (20, 3000))
    now = Inference(
        first.mean(0), first.std(0, ddof=1) / np.sqrt(20), np.full(3000, 20), np.full(3000, 20.0)
    )
    edges = Borders(np.full(3000, MARGIN), 0.05, np.full(3000, 0.005))
    undecided = (now.lower_bound(0.95) <= -MARGIN) & (now.p_worse() > 0.005)
    for chance, least, most in ((0.5, 0.45, 0.75), (0.9, 0.85, 1.0)):
        counts = clusters_needed(now, edges, chance)
        decided = []
        for cell in np.flatnonzero(undecided & (counts < 20_000))[:400]:
            count = counts[cell]
            all_drives = np.append(first[:, cell], rng.normal(0, 0.16, count - 20))
            mean, se = all_drives.mean(), all_drives.std(ddof=1) / np.sqrt(count)
            to_pass, to_regress = stats.t.ppf([0.95, 0.995], count - 1) * se
            decided.append(mean > to_pass - MARGIN or mean < -to_regress)
        assert least < np.mean(decided) < most
