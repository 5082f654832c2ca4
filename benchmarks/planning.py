"""How well `gate plan` predicts the drives that undecided cells still need.

Independent required cells of the fleets and metrics of `benchmarks.trust` are judged by
`metrics.gate.verdicts.judge`. For each undecided cell, as many drives are added as the plan says,
once its middle and once its end, and the cells are judged again. Half should be decided at the
middle, and 90% at the end.

The true loss of each cell varies around zero with a deviation of 0 (equal networks), of a quarter
and of half a margin. It takes one of three values, which have the first moments of a normal
distribution (Gauss-Hermite): AP50 needs a search for each loss.

Run it as ``python -m benchmarks.planning``; ``--rounds 1`` gives a quick estimate.
"""

import argparse
import itertools
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from benchmarks.trust.cells import MARGIN, gate_of, judged
from benchmarks.trust.drawn import Drawn
from benchmarks.trust.fleets import EVEN, UNEVEN, Fleet
from benchmarks.trust.kinds import KINDS, Kind
from metrics.gate.cells import Verdict
from metrics.gate.planning import plan_gate

SEED = 20261129
CELLS = 24  # required cells of a gate
FIRST = (12, 20, 40)  # drives that a plan starts from
MOST = 3000  # more drives than that are not drawn: such a cell counts as undecided
PLANNED = ("f1", "ap50")
FLEETS = (EVEN, UNEVEN)
DEVIATIONS = (0.0, 0.25, 0.5)  # of the true loss, in margins


@dataclass(frozen=True)
class Case:
    """Cells to plan for: ``CELLS`` of one kind, over ``first`` drives each."""

    fleet: int
    kind: str
    first: int
    deviation: float
    round: int

    @property
    def group(self) -> tuple[str, str, float]:
        """The row of the table: fleet, metric, deviation."""
        return FLEETS[self.fleet].name, self.kind, self.deviation

    def decided(self) -> list[tuple[int, int, bool, bool]]:
        """For each undecided cell: middle, end, and whether each of them decides it."""
        deviation = round(4 * self.deviation)
        seed = (SEED, self.fleet, PLANNED.index(self.kind), self.first, deviation, self.round)
        rng, fleet, kind = np.random.default_rng(seed), FLEETS[self.fleet], KINDS[self.kind]
        names = kind.predictions[:CELLS]
        losses = dict(zip(names, _losses(rng, self.deviation), strict=True))
        start = {name: _draw(rng, fleet, kind, losses[name], self.first) for name in names}
        gate = gate_of(kind, names)
        plan = plan_gate(Verdict.INCONCLUSIVE, list(judged(kind, start, gate).values()), gate)
        needs = {
            one.cell["prediction"]: (one.needed or MOST + 1, one.needed_at_most or MOST + 1)
            for one in plan.cells
        }
        ends = []
        for place in (0, 1):
            grown = start | {
                name: start[name] + _draw(rng, fleet, kind, losses[name], more[place])
                for name, more in needs.items()
                if more[place] <= MOST
            }
            cells = judged(kind, grown, gate)
            ends.append({n: cells[n]["verdict"] != Verdict.INCONCLUSIVE for n in needs})
        return [(*more, ends[0][name], ends[1][name]) for name, more in needs.items()]


def _losses(rng: np.random.Generator, deviation: float) -> list[float]:
    """The true loss of each cell; a negative one is a gain."""
    values = np.sqrt(3) * np.array([-1, 0, 1])
    return (rng.choice(values, CELLS, p=[1 / 6, 2 / 3, 1 / 6]) * deviation * MARGIN).tolist()


def _draw(rng: np.random.Generator, fleet: Fleet, kind: Kind, lost: float, drives: int) -> Drawn:
    """One prediction's drives; for a gain the networks change places."""
    one = kind.draw(rng, fleet, drives, abs(lost), fleet.labels)
    if lost >= 0:
        return one
    return Drawn(one.drives, one.sums[::-1], one.rows[::-1] if one.rows else None)


def measure(rounds: int, workers: int) -> dict[tuple[str, str, float], np.ndarray]:
    """The results of `Case.decided` by fleet, metric and deviation."""
    places = range(len(FLEETS))
    cases = [
        Case(*names)
        for names in itertools.product(places, PLANNED, FIRST, DEVIATIONS, range(rounds))
    ]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        results = list(pool.map(Case.decided, cases))
    found: dict[tuple[str, str, float], list[tuple[int, int, bool, bool]]] = {}
    for case, result in zip(cases, results, strict=True):
        found.setdefault(case.group, []).extend(result)
    return {group: np.array(rows) for group, rows in found.items()}


def table(found: dict[tuple[str, str, float], np.ndarray]) -> str:
    """The study as Markdown."""
    lines = [
        "Undecided required cells, planned at 12, 20 or 40 drives: the share decided after as many "
        "more drives as the plan's middle (nominally 50%) and its end (90%).",
        "",
        "| fleet | metric | deviation of the true loss, in margins | cells | median of the middles "
        "| decided | median of the ends | decided |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (fleet, kind, deviation), rows in sorted(found.items()):
        middle, end = np.median(rows[:, :2], axis=0)
        shares = rows[:, 2:].mean(axis=0)
        lines.append(
            f"| {fleet} | {kind} | {deviation:g} | {len(rows)} | {middle:.0f} | {shares[0]:.0%} "
            f"| {end:.0f} | {shares[1]:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12, help=f"gates of {CELLS} cells each")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    print(table(measure(asked.rounds, asked.workers)))


if __name__ == "__main__":
    main()
