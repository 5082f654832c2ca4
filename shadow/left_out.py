"""Clips that a run leaves out because they cannot be replayed, and the effect on its verdict.

The content of a clip may be the reason that it is missing: a network may fail on it, or a worker
may run out of memory. So the gate fails closed: a cell that lacks a clip does not pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from metrics.gate.cells import Cell, Verdict, cells_from
from metrics.gate.evidence.clips import that_count
from metrics.gate.verdicts import RunVerdict, run_verdict
from metrics.slices import in_slice, parse_slice
from metrics.tasks.metric import Reference
from metrics.tasks.registry import parse_prediction
from ridealong.terminal.console import Console
from ridealong.terminal.readable import counted

NAMED = 20  # clips named on standard error; the JSON document names all


@dataclass(frozen=True)
class LeftOut:
    """A clip that was left out of a run, and why."""

    clip_id: str
    reason: str


def as_rows(left_out: Iterable[LeftOut]) -> list[dict[str, str]]:
    """The clip as in the table of runs and in JSON documents."""
    return [asdict(clip) for clip in left_out]


def name_them(console: Console, left_out: Sequence[LeftOut]) -> None:
    """Print a line about each clip on standard error."""
    for clip in left_out[:NAMED]:
        console.note(f"left out: clip {clip.clip_id}: {clip.reason}")
    if len(left_out) > NAMED:
        more = counted(len(left_out) - NAMED, "more clip")
        console.note(f"left out: {more} (--json lists all)")


def without(clips: pa.Table, left_out: Sequence[LeftOut]) -> pa.Table:
    """The clips that were not left out."""
    return clips.filter(pc.invert(among(clips, left_out)))


def among(clips: pa.Table, left_out: Sequence[LeftOut]) -> pa.ChunkedArray:
    """Which clips were left out, ``(N,)`` bool."""
    return pc.is_in(clips["clip_id"], pa.array([clip.clip_id for clip in left_out], pa.string()))


def fail_closed(verdict: RunVerdict, lost: pa.Table) -> RunVerdict:
    """The verdict of a run that lacks clips: a cell that lacks a clip and passed is undecided.

    A loss stays a loss. The run passes only if all of its required cells still pass.

    Args:
        verdict: The verdict over the clips that were replayed.
        lost: The clips that were left out, as `ingest.listing.list_clips` gives them.
    """
    if not lost.num_rows:
        return verdict
    lacking = _Lacking(lost)
    cells = [_undecided(cell, lacking.of(cell)) for cell in cells_from(verdict.cells)]
    found = run_verdict(cells, verdict.dropped)
    return replace(found, reason=f"{found.reason}; {counted(lost.num_rows, 'clip')} left out")


def _undecided(cell: Cell, lacking: int) -> Cell:
    if not lacking or cell["verdict"] != Verdict.PASS:
        return cell
    clips = "1 of its clips was" if lacking == 1 else f"{lacking} of its clips were"
    reason = f"missing: {clips} left out; without: {cell['reason']}"
    return cell | {"verdict": Verdict.INCONCLUSIVE, "reason": reason}


class _Lacking:
    """Counts for each cell the clips that were left out and would have counted."""

    def __init__(self, lost: pa.Table) -> None:
        self._clips = that_count(lost)
        self._labelled = np.array(
            [known is not False for known in self._clips["labelled"].to_pylist()]
        )
        self._cameras = [set(names) for names in self._clips["cameras"].to_pylist()]
        self._slices: dict[str, NDArray[np.bool_]] = {}

    def of(self, cell: Cell) -> int:
        """How many clips the cell lacks."""
        if not self._clips.num_rows:
            return 0
        inside = self._inside(cell["slice"])
        if cell["reference"] == Reference.LABELS:
            inside = inside & self._labelled
        camera = parse_prediction(cell["prediction"]).camera
        if camera is not None:
            inside = inside & np.array([camera in names for names in self._cameras], np.bool_)
        return int(inside.sum())

    def _inside(self, name: str) -> NDArray[np.bool_]:
        if name not in self._slices:
            self._slices[name] = in_slice(self._clips, parse_slice(name))
        return self._slices[name]
