"""Random moments: a Poisson process over the recorded time of a drive.

Recorded time is the time between two samples without a gap between them. A stop, a gap or a clock
that jumps adds nothing, so the sample after it is not more likely to be drawn than any other.

A sample represents the recorded time ``d`` since the sample before it. It is drawn if the process
has a moment in this time: with probability ``1 - exp(-d / every)``, independently of all others.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ingest.triggers.firing import fraction_of
from ingest.triggers.grid import Positions
from ingest.triggers.spec import Random
from ridealong.arrays import Floats


@dataclass(frozen=True)
class Drawn:
    """The samples that were drawn.

    Attributes:
        samples: ``(N,)`` their numbers in the drive, ascending.
        probabilities: ``(N,)`` probability that each was drawn.
    """

    samples: Positions
    probabilities: Floats


def sample_moments(times_ns: Positions, gap_ns: int, random: Random, drive_id: str) -> Drawn:
    """Draw among the samples of one drive.

    Args:
        times_ns: ``(N,)`` ascending, at least one.
        gap_ns: The longest step that is not a gap.
        random: The mean interval, and the seed.
        drive_id: Part of the seed, so that each drive has a separate draw.
    """
    steps = np.diff(times_ns, prepend=times_ns[:1])
    # A step of more than half of the int64 range overflows to a negative number: a gap too.
    stands_for = np.where((steps >= 0) & (steps <= gap_ns), steps, 0)
    recorded = np.cumsum(stands_for).astype(np.float64)
    samples = np.array(list(_samples(recorded, random, drive_id)), np.int64)
    chances = -np.expm1(-stands_for[samples] / random.every_ns)
    return Drawn(samples, chances)


def _samples(recorded_ns: Floats, random: Random, drive_id: str) -> Iterator[int]:
    """The samples with a moment, with at most two draws for each.

    ``recorded_ns``: the time recorded up to each sample.
    """
    # The first sample has no recorded time before it, so it cannot be drawn.
    moment, last, count = 0.0, 0, 0
    while True:
        share = fraction_of(f"random:{random.seed}:{drive_id}:{count}")
        moment, count = moment - math.log1p(-share) * random.every_ns, count + 1
        if moment > recorded_ns[-1]:
            return
        sample = int(np.searchsorted(recorded_ns, moment))
        if sample == last:
            # A Poisson process has no memory, so it may continue from this sample's end. Otherwise
            # a long step would need endless draws.
            moment = float(recorded_ns[sample])
        else:
            yield sample
        last = sample
