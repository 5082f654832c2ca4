"""Attributes of drives in stated shares, every pair of attributes as even as their counts allow.

Each attribute's counts are exact (largest remainder). Values are assigned so that, for any two
attributes, the frequency of each combination is the product of their shares. Otherwise all the fog
might be on the highway, and a slice by fog would be a slice by road.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Ints

_ROUNDS = 8


@dataclass(frozen=True)
class Factor:
    """An attribute: its values, and the weight of each."""

    name: str
    weights: Mapping[str, float]


def balanced(
    factors: Sequence[Factor], count: int, seed: int, against: int = 6
) -> list[dict[str, str]]:
    """Return ``count`` rows with a value for every factor; the same seed gives the same rows.

    The first ``against`` factors are balanced among each other, the others against these.
    """
    rng = np.random.default_rng(seed)
    placed: list[tuple[Ints, Ints]] = []  # levels of each row, and counts of levels
    columns: dict[str, list[str]] = {}
    for factor in factors:
        quota = counts(list(factor.weights.values()), count)
        levels = rng.permutation(np.repeat(np.arange(len(quota)), quota))
        levels = _even_out(levels, quota, placed, rng)
        if len(placed) < against:
            placed.append((levels, quota))
        values = list(factor.weights)
        columns[factor.name] = [values[level] for level in levels]
    return [{name: column[i] for name, column in columns.items()} for i in range(count)]


def counts(weights: Sequence[float], total: int) -> Ints:
    """Whole numbers in those proportions that add up to ``total``; ties go to the first."""
    exact = np.asarray(weights, np.float64) / sum(weights) * total
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def _even_out(
    levels: Ints,
    quota: Ints,
    placed: Sequence[tuple[Ints, Ints]],
    rng: np.random.Generator,
) -> Ints:
    """Swap values between rows as long as that balances the combinations with earlier factors."""
    total = len(levels)
    levels = levels.copy()
    gaps = [
        _table(levels, other, len(quota), len(theirs)) - np.outer(quota, theirs) / total
        for other, theirs in placed
    ]
    for _ in range(_ROUNDS):
        swapped = False
        for i in rng.permutation(total):
            swapped |= _swap_best(levels, int(i), placed, gaps)
        if not swapped:
            break
    return levels


def _table(levels: Ints, other: Ints, rows: int, columns: int) -> NDArray[np.float64]:
    out = np.zeros((rows, columns))
    np.add.at(out, (levels, other), 1.0)
    return out


def _swap_best(
    levels: Ints,
    i: int,
    placed: Sequence[tuple[Ints, Ints]],
    gaps: list[NDArray[np.float64]],
) -> bool:
    """Swap row ``i``'s value with the row where that helps most. Returns whether it swapped."""
    a = int(levels[i])
    gain = np.zeros(len(levels))
    for (other, _), gap in zip(placed, gaps, strict=True):
        u, v = int(other[i]), other
        b = levels
        # Squares before minus after; nothing changes where both rows share the other's value.
        before = gap[a, u] ** 2 + gap[b, v] ** 2 + gap[a, v] ** 2 + gap[b, u] ** 2
        after = (
            (gap[a, u] - 1) ** 2
            + (gap[b, v] - 1) ** 2
            + (gap[a, v] + 1) ** 2
            + (gap[b, u] + 1) ** 2
        )
        gain += np.where(v == u, 0.0, before - after)
    gain[levels == a] = 0.0
    best = int(np.argmax(gain))
    if gain[best] <= 1e-9:
        return False
    swapped = int(levels[best])
    for (other, _), gap in zip(placed, gaps, strict=True):
        ours, theirs = int(other[i]), int(other[best])
        gap[a, ours] -= 1
        gap[swapped, theirs] -= 1
        gap[a, theirs] += 1
        gap[swapped, ours] += 1
    levels[i], levels[best] = swapped, a
    return True
