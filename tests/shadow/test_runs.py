"""Runs: found by id, name and ``latest``; named, annotated, deleted; a network against itself."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dashboard.compare import queries as queries_regressions
from metrics.gate.schemas import VERDICTS
from metrics.schemas import SCORES
from ridealong.errors import RidealongError
from ridealong.lake import Lake, write_data_file
from ridealong.lake.tables import TableSpec
from shadow.runs import (
    archive_run,
    default_run,
    delete_run,
    find_run,
    list_runs,
    name_run,
    note_run,
)
from shadow.schemas import RELEASES, RUN_NAMES, RUNS


@pytest.fixture
def lake(fleet_home: Path, tmp_path: Path) -> Lake:
    """A home with two runs, `newest` and `oldest` of `ids`."""
    shutil.copytree(fleet_home, tmp_path / "home")
    return Lake.open(tmp_path / "home")


def ids(lake: Lake) -> list[str]:
    return [run["run_id"] for run in list_runs(lake.snapshot())]


def add(lake: Lake, spec: TableSpec, row: dict[str, Any]) -> None:
    commit_id = lake.new_commit_id()
    rows = pa.Table.from_pylist([row], schema=spec.schema)
    written = write_data_file(lake.home, commit_id, spec, rows)
    assert written is not None
    lake.commit(commit_id, "test", [written])


def add_run(lake: Lake, run_id: str, **changed: Any) -> None:
    """One more run, the newest: like the newest that is there, but for what is given."""
    run = lake.snapshot().read(RUNS).to_pylist()[-1]
    add(lake, RUNS, run | {"run_id": run_id, "created_ns": run["created_ns"] + 1} | changed)


def add_run_against_itself(lake: Lake, run_id: str = "itself") -> None:
    sha = lake.snapshot().read(RUNS)["deployed_sha256"][0].as_py()
    add_run(lake, run_id, candidate_sha256=sha, candidate="hydra-1.0")


def refusal(function: Any, *arguments: Any) -> str:
    with pytest.raises(RidealongError) as refused:
        function(*arguments)
    return str(refused.value)


def test_a_run_is_found_by_id_its_beginning_and_latest(lake: Lake) -> None:
    newest, oldest = ids(lake)
    snapshot = lake.snapshot()
    assert find_run(snapshot, newest)["run_id"] == newest
    assert find_run(snapshot, oldest[:8])["run_id"] == oldest
    assert find_run(snapshot, "latest")["run_id"] == newest
    assert "shadow runs list" in refusal(find_run, snapshot, "nosuchrun")
    assert "unknown run ''" in refusal(find_run, snapshot, "")
    add_run(lake, newest[:8] + "0" * 16)
    assert "fits 2 runs" in refusal(find_run, lake.snapshot(), newest[:8])


def test_a_name_finds_its_run_and_a_whole_id_goes_first(lake: Lake) -> None:
    newest, oldest = ids(lake)
    name_run(lake, oldest, "  before the fix ")
    note_run(lake, "before the fix", "dirty camera")
    found = find_run(lake.snapshot(), "before the fix")
    assert (found["run_id"], found["note"]) == (oldest, "dirty camera")
    name_run(lake, newest, oldest[:6])  # a name goes before the beginning of an id
    assert find_run(lake.snapshot(), oldest[:6])["run_id"] == newest
    assert find_run(lake.snapshot(), oldest[:7])["run_id"] == oldest
    name_run(lake, oldest, "")
    row = find_run(lake.snapshot(), oldest)
    assert (row["name"], row["note"]) == (None, "dirty camera")


def test_names_that_would_find_another_run_are_refused(lake: Lake) -> None:
    newest, oldest = ids(lake)
    name_run(lake, newest, "mine")
    assert name_run(lake, newest, "mine")["name"] == "mine"  # the same again
    assert f"run {newest} has the name 'mine'" in refusal(name_run, lake, oldest, "mine")
    assert newest in refusal(name_run, lake, oldest, newest)
    assert "'latest'" in refusal(name_run, lake, oldest, "latest")
    assert "one line" in refusal(name_run, lake, oldest, "two\nlines")
    assert "one line" in refusal(name_run, lake, oldest, "x" * 61)
    assert "2000" in refusal(note_run, lake, oldest, "x" * 2001)
    assert "unknown run" in refusal(note_run, lake, "nosuchrun", "x")
    delete_run(lake, newest)
    assert name_run(lake, oldest, "mine")["name"] == "mine"


def test_a_deleted_run_is_gone_and_its_scores_are_not(lake: Lake) -> None:
    newest, oldest = ids(lake)
    scores = lake.snapshot().read(SCORES).num_rows
    name_run(lake, newest, "mine")
    assert delete_run(lake, "mine")["run_id"] == newest
    snapshot = lake.snapshot()
    assert ids(lake) == [oldest] and find_run(snapshot, "latest")["run_id"] == oldest
    assert set(snapshot.read(VERDICTS)["run_id"].to_pylist()) == {oldest}
    assert snapshot.read(RUN_NAMES).num_rows == 0
    assert snapshot.read(SCORES).num_rows == scores
    assert [run["run_id"] for run in queries_regressions.runs(snapshot)] == [oldest]
    delete_run(lake, oldest)
    assert "no run yet" in refusal(find_run, lake.snapshot(), "latest")


def test_a_run_that_a_release_was_made_with_stays(lake: Lake) -> None:
    newest, _ = ids(lake)
    release = {"release": 2, "network": "hydra-1.1", "run_id": newest}
    add(lake, RELEASES, release)
    assert "release 2 (hydra-1.1)" in refusal(delete_run, lake, newest)
    assert newest in ids(lake)


def test_a_network_against_itself_is_shown_only_when_asked_for(lake: Lake) -> None:
    newest, _ = ids(lake)
    add_run_against_itself(lake)
    snapshot = lake.snapshot()
    runs = list_runs(snapshot)
    assert [run["against_itself"] for run in runs] == [True, False, False]
    assert find_run(snapshot, "latest")["run_id"] == newest
    assert find_run(snapshot, "itself")["run_id"] == "itself"
    shown = default_run(runs)
    assert shown is not None and shown["run_id"] == newest
    assert default_run(runs[:1]) is None


def test_latest_is_never_a_network_against_itself(lake: Lake) -> None:
    add_run_against_itself(lake)
    for run in ids(lake)[1:]:
        delete_run(lake, run)
    message = refusal(find_run, lake.snapshot(), "latest")
    assert message.startswith("no run in the list compares two networks")
    assert find_run(lake.snapshot(), "newest")["against_itself"]


def test_an_archived_run_is_hidden_and_never_latest(lake: Lake, ask: Any) -> None:
    newest, oldest = ids(lake)
    name_run(lake, newest, "mine")
    assert archive_run(lake, "mine")["archived"]
    note_run(lake, "mine", "kept")  # changes nothing of the archive
    run = find_run(lake.snapshot(), "mine")
    assert run["archived"] and (run["name"], run["note"]) == ("mine", "kept")
    assert find_run(lake.snapshot(), "latest")["run_id"] == oldest
    at = ("--home", lake.home)
    assert [row["run"] for row in ask("shadow", "runs", "list", *at)] == [oldest]
    both = ask("shadow", "runs", "list", "--archived", *at)
    assert [row["archived"] for row in both] == [True, False]
    archive_run(lake, oldest)
    for word in ("latest", "newest"):
        assert "all runs are archived" in refusal(find_run, lake.snapshot(), word)
    assert not ask("shadow", "runs", "archive", "mine", "--undo", *at)["archived"]
    assert find_run(lake.snapshot(), "latest")["run_id"] == newest
    assert ask("shadow", "runs", "archive", newest, *at)["archived"]


def test_the_commands(lake: Lake, ask: Any, program: Any) -> None:
    newest, oldest = ids(lake)
    at = ("--home", lake.home)
    ask("shadow", "runs", "name", "latest", "mine", *at)
    ask("shadow", "runs", "note", "mine", "a note", *at)
    first, second = ask("shadow", "runs", "list", *at)
    assert (first["run"], first["name"], first["note"]) == (newest, "mine", "a note")
    assert (second["run"], second["name"], second["verdict"]) == (oldest, None, second["verdict"])
    assert first["created"][:4].isdigit() and first["clips"] > 0 and not first["against_itself"]
    report = json.loads(program("shadow", "report", "mine", "--json", *at).stdout)
    assert (report["run"], report["name"], report["note"]) == (newest, "mine", "a note")
    text = program("shadow", "runs", "list", *at).stdout
    assert newest in text and "mine" in text
    assert ask("shadow", "runs", "delete", "mine", *at) == {"deleted": newest}
    assert program("shadow", "runs", "delete", "mine", *at).returncode == 2
