"""The queue: its order, its budget, near-duplicates, and what becomes of a clip."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from ingest.listing import list_clips
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from shadow.labeling import queue
from shadow.labeling.queue import AddRequest, add_to_queue, mark, queue_rows
from shadow.labeling.ranking import _ranks as ranks
from shadow.labeling.ranking import rarity
from shadow.labeling.states import FIGURES, State, added_sentence
from shadow.losses import CellNames


@pytest.fixture
def lake(fleet_home: Path, tmp_path: Path) -> Lake:
    shutil.copytree(fleet_home, tmp_path / "home")
    return Lake.open(tmp_path / "home")


@pytest.fixture
def add(lake: Lake) -> Any:
    def run(*clips: str, **more: Any) -> dict[str, Any]:
        return add_to_queue(lake, AddRequest(clips, **more), Console(as_json=True))

    return run


def test_ranks_by_hand() -> None:
    assert ranks([3.0, 1.0, None, 3.0]) == pytest.approx([2.5 / 3, 1 / 3, 0, 2.5 / 3])
    assert ranks([None, None]) == [0.0, 0.0] and ranks([]) == []


def test_rarity_by_hand() -> None:
    common = {"weather": "clear", "light": None, "road": None, "country": None}
    clips = [{"clip_id": str(n), "triggers": ["brake"]} | common for n in range(4)]
    clips[3] |= {"weather": "fog", "triggers": ["brake", "swerve"]}
    found = rarity(clips)
    assert found["0"] == pytest.approx(-math.log2(3 / 4) / 2)
    assert found["3"] == pytest.approx((0 + 2 + 2) / 3)


def test_the_clips_that_are_worth_most_are_added_once(add: Any, lake: Lake) -> None:
    first = add(budget=3)
    worth = [row["worth"] for row in first["added"]]
    assert len(worth) == 3 and worth == sorted(worth, reverse=True)
    assert all(set(FIGURES) <= row.keys() for row in first["added"])
    second = add(budget=2)
    assert second["waiting"] == 3 and second["added"][0]["worth"] <= worth[-1]
    listed = queue_rows(lake.snapshot())
    ids = [row["clip_id"] for row in first["added"] + second["added"]]
    assert [row["clip_id"] for row in listed] == ids and len(set(ids)) == 5
    assert {row["state"] for row in listed} == {"queued"}


def test_a_dry_run_adds_nothing_and_an_order_is_repeated(add: Any, lake: Lake) -> None:
    told = add(budget=4, dry_run=True)
    assert told["dry_run"] and queue_rows(lake.snapshot()) == []
    assert add(budget=4)["added"] == told["added"]


def test_near_duplicates_of_better_and_of_queued_clips_are_left_out(
    add: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = [row["clip_id"] for row in add(budget=6, dry_run=True)["added"]]
    looks = dict(zip(order, ["00", "ff" * 30, "01", "0f" * 30, "f" * 59 + "e", None], strict=True))
    monkeypatch.setattr(queue, "_looks", lambda _, one: looks.get(one.clip["clip_id"]))
    found = add(budget=4)
    assert [row["clip_id"] for row in found["added"]] == [order[n] for n in (0, 1, 3, 5)]
    assert found["near_duplicates"] == [
        {"clip_id": order[2], "like": order[0]},
        {"clip_id": order[4], "like": order[1]},
    ]
    again = add(order[2], budget=6)
    assert again["added"] == [] and again["near_duplicates"][0]["like"] == order[0]


def test_states_follow_the_work(add: Any, lake: Lake) -> None:
    one, two, three = (row["clip_id"] for row in add(budget=3)["added"])
    assert mark(lake, [one, two, "unknown"], State.EXPORTED) == 2
    assert [row["clip_id"] for row in queue_rows(lake.snapshot(), ["queued"])] == [three]
    assert mark(lake, [one], State.IMPORTED) == 1 and mark(lake, [one], State.IMPORTED) == 0
    assert queue.remove_from_queue(lake, [three]) == [three]
    states = {row["clip_id"]: row["state"] for row in queue_rows(lake.snapshot())}
    assert states == {one: "imported", two: "exported"}
    # What was imported or removed may be queued again.
    assert {row["clip_id"] for row in add(one, three, budget=3)["added"]} == {one, three}


def test_mistakes_are_said(add: Any, lake: Lake, program: Any) -> None:
    with pytest.raises(RidealongError, match="zzz"):
        add("zzz")
    with pytest.raises(RidealongError, match="no such clip"):
        add(where="frames < 0")
    (clip, *_) = list_clips(lake.snapshot())["clip_id"].to_pylist()
    with pytest.raises(RidealongError, match="is not in the queue"):
        queue.remove_from_queue(lake, [clip])
    done = program("labels", "queue", "add", "--budget", "0", "--home", lake.home)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    done = program(
        *("labels", "export", "--queued", "--format", "kitti", "--out", lake.home / "out"),
        *("--home", lake.home),
    )
    assert done.returncode == 2 and "no queued clip fits" in done.stderr
    done = program("labels", "queue", "list", "--home", lake.home)
    assert done.returncode == 0


def test_whoever_names_a_check_gets_clips_with_a_share_in_its_loss(add: Any) -> None:
    cells = CellNames("objects/pedestrian@main", "f1", "light=night")
    named = add(cells=cells, budget=200, dry_run=True)
    every = add(budget=200, dry_run=True)
    assert 0 < named["considered"] < every["considered"]
    assert all(row["loss"] is not None for row in named["added"])


def test_a_clip_is_worth_the_same_however_many_are_considered(add: Any) -> None:
    best, *_, last = add(budget=5, dry_run=True)["added"]
    (alone,) = add(last["clip_id"], dry_run=True)["added"]
    assert alone["worth"] == last["worth"] < best["worth"]


def test_what_was_added_is_said(add: Any) -> None:
    assert added_sentence(add(budget=1)) == "added 1 clip to the queue"
    told = added_sentence(add(budget=1, dry_run=True))
    assert told == "would add 1 clip to the queue; 1 clip is in the queue already"
