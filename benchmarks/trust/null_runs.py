"""Null runs: two equal networks are judged over all cells and slices of a gate."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.trust import replayed
from benchmarks.trust.data_sets import DataSet
from benchmarks.trust.fleets import ATTRIBUTES, Fleet, attributes
from benchmarks.trust.tables import Tables
from metrics.gate.cells import Verdict, cells_from
from metrics.gate.spec import load_gate
from metrics.gate.verdicts import RunVerdict

shipped_gate = cache(load_gate)


@dataclass(frozen=True)
class Alarms:
    """What is called worse or better, although nothing is.

    Attributes:
        required: Whether a required cell is REGRESSED.
        watched: Whether a watched cell is, or alerts.
        better: Whether any cell is better.
    """

    required: bool
    watched: bool
    better: bool


def replayed_run(fleet: Fleet, seed: tuple[int, ...]) -> Alarms:
    """Under the shipped gate."""
    rng, gate, tables = np.random.default_rng(seed), shipped_gate(), Tables(fleet.drives)
    names = {cell.prediction for cell in gate.required}
    names |= {f"objects/{kind}@{c}" for kind in fleet.rare for c in ("main", "narrow", "rear")}
    for name in sorted(names):
        rarity = 0.1 if any(kind in name for kind in fleet.rare) else 1.0
        for metric, drawn in replayed.all_metrics(rng, fleet, name, rarity).items():
            tables.add(name, (metric,), drawn)
    return alarms(tables.judged(gate, attributes(rng, fleet.drives, tuple(ATTRIBUTES))))


def data_set_run(data_set: DataSet, fleet: Fleet, seed: tuple[int, ...]) -> Alarms:
    """Under the gate that two result files get by default."""
    rng = np.random.default_rng(seed)
    drawn = data_set.drawn(rng, fleet, fleet.drives)
    slices = attributes(rng, fleet.drives, data_set.attributes)
    return alarms(data_set.judged(drawn, data_set.gate(), slices))


def alarms(verdict: RunVerdict) -> Alarms:
    cells = cells_from(verdict.cells)
    lost = [cell for cell in cells if cell["verdict"] == Verdict.REGRESSED]
    return Alarms(
        any(cell["required"] for cell in lost),
        any(cell["alert"] or not cell["required"] for cell in lost),
        any(cell["better"] for cell in cells),
    )
