"""How many more drives the required cells of a run need, from its cells alone.

A cell's numbers count drives with something to judge on the cell's slice. The middle is the number
that half of such cells stay below. The end is the number that all but a share of `GateSpec.beta`
stay below. For the whole gate every required cell must be decided, so beta is divided by their
number (arXiv 2402.11609), and the neediest cell counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.gate.cells import Cell, Verdict
from metrics.gate.evidence.catalog import COMPARABLE
from metrics.gate.spec import GateSpec
from metrics.inference.influence import Inference, student_quantile
from metrics.inference.planning import MOST, Borders, clusters_to_add

HALF = 0.5
DRIVES = "drives"  # the scope of a cell over drives


@dataclass(frozen=True)
class PlannedCell:
    """A required cell that is undecided, and how many more drives it needs; None: no number does.

    Attributes:
        cell: The cell.
        needed: Half of such cells need fewer.
        needed_at_most: All but a share of `GateSpec.beta` of such cells need fewer.
    """

    cell: Cell
    needed: int | None
    needed_at_most: int | None


@dataclass(frozen=True)
class GatePlan:
    """What a run needs so that its gate decides.

    Attributes:
        verdict: What the gate says now.
        cells: The undecided required cells, the neediest last.
        chance: With which all required cells are decided after ``needed`` more drives.
        needed: More drives for each undecided cell; None if no number decides them all.
    """

    verdict: Verdict
    cells: Sequence[PlannedCell]
    chance: float
    needed: int | None

    @property
    def decided(self) -> bool:
        """Whether the gate has decided: nothing is needed."""
        return self.verdict != Verdict.INCONCLUSIVE


def plan_gate(verdict: Verdict, cells: Sequence[Cell], gate: GateSpec) -> GatePlan:
    """Plan the drives for the required cells that are undecided.

    Args:
        verdict: The run's verdict by the gate.
        cells: The run's cells, as the gate judged them.
        gate: The gate.
    """
    required = [cell for cell in cells if cell["required"]]
    undecided = [cell for cell in required if cell["verdict"] == Verdict.INCONCLUSIVE]
    share = gate.beta / max(len(required), 1)
    middle, end, whole = (
        _more_drives(undecided, gate, chance) for chance in (HALF, 1 - gate.beta, 1 - share)
    )
    planned = map(PlannedCell, undecided, middle, end)
    known = [count for count in whole if count is not None]
    all_known = known and len(known) == len(undecided)
    return GatePlan(
        verdict, sorted(planned, key=_order), 1 - gate.beta, max(known) if all_known else None
    )


def _order(one: PlannedCell) -> tuple[int, str, str, str]:
    cell = one.cell
    most = MOST if one.needed_at_most is None else one.needed_at_most
    return most, cell["prediction"], cell["metric"], cell["slice"]


def _more_drives(cells: Sequence[Cell], gate: GateSpec, chance: float) -> list[int | None]:
    margin = np.array([np.nan if c["margin"] is None else c["margin"] for c in cells], np.float64)
    borders = Borders(margin, gate.alpha, np.full(len(cells), gate.alpha / len(gate.required)))
    more = clusters_to_add(_inference(cells), borders, gate.min_clusters, chance).tolist()
    return [
        count if _plannable(cell) and count < MOST else None
        for cell, count in zip(cells, more, strict=True)
    ]


def _plannable(cell: Cell) -> bool:
    """Whether only drives are missing: neither scores, nor any drive but one."""
    whole = cell["reference"] in COMPARABLE and not cell["clips_unpaired"]
    return whole and of_drives(cell)


def of_drives(cell: Cell) -> bool:
    """Whether a cell speaks of drives; blocks of one drive say nothing about others."""
    return cell["scope"] in (None, DRIVES)


def _inference(cells: Sequence[Cell]) -> Inference:
    """The inference behind cells: their standard error is that of their interval."""
    names = ("delta", "low", "high", "level", "clusters_effective")
    columns = [[cell[name] for cell in cells] for name in names]  # type: ignore[literal-required]
    delta, low, high, level, effective = np.array(columns, np.float64).reshape(5, -1)
    half = student_quantile((1 + level) / 2, effective - 1)
    se = np.divide(high - low, 2 * half, out=np.full(len(cells), np.nan), where=half > 0)
    clusters = np.array([cell["clusters"] for cell in cells], np.int64)
    return Inference(delta, se, clusters, effective)
