"""The charts of the page Compare, as numbers and texts that a component or markup draws.

The colour of a check is its effect: delta in margins, in seven steps. How sure it is has no colour:
INCONCLUSIVE is hatched, and each verdict has its mark. A sign beside the mark says whether the
effect is a gain or a loss, so the grid reads in grey too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dashboard.compare.queries import Change, Check, Grid
from dashboard.text import number
from dashboard.theme import MARKS
from metrics.gate.cells import Cell, Verdict
from ridealong.terminal.readable import decimals_known

STEPS = (-2.0, -1.0, -0.25, 0.25, 1.0, 2.0)  # in margins: where one colour ends
NEUTRAL = 3  # the step around no change
CHANGE_MARKS = {Change.NEW: "▼", Change.STILL: "▽", Change.FIXED: "▲", Change.OTHER: "△"}
REQUIRED, DIMMED = 1, 2  # flags of a check in the grid
MOST_MARGINS = 6.0  # intervals are cut beyond


def step_of(margins: float | None) -> int | None:
    """The step of the colour of an effect; None if it is unknown."""
    return None if margins is None else sum(margins >= end for end in STEPS)


def sign_of(margins: float | None) -> str:
    """Whether the effect is a gain or a loss; nothing if it is small."""
    step = step_of(margins)
    if step is None or step == NEUTRAL:
        return ""
    return "+" if step > NEUTRAL else "−"


def step_names() -> list[str]:
    """Each step of the colour in words, from a loss to a gain, in margins."""
    ends = [f"{end:+g}".replace("-", "−") for end in STEPS]
    inner = [f"{low} to {high}" for low, high in pairwise(ends)]
    return [f"below {ends[0]}", *inner, f"{ends[-1]} and above"]


def grid_data(grid: Grid, link: str, units: Sequence[str]) -> dict[str, Any]:
    """What the grid's component draws; compact, because it travels at every change of a filter.

    Args:
        grid: The page of the grid.
        link: The address of a check, without its prediction, metric and slice.
        units: For each row, its metric's direction and unit in words.
    """
    return {
        "rows": [
            [row.prediction, row.metric, row.required, unit]
            for row, unit in zip(grid.rows, units, strict=True)
        ],
        "slices": list(grid.slices),
        "checks": [_drawn(check) for check in grid.checks],
        "link": link,
        "verdicts": list(Verdict),
        "marks": [MARKS[verdict] for verdict in Verdict],
        "changes": [[change, CHANGE_MARKS[change]] for change in Change],
    }


def _drawn(check: Check) -> list[Any]:
    """One check: row, column, verdict, step, sign, delta, delta in margins, flags, change."""
    decimals = decimals_known(check.low, check.high, check.delta)
    step = step_of(check.margins)
    return [
        check.row,
        check.column,
        list(Verdict).index(Verdict(check.verdict)),
        -1 if step is None else step,
        "" if check.verdict == Verdict.REGRESSED else sign_of(check.margins),
        number(check.delta, decimals, sign=True),
        None if check.margins is None else number(check.margins, 1, sign=True),
        REQUIRED * check.required + DIMMED * (not check.matches),
        -1 if check.change is None else list(Change).index(Change(check.change)),
    ]


@dataclass(frozen=True)
class Scale:
    """What part of delta's axis the intervals of one prediction show.

    Attributes:
        low, high: Its ends, in the unit of the metric; intervals are cut there.
    """

    low: float
    high: float

    def percent(self, value: float) -> float:
        """Where a value is, in percent of the axis; at an end if it is beyond."""
        inside = min(max(value, self.low), self.high)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)

    def beyond(self, value: float) -> bool:
        """Whether a value is beyond the axis."""
        return not self.low <= value <= self.high


def scale_of(cells: Sequence[Cell], chosen: Cell) -> Scale:
    """An axis for the intervals of these cells: 0, −margin and the chosen one are on it.

    The far ends of others may not be: an interval over few drives would make all others tiny.
    """
    margins = [cell["margin"] for cell in cells if cell["margin"]]
    ends = [
        value
        for cell in cells
        for value in (cell["low"], cell["high"], cell["delta"])
        if value is not None
    ]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    if margins:
        most = MOST_MARGINS * max(margins)
        own = [chosen[name] or 0.0 for name in ("low", "high", "delta")]
        low, high = max(low, min(-most, *own)), min(high, max(most, *own))
        low = min(low, -1.2 * max(margins))
    room = 0.05 * (high - low) or 1.0
    return Scale(low - room, high + room)
