from typing import Any

import numpy as np
import pytest
from hotcoco.metrics import average_precision as hotcoco_average_precision
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from metrics.inference.precision import (
    CURVES,
    AveragePrecision,
    average_precision,
    coco_average_precision,
)


def detections(seed: int, drives: int, rows: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    score = np.sort(rng.random(rows))[::-1]
    cluster = rng.integers(0, drives, rows)
    matched = rng.random(rows) < np.clip(score + rng.normal(0, 0.1, drives)[cluster], 0, 1)
    labels = np.bincount(cluster[matched], minlength=drives) + rng.integers(0, 6, drives)
    return score, matched, cluster, labels.astype(np.float64)


def precision_recall_area(
    score: np.ndarray, matched: np.ndarray, cluster: np.ndarray, labels: np.ndarray
) -> AveragePrecision:
    """The area at one level."""
    matched = matched[None].astype(bool)
    exists = np.ones_like(matched)
    found = average_precision(score, matched, exists, cluster, labels, "every_point")
    assert found.value[0] == found.area[0] or np.isnan(found.area[0])
    return AveragePrecision(*(part[0] for part in vars(found).values()))


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


# --- curves and levels, against plain Python


def plain(curve: str, score: Any, hits: Any, exists: Any, labels: float) -> float:
    """The definition of each curve, row by row; no two scores are equal."""
    tp = rows = 0
    precision, recall = [], []
    for at in np.argsort(-score):
        if exists[at]:
            rows, tp = rows + 1, tp + int(hits[at])
            precision.append(tp / rows)
            recall.append(tp / labels)
    if curve == "nuscenes":  # as its devkit has it (calc_ap)
        if not tp:
            return 0.0
        at = np.interp(np.linspace(0, 1, 101), recall, precision, right=0)[11:]
        return float(np.clip(at - 0.1, 0, None).mean() / 0.9)

    def beyond(least: float) -> float:
        return max((p for p, r in zip(precision, recall, strict=True) if r >= least), default=0.0)

    if curve == "every_point":
        steps = zip([0.0, *recall], recall, strict=False)
        return sum((right - left) * beyond(right) for left, right in steps)
    points = {"coco": np.linspace(0, 1, 101), "r40": np.arange(1, 41) / 40}[curve]
    return float(np.mean([beyond(point) for point in points]))


def levelled(seed: int, drives: int, rows: int) -> tuple[np.ndarray, ...]:
    """Three levels of matching, some rows ignored at some."""
    score, first, cluster, labels = detections(seed, drives, rows)
    rng = np.random.default_rng(seed)
    hits = np.logical_and.accumulate([first, *(rng.random((2, rows)) < 0.7)], axis=0)
    return score, hits, rng.random((3, rows)) < 0.8, cluster, labels + 1


@pytest.mark.parametrize("curve", CURVES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(0, 60))
def test_values_are_those_of_the_definition(curve: str, seed: int, rows: int) -> None:
    score, hits, exists, cluster, labels = levelled(seed, 5, rows)
    found = average_precision(score, hits, exists, cluster, labels, curve)
    wanted = [
        plain(curve, score, own, there, labels.sum())
        for own, there in zip(hits & exists, exists, strict=True)
    ]
    np.testing.assert_allclose(found.value, wanted, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_coco_is_that_of_hotcoco(seed: int) -> None:
    score, matched, cluster, labels = detections(seed, 10, 500)
    every = np.ones((1, 500), bool)
    ours = average_precision(score, matched[None], every, cluster, labels, "coco")
    theirs = hotcoco_average_precision(score, matched, int(labels.sum()))
    assert ours.value[0] == pytest.approx(theirs, abs=1e-12)


def weighted_area(curve: str, hits: Any, exists: Any, cluster: Any, labels: Any, w: Any) -> float:
    """The area where cluster g weighs ``w[g]``."""
    total, tp, rows, precision, found = labels @ w, 0.0, 0.0, [], []
    for at in np.flatnonzero(exists):
        rows += w[cluster[at]]
        tp += w[cluster[at]] * hits[at]
        precision.append(tp / rows)
        found.append(tp)
    steps = list(zip([0.0, *found], found, strict=False))
    if curve == "every_point":
        best = np.maximum.accumulate(np.array(precision)[::-1])[::-1]
        return sum((b - a) * p for (a, b), p in zip(steps, best, strict=True)) / total
    over = np.clip(np.array(precision) - 0.1, 0, None)
    mean = (np.r_[over[:1], over[:-1]] + over) / 2
    parts = [max(b - max(a, 0.1 * total), 0) * m for (a, b), m in zip(steps, mean, strict=True)]
    return sum(parts) / total / 0.9**2


@pytest.mark.parametrize("curve", ["every_point", "nuscenes"])
@pytest.mark.parametrize("seed", range(5))
def test_influence_is_the_derivative_by_the_weight(curve: str, seed: int) -> None:
    score, hits, exists, cluster, labels = levelled(seed, 6, 80)
    found = average_precision(score, hits, exists, cluster, labels, curve)
    for level in range(3):
        data = hits[level] & exists[level], exists[level], cluster, labels
        assert found.area[level] == pytest.approx(weighted_area(curve, *data, np.ones(6)))
        for g in range(6):
            # Where two cuts have the same precision the area has a kink, with two slopes.
            step = 1e-7 * (np.arange(6) == g)
            slopes = [
                (weighted_area(curve, *data, 1 + sign * step) - found.area[level]) / (sign * 1e-7)
                for sign in (1, -1)
            ]
            assert min(slopes) - 1e-6 < found.influence[level, g] < max(slopes) + 1e-6
        assert found.influence[level].sum() == pytest.approx(0, abs=1e-12)
        assert found.weight[level].sum() == pytest.approx(labels.sum())


def test_the_area_is_near_what_nuscenes_samples() -> None:
    score, matched, cluster, labels = detections(1, 10, 4000)
    every = np.ones((1, 4000), bool)
    found = average_precision(score, matched[None], every, cluster, labels, "nuscenes")
    assert found.area[0] == pytest.approx(found.value[0], abs=5e-3)
