"""Finds triggers that lack signals, or whose windows are too short for a drive's samples.

``held(Vehicle.Speed > 50, '10 s')`` needs ten seconds without a gap and without a null. A log that
stores only changes, or one message per row, hardly has such seconds, and unknown never fires. The
trigger is not at fault, so ingest reports it.

Only recorded signals count. If a signal is null over most of the drive (a time to collision without
a vehicle ahead), this is not a problem of the recording.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ingest.triggers.applicable import applicable
from ingest.triggers.grid import Grid, Positions, make_grid, samples_at
from ingest.triggers.lowering import Sliding
from ingest.triggers.plans import Plan, plan_of, texts_of
from ingest.triggers.readings import Readings
from ingest.triggers.separable import Judge
from ingest.triggers.spec import TriggerSpec
from ridealong.arrays import Bools
from ridealong.expressions.nodes import And, Node, Not, Or, Timed, Window, children, variables
from ridealong.terminal.readable import counted
from ridealong.units import NS_PER_S

THERE = 0.5  # a signal is recorded if it has values over this share of a drive
ENOUGH = 0.5  # a window is reported if it is complete over less than this share of a drive
WHOLE = (Window.HELD, Window.ANY, Window.AVERAGE, Window.LEAST, Window.GREATEST, Window.COUNT)
JOINED = (Or, Not, Timed)  # their parts are checked
HINT = "resample the log to an even rate (docs/triggers.md, Sparse signals)"


@dataclass(frozen=True)
class BlindSpot:
    """Signals of which a trigger sees too little on a drive.

    Attributes:
        trigger: Its name.
        signals: The signals.
        why: The usual distance of values and the allowed gap, or what else is missing.
    """

    trigger: str
    signals: tuple[str, ...]
    why: str


def blind_spots(
    telemetry: pa.Table, drives: pa.Table, triggers: Sequence[TriggerSpec]
) -> list[BlindSpot]:
    """At most one for each trigger that applies to the drive.

    Args:
        telemetry: As for `evaluate`, of one drive.
        drives: The drive's row.
        triggers: The triggers that were evaluated on it.
    """
    if telemetry.num_rows < 2 or not triggers:
        return []
    view = _View(make_grid(telemetry))
    first = (next(view.spots(trigger), None) for trigger in triggers if trigger.when is not None)
    found = [spot for spot in first if spot is not None]
    passes = applicable(drives, [t for t in triggers if t.name in {spot.trigger for spot in found}])
    return [spot for spot in found if passes[spot.trigger].all()]


def blind_lines(spots: Iterable[BlindSpot]) -> tuple[str, ...]:
    """One line per trigger and signals: the first reason, and the number of drives."""
    groups: dict[tuple[str, tuple[str, ...]], list[BlindSpot]] = {}
    for spot in spots:
        groups.setdefault((spot.trigger, spot.signals), []).append(spot)
    return tuple(
        f"trigger {trigger} has too few values of {' and '.join(signals)} on "
        f"{counted(len(those), 'drive')}: {those[0].why}; {HINT}"
        for (trigger, signals), those in groups.items()
    )


def unrecorded(
    telemetry: pa.Table, triggers: Sequence[TriggerSpec]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Triggers that read signals without any value on a drive, with these signals."""
    there = {name for name in telemetry.column_names if telemetry[name].null_count < len(telemetry)}
    missing = ((trigger.name, trigger.signals - there) for trigger in triggers)
    return tuple((name, tuple(sorted(signals))) for name, signals in missing if signals)


