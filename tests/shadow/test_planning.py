"""What is left to do on a clip: nothing, to score stored outputs, or to run a network again."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from metrics.tasks import registry
from metrics.tasks.family import TaskFamily
from ridealong.lake import Lake, new_commit_id
from shadow import keys, planning
from shadow.planning import longest_first, plan_replay, replay_sources
from shadow.replay_plan import ClipPlan, ReplayPlan

PREDICTIONS = ("objects/car@main", "lanes/lane_line@main", "depth@main")
CLIPS = pa.table({"clip_id": ["c"], "drive_id": ["d"], "blob": ["blobs/1/v1.mcap"]})


def network(sha: str, predictions: tuple[str, ...] = PREDICTIONS, rate_hz: float = 5.0) -> Any:
    manifest = SimpleNamespace(rate_hz=rate_hz, predictions=predictions, as_json=lambda: "{}")
    return SimpleNamespace(network_sha256=sha, manifest=manifest, blob=f"blobs/{sha}")


A, B, C = network("a"), network("b"), network("c")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A home in which the clip has been replayed through A and B."""
    lake = Lake.create(tmp_path / "home")
    commit(lake, plan_replay(lake, (A, B), CLIPS, "cpu"))
    return lake


def commit(lake: Lake, plan: ReplayPlan) -> None:
    for batch in plan.batches:
        done = {clip.clip_id for clip in batch.clips}
        lake.commit(new_commit_id(), "test", [], replay_sources(plan, batch, done))


def left(lake: Lake, *networks: Any, clips: pa.Table = CLIPS) -> ClipPlan | None:
    """The plan of the one clip; None if nothing is left to do."""
    found = plan_replay(lake, networks, clips, "cpu").clips
    return found[0] if found else None


def units(plan: ClipPlan | None) -> set[tuple[str, str, str]]:
    assert plan is not None
    return {(unit.network_sha256, unit.reference, unit.task) for unit in plan.units}


def redefine(monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    of = keys.definition_of
    monkeypatch.setattr(keys, "definition_of", lambda name: "new" if name == task else of(name))


def of_task(task: str) -> set[tuple[str, str, str]]:
    pairs = (("a", "b"), ("b", "a"))
    return {(own, by, task) for own, other in pairs for by in ("labels", "self", other)}


def test_at_first_both_networks_are_run_and_their_outputs_kept(tmp_path: Path) -> None:
    plan = left(Lake.create(tmp_path / "new"), A, B)
    assert units(plan) == of_task("objects") | of_task("lanes") | of_task("depth")
    assert plan is not None
    assert plan.run == plan.keep == ("a", "b") and plan.from_kept == ()


def test_what_is_stored_is_not_done_again_either_way_round(lake: Lake) -> None:
    assert left(lake, A, B) is None
    assert left(lake, B, A) is None


def test_a_sparse_family_is_scored_again_from_stored_outputs(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    redefine(monkeypatch, "lanes")
    plan = left(lake, A, B)
    assert units(plan) == of_task("lanes")
    assert plan is not None
    assert (plan.run, plan.keep, plan.from_kept) == ((), (), (("a", None), ("b", None)))


def change(monkeypatch: pytest.MonkeyPatch, changed: TaskFamily) -> None:
    """Know a family in another form, as after a change of its module."""
    named = {family.name: family for family in registry.FAMILIES.built_in}
    built_in = tuple((named | {changed.name: changed}).values())
    monkeypatch.setattr(registry, "FAMILIES", replace(registry.FAMILIES, built_in=built_in))


def test_a_new_version_of_a_family_leaves_the_others(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = registry.family("lanes")
    change(monkeypatch, replace(lanes, version=lanes.version + 1))
    assert units(left(lake, A, B)) == of_task("lanes")


def test_rewording_descriptions_leaves_all(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = registry.family("lanes")
    assert lanes.against_labels is not None
    metrics = tuple(
        replace(metric, description="in other words", source="elsewhere")
        for metric in lanes.against_labels.metrics
    )
    reworded = replace(lanes.against_labels, metrics=metrics)
    change(monkeypatch, replace(lanes, against_labels=reworded))
    assert left(lake, A, B) is None


def test_for_a_dense_family_alone_the_networks_are_run_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    redefine(monkeypatch, "depth")
    plan = left(lake, A, B)
    assert units(plan) == of_task("depth")
    assert plan is not None
    assert (plan.run, plan.keep, plan.from_kept) == (("a", "b"), (), ())


def test_new_labels_leave_stability_and_comparisons(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "labels_version", lambda row: "v2")
    plan = left(lake, A, B)
    tasks = ("objects", "lanes", "depth")
    assert units(plan) == {(sha, "labels", task) for sha in ("a", "b") for task in tasks}
    assert plan is not None and plan.labels == "v2"


def test_a_new_candidate_leaves_the_deployed_network_s_own_scores(lake: Lake) -> None:
    plan = left(lake, A, C)
    own = {unit for unit in units(plan) if unit[1] in ("labels", "self")}
    assert {sha for sha, _, _ in own} == {"c"}
    assert plan is not None
    assert (plan.run, plan.keep) == (("a", "c"), ("c",))  # a dense comparison needs both again


def test_sparse_networks_are_compared_from_stored_outputs(lake: Lake) -> None:
    sparse = [network(sha, PREDICTIONS[:2]) for sha in ("s", "t", "u")]
    for pair in (sparse[:2], sparse[1:]):
        commit(lake, plan_replay(lake, pair, CLIPS, "cpu"))
    plan = left(lake, sparse[0], sparse[2])
    assert {by for _, by, _ in units(plan)} == {"s", "u"}
    assert plan is not None
    assert (plan.run, [sha for sha, _ in plan.from_kept]) == ((), ["s", "u"])


def test_another_frame_rate_has_scores_and_outputs_of_its_own(lake: Lake) -> None:
    plan = left(lake, A, network("b", rate_hz=2.0))
    assert plan is not None and plan.keep == ("a", "b") and len(plan.units) == 18


def test_a_baseline_is_scored_and_not_compared(lake: Lake) -> None:
    plan = left(lake, A, B, network("c", (*PREDICTIONS, "bev/road")))
    tasks = ("objects", "lanes", "depth")  # those that the candidate has
    assert units(plan) == {("c", by, task) for by in ("labels", "self") for task in tasks}
    assert plan is not None and plan.run == plan.keep == ("c",)
    assert left(lake, A, B, A) is None


def test_a_network_against_itself_is_compared_with_itself(lake: Lake) -> None:
    plan = left(lake, A, A)
    assert {(sha, by) for sha, by, _ in units(plan)} == {("a", "a")}


def test_long_clips_come_first_after_the_shortest():
    clips = pa.table({"clip_id": list("abcde"), "frames": [30, 90, 10, None, 90]})
    assert longest_first(clips)["clip_id"].to_pylist() == ["d", "b", "e", "a", "c"]
    assert longest_first(clips.slice(0, 3))["clip_id"].to_pylist() == ["c", "b", "a"]
    assert longest_first(clips.slice(0, 0)).num_rows == 0
