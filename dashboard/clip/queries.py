"""Queries for the page Clip: the clip, what it was opened from, and its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.schemas import CLIPS, DRIVES
from metrics.gate.cells import Cell, cells_from
from metrics.gate.schemas import VERDICTS
from ridealong.lake import Snapshot
from shadow.costs import cell_costs
from shadow.runs import Run, default_run

CLIP = """
    select c.clip_id, c.drive_id, c.triggers, c.start_s, c.end_s - c.start_s as seconds, c.cameras,
           c.blob, d.source, d.country, d.light, d.weather, d.road
    from clips c join drives d using (drive_id)
"""
WHOLE = "all"  # the slice of everything

Row = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """The regression that a clip was opened from; all None if it was opened otherwise.

    Attributes:
        prediction, metric, slice: The cell; ``metric`` and ``slice`` may be None.
        cell: Its verdict, None unless ``metric`` is given.
        unknown: The first part of the address that the run does not have, with its value.
    """

    prediction: str | None = None
    metric: str | None = None
    slice: str | None = None
    cell: Cell | None = None
    unknown: tuple[str, str] | None = None


def clip(snapshot: Snapshot, clip_id: str) -> Row | None:
    """One clip with its drive's conditions; None if there is no such clip."""
    rows = snapshot.query(f"{CLIP} where c.clip_id = ?", CLIPS, DRIVES, params=[clip_id])
    return next(iter(rows.to_pylist()), None)


def first_clip(snapshot: Snapshot) -> Row | None:
    """The clip to show if none is named: one with video, if there is any."""
    order = "order by len(c.cameras) = 0, c.drive_id, c.start_ns limit 1"
    return next(iter(snapshot.query(f"{CLIP} {order}", CLIPS, DRIVES).to_pylist()), None)


def run_of(runs: list[Run], clip_id: str, named: str | None) -> Run | None:
    """The named run if it judged the clip, else the newest that did; None if none did."""
    judged = [run for run in runs if clip_id in (run["clip_ids"] or [])]
    own = [run for run in judged if named is not None and named in (run["run_id"], run["name"])]
    return next(iter(own), None) or default_run(judged) or next(iter(judged), None)


def origin(snapshot: Snapshot, run: Run, asked: Mapping[str, str]) -> Origin:
    """The regression in the address, as far as the run has it."""
    prediction, metric = asked.get("prediction"), asked.get("metric")
    if prediction is None:
        return Origin()
    if not _cells(snapshot, run, prediction=prediction):
        return Origin(unknown=("prediction", prediction))
    if metric is None:
        return Origin(prediction)
    name = asked.get("slice", WHOLE)
    found = _cells(snapshot, run, prediction=prediction, metric=metric, slice=name)
    if found:
        return Origin(prediction, metric, name, found[0])
    known = _cells(snapshot, run, prediction=prediction, metric=metric)
    return Origin(prediction, unknown=("slice", name) if known else ("metric", metric))


def _cells(snapshot: Snapshot, run: Run, **parts: str) -> list[Cell]:
    conditions = " and ".join(f"{part} = ?" for part in ("run_id", *parts))
    rows = snapshot.query(
        "select * exclude (run_id) replace (coalesce(scope, 'drives') as scope) from verdicts "
        f"where {conditions} limit 1",
        VERDICTS,
        params=[run["run_id"], *parts.values()],
    )
    return cells_from(rows)


def costliest(snapshot: Snapshot, run: Run, cell: Cell) -> list[str]:
    """The clips behind a cell of a run, the costliest first.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    clip_ids: list[str] = cell_costs(snapshot, run, cell)["clip_id"].to_pylist()
    return clip_ids


def step_from(clip_ids: list[str], clip_id: str, by: int) -> str | None:
    """The clip ``by`` steps away; the first if the clip is not in the list; None past its ends."""
    if clip_id not in clip_ids:
        return clip_ids[0] if clip_ids else None
    place = clip_ids.index(clip_id) + by
    return clip_ids[place] if 0 <= place < len(clip_ids) else None
