"""Jackknives against brute force: the value again and again, without one cluster each time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.inference import jackknife
from metrics.inference.figure import Figure
from metrics.inference.ratio import ratio


def root(sums: Any) -> Any:
    """The geometric mean of precision and recall: no ratio of sums."""
    tp, fp, fn = (np.asarray(sums[name], float) for name in ("tp", "fp", "fn"))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(tp / (tp + fp) * tp / (tp + fn))


def labels_of(sums: Any) -> Any:
    return sums["tp"] + sums["fn"]


def brute(values: list[float], whole: float) -> float:
    """The delete-one standard error about the whole."""
    count = len(values)
    return float(np.sqrt((count - 1) / count * sum((whole - value) ** 2 for value in values)))


def error(figure: Figure) -> Any:
    return np.sqrt((figure.deviations**2).sum(axis=0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_of_sums(seed: int, clusters: int) -> None:
    rng = np.random.default_rng(seed)
    sums = {name: rng.integers(1, 30, (clusters, 3)).astype(float) for name in ("tp", "fp", "fn")}
    found = jackknife.of_sums(root, labels_of, sums)
    for column in range(3):
        own = {name: matrix[:, column] for name, matrix in sums.items()}
        whole = float(root({name: values.sum() for name, values in own.items()}))
        left = [
            float(root({name: np.delete(values, g).sum() for name, values in own.items()}))
            for g in range(clusters)
        ]
        assert found.value[column] == pytest.approx(whole)
        assert error(found)[column] == pytest.approx(brute(left, whole))


def test_of_sums_is_that_of_a_ratio() -> None:
    rng = np.random.default_rng(0)
    sums = {"n": rng.random((12, 4)), "d": rng.random((12, 4)) + 1}
    found = jackknife.of_sums(lambda s: s["n"] / s["d"], lambda s: s["d"], sums)
    wanted = ratio(sums["n"], sums["d"])
    for name in ("value", "influence", "weight", "deviations"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=1e-14)


def test_one_cluster_and_none() -> None:
    one = {name: np.array([[3.0, 0.0]]) for name in ("tp", "fp", "fn")}
    found = jackknife.of_sums(root, labels_of, one)
    assert found.value[0] == 0.5 and np.isnan(found.value[1])
    assert np.isnan(error(found)).all()
    none = {name: np.zeros((0, 2)) for name in ("tp", "fp", "fn")}
    assert np.isnan(jackknife.of_sums(root, labels_of, none).value).all()


def test_what_is_undefined_without_a_cluster_has_no_spread() -> None:
    sums = {"tp": np.array([[5.0], [0.0], [0.0]]), "fp": np.zeros((3, 1)), "fn": np.ones((3, 1))}
    assert np.isnan(error(jackknife.of_sums(root, labels_of, sums))).all()


def far(distance: Any, keep: Any, labels: Any) -> Any:
    """The mean distance of the kept rows, times the labels missed; NaN without rows."""
    count = keep.sum(axis=1)
    total = np.where(keep, distance, 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan) * (1 + (labels - count) / labels)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(1, 40), st.integers(1, 50))
def test_of_rows(seed: int, clusters: int, rows: int, at_once: int) -> None:
    rng = np.random.default_rng(seed)
    distance, cluster = rng.random(rows), rng.integers(0, clusters, rows)
    labels = rng.integers(1, 9, clusters) + np.bincount(cluster, minlength=clusters).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jackknife, "AT_ONCE", at_once)
        found = jackknife.of_rows(lambda keep, left: far(distance, keep, left), cluster, labels)
    whole = far(distance, np.ones((1, rows), bool), labels.sum())[0]
    left = [
        far(distance, (cluster != g)[None], np.delete(labels, g).sum())[0] for g in range(clusters)
    ]
    assert found.value[0] == pytest.approx(whole)
    assert error(found)[0] == pytest.approx(brute(left, whole), nan_ok=True)
