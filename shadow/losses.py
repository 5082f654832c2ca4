"""Which cells of a run represent the candidate's loss, and each clip's share of that loss.

One loss appears in many cells. These rules count it once:

- Required cells that regressed count. Watched cells count only if no required cell regressed.
- If a cell regressed only because of a slice, the cell at that slice replaces it.
- Of two cells of one prediction and metric, the one with the wider slice counts.

Metrics have different units, so each of these cells has the same weight. A clip's *share of the
loss* is its part of a cell's loss (`metrics.gate.costs`), averaged over the cells. The shares of
all clips of a run sum to 1. A negative share is a gain.
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
    """The cells that a user names; None means any."""

    prediction: str | None = None
    metric: str | None = None
    slice: str | None = None


EVERY_CELL = CellNames()


@dataclass(frozen=True)
class ClipLoss:
    """A clip's share of the loss, and the cell in which its part is the largest."""

    share: float
    cell: Cell


def parts_of(cell: Cell) -> dict[str, str]:
    """The name of a cell, by `PARTS`."""
    return {"prediction": cell["prediction"], "metric": cell["metric"], "slice": cell["slice"]}


def losing_cells(cells: Sequence[Cell], names: CellNames) -> list[Cell]:
    """The cells that represent the loss; none if nothing was lost.

    If the user names cells and none of them regressed, only the surest loss counts: the parts of a
    loss near zero are large for every clip.

    Raises:
        RidealongError: No cell has such a name.
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
                    f"no check has the {part} {value!r}", hint=nearest(value, known)
                )
    return left


def _causes(lost: Sequence[Cell], named: Sequence[Cell]) -> list[Cell]:
    """Each cell, or the cell at the slice that caused it; each once."""
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
    """The cells, without those whose slice is part of another one's of the same metric."""
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
    """The run's clips with a share of the loss of these cells, by id, the largest share first.

    Clips without a net loss are left out.

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
