import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from metrics.inference.ap import coco_average_precision, precision_recall_area


def detections(seed: int, drives: int, rows: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    score = np.sort(rng.random(rows))[::-1]
    cluster = rng.integers(0, drives, rows)
    matched = rng.random(rows) < np.clip(score + rng.normal(0, 0.1, drives)[cluster], 0, 1)
    labels = np.bincount(cluster[matched], minlength=drives) + rng.integers(0, 6, drives)
    return score, matched, cluster, labels.astype(np.float64)


def test_hand_computed() -> None:
    # Precision 1, 1/2, 2/3 at three cuts; envelope 1, 2/3, 2/3; three labels.
    score, matched = np.array([0.9, 0.8, 0.7]), np.array([True, False, True])
    found = precision_recall_area(score, matched, np.array([0, 1, 1]), np.array([1.0, 2.0]))
    area, influence = found.area, found.influence
    assert area == pytest.approx((1 + 2 / 3) / 3)
    assert influence.sum() == pytest.approx(0)
    # d/dw of (w0 + w1 (w0 + w1) / (w0 + 2 w1)) / (w0 + 2 w1) by w0 at 1.
    assert influence[0] == pytest.approx((1 + 1 / 3 - 2 / 9) / 3 - (1 + 2 / 3) / 9)
    # What each could lose: its labels times the area, and its rows' effect on the cuts below.
    lost = np.array([1 * 5 / 9 + (1 + 2 / 9), 2 * 5 / 9 + (2 / 9 + 2 / 9)])
    assert found.weight == pytest.approx(3 * lost / lost.sum())


def test_nothing_found_and_nothing_to_find() -> None:
    none = np.zeros(0)
    found = precision_recall_area(none, none.astype(bool), none.astype(int), np.ones(3))
    assert found.area == 0
    assert (found.influence == 0).all() and (found.weight == 1).all()
    found = precision_recall_area(none, none.astype(bool), none.astype(int), np.zeros(3))
    assert np.isnan(found.area)
    assert np.isnan(found.influence).all() and (found.weight == 0).all()


def test_agrees_with_independent_areas() -> None:
    score, matched, cluster, labels = detections(1, 10, 4000)
    area = precision_recall_area(score, matched, cluster, labels).area
    assert area == pytest.approx(
        coco_average_precision(score, matched, int(labels.sum())), abs=5e-3
    )
    # scikit-learn's has no envelope and knows no missed labels: rescale its recall.
    step = average_precision_score(matched, score) * matched.sum() / labels.sum()
    assert step <= area <= step + 5e-3


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_influence_agrees_with_the_jackknife_over_drives(seed: int) -> None:
    score, matched, cluster, labels = detections(seed, 30, 3000)
    influence = precision_recall_area(score, matched, cluster, labels).influence
    left_out = np.array(
        [
            precision_recall_area(
                score[cluster != g], matched[cluster != g], cluster[cluster != g],
                np.where(np.arange(30) == g, 0, labels),
            ).area
            for g in range(30)
        ]
    )  # fmt: skip
    jackknife = np.sqrt(29 / 30 * np.sum((left_out - left_out.mean()) ** 2))
    assert np.sqrt(30 / 29 * np.sum(influence**2)) == pytest.approx(jackknife, rel=0.05)
    assert np.corrcoef(influence, -left_out)[0, 1] > 0.995


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 60))
def test_every_drive_twice_halves_the_influence_and_keeps_the_area(
    seed: int, drives: int, rows: int
) -> None:
    score, matched, cluster, labels = detections(seed, drives, rows)
    if labels.sum() == 0:
        return
    once = precision_recall_area(score, matched, cluster, labels)
    twice = np.repeat(np.arange(rows), 2)
    shift = np.tile([0, drives], rows)
    again = precision_recall_area(
        score[twice], matched[twice], cluster[twice] + shift, np.tile(labels, 2)
    )
    assert again.area == pytest.approx(once.area)
    np.testing.assert_allclose(again.influence, np.tile(once.influence, 2) / 2, atol=1e-12)
    np.testing.assert_allclose(again.weight, np.tile(once.weight, 2), atol=1e-9)
    assert abs(once.influence.sum()) < 1e-9


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(2, 60))
def test_equal_scores_have_one_value_in_any_order(seed: int, digits: int, rows: int) -> None:
    """As of an INT8 network: scores of few values, and clips that may be renamed."""
    score, matched, cluster, labels = detections(seed, 5, rows)
    if labels.sum() == 0:
        return
    score = np.round(score, digits)
    shuffled = np.random.default_rng(seed).permutation(rows)
    again = shuffled[np.argsort(-score[shuffled], kind="stable")]
    total = int(labels.sum())
    assert coco_average_precision(score, matched, total) == coco_average_precision(
        score[again], matched[again], total
    )
    one = precision_recall_area(score, matched, cluster, labels)
    two = precision_recall_area(score[again], matched[again], cluster[again], labels)
    assert one.area == two.area
    np.testing.assert_allclose(one.influence, two.influence, atol=1e-12)
