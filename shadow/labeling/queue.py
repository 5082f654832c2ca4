"""The queue of clips to be labelled: what is queued, exported and imported.

Every change of a clip's state is a row of `LABEL_QUEUE`, and the newest row of a clip counts. So
two people can change it at the same time.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ingest.clips.likeness import NEAR_BITS, distance, hash_of
from ingest.clips.read import open_clip
from ingest.clips.tags import known_clips
from ingest.listing import list_clips
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot, write_data_file
from ridealong.terminal.console import Console
from shadow.labeling.ranking import Ranked, ranked
from shadow.labeling.states import FIGURES, State
from shadow.losses import EVERY_CELL, CellNames
from shadow.runs import find_run
from shadow.schemas import LABEL_QUEUE

NEWEST = """
    select * from label_queue qualify row_number() over (
        partition by clip_id order by time_ns desc, state) = 1
"""


@dataclass(frozen=True)
class AddRequest:
    """What to add to the queue.

    Attributes:
        clips: Ids or unique prefixes; empty for all clips of the run.
        run: The run by which clips are ranked.
        where: Expression over the clips; None for all.
        budget: The most clips that are added.
        cells: The checks whose loss counts.
        dry_run: Only say what would be added.
    """

    clips: tuple[str, ...] = ()
    run: str = "latest"
    where: str | None = None
    budget: int = 20
    cells: CellNames = EVERY_CELL
    dry_run: bool = False


def queue_rows(snapshot: Snapshot, states: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The clips of the queue in order: the worth when they were added, the most first.

    Args:
        snapshot: The lake.
        states: Only these; by default all but those that were removed.
    """
    wanted = set(states) or set(State) - {State.REMOVED}
    rows = snapshot.query(NEWEST, LABEL_QUEUE).to_pylist()
    rows = [row for row in rows if row["state"] in wanted]
    return sorted(rows, key=lambda row: (-row["worth"], row["clip_id"]))


def add_to_queue(lake: Lake, request: AddRequest, console: Console) -> dict[str, Any]:
    """Queue the most useful clips, without near-duplicates.

    Clips that are queued or exported already are left out. A clip is a near-duplicate if it looks
    like one that is worth more, or like one in the queue (`ingest.clips.likeness`).

    Returns:
        The document that ``labels queue add --json`` prints.

    Raises:
        RidealongError: The run, a clip or a check is unknown, or nothing can be added.
    """
    lake.require_writable()
    snapshot = lake.snapshot()
    run = find_run(snapshot, request.run)
    order = _ranked(snapshot, run, request)
    waiting = queue_rows(snapshot, [State.QUEUED, State.EXPORTED])
    known = {row["clip_id"]: row["looks"] for row in waiting}
    added: list[dict[str, Any]] = []
    alike: list[dict[str, Any]] = []
    there: list[str] = []
    with console.steps("clips", min(request.budget, len(order))) as steps:
        for one in order:
            clip_id = one.clip["clip_id"]
            if len(added) == request.budget:
                break
            if clip_id in known:
                there.append(clip_id)
                continue
            looks = _looks(lake, one)
            twin = next((other for other, mine in known.items() if _alike(looks, mine)), None)
            if twin is not None:
                alike.append({"clip_id": clip_id, "like": twin})
                continue
            known[clip_id] = looks
            added.append(_row(one, run, looks))
            steps.advance()
    if added and not request.dry_run:
        _write(lake, added, "labels queue add")
    head = {"run": run["run_id"], "dry_run": request.dry_run, "considered": len(order)}
    left_out = {"near_duplicates": alike, "already_there": there}
    return head | {"added": added, **left_out, "waiting": len(waiting)}


def remove_from_queue(lake: Lake, clips: Sequence[str]) -> list[str]:
    """Remove clips from the queue; gives their ids.

    Raises:
        RidealongError: A clip is unknown or not in the queue.
    """
    snapshot = lake.snapshot()
    ids = known_clips(snapshot, clips)
    there = {row["clip_id"]: row for row in queue_rows(snapshot)}
    for clip_id in ids:
        if clip_id not in there:
            raise RidealongError(
                f"clip {clip_id} is not in the queue", hint="see `ridealong labels queue list`"
            )
    _move(lake, [there[one] for one in ids], State.REMOVED, "labels queue remove")
    return list(ids)


def mark(lake: Lake, clips: Iterable[str], state: State) -> int:
    """Say what became of clips of the queue; others are left out. Gives their number."""
    wanted = set(clips)
    waiting = queue_rows(lake.snapshot(), [State.QUEUED, State.EXPORTED])
    rows = [row for row in waiting if row["clip_id"] in wanted and row["state"] != state]
    if rows:
        _move(lake, rows, state, f"labels queue: {state}")
    return len(rows)


def _ranked(snapshot: Snapshot, run: Mapping[str, Any], request: AddRequest) -> list[Ranked]:
    """The clips that may be added, ranked among all clips of the run.

    If checks are named, only clips with a share in their loss, unless no clip has one.
    """
    judged = set(run["clip_ids"] or ())
    wanted = _wanted(snapshot, run, request, judged)
    every = list_clips(snapshot).to_pylist()
    clips = [row for row in every if row["clip_id"] in judged]
    order = ranked(snapshot, run, clips, every, request.cells)
    order = [one for one in order if one.clip["clip_id"] in wanted]
    if request.cells == EVERY_CELL:
        return order
    return [one for one in order if one.figures["loss"] is not None] or order


def _wanted(
    snapshot: Snapshot, run: Mapping[str, Any], request: AddRequest, judged: set[str]
) -> set[str]:
    """The ids of the clips of the run that are asked for."""
    wanted = judged
    if request.clips:
        wanted = set(known_clips(snapshot, request.clips))
        if lacking := sorted(wanted - judged):
            raise RidealongError(
                f"run {run['run_id']} has not judged clip {lacking[0]}",
                hint="name another run with --run",
            )
    wanted &= set(list_clips(snapshot, request.where)["clip_id"].to_pylist())
    if not wanted:
        raise RidealongError(
            f"run {run['run_id']} has no such clip", hint="see `ridealong clips list`"
        )
    return wanted


def _looks(lake: Lake, one: Ranked) -> str | None:
    blob = one.clip["blob"]
    if not blob or not one.clip["frames"]:
        return None
    with open_clip(lake.path(blob)) as reader:
        return hash_of(reader)


def _alike(one: str | None, two: str | None) -> bool:
    return one is not None and two is not None and distance(one, two) <= NEAR_BITS


def _row(one: Ranked, run: Mapping[str, Any], looks: str | None) -> dict[str, Any]:
    figures = {name: one.figures[name] for name in FIGURES}
    return {
        "clip_id": one.clip["clip_id"],
        "drive_id": one.clip["drive_id"],
        "state": State.QUEUED.value,
        "worth": one.worth,
        **figures,
        "run_id": run["run_id"],
        "looks": looks,
    }


def _move(lake: Lake, rows: Sequence[Mapping[str, Any]], state: State, command: str) -> None:
    _write(lake, [dict(row) | {"state": state.value} for row in rows], command)


def _write(lake: Lake, rows: Sequence[Mapping[str, Any]], command: str) -> None:
    now = time.time_ns()
    table = pa.Table.from_pylist(
        [{**row, "time_ns": now} for row in rows], schema=LABEL_QUEUE.schema
    )
    commit_id = lake.new_commit_id()
    file = write_data_file(lake.home, commit_id, LABEL_QUEUE, table)
    assert file is not None
    lake.commit(commit_id, command, [file])
