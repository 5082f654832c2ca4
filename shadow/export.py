"""A run's clips handed to the people who label: frames, labels known, what both networks said."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.annotations import ANNOTATIONS, Perception, Task, at_times
from ingest.clips.read import open_clip
from ingest.console import Console
from ingest.errors import RidealongError
from ingest.labels.coco import LabelClip, write_coco
from ingest.labels.mcap import ReplayedClip, write_mcaps
from ingest.lake import Lake, Snapshot
from ingest.listing import list_clips
from shadow.losses import EVERY_CELL, PARTS, CellNames, ClipLoss, clip_losses, losing_cells
from shadow.networks.manifest import rate_of
from shadow.networks.registry import find_network
from shadow.report import cell_name, run_cells
from shadow.runs import find_run
from shadow.schemas import OUTPUTS

SPARSE_TASKS = frozenset({Task.OBJECTS, Task.LIGHTS, Task.LANES})
NAMED = 3  # cells that the reason for an order names


@dataclass(frozen=True)
class ExportWish:
    """What to export: a run, an expression over its clips, at most how many, and where to.

    ``cells`` names the cells whose loss orders the clips; by default those that regressed.
    """

    run: str
    where: str | None
    limit: int | None
    out: Path
    cells: CellNames = EVERY_CELL


def export_run(lake: Lake, wish: ExportWish, kind: str, console: Console) -> dict[str, Any]:
    """Export the clips behind a run's regressions as ``coco`` or ``mcap``, the costliest first.

    The folder appears whole or not at all.

    Returns:
        The document that ``labels export --json`` prints.

    Raises:
        RidealongError: No such run or cell, no clip that fits, or the folder holds something else.
    """
    snapshot = lake.snapshot()
    run = find_run(snapshot, wish.run)
    chosen = _choose(snapshot, run, wish)
    with console.steps("clips", len(chosen.clips)) as steps:
        counted = _counted(chosen.clips, steps.advance)
        written = WRITERS[kind](lake, snapshot, run, wish.out, counted)
    head = {"run": run["run_id"], "format": kind, "out": str(wish.out)}
    order = {"order": chosen.order, "reason": chosen.reason}
    shares = [{"clip_id": clip["clip_id"]} | clip["about"] for clip in chosen.clips]
    return head | written | order | {"shares": shares}


@dataclass(frozen=True)
class _Choice:
    """Clips in their order, each with what labelers should know ``about`` it, and why so."""

    clips: list[dict[str, Any]]
    order: str
    reason: str


def _choose(snapshot: Snapshot, run: dict[str, Any], wish: ExportWish) -> _Choice:
    """The clips that the wish is about, by their share of the loss if they have any."""
    rows = list_clips(snapshot, wish.where)
    rows = rows.filter(pc.is_in(rows["clip_id"], value_set=pa.array(run["clip_ids"])))
    if not rows.num_rows:
        raise RidealongError(
            f"run {run['run_id']} has no clip for which {wish.where or 'true'}",
            mend="see `ridealong clips list`",
        )
    cells = losing_cells(run_cells(snapshot, run["run_id"]), wish.cells)
    losses = clip_losses(snapshot, run, cells)
    listed = rows.to_pylist()
    row_of = {row["clip_id"]: row for row in listed}
    behind = [row_of[clip_id] for clip_id in losses if clip_id in row_of]
    chosen = [row | {"about": _about(row, losses)} for row in (behind or listed)[: wish.limit]]
    if behind:
        return _Choice(chosen, "loss", f"by their share of what was lost in {_names(cells)}")
    if cells:
        return _Choice(chosen, "listing", "none of these clips has a part in what was lost")
    nothing = "no cell regressed" if wish.cells == EVERY_CELL else "the cells named lost nothing"
    return _Choice(chosen, "listing", nothing)


def _about(row: dict[str, Any], losses: dict[str, ClipLoss]) -> dict[str, Any]:
    """A clip's drive, its share of the loss, and the cell of which it has the largest part."""
    loss = losses.get(row["clip_id"])
    cell = {name: loss.cell[name] for name in PARTS} if loss else None
    return {"drive_id": row["drive_id"], "share": loss.share if loss else None, "cell": cell}


def _names(cells: list[dict[str, Any]]) -> str:
    named = ", ".join(map(cell_name, cells[:NAMED]))
    return named + (f", and {len(cells) - NAMED} more" if len(cells) > NAMED else "")


def _counted(clips: list[dict[str, Any]], advance: Callable[[], None]) -> Iterator[dict[str, Any]]:
    for clip in clips:
        yield clip
        advance()


def _coco(
    lake: Lake, snapshot: Snapshot, run: dict[str, Any], out: Path, clips: Iterator[dict[str, Any]]
) -> dict[str, Any]:
    rate_hz = rate_of(*(find_network(snapshot, run[r]).manifest for r in ("deployed", "candidate")))

    def opened() -> Iterator[LabelClip]:
        for clip in clips:
            with open_clip(lake.path(clip["blob"])) as reader:
                times = reader.sample_times(rate_hz)
                labels = reader.labels()
                yield LabelClip(
                    clip_id=clip["clip_id"],
                    frames=reader.frames_at(list(reader.cameras), times),
                    labels=at_times(labels, times) if labels is not None else None,
                    outputs=outputs_of(snapshot, run, clip["clip_id"]),
                    about=clip["about"],
                )

    return asdict(write_coco(out, opened()))


def _mcap(
    lake: Lake, snapshot: Snapshot, run: dict[str, Any], out: Path, clips: Iterator[dict[str, Any]]
) -> dict[str, Any]:
    replayed = (
        ReplayedClip(
            clip["clip_id"],
            lake.path(clip["blob"]),
            outputs_of(snapshot, run, clip["clip_id"]),
            clip["about"],
        )
        for clip in clips
    )
    return {"clips": write_mcaps(out, replayed)}


WRITERS = {"coco": _coco, "mcap": _mcap}


def outputs_of(snapshot: Snapshot, run: dict[str, Any], clip_id: str) -> dict[str, Perception]:
    """What each network said on a clip, sparse tasks alone, by role."""
    rows = snapshot.query(
        "select * from outputs where clip_id = ? and definition = ? order by timestamp_ns",
        OUTPUTS,
        params=[clip_id, run["definition"]],
    )
    return {role: _said(rows, run[f"{role}_sha256"]) for role in ("deployed", "candidate")}


def _said(rows: pa.Table, network_sha256: str) -> Perception:
    own = rows.filter(pc.equal(rows["network_sha256"], network_sha256))
    sparse = own.select(ANNOTATIONS.names).cast(ANNOTATIONS)
    times = np.unique(sparse["timestamp_ns"].to_numpy())
    return Perception(times, sparse, tasks=SPARSE_TASKS)
