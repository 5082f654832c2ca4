"""Many cells at once, for metrics of sums: ``python -m benchmarks.trust.many``.

The study judges cells through the whole gate, some thousands of each kind. Ratios and smooth
functions of sums need no rows, so tens of thousands of independent fleets are columns of one array.
It measures the same tests, without the gate around them, with a tenth of the sampling noise:

- how often "the candidate is no worse" is rejected for two equal networks, at 5% and at the level
  that one of six required cells has (5% / 6);
- how often the lower bound is above the margin at a true loss of exactly the margin (false PASS).
"""

import argparse

import numpy as np

from benchmarks.trust.cells import MARGIN
from benchmarks.trust.data_sets import TRACKS
from benchmarks.trust.fleets import EVEN, SKEWED, UNEVEN, VERY_UNEVEN, Fleet
from benchmarks.trust.kinds import KINDS
from benchmarks.trust.report import table
from metrics.inference.figure import Figure, difference
from metrics.inference.influence import Inference
from metrics.inference.jackknife import of_sums
from metrics.inference.ratio import ratio
from metrics.tasks.metric import Metric, Smooth
from ridealong.arrays import Floats

METRICS = ("mota", "idf1", "hota")
DRIVES = (8, 12, 20, 40, 80)
ALPHA, REQUIRED = 0.05, 6
AT_ONCE = 5_000  # cells, for the memory


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cells", type=int, default=40_000, help="of each row")
    cells = options.parse_args().cells
    rows = [
        (name, fleet.name, drives, *shares(name, fleet, drives, cells))
        for name in METRICS
        for fleet in (EVEN, UNEVEN, VERY_UNEVEN, SKEWED)
        for drives in DRIVES
    ]
    heads = ("metric", "fleet", "drives", "cells", "worse at 5%", "worse at 5% / 6", "false PASS")
    text = f"Equal networks called worse, and false PASS at a true loss of the margin ({MARGIN})."
    print(table(text, heads, rows))


def shares(name: str, fleet: Fleet, drives: int, cells: int) -> tuple[str, ...]:
    """One row: cells with an interval, and the three shares."""
    known, counts = 0, np.zeros(3)
    for seed in range(cells // AT_ONCE):
        equal, lost = (inference(name, fleet, drives, loss, seed) for loss in (0.0, MARGIN))
        p = equal.p_worse()[equal.known]
        known += len(p)
        passed = np.mean(lost.lower_bound(1 - ALPHA)[lost.known] > -MARGIN) * len(p)
        counts += (p < ALPHA).sum(), (p < ALPHA / REQUIRED).sum(), passed
    return f"{known:,}", *(f"{100 * count / known:.2f}%" for count in counts)


def inference(name: str, fleet: Fleet, drives: int, lost: float, seed: int) -> Inference:
    """Of independent fleets with that true loss, one a column."""
    rng = np.random.default_rng((seed, drives, int(lost > 0)))
    drawn = KINDS[name].draw(rng, fleet, drives * AT_ONCE, lost, fleet.labels)
    (metric,) = (one for one in TRACKS.evaluation.metrics if one.name == name)
    deployed, candidate = (
        figure(metric, {key: folded(values, drives) for key, values in sums.items()})
        for sums in drawn.sums
    )
    return difference(candidate, deployed)


def folded(values: Floats, drives: int) -> Floats:
    """``(drives, fleets)`` of values one after another."""
    return np.asarray(values, np.float64).reshape(-1, drives).T


def figure(metric: Metric, sums: dict[str, Floats]) -> Figure:
    if isinstance(metric.figure, Smooth):
        return of_sums(metric.figure.value, metric.figure.weight, sums)
    assert callable(metric.figure)
    return ratio(*metric.figure(sums))


if __name__ == "__main__":
    main()
