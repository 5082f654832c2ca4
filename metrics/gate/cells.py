"""Cells of a run as rows: one prediction, metric and slice, its values and its verdict."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypedDict, cast

import pyarrow as pa


class Verdict(StrEnum):
    """The verdict on the candidate: of a cell, or of a run."""

    PASS = "PASS"  # not worse by more than the margin
    REGRESSED = "REGRESSED"  # worse
    INCONCLUSIVE = "INCONCLUSIVE"  # not enough is known


# The order in which cells are shown: the worst verdict first.
RANKS = {Verdict.REGRESSED: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}


class Cell(TypedDict):
    """A row of `metrics.gate.schemas.CELLS`, which explains the columns; None is unknown."""

    prediction: str
    metric: str
    slice: str
    deployed: float | None
    candidate: float | None
    delta: float | None
    low: float | None
    high: float | None
    level: float | None
    margin: float | None
    clips: int
    clusters: int
    clusters_effective: float | None
    reference: str | None
    required: bool
    verdict: Verdict
    reason: str
    bound: float | None
    p_value: float | None
    p_adjusted: float | None
    worse_within_margin: bool
    better: bool
    alert: bool
    drives_needed: int | None
    clips_unpaired: int
    worse_than_baseline: bool | None
    because_of: str | None
    scope: str | None


class JudgedCell(Cell):
    """A cell with additional values that its reason needs and no table stores."""

    drives_needed_at_most: int | None
    clips_dropped: int


def cells_from(rows: pa.Table) -> list[Cell]:
    """Rows of `metrics.gate.schemas.CELLS` as cells."""
    return [cast(Cell, row | {"verdict": Verdict(row["verdict"])}) for row in rows.to_pylist()]


def surest_losses(cells: Sequence[Cell]) -> list[Cell]:
    """The cells with a loss, the surest first: by the smallest p-value.

    Cells without a p-value come last. If p-values are equal, the largest loss comes first.
    """
    return sorted((cell for cell in cells if (cell["delta"] or 0) < 0), key=_loss_order)


def surest_gains(cells: Sequence[Cell]) -> list[Cell]:
    """The cells with a gain, the surest first: by the largest `p_value`."""
    return sorted((cell for cell in cells if (cell["delta"] or 0) > 0), key=_gain_order)


def _loss_order(cell: Cell) -> tuple[float, float, str, str]:
    p, delta = cell["p_value"], cell["delta"] or 0.0
    return (2.0 if p is None else p), delta, cell["prediction"], cell["slice"]


def _gain_order(cell: Cell) -> tuple[float, float, str, str]:
    p, delta = cell["p_value"], cell["delta"] or 0.0
    return (2.0 if p is None else 1 - p), -delta, cell["prediction"], cell["slice"]
