import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.inference.multiplicity import benjamini_hochberg, hierarchical_holm
from tests.oracles.multiplicity import holm

P = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)


def test_holm_by_hand() -> None:
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])


def test_hierarchical_by_hand() -> None:
    # Two tasks: each starts with half the level. "a" is done after two steps and hands over.
    p = np.array([0.001, 0.002, 0.01, 0.03, 0.2])
    adjusted = hierarchical_holm(p, ["a", "a", "b", "b", "b"])
    # a: 0.001 * 2 * 2, 0.002 * 1 * 2; b, alone by now: 0.01 * 3, 0.03 * 2, 0.2 * 1.
    np.testing.assert_allclose(adjusted, [0.004, 0.004, 0.03, 0.06, 0.2])


def test_a_small_task_is_not_drowned_by_a_large_one() -> None:
    p = np.array([0.02, *np.linspace(0.3, 1, 50)])
    tasks = ["lights", *["objects"] * 50]
    assert hierarchical_holm(p, tasks)[0] == pytest.approx(0.04)
    assert holm(p)[0] == 1


@given(P)
def test_one_task_is_plain_holm_and_single_cells_too(p: np.ndarray) -> None:
    np.testing.assert_allclose(hierarchical_holm(p, ["a"] * len(p)), holm(p))
    np.testing.assert_allclose(hierarchical_holm(p, [str(i) for i in range(len(p))]), holm(p))


@given(P, st.randoms())
def test_order_does_not_matter(p: np.ndarray, random: object) -> None:
    tasks = [str(index % 3) for index in range(len(p))]
    order = np.random.default_rng(len(p)).permutation(len(p))
    shuffled = hierarchical_holm(p[order], [tasks[i] for i in order])
    np.testing.assert_allclose(shuffled, hierarchical_holm(p, tasks)[order])


@given(P)
def test_benjamini_hochberg_agrees_with_scipy(p: np.ndarray) -> None:
    np.testing.assert_array_equal(benjamini_hochberg(p), stats.false_discovery_control(p))


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg, lambda p: hierarchical_holm(p, [])])
def test_no_tests_no_corrections(correct: object) -> None:
    assert len(correct(np.zeros(0))) == 0  # type: ignore[operator]


def test_false_rejections_are_rare_though_another_task_is_worse() -> None:
    rng = np.random.default_rng(1)
    tasks = ["a"] * 4 + ["b"] * 6 + ["c"] * 10
    wrong = 0
    for _ in range(2000):
        p = rng.random(20)
        p[:4] = 1e-9  # task "a" has truly regressed, the others have not
        wrong += bool((hierarchical_holm(p, tasks)[4:] <= 0.05).any())
    assert wrong / 2000 < 0.06