class _View:
    """One drive and its samples."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.times_ns = grid.timestamps_ns
        self.gap_ns = grid.gap_ns(0)
        self.samples = samples_at(grid, np.arange(grid.rows))
        self._there: dict[str, bool] = {}

    def spots(self, trigger: TriggerSpec) -> Iterator[BlindSpot]:
        """Its blind spots, windows first."""
        if not self._may_be_blind(trigger):
            return
        plan = plan_of((texts_of(trigger),))
        (condition,) = plan.conditions
        judge = Judge(self.grid, self.samples, Readings(self.grid, plan.columns).rows)
        for window in (*plan.columns.values(), *_conditions(condition.when)):
            if isinstance(window, Sliding | Timed) and window.window in WHOLE:
                yield from self._window(trigger, plan, window, judge)
        for node in _conditions(condition.when):
            if isinstance(node, And):
                known = [judge.truth(part) != 0 for part in node.operands]
                seen = np.logical_and.reduce(known).any()
                what = "the parts on both sides of 'and'"
            else:
                seen = isinstance(node, JOINED) or judge.truth(node).any()
                what = "what it compares"
            if not seen:
                yield from self._spot(trigger, plan, node, f"{what} is known at no sample")

    def _window(
        self, trigger: TriggerSpec, plan: Plan, window: Sliding | Timed, judge: Judge
    ) -> Iterator[BlindSpot]:
        """A window that is rarely complete."""
        length_ns = window.duration_ns
        if length_ns is None or self.times_ns[-1] - self.times_ns[0] < length_ns:
            return  # the drive is shorter than the window
        every = np.ones(self.grid.rows, bool)
        share = self._whole(every, length_ns)
        if share < ENOUGH:
            usual, most = _seconds(self._usual_ns()), _seconds(self.gap_ns)
            what = f"samples are usually {usual} apart (over {most} is a gap)"
        elif window.window is Window.HELD:
            known = judge.truth(window.operand) != 0
            share = self._whole(known, length_ns)
            what = f"it is null at {np.mean(~known):.0%} of the samples"
        if share < ENOUGH:
            why = (
                f"{what}, so {_seconds(length_ns)} in a row are known over {share:.0%} of the drive"
            )
            yield from self._spot(trigger, plan, window.operand, why)

    def _spot(self, trigger: TriggerSpec, plan: Plan, node: Node, why: str) -> Iterator[BlindSpot]:
        signals = _signals(plan, node)
        if signals:
            yield BlindSpot(trigger.name, signals, why)

    def _may_be_blind(self, trigger: TriggerSpec) -> bool:
        """Whether something is missing although all signals that it reads are recorded."""
        table = self.grid.telemetry
        if not trigger.signals <= set(table.column_names):
            return False
        nulls = any(table[name].null_count for name in trigger.signals)
        missing = nulls or bool(self.samples.gaps[1:].any())
        return missing and all(map(self._is_there, trigger.signals))

    def _is_there(self, signal: str) -> bool:
        if signal not in self._there:
            self._there[signal] = self._covered(self._known(signal)) >= THERE
        return self._there[signal]

    def _known(self, signal: str) -> Bools:
        return np.asarray(self.grid.telemetry[signal].is_valid().to_numpy(), bool)

    def _covered(self, known: Bools) -> float:
        """Share of the drive between values at an even rate, or in consecutive rows."""
        rows = np.flatnonzero(known)
        if len(rows) < 3:
            return 0.0
        steps = np.diff(self.times_ns[rows])
        even = (steps <= 2.5 * np.median(steps)) | (np.diff(rows) == 1)
        return float(steps[even].sum() / (self.times_ns[-1] - self.times_ns[0]))

    def _whole(self, known: Bools, length_ns: int) -> float:
        """Share of the drive in runs, without gap, of known samples as long as a window.

        No gap counts for more than the window: a stop for a night is not sparse.
        """
        steps = np.diff(self.times_ns)
        goes_on = known[1:] & known[:-1] & ~self.samples.gaps[1:]
        run = np.cumsum(~goes_on)
        lengths = np.bincount(run, weights=np.where(goes_on, steps, 0))
        whole = lengths[lengths >= length_ns].sum()
        return float(whole / np.where(goes_on, steps, np.minimum(steps, length_ns)).sum())

    def _usual_ns(self) -> int:
        """The usual step between values, weighted by time."""
        steps: Positions = np.sort(np.diff(self.times_ns))
        return int(steps[np.searchsorted(np.cumsum(steps), steps.sum() / 2)])


def _conditions(node: Node) -> Iterator[Node]:
    """The node and the conditions that logic and windows join in it."""
    yield node
    if isinstance(node, And | Or | Not | Timed):
        for child in children(node):
            yield from _conditions(child)


def _signals(plan: Plan, node: Node) -> tuple[str, ...]:
    """The signals below a node, including those of the columns that it reads."""
    found: set[str] = set()
    for name in variables(node):
        below = plan.columns.get(name)
        found |= {name} if below is None else set(_signals(plan, below.operand))
    return tuple(sorted(found))


def _seconds(length_ns: int) -> str:
    return f"{length_ns / NS_PER_S:.3g} s"
