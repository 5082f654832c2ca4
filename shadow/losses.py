"""Which of a run's cells stand for what the candidate lost, and how its clips share that loss.

A loss shows in many cells. To count it once:

- the required cells that regressed count; the watched ones only where no required one did;
- where a cell regressed only because of a slice, the cell at that slice stands for it;
- of two cells of one prediction and metric, the one whose slice holds the other's.

Metrics have different units, so each of these cells counts one, and a clip's *share of the loss* is
the mean over them of its part of the cell's loss (`metrics.gate.costs`). The shares of all clips of
a run sum to 1; below zero the candidate gained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.gate.cells import Cell, Verdict, surest_losses
from metrics.slices import format_slice, parse_slice
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from ridealong.specs import nearest
from shadow.costs import run_loss_parts

PARTS = ("prediction", "metric", "slice")


@dataclass(frozen=True)
class CellNames:
    """Which cells a user names; None leaves a part open."""

    prediction: str | None = None
    metric: str | None = None
    slice: str | None = None


EVERY_CELL = CellNames()


@dataclass(frozen=True)
class ClipLoss:
    """A clip's share of the loss, and the cell of whose loss its part is the largest."""

    share: float
    cell: Cell


def parts_of(cell: Cell) -> dict[str, str]:
    """What names a cell, by the `PARTS`."""
    return {"prediction": cell["prediction"], "metric": cell["metric"], "slice": cell["slice"]}


def losing_cells(cells: Sequence[Cell], names: CellNames) -> list[Cell]:
    """The cells that stand for the loss; none if nothing was lost.

    Of cells that the user names and of which none regressed, the surest loss counts alone: parts of
    a loss near zero are large whatever the clip.

    Raises:
        RidealongError: No cell is named so.
    """
    named = _named(cells, names)
    lost = [cell for cell in named if cell["verdict"] == Verdict.REGRESSED]
    if lost or names == EVERY_CELL:
        return _widest(_causes([cell for cell in lost if cell["required"]] or lost, named))
    return surest_losses(named)[:1]


def _named(cells: Sequence[Cell], names: CellNames) -> list[Cell]:
    left = list(cells)
    for part in PARTS:
        value = getattr(names, part)
        if value is not None:
            value = format_slice(parse_slice(value)) if part == "slice" else value
            known = sorted({parts_of(cell)[part] for cell in left})
            left = [cell for cell in left if parts_of(cell)[part] == value]
            if not left:
                raise RidealongError(
                    f"no cell has the {part} {value!r}", hint=nearest(value, known)
                )
    return left


def _causes(lost: Sequence[Cell], named: Sequence[Cell]) -> list[Cell]:
    """Each cell, or the one at the slice because of which it regressed; each once."""
    by_key = {_figure(cell, cell["slice"]): cell for cell in named}
    chosen = {}
    for cell in lost:
        key = _figure(cell, cell["because_of"] or cell["slice"])
        key = key if key in by_key else _figure(cell, cell["slice"])
        chosen[key] = by_key[key]
    return list(chosen.values())


def _figure(cell: Cell, where: str) -> tuple[str | None, ...]:
    return cell["prediction"], cell["metric"], cell["reference"], where


def _widest(cells: Sequence[Cell]) -> list[Cell]:
    """The cells that no other one of the same prediction and metric holds."""
    slices: dict[tuple[str | None, ...], list[set[tuple[str, str]]]] = {}
    for cell in cells:
        slices.setdefault(_figure(cell, ""), []).append(set(parse_slice(cell["slice"])))
    return [
        cell
        for cell in cells
        if not any(wider < set(parse_slice(cell["slice"])) for wider in slices[_figure(cell, "")])
    ]


def clip_losses(
    snapshot: Snapshot, run: Mapping[str, Any], cells: Sequence[Cell]
) -> dict[str, ClipLoss]:
    """The run's clips that have a part in the loss of these cells, by id, the largest share first.

    Clips on which the candidate gained as much as it lost, or more, are left out.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    if not cells:
        return {}
    found = run_loss_parts(snapshot, run, cells)
    shares, worst = found.parts.mean(axis=1).tolist(), found.parts.argmax(axis=1).tolist()
    lost = {
        clip_id: ClipLoss(share, cells[at])
        for clip_id, share, at in zip(found.clip_ids, shares, worst, strict=True)
        if share > 0
    }
    return dict(sorted(lost.items(), key=lambda pair: (-pair[1].share, pair[0])))
