"""Cells judged one by one: coverage, false passes, power."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.trust.drawn import Drawn
from benchmarks.trust.fleets import Fleet
from benchmarks.trust.kinds import Kind
from benchmarks.trust.tables import Tables
from metrics.gate.cells import Cell, Verdict, cells_from
from metrics.gate.spec import GateSpec

MARGIN = 0.03
ALPHA = 0.05


@dataclass(frozen=True)
class Outcome:
    """The result of one cell.

    Attributes:
        effective: Effective drives.
        counted: Whether there were enough drives to decide it.
        covered: Whether the interval has the true difference.
        passed: Whether it is PASS.
        regressed: Whether it is REGRESSED, without correction for other cells.
    """

    effective: float
    counted: bool
    covered: bool
    passed: bool
    regressed: bool


def outcomes(
    fleet: Fleet, kind: Kind, drives: int, lost: float, seed: tuple[int, ...]
) -> list[Outcome]:
    """Independent cells with a true loss of ``lost``."""
    rng = np.random.default_rng(seed)
    drawn = {name: kind.draw(rng, fleet, drives, lost, fleet.labels) for name in kind.predictions}
    gate = gate_of(kind, kind.predictions[:1])
    return [_outcome(cell, lost) for cell in judged(kind, drawn, gate).values()]


def gate_of(kind: Kind, required: Sequence[str]) -> GateSpec:
    """These predictions are required, and the others watched; over all drives."""
    gate = {
        "required": [{"prediction": name, "metric": kind.metric} for name in required],
        "margins": {kind.metric: MARGIN},
        "watched": {"by": [], "metrics": [kind.metric]},
    }
    return GateSpec.model_validate(gate)


def judged(kind: Kind, drawn: Mapping[str, Drawn], gate: GateSpec) -> dict[str, Cell]:
    """The cells, by prediction; each has separate drives."""
    tables = Tables(max(one.drives for one in drawn.values()), kind.judging)
    for name, one in drawn.items():
        tables.add(name, (kind.metric,), one)
    return {cell["prediction"]: cell for cell in cells_from(tables.judged(gate, {}).cells)}


def _outcome(cell: Cell, lost: float) -> Outcome:
    low, high, p = cell["low"], cell["high"], cell["p_value"]
    return Outcome(
        cell["clusters_effective"] or 0.0,
        p is not None,
        low is not None and high is not None and low <= -lost <= high,
        cell["verdict"] == Verdict.PASS,
        cell["verdict"] != Verdict.PASS and p is not None and p <= ALPHA,
    )
