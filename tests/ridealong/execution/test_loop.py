"""The loop: shards are committed one by one, and after a lost race what is left is planned."""

import errno
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.errors import RidealongError
from ridealong.execution.accounting import ItemsLostError, Status
from ridealong.execution.failures import DISK_FULL
from ridealong.execution.loop import Contents, run_plans, run_shards
from ridealong.execution.shards import Shard, shards
from ridealong.lake import AlreadyCommittedError, Lake, Reserve
from ridealong.lake.reserve import commit_bytes


@dataclass(frozen=True)
class Ended:
    item_id: str
    status: Status = Status.DONE
    reason: str | None = None


@dataclass
class Words:
    """A stage whose items are words: each uses itself up as a source."""

    fates: dict[str, str] = field(default_factory=dict)
    command: str = "spell"
    tried: list[str] = field(default_factory=list)

    def planned(self, shard: Shard[str]) -> Sequence[str]:
        return shard.parts

    def run(self, shard: Shard[str]) -> Iterator[Ended]:
        for word in shard.parts:
            self.tried.append(word)
            if self.fates.get(word) == "full":
                raise RidealongError("no room") from OSError(errno.ENOSPC, "no space left")
            if self.fates.get(word) != "lost":
                reason = self.fates.get(word)
                yield Ended(word, Status.FAILED if reason else Status.DONE, reason)

    def contents(self, shard: Shard[str], outcomes: Sequence[Ended]) -> Contents | None:
        done = [outcome.item_id for outcome in outcomes if outcome.status is Status.DONE]
        return Contents((), done) if done else None


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "home")


def cut(lake: Lake, words: str) -> list[Shard[str]]:
    return [Shard(lake.new_commit_id(), some) for some in shards(words.split(), 2)]


def test_each_shard_is_a_commit_with_its_counts(lake: Lake) -> None:
    stage = Words({"b": "no"})
    found = list(run_shards(lake, stage, cut(lake, "a b c")))
    assert [[o.item_id for o in result.outcomes or ()] for result in found] == [["a", "b"], ["c"]]
    assert lake.snapshot().sources() == {"a", "c"}
    commits = lake.snapshot().commits()
    assert commits["command"].to_pylist() == ["spell", "spell"]
    counts = {"planned": 2, "done": 1, "failed": 1}, {"planned": 1, "done": 1}
    assert [json.loads(text) for text in commits["counts"].to_pylist()] == list(counts)


def test_room_is_reserved_for_the_items_of_each_shard(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, reserve = [], Lake.reserve

    def reserved(lake: Lake, size: int) -> AbstractContextManager[Reserve]:
        sizes.append(size)
        return reserve(lake, size)

    monkeypatch.setattr(Lake, "reserve", reserved)
    list(run_shards(lake, Words(), cut(lake, "a b c")))
    assert sizes == [commit_bytes(2), commit_bytes(1)]


def test_a_shard_with_nothing_to_commit_is_not_committed(lake: Lake) -> None:
    [result] = run_shards(lake, Words({"a": "no"}), cut(lake, "a"))
    assert result.contents is None and len(lake.snapshot().commits()) == 0


@pytest.mark.parametrize(
    ("fate", "done"), [("full", {"a", "b"}), (DISK_FULL, {"a", "b", "d"})], ids=["shard", "item"]
)
def test_once_the_disk_is_full_no_further_shard_is_tried(
    lake: Lake, fate: str, done: set[str]
) -> None:
    stage = Words({"c": fate})
    found = list(run_shards(lake, stage, cut(lake, "a b c d e f")))
    assert [result.hit_full_disk for result in found] == [False, True, True]
    assert found[2].outcomes is None and "e" not in stage.tried
    assert lake.snapshot().sources() == done
    [result] = run_shards(lake, stage, cut(lake, "g"), is_disk_full=True)
    assert result.outcomes is None and "g" not in stage.tried


def test_a_lost_item_commits_nothing_of_its_shard(lake: Lake) -> None:
    with pytest.raises(ItemsLostError, match=r"2 items planned, 1 came back; lost: \['d'\]"):
        list(run_shards(lake, Words({"d": "lost"}), cut(lake, "a b c d")))
    assert lake.snapshot().sources() == {"a", "b"}


def test_after_a_lost_race_the_next_plan_is_asked_for(lake: Lake) -> None:
    def plans() -> Iterator[list[Shard[str]]]:
        for _ in range(3):
            committed = lake.snapshot().sources()
            left = " ".join(word for word in "abc" if word not in committed)
            yield cut(lake, left)

    def run(plan: list[Shard[str]]) -> None:
        if not lost:  # the other process
            list(run_shards(lake, Words(), cut(lake, "b")))
        list(run_shards(lake, stage, plan))

    stage, lost = Words(), list[None]()
    assert run_plans(plans(), run, lambda: lost.append(None))
    assert len(lost) == 1 and stage.tried == ["a", "b", "a", "c"]
    assert lake.snapshot().sources() == {"a", "b", "c"}


def test_the_plans_may_come_to_an_end() -> None:
    def lose(plan: int) -> None:
        raise AlreadyCommittedError({"a"}, Path("home"))

    lost: list[None] = []
    assert not run_plans(range(2), lose, lambda: lost.append(None))
    assert len(lost) == 2


@given(st.lists(st.integers(0, 5)), st.integers(1, 9))
def test_shards_hold_all_parts_in_order_and_are_cut_as_soon_as_they_are_heavy_enough(
    weights: list[int], size: int
) -> None:
    found = list(shards(weights, size, lambda weight: weight))
    assert [weight for shard in found for weight in shard] == weights
    assert all(sum(shard) >= size for shard in found[:-1])
    assert all(sum(shard[:-1]) < size for shard in found) and all(map(len, found))
