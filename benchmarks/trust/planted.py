"""A planted loss of two margins in one class and one slice: is it named first?

It is *named first* if the first REGRESSED cell, in the order of the report, is of that class, and
is at that slice or regressed because of it. The gate requires the main metric of every class over
all drives and at night, as the shipped gate does; all other cells are watched.

A team first has a few drives and asks ``gate plan`` how many it needs. So a candidate with the loss
is judged on `PILOT` drives, and then on as many as the 90% end of the plan asks for: the number for
the cell of the planted class and slice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np

from benchmarks.trust.data_sets import DataSet
from benchmarks.trust.drawn import Drawn
from benchmarks.trust.fleets import Fleet, attributes
from metrics.gate.cells import Cell, Verdict, cells_from, surest_losses
from metrics.gate.planning import plan_gate
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict
from metrics.slices import ALL

PILOT = 40
AT = (20, 40, 60, 120)  # drives, without a plan
MOST = 1000  # drives that we draw
CLASS, ATTRIBUTE, VALUE = "pedestrian", "road", "city"
SLICE = f"{ATTRIBUTE}={VALUE}"
MARGINS = 2.0


@dataclass(frozen=True)
class Named:
    """Whether the loss is named first.

    Attributes:
        drives: On how many.
        first: Whether it is.
        alone: Whether no other class is named.
    """

    drives: int
    first: bool
    alone: bool


@dataclass(frozen=True)
class _Data:
    """Drives with the planted loss."""

    drawn: Mapping[str, Drawn]
    slices: Mapping[str, list[str]]

    def __add__(self, more: "_Data") -> "_Data":
        drawn = {name: one + more.drawn[name] for name, one in self.drawn.items()}
        slices = {name: [*own, *more.slices[name]] for name, own in self.slices.items()}
        return _Data(drawn, slices)


def named(data_set: DataSet, fleet: Fleet, drives: int, seed: tuple[int, ...]) -> Named:
    """On so many drives."""
    rng = np.random.default_rng(seed)
    return _named(data_set, _data(rng, data_set, fleet, drives))


def named_as_planned(data_set: DataSet, fleet: Fleet, seed: tuple[int, ...]) -> Named:
    """On as many drives as the plan asks for after `PILOT` of them."""
    rng = np.random.default_rng(seed)
    data = _data(rng, data_set, fleet, PILOT)
    more = _asked_for(data_set, _judged(data_set, data), PILOT)
    if more:
        data += _data(rng, data_set, fleet, more)
    return _named(data_set, data)


def _data(rng: np.random.Generator, data_set: DataSet, fleet: Fleet, drives: int) -> _Data:
    slices = attributes(rng, drives, data_set.attributes)
    margin = data_set.evaluation.margins[data_set.main.name]
    lost = np.where(np.array(slices[ATTRIBUTE]) == VALUE, MARGINS * margin, 0.0)
    return _Data(data_set.drawn(rng, fleet, drives, {CLASS: lost}), slices)


def _gate(data_set: DataSet) -> GateSpec:
    return data_set.gate(data_set.common, (ALL, SLICE))


def _judged(data_set: DataSet, data: _Data) -> RunVerdict:
    return data_set.judged(data.drawn, _gate(data_set), data.slices)


def _asked_for(data_set: DataSet, verdict: RunVerdict, drives: int) -> int:
    """More drives, at the 90% end, so that every undecided cell gets as many as it needs.

    None if the cells of the planted class are decided. If only others are, the team goes on: a
    false alarm in another class says nothing about this one.
    """
    cells = cells_from(verdict.cells)
    plan = plan_gate(verdict.verdict, cells, _gate(data_set))
    own = data_set.prediction(CLASS)
    if all(one.cell["prediction"] != own for one in plan.cells):
        return 0
    if plan.needed is None:
        return MOST
    least = min(one.cell["clusters"] for one in plan.cells)
    return min(ceil(plan.needed * drives / max(least, 1)), MOST)


def _named(data_set: DataSet, data: _Data) -> Named:
    cells = cells_from(_judged(data_set, data).cells)
    lost = in_order([cell for cell in cells if cell["verdict"] == Verdict.REGRESSED])
    own = data_set.prediction(CLASS)
    first = bool(lost) and lost[0]["prediction"] == own and SLICE in _places(lost[0])
    alone = all(cell["prediction"] == own for cell in lost)
    return Named(len(data.slices[ATTRIBUTE]), first, alone)


def in_order(lost: list[Cell]) -> list[Cell]:
    """Regressed cells as a report has them: the required ones by margins lost, then the surest."""
    required = [cell for cell in lost if cell["required"]]
    required.sort(key=lambda cell: (cell["delta"] or 0) / (cell["margin"] or 1))
    return required + surest_losses([cell for cell in lost if not cell["required"]])


def _places(cell: Cell) -> tuple[str | None, str]:
    return cell["because_of"], cell["slice"]
