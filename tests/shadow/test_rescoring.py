"""Scores from stored outputs are those of a replay, bit for bit, and nothing else is done again."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from metrics.gate.spec import load_gate
from metrics.schemas import MATCHES, SCORES
from ridealong.lake import Lake
from ridealong.lake.tables import TableSpec
from ridealong.terminal.console import Console
from shadow import keys, pipeline
from shadow import replay as replaying
from shadow.batches import Replayed, replay
from shadow.run import RunRequest, clips_of, pair_of
from shadow.schemas import OUTPUTS

pytestmark = pytest.mark.slow


@pytest.fixture
def lake(demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A home in which all clips have been replayed; this process does what is done further."""
    shutil.copytree(demo_home, tmp_path / "home")
    monkeypatch.setattr(pipeline, "FEWEST_CLIPS", 1000)
    return Lake.open(tmp_path / "home")


def redefine(monkeypatch: pytest.MonkeyPatch, *tasks: str) -> None:
    """Give these families another definition, as a new version of each would."""
    of = keys.definition_of
    monkeypatch.setattr(keys, "definition_of", lambda name: "new" if name in tasks else of(name))


def run(lake: Lake) -> Replayed:
    request = RunRequest("hydra-1.0", "hydra-1.1", None, load_gate())
    pair, clips = pair_of(lake.snapshot(), request), clips_of(lake.snapshot(), request)
    return replay(lake, pair, clips, "cpu", Console(as_json=True))


def rows(lake: Lake, table: TableSpec, where: str) -> list[dict[str, Any]]:
    """Rows without their definition, in an order that depends on nothing but their content."""
    found = lake.snapshot().read(table, where=where).drop_columns(["definition"])
    return sorted(found.to_pylist(), key=repr)


def counts(lake: Lake) -> dict[str, int]:
    return {
        table.name: lake.snapshot().read(table).num_rows for table in (SCORES, MATCHES, OUTPUTS)
    }


@pytest.mark.parametrize("compacted", [False, True], ids=["as written", "compacted"])
def test_sparse_families_are_scored_from_the_lake(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    if compacted:
        lake.compact()
    before, sparse = counts(lake), ("objects", "lights", "lanes")
    monkeypatch.setattr(replaying, "open_network", lambda *_: pytest.fail("a network was opened"))
    redefine(monkeypatch, *sparse)
    found = run(lake)
    assert len(found.done) > 1 and not found.failed
    assert not any(outcome.replayed or outcome.frames for outcome in found.done)
    assert counts(lake)["outputs"] == before["outputs"]
    for task in sparse:
        for table in (SCORES, MATCHES):
            old = rows(lake, table, f"definition like '{task}:%' and definition <> '{task}:new@5'")
            assert rows(lake, table, f"definition = '{task}:new@5'") == old
    assert run(lake).done == []


def test_a_dense_family_is_replayed_alone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counts(lake)
    redefine(monkeypatch, "depth")
    found = run(lake)
    assert not found.failed and all(outcome.replayed for outcome in found.done)
    new = rows(lake, SCORES, "definition = 'depth:new@5'")
    assert new == rows(lake, SCORES, "definition like 'depth:%' and definition <> 'depth:new@5'")
    assert {name: count - before[name] for name, count in counts(lake).items()} == {
        "scores": len(new),
        "matches": 0,
        "outputs": 0,
    }


def test_a_clip_whose_outputs_are_gone_fails_alone(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vacuum may remove, between plan and work, what a compaction has replaced."""
    read = replaying.read_kept

    def gone(path: Path, network: str, clip_id: str, *more: Any) -> Any:
        at = path.with_name("gone.parquet") if clip_id == first else path
        return read(at, network, clip_id, *more)

    first = min(lake.snapshot().read("clips", where="labelled")["clip_id"].to_pylist())
    monkeypatch.setattr(replaying, "read_kept", gone)
    redefine(monkeypatch, "lanes")
    found = run(lake)
    assert found.failed_ids == [first] and "gone.parquet" in str(found.failed[0].reason)


def test_scores_say_which_labels_they_were_compared_with(lake: Lake) -> None:
    scores = lake.snapshot().read(SCORES)
    versions = scores.group_by(["reference", "clip_id", "labels"]).aggregate([]).to_pylist()
    by_clip = {
        row["clip_id"]: keys.labels_version(row)
        for row in lake.snapshot().read("clips").to_pylist()
    }
    for row in versions:
        expected = by_clip[row["clip_id"]] if row["reference"] == "labels" else None
        assert row["labels"] == expected
    assert {row["reference"] for row in versions} > {"labels", "self"}
