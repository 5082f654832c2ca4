"""The runs of a home: listed, found by id, name or word; named, noted, archived, deleted."""

import time
import unicodedata
from typing import Any

import pyarrow as pa

from metrics.gate.schemas import VERDICTS
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot, write_data_file
from ridealong.specs import nearest
from ridealong.sql import literal
from ridealong.terminal.readable import instant
from ridealong.units import NS_PER_S
from shadow.schemas import RELEASES, RUN_NAMES, RUNS

ROLES = ("deployed", "candidate")  # of the two networks of a run
# The words that find a run.
LATEST = "latest"  # the newest run that compares two networks
NEWEST = "newest"  # the newest run, also of a network against itself
LONGEST_NAME = 60
_COMMANDS = {"name": "name", "note": "note", "archived": "archive"}
LONGEST_NOTE = 2000

Run = dict[str, Any]


def list_runs(snapshot: Snapshot) -> list[Run]:
    """All runs, the newest first.

    A row is one of `RUNS` with the run's ``name`` and ``note`` (None if it has none), ``archived``,
    and ``against_itself``: whether deployed and candidate are one network.
    """
    given = _given(snapshot)
    rows = [
        row
        | given.get(row["run_id"], {"name": None, "note": None, "archived": False})
        | {
            "against_itself": row["deployed_sha256"] == row["candidate_sha256"],
            "clips_left_out": row["clips_left_out"] or [],  # null in a run of an older ridealong
        }
        for row in snapshot.read(RUNS).to_pylist()
    ]
    return sorted(rows, key=lambda row: (row["created_ns"], row["run_id"]), reverse=True)


