"""Synthetic fleets: how drives differ in size, in difficulty and in how well each network does.

Legend: ``(D,)`` is one value a drive.
"""

from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Floats, Ints

# Of the two parts of a drive's chances: half a beta variable, or a skewed one of that deviation.
CONCENTRATION, DEVIATION = 15.0, 0.057
# A third of the drives are at night.
ATTRIBUTES = {
    "light": ("day", "day", "night"),
    "weather": ("clear", "rain", "fog"),
    "road": ("city", "highway"),
    "country": ("DE", "US", "GB", "JP"),
}


@dataclass(frozen=True)
class Fleet:
    """How drives differ.

    Attributes:
        name: For the tables.
        sigma: Sigma of the lognormal sizes; 0: all sizes are equal.
        share: Share of the drives with any label of a rare class.
        labels: Expected labels of a class in a drive of size 1 that has any.
        drives: Number of drives in a null run.
        rare: Categories in addition to the gate's, from common to very rare, in a null run.
        skewed: Whether a few drives are much harder than all others, for both networks and for
            each on its own.
    """

    name: str
    sigma: float
    share: float = 1.0
    labels: float = 20.0
    drives: int = 24
    rare: tuple[str, ...] = ()
    skewed: bool = False


EVEN = Fleet("even", 0.0)
UNEVEN = Fleet("lognormal 0.7", 0.7)
VERY_UNEVEN = Fleet("lognormal 1.0", 1.0)
RARE = Fleet("rare classes", 0.7, share=0.5, labels=5.0)
DEMO = Fleet("demo-like", 0.6, drives=28, rare=("bus", "bicycle", "motorcycle"))
SKEWED = Fleet("skewed", 0.7, skewed=True)
FLEETS = {one.name: one for one in (EVEN, UNEVEN, VERY_UNEVEN, RARE, DEMO, SKEWED)}


def sizes(rng: np.random.Generator, fleet: Fleet, drives: int) -> Floats:
    """``(D,)`` relative lengths."""
    return np.asarray(np.exp(rng.normal(0, fleet.sigma, drives)))


def labels_of(rng: np.random.Generator, fleet: Fleet, size: Floats, rate: float) -> Ints:
    """``(D,)`` labels of a class that has ``rate`` of them in a drive of size 1."""
    there = rng.random(len(size)) < fleet.share
    return np.asarray(rng.poisson(rate * size) * there, np.int64)


def effects(rng: np.random.Generator, fleet: Fleet, drives: int, deviation: float) -> Floats:
    """``(D,)`` effects of drives, with a mean of zero."""
    if fleet.skewed:
        return np.asarray(deviation * (1 - rng.exponential(1, drives)))
    return rng.normal(0, deviation, drives)


def chances(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, mean: float
) -> tuple[Floats, Floats]:
    """Each network's share of right answers: the drive's difficulty plus the network's own part."""

    def part() -> Floats:
        if fleet.skewed:
            return mean / 2 + effects(rng, fleet, drives, DEVIATION)
        return rng.beta(mean * CONCENTRATION, (1 - mean) * CONCENTRATION, drives) / 2

    shared = part()
    deployed, candidate = shared + part(), shared + part()
    return np.clip(deployed, 0.001, 0.999), np.clip(candidate - lost, 0.001, 0.999)


def attributes(
    rng: np.random.Generator, drives: int, names: tuple[str, ...]
) -> dict[str, list[str]]:
    """Each drive's values of these `ATTRIBUTES`."""
    return {name: rng.choice(ATTRIBUTES[name], drives).tolist() for name in names}
