"""Runs, networks and releases as the page lists them."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dashboard.runs import queries
from dashboard.runs.markup import changes_table, networks_table, releases_table, runs_table, state
from dashboard.runs.queries import Network
from ridealong.lake import Lake, write_data_file
from ridealong.lake.tables import TableSpec
from shadow.networks.registry import NetworkEntry
from shadow.runs import archive_run, list_runs, name_run, note_run
from shadow.schemas import NETWORKS, RELEASES, RUNS

MARK = "<img src=x onerror=hacked=1>"


@pytest.fixture
def lake(fleet_home: Path, tmp_path: Path) -> Lake:
    return Lake.open(shutil.copytree(fleet_home, tmp_path / "home"))


def add(lake: Lake, spec: TableSpec, *rows: dict[str, Any]) -> None:
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist(list(rows), schema=spec.schema)
    written = write_data_file(lake.home, commit_id, spec, table)
    assert written is not None
    lake.commit(commit_id, "test", [written])


def network(name: str, sha: str, added_ns: int) -> dict[str, Any]:
    row = {"network": name, "network_sha256": sha, "added_ns": added_ns, "predictions": 2}
    return row | {"manifest": '{"description": "a network"}'}


def release(number: int, sha: str, **more: Any) -> dict[str, Any]:
    return {"release": number, "network": "n", "network_sha256": sha, "time_ns": number} | more


def test_runs_are_listed_page_by_page_as_the_commands_list_them(lake: Lake) -> None:
    first, second = (run["run_id"] for run in list_runs(lake.snapshot()))
    name_run(lake, second, "one")
    note_run(lake, second, "a note")
    name_run(lake, second, "two")
    found = queries.runs(lake.snapshot(), archived=False, skipped=0)
    assert [row["run_id"] for row in found.rows] == [first, second]
    assert (found.rows[1]["name"], found.rows[1]["note"]) == ("two", "a note")
    assert (found.rows[0]["clips"], found.rows[0]["left_out"]) == (96, 0)
    page = queries.runs(lake.snapshot(), archived=False, skipped=1, most=1)
    assert [row["run_id"] for row in page.rows] == [second] and page.count == 2
    archive_run(lake, first)
    hidden = queries.runs(lake.snapshot(), archived=False, skipped=0)
    assert ([row["run_id"] for row in hidden.rows], hidden.count, hidden.archived) == (
        [second], 1, 1
    )  # fmt: skip
    assert queries.runs(lake.snapshot(), archived=True, skipped=0).count == 2
    one = queries.run(lake.snapshot(), second)
    assert one is not None and one["name"] == "two"
    assert queries.run(lake.snapshot(), "' OR true --") is None


def test_an_empty_home(home: Path) -> None:
    snapshot = Lake.create(home).snapshot()
    assert queries.runs(snapshot, archived=True, skipped=0) == queries.Runs([], 0, 0)
    assert queries.networks(snapshot) == [] and queries.gates(snapshot) == {}
    assert queries.clip_count(snapshot) == 0 and queries.evidence(snapshot, "a") == []


def test_the_deployed_network_is_first(lake: Lake) -> None:
    add(lake, NETWORKS, network("a-1", "a", 3), network("d-1", "d", 1), network("c-1", "c", 2))
    add(lake, RELEASES, release(1, "c"), release(2, "d"))
    found = queries.networks(lake.snapshot())
    assert [one.entry.network for one in found] == ["d-1", "a-1", "c-1"]
    assert [one.deployed for one in found] == [True, False, False]
    assert found[2].release is not None and found[2].release.release == 1
    assert found[0].size is None  # it has no artifact


def test_evidence_is_about_the_network_and_the_deployed_one(lake: Lake) -> None:
    run = lake.snapshot().read(RUNS).to_pylist()[-1]
    deployed, candidate = run["deployed_sha256"], run["candidate_sha256"]
    add(lake, RELEASES, release(1, deployed))
    assert len(queries.evidence(lake.snapshot(), candidate)) == 2
    assert queries.evidence(lake.snapshot(), deployed) == []
    add(lake, RELEASES, release(2, candidate))
    assert queries.evidence(lake.snapshot(), candidate) == []


def test_one_gate_is_offered_once(lake: Lake) -> None:
    newest = list_runs(lake.snapshot())[0]
    assert queries.gates(lake.snapshot()) == {newest["run_id"]: newest["gate"]}


def test_names_are_never_markup(lake: Lake) -> None:
    rows = queries.runs(lake.snapshot(), archived=False, skipped=0).rows
    marked = [
        row | dict.fromkeys(("name", "note", "candidate", "deployed", "reason"), MARK)
        for row in rows
    ]
    entry = NetworkEntry(MARK, f'{{"description": "{MARK}"}}', "a", 1, None, 1, None)
    made = {"replaced": MARK, "run_id": MARK, "verdict": "PASS", "waiver_reason": MARK}
    add(lake, RELEASES, release(1, "d", waiver_by=MARK, **made))
    change = dict.fromkeys(("who", "address", "action", "subject", "before", "refused"), MARK)
    for table in (
        runs_table(marked, None),
        networks_table([Network(entry, 5, None, False)]),
        releases_table(queries.releases(lake.snapshot())),
        changes_table([change | {"time_ns": 1, "after": {MARK: MARK}}]),
    ):
        assert "<img" not in table and "&lt;img" in table


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (None, "–"),
        ({"name": None, "archived": True}, "name: –, archived: yes"),
        ("text", "text"),
        (3, "3"),
        (["a", "b"], '["a", "b"]'),
    ],
)
def test_states_are_said_in_words(known: object, said: str) -> None:
    assert state(known) == said
