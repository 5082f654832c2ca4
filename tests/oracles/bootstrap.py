"""Resampling of clusters: one weight matrix times one matrix of sums.

It checks the linearised t by which verdicts are given. Clusters are drawn with replacement, both
networks with the same draw. Percentile intervals are too short with few clusters (88% instead of
95% at 8); studentised ones are about as good as the linearised t.
"""

from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Floats
from tests.oracles.ratios import ratio_difference

CHUNK_VALUES = 4_000_000  # of one intermediate matrix; bounds memory at about 32 MB each


@dataclass(frozen=True)
class PairedSums:
    """Sums per cluster of one cell, all ``(G,)``, for two networks."""

    first_num: Floats
    first_den: Floats
    second_num: Floats
    second_den: Floats


def cluster_weights(clusters: int, resamples: int, seed: int) -> Floats:
    """How often each cluster is drawn, ``(resamples, clusters)``; each row sums to ``clusters``."""
    generator = np.random.default_rng(seed)
    even = np.full(clusters, 1.0 / clusters)
    return generator.multinomial(clusters, even, size=resamples).astype(np.float64)


def ratio_differences(sums: PairedSums, weights: Floats) -> Floats:
    """The difference in every resample, ``(B,)``; NaN where a denominator came out empty."""
    columns = (sums.first_num, sums.first_den, sums.second_num, sums.second_den)
    drawn = weights @ np.stack(columns, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(drawn[:, 0] / drawn[:, 1] - drawn[:, 2] / drawn[:, 3])


def percentile_interval(sums: PairedSums, weights: Floats, level: float) -> tuple[float, float]:
    """The middle ``level`` of the resampled differences."""
    low, high = np.nanquantile(ratio_differences(sums, weights), _tails(level))
    return float(low), float(high)


def studentised_interval(sums: PairedSums, weights: Floats, level: float) -> tuple[float, float]:
    """The bootstrap-t: resampled differences in units of their own standard errors."""
    point = _inference(sums)
    t = (ratio_differences(sums, weights) - point[0]) / _resampled_errors(sums, weights)
    low, high = np.nanquantile(np.where(np.isfinite(t), t, np.nan), _tails(level))
    return point[0] - float(high) * point[1], point[0] - float(low) * point[1]


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _inference(sums: PairedSums) -> tuple[float, float]:
    found = ratio_difference(
        sums.first_num[:, None],
        sums.first_den[:, None],
        sums.second_num[:, None],
        sums.second_den[:, None],
    )
    return float(found.estimate[0]), float(found.se[0])


def _resampled_errors(sums: PairedSums, weights: Floats) -> Floats:
    """The linearised standard error inside every resample, ``(B,)``."""
    chunk = max(1, CHUNK_VALUES // weights.shape[1])
    parts = [
        _errors(sums, weights[start : start + chunk]) for start in range(0, len(weights), chunk)
    ]
    return np.concatenate(parts)


def _errors(sums: PairedSums, weights: Floats) -> Floats:
    """Plain linearised errors: a cluster drawn w times is w clusters, its square counts w times."""
    influence = _weighted_influence(sums.first_num, sums.first_den, weights)
    influence -= _weighted_influence(sums.second_num, sums.second_den, weights)
    clusters = weights.shape[1]
    squares = (weights * influence**2).sum(axis=1)
    return np.asarray(np.sqrt(clusters / (clusters - 1) * squares))


def _weighted_influence(num: Floats, den: Floats, weights: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        total = (weights @ den)[:, None]
        value = (weights @ num)[:, None] / total
        return np.asarray((num - value * den) / total)
