"""What two networks did on drives in one prediction: sums per drive, and rows of detections."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.trust.fleets import Fleet
from ridealong.arrays import Floats, Ints

Statistics = Mapping[str, Floats | Ints]  # (D,) each


@dataclass(frozen=True)
class Rows:
    """One network's detections, in any order.

    Attributes:
        drive: ``(n,)``.
        score: ``(n,)``.
        hits: ``(n,)`` bit k: it found a label at the k-th level of matching.
        errors: ``(n, E)``; NaN where there is none.
    """

    drive: Ints
    score: Floats
    hits: Ints
    errors: Floats | None = None

    def moved(self, drives: int) -> "Rows":
        """The same, on drives that come so much later."""
        return Rows(self.drive + drives, self.score, self.hits, self.errors)

    def __add__(self, more: "Rows") -> "Rows":
        errors = None
        if self.errors is not None and more.errors is not None:
            errors = np.concatenate([self.errors, more.errors])
        return Rows(
            np.append(self.drive, more.drive),
            np.append(self.score, more.score),
            np.append(self.hits, more.hits),
            errors,
        )


@dataclass(frozen=True)
class Drawn:
    """Both networks, the deployed one first.

    Attributes:
        drives: D.
        sums: Of each network, by the statistic's name.
        rows: Of each network; None if no metric needs rows.
    """

    drives: int
    sums: tuple[Statistics, Statistics]
    rows: tuple[Rows, Rows] | None = None

    def __add__(self, more: "Drawn") -> "Drawn":
        """These drives, and then the others."""
        deployed, candidate = (_appended(*pair) for pair in zip(self.sums, more.sums, strict=True))
        rows = None
        if self.rows and more.rows:
            moved = [own.moved(self.drives) for own in more.rows]
            rows = (self.rows[0] + moved[0], self.rows[1] + moved[1])
        return Drawn(self.drives + more.drives, (deployed, candidate), rows)


def _appended(first: Statistics, more: Statistics) -> Statistics:
    return {name: np.append(values, more[name]) for name, values in first.items()}


# (rng, fleet, drives, the candidate's true loss (a number, or one a drive), labels of a drive of
# size 1) -> what they did
Draw = Callable[[np.random.Generator, Fleet, int, Floats | float, float], Drawn]
