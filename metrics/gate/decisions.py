"""The verdict of each cell, and how many more drives would decide it.

Delta is the improvement, and ``margin`` is the largest loss that we accept.

- PASS: at least `GateSpec.min_clusters` drives, both networks scored on the same clips, and the
  one-sided ``1 - alpha`` lower bound of delta is above ``-margin``.
- REGRESSED: enough drives, not PASS, and "delta is zero or more" is rejected: for required cells
  at ``alpha`` after the hierarchical Holm correction over all that can be tested, for watched ones
  at their false-discovery rate.
- INCONCLUSIVE: everything else.
"""

from dataclasses import dataclass

import numpy as np

from metrics.gate.estimates import Estimates
from metrics.gate.spec import GateSpec
from metrics.inference.figure import rounding
from metrics.inference.influence import Inference
from metrics.inference.multiplicity import benjamini_hochberg, hierarchical_holm
from metrics.inference.planning import MOST, Borders, clusters_to_add
from metrics.tasks.prediction import task_of
from ridealong.arrays import Bools, Floats, Ints

HALF = 0.5  # of such cells need fewer drives than the reported number


@dataclass(frozen=True)
class Decisions:
    """The decisions on C cells; NaN where unknown.

    Attributes:
        required, margin: From the gate.
        low, high: The interval.
        bound: One-sided lower bound.
        p, adjusted: Of the test "delta is zero or more", before and after correction.
        passed, rejected, better: Outcomes; ``rejected`` is significantly worse.
        needed: How many more drives would decide it: half of such cells need fewer. 0 if decided,
            `MOST` if no number would.
        needed_at_most: The same, but only a share of `GateSpec.beta` of such cells needs more.
    """

    required: Bools
    margin: Floats
    low: Floats
    high: Floats
    bound: Floats
    p: Floats
    adjusted: Floats
    passed: Bools
    rejected: Bools
    better: Bools
    needed: Ints
    needed_at_most: Ints

    @property
    def regressed(self) -> Bools:
        """Not passed, and significantly worse."""
        return self.rejected & ~self.passed


def decide(cells: Estimates, gate: GateSpec) -> Decisions:
    """Compare every cell with the gate."""
    required, margin = _from_gate(cells, gate)
    delta = cells.delta
    testable = delta.known & (delta.clusters >= gate.min_clusters)
    p = np.where(testable, delta.p_worse(), np.nan)
    adjusted = _adjusted(p, testable, required, cells)
    bound = delta.lower_bound(1 - gate.alpha)
    # A loss of exactly the margin, apart from rounding, is not above it.
    above = bound + margin > rounding(cells.deployed, cells.candidate)
    passed = testable & above & (cells.unpaired == 0)
    rejected = testable & (adjusted <= np.where(required, gate.alpha, gate.watched.fdr))
    low, high = delta.interval(gate.level)
    open_cells = ~(passed | rejected) & (cells.unpaired == 0)
    needed, at_most = (
        np.where(passed | rejected, 0, _more(delta, margin, required, open_cells, gate, chance))
        for chance in (HALF, 1 - gate.beta)
    )
    better = _better(delta, testable, gate)
    return Decisions(
        required, margin, low, high, bound, p, adjusted, passed, rejected, better, needed, at_most
    )


def _from_gate(cells: Estimates, gate: GateSpec) -> tuple[Bools, Floats]:
    """Which cells are required, and all margins; NaN if none is set."""
    by_key = {cell.key: cell for cell in gate.required}
    specs = [
        by_key.get(name[:3]) if compared else None
        for name, compared in zip(cells.names, cells.compared, strict=True)
    ]
    margins = [gate.margin_of(name[1], spec) for name, spec in zip(cells.names, specs, strict=True)]
    required = np.array([spec is not None for spec in specs], np.bool_)
    return required, np.array([np.nan if m is None else m for m in margins], np.float64)


def _adjusted(p: Floats, testable: Bools, required: Bools, cells: Estimates) -> Floats:
    adjusted = np.full(p.shape, np.nan)
    gated = np.flatnonzero(testable & required)
    tasks = [task_of(cells.names[index][0]) for index in gated]
    adjusted[gated] = hierarchical_holm(p[gated], tasks)
    watched = testable & ~required
    adjusted[watched] = benjamini_hochberg(p[watched])
    return adjusted


def _better(delta: Inference, testable: Bools, gate: GateSpec) -> Bools:
    better = np.zeros(testable.shape, np.bool_)
    better[testable] = benjamini_hochberg(delta.p_better()[testable]) <= gate.watched.fdr
    return better


def _more(
    delta: Inference,
    margin: Floats,
    required: Bools,
    open_cells: Bools,
    gate: GateSpec,
    chance: float,
) -> Ints:
    """How many more drives give a verdict with that chance; `MOST` if none do."""
    # The share of the level that a cell has if no other cell is rejected.
    watched = max(int(np.count_nonzero(~required & delta.known)), 1)
    alpha = np.where(required, gate.alpha / len(gate.required), gate.watched.fdr / watched)
    more = np.full(delta.clusters.shape, MOST)
    some = np.flatnonzero(open_cells)
    borders = Borders(margin[some], gate.alpha, alpha[some])
    more[some] = clusters_to_add(delta.take(some), borders, gate.min_clusters, chance)
    return more
