"""Moments at random: a Poisson process over the time that a drive recorded.

Recorded is the time between two samples without a gap between them. A stop, a gap or a clock that
jumps adds nothing, so what follows one is no more likely to be drawn than any other sample.

A sample stands for the recorded time since the one before it, ``d``, and is drawn if the process
has a moment in it: with probability ``1 - exp(-d / every)``, independently of all others.
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
        probabilities: ``(N,)`` how likely each was to be drawn.
    """

    samples: Positions
    probabilities: Floats


def draw(times_ns: Positions, gap_ns: int, random: Random, drive_id: str) -> Drawn:
    """Draw among the samples of one drive.

    Args:
        times_ns: ``(N,)`` ascending, at least one.
        gap_ns: The longest step that is no gap.
        random: How often, and the seed.
        drive_id: Part of the seed: each drive has a draw of its own.
    """
    steps = np.diff(times_ns, prepend=times_ns[:1])
    # A step over more than half of all times there are comes out negative: a gap too.
    stands_for = np.where((steps >= 0) & (steps <= gap_ns), steps, 0)
    recorded = np.cumsum(stands_for).astype(np.float64)
    samples = np.array(list(_samples(recorded, random, drive_id)), np.int64)
    chances = -np.expm1(-stands_for[samples] / random.every_ns)
    return Drawn(samples, chances)


def _samples(recorded_ns: Floats, random: Random, drive_id: str) -> Iterator[int]:
    """The samples that hold a moment, at most two draws for each.

    ``recorded_ns``: the time recorded up to each sample.
    """
    # The first sample ends no recorded time: it cannot be drawn.
    moment, last, count = 0.0, 0, 0
    while True:
        share = fraction_of(f"random:{random.seed}:{drive_id}:{count}")
        moment, count = moment - math.log1p(-share) * random.every_ns, count + 1
        if moment > recorded_ns[-1]:
            return
        sample = int(np.searchsorted(recorded_ns, moment))
        if sample == last:
            # A Poisson process has no memory: it may as well go on from this sample's end. Else a
            # long step would be drawn from without end.
            moment = float(recorded_ns[sample])
        else:
            yield sample
        last = sample
