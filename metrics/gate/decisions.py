"""The three states, cell by cell: whether it passes, whether it regressed, what would decide it.

With delta the improvement, ``margin`` the loss that is still none, and G independent drives:

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
from metrics.gate.evidence import task_of
from metrics.gate.spec import GateSpec
from metrics.inference.influence import Bools, Floats, Inference, Ints
from metrics.inference.multiplicity import benjamini_hochberg, hierarchical_holm
from metrics.inference.planning import FEWEST, MOST, clusters_needed


@dataclass(frozen=True)
class Decisions:
    """What was decided about C cells; NaN where unknown.

    Attributes:
        required, margin: From the gate.
        low, high: The interval.
        bound: One-sided lower bound.
        p, adjusted: Of the test "delta is zero or more", before and after correction.
        passed, rejected, better: Outcomes; ``rejected`` is significantly worse.
        needed: More drives to decide; 0 where decided, `MOST` where none would.
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

    @property
    def regressed(self) -> Bools:
        """Not passed, and significantly worse."""
        return self.rejected & ~self.passed


def decide(cells: Estimates, gate: GateSpec) -> Decisions:
    """Hold every cell against the gate."""
    required, margin = _from_gate(cells, gate)
    delta = cells.delta
    known = np.isfinite(delta.estimate) & np.isfinite(delta.se)
    testable = known & (delta.clusters >= gate.min_clusters)
    p = np.where(testable, delta.p_worse(), np.nan)
    adjusted = _adjusted(p, testable, required, cells)
    bound = delta.lower_bound(1 - gate.alpha)
    passed = testable & (bound > -margin) & (cells.unpaired == 0)
    rejected = testable & (adjusted <= np.where(required, gate.alpha, gate.watched.fdr))
    low, high = delta.interval(gate.level)
    needed = np.where(known | (delta.clusters < FEWEST), _more(delta, margin, required, gate), MOST)
    needed = np.where(cells.unpaired == 0, needed, MOST)
    better = _better(delta, testable, gate)
    return Decisions(
        required, margin, low, high, bound, p, adjusted, passed, rejected, better,
        np.where(passed | rejected, 0, needed),
    )  # fmt: skip


def _from_gate(cells: Estimates, gate: GateSpec) -> tuple[Bools, Floats]:
    """Which cells are required, and all margins; NaN where none is set."""
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


def _more(delta: Inference, margin: Floats, required: Bools, gate: GateSpec) -> Ints:
    """More drives until a verdict, should the truth be as measured (but no gain taken for granted).

    Either verdict will do: PASS, for which the truth must be told from ``-margin``, or REGRESSED,
    for which it must be told from zero.
    """
    cells = max(len(gate.required), 1)
    loss = np.minimum(delta.estimate, 0.0)
    power = 1 - gate.beta / np.where(required, cells, 1)
    alpha = np.where(required, gate.alpha / cells, gate.watched.fdr)
    se, clusters = delta.se, delta.clusters
    to_pass = clusters_needed(se, clusters, margin + loss, alpha=gate.alpha, power=power)
    # What passes already but for the number of drives needs no more than those.
    to_pass = np.where(delta.lower_bound(1 - gate.alpha) > -margin, FEWEST, to_pass)
    to_regress = clusters_needed(se, clusters, -loss, alpha=alpha, power=1 - gate.beta)
    # With one drive there is no standard error: the least that could decide stands for the rest.
    needed = np.where(clusters < FEWEST, gate.min_clusters, np.minimum(to_pass, to_regress))
    more = np.maximum(np.maximum(needed, gate.min_clusters) - clusters, 1)
    return np.where(needed >= MOST, MOST, more)