def run_row(run: Run) -> Run:
    """A run as ``shadow runs list --json`` gives it; ``created`` is UTC."""
    return {
        "run": run["run_id"],
        **{name: run[name] for name in ("name", "note", "deployed", "candidate")},
        "against_itself": run["against_itself"],
        "verdict": run["verdict"],
        "reason": run["reason"],
        "clips": len(run["clip_ids"]),
        "clips_left_out": len(run["clips_left_out"]),
        "created": instant(run["created_ns"] // NS_PER_S * NS_PER_S),  # to the second
        "seconds": run["seconds"],
        "archived": run["archived"],
    }


def default_run(runs: list[Run]) -> Run | None:
    """The run to show if none is named: the newest that compares two networks, none archived."""
    return next((run for run in runs if not run["against_itself"] and not run["archived"]), None)


def find_run(snapshot: Snapshot, run: str) -> Run:
    """The run of that id, name or prefix of an id; ``latest`` is `default_run`.

    ``newest`` is the newest run that is not archived.

    A whole id has priority over a name, and a name over a prefix of an id.

    Raises:
        RidealongError: No such run, or several ids have that prefix.
    """
    runs = list_runs(snapshot)
    if run == LATEST:
        return _latest(runs)
    if run == NEWEST and not any(row["name"] == NEWEST for row in runs):  # once it was no word
        return _newest(runs)
    found = [row for row in runs if row["run_id"] == run]
    found = found or [row for row in runs if row["name"] == run]
    found = found or [row for row in runs if run and row["run_id"].startswith(run)]
    if not found:
        names = [row["name"] for row in runs if row["name"]]
        hint = nearest(run, [LATEST, NEWEST, *names]) if runs else "there are no runs yet"
        raise RidealongError(
            f"unknown run {run!r}", hint=f"{hint}; see `ridealong shadow runs list`"
        )
    if len(found) > 1:
        raise RidealongError(
            f"run {run!r} is ambiguous: it fits {len(found)} runs",
            hint="give more of the id; see `ridealong shadow runs list`",
        )
    return found[0]


def _latest(runs: list[Run]) -> Run:
    found = default_run(runs)
    if found is not None:
        return found
    if any(not row["archived"] for row in runs):
        raise RidealongError(
            "no run in the list compares two networks",
            hint="use `newest` or a run's id; see `ridealong shadow runs list`",
        )
    return _newest(runs)


def _newest(runs: list[Run]) -> Run:
    for row in runs:
        if not row["archived"]:
            return row
    if runs:
        hint = "see `ridealong shadow runs list --archived`"
        raise RidealongError("all runs are archived", hint=hint)
    hint = "start one with `ridealong shadow run --deployed A --candidate B`"
    raise RidealongError("no run yet", hint=hint)


def name_run(lake: Lake, run: str, name: str) -> Run:
    """Give a run a name that no other run has; an empty one removes its name.

    Raises:
        RidealongError: No such run, another run has the name, or the name is invalid.
    """
    snapshot = lake.snapshot()
    row, name = find_run(snapshot, run), name.strip()
    _check_name(name, row, list_runs(snapshot))
    return _give(lake, row, name=name or None)


def note_run(lake: Lake, run: str, note: str) -> Run:
    """Replace a run's note; an empty one removes it.

    Raises:
        RidealongError: No such run, or the note is too long.
    """
    row, note = find_run(lake.snapshot(), run), note.strip()
    if len(note) > LONGEST_NOTE:
        raise RidealongError(
            f"the note has {len(note)} characters", expected=f"at most {LONGEST_NOTE}"
        )
    return _give(lake, row, note=note or None)


def archive_run(lake: Lake, run: str, archived: bool = True) -> Run:
    """Archive a run, or undo it: lists hide archived runs, and none of them is ``latest``.

    Raises:
        RidealongError: No such run.
    """
    row = find_run(lake.snapshot(), run)
    return _give(lake, row, archived=archived)


def delete_run(lake: Lake, run: str) -> Run:
    """Delete a run and its verdicts; scores stay, because other runs use them.

    Raises:
        RidealongError: No such run, or a release was made with it.
    """
    snapshot = lake.snapshot()
    row = find_run(snapshot, run)
    for release in snapshot.read(RELEASES, ["release", "network", "run_id"]).to_pylist():
        if release["run_id"] == row["run_id"]:
            raise RidealongError(
                f"run {row['run_id']} cannot be deleted: release {release['release']} "
                f"({release['network']}) was made with it"
            )
    mine = f"run_id = {literal(row['run_id'])}"
    lake.delete(dict.fromkeys((RUNS, VERDICTS, RUN_NAMES), mine), "shadow runs delete")
    return row


def _check_name(name: str, run: Run, runs: list[Run]) -> None:
    """Refuse a name that could not select the run."""
    if len(name) > LONGEST_NAME or any(unicodedata.category(c)[0] == "C" for c in name):
        raise RidealongError(
            f"{name!r} cannot be the name of a run",
            expected=f"one line of at most {LONGEST_NAME} characters",
        )
    if name in (LATEST, NEWEST):
        raise RidealongError(f"a run cannot be named {name!r}: the word is reserved")
    for other in runs:
        if name and other["run_id"] != run["run_id"] and name in (other["name"], other["run_id"]):
            raise RidealongError(
                f"run {other['run_id']} has the name {name!r}",
                hint="choose another name, or delete or rename that run",
            )


def _given(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    """The latest name and note of each run that has any, and whether it is archived."""
    return {
        row["run_id"]: {
            "name": row["name"],
            "note": row["note"],
            "archived": bool(row["archived"]),
        }
        for row in snapshot.read(RUN_NAMES).to_pylist()
    }


def _give(lake: Lake, run: Run, **given: str | bool | None) -> Run:
    run = run | given
    names = ("run_id", "name", "note", "archived")
    row = {name: run[name] for name in names} | {"time_ns": time.time_ns()}
    commit_id = lake.new_commit_id()
    rows = pa.Table.from_pylist([row], schema=RUN_NAMES.schema)
    file = write_data_file(lake.home, commit_id, RUN_NAMES, rows)
    assert file is not None
    lake.commit(commit_id, f"shadow runs {_COMMANDS[next(iter(given))]}", [file])
    return run
