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
from shadow.networks.registry import find_network
from shadow.report import find_run
from shadow.run import rate_of
from shadow.schemas import OUTPUTS

SPARSE_TASKS = frozenset({Task.OBJECTS, Task.LIGHTS, Task.LANES})


@dataclass(frozen=True)
class ExportWish:
    """What to export: a run, an expression over its clips, at most how many, and where to."""

    run: str
    where: str | None
    limit: int | None
    out: Path


def export_run(lake: Lake, wish: ExportWish, kind: str, console: Console) -> dict[str, Any]:
    """Export a run's clips as ``coco`` or ``mcap``; the folder appears whole or not at all.

    Returns:
        The document that ``labels export --json`` prints.

    Raises:
        RidealongError: No such run, no clip that fits, or the folder holds something else.
    """
    snapshot = lake.snapshot()
    run = find_run(snapshot, wish.run)
    clips = _clips(snapshot, run, wish)
    with console.steps("clips", len(clips)) as steps:
        counted = _counted(clips, steps.advance)
        written = WRITERS[kind](lake, snapshot, run, wish.out, counted)
    return {"run": run["run_id"], "format": kind, "out": str(wish.out), **written}


def _clips(snapshot: Snapshot, run: dict[str, Any], wish: ExportWish) -> list[dict[str, Any]]:
    rows = list_clips(snapshot, wish.where)
    chosen = rows.filter(pc.is_in(rows["clip_id"], value_set=pa.array(run["clip_ids"])))
    if not chosen.num_rows:
        raise RidealongError(
            f"run {run['run_id']} has no clip for which {wish.where or 'true'}",
            mend="see `ridealong clips list`",
        )
    found: list[dict[str, Any]] = chosen.slice(0, wish.limit).to_pylist()
    return found


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
                    outputs=_outputs(snapshot, run, clip["clip_id"]),
                )

    return asdict(write_coco(out, opened()))


def _mcap(
    lake: Lake, snapshot: Snapshot, run: dict[str, Any], out: Path, clips: Iterator[dict[str, Any]]
) -> dict[str, Any]:
    replayed = (
        ReplayedClip(
            clip["clip_id"], lake.path(clip["blob"]), _outputs(snapshot, run, clip["clip_id"])
        )
        for clip in clips
    )
    return {"clips": write_mcaps(out, replayed)}


WRITERS = {"coco": _coco, "mcap": _mcap}


def _outputs(snapshot: Snapshot, run: dict[str, Any], clip_id: str) -> dict[str, Perception]:
    """What each network said on a clip, sparse tasks alone, by role."""
    rows = (
        snapshot.connect(OUTPUTS)
        .sql(
            "select * from outputs where clip_id = ? and definition = ? order by timestamp_ns",
            params=[clip_id, run["definition"]],
        )
        .to_arrow_table()
    )
    return {role: _said(rows, run[f"{role}_sha256"]) for role in ("deployed", "candidate")}


def _said(rows: pa.Table, network_sha256: str) -> Perception:
    own = rows.filter(pc.equal(rows["network_sha256"], network_sha256))
    sparse = own.select(ANNOTATIONS.names).cast(ANNOTATIONS)
    times = np.unique(sparse["timestamp_ns"].to_numpy())
    return Perception(times, sparse, tasks=SPARSE_TASKS)
