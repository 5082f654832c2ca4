"""Batches of a replay: how they are cut, and what stands after whatever goes wrong."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.errors import RidealongError
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from ridealong.terminal.progress import Steps
from shadow import batches
from shadow.batches import Replayed, replay
from shadow.planning import Pair, in_batches, plan_replay
from shadow.replay_plan import ClipOutcome, ClipPlan, ReplayPlan

pytestmark = pytest.mark.slow


def network(sha: str) -> Any:
    manifest = SimpleNamespace(
        rate_hz=5.0,
        predictions=("objects/car@main", "depth@main"),
        as_json=lambda: "{}",
    )
    return SimpleNamespace(network_sha256=sha, manifest=manifest, blob=f"blobs/{sha}")


PAIR: Pair = (network("a"), network("b"))


def clips(count: int) -> pa.Table:
    names = [f"clip{number:02d}" for number in range(count)]
    return pa.table({"clip_id": names, "drive_id": names, "blob": names, "frames": [50] * count})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "home")


Fate = Callable[[str], str | None]


@pytest.fixture
def replaying(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have a function say why each clip fails (None: it does not), in the networks' place."""

    def by(fate: Fate, by_network: bool = False) -> list[str]:
        tried: list[str] = []

        def outcome(clip: ClipPlan) -> ClipOutcome:
            tried.append(clip.clip_id)
            reason = fate(clip.clip_id)
            status = Status.DONE if reason is None else Status.FAILED
            return ClipOutcome(clip.clip_id, status, reason, by_network=by_network, frames=7)

        @contextmanager
        def replaying(plan: ReplayPlan, beam_args: Sequence[str], steps: Steps) -> Iterator[Any]:
            yield lambda batch: [outcome(clip) for clip in batch.clips]

        monkeypatch.setattr(batches, "replaying", replaying)
        return tried

    return by


def run(lake: Lake, count: int = 20) -> Replayed:
    return replay(lake, PAIR, clips(count), "cpu", Console(as_json=True))


def left(lake: Lake, count: int = 20) -> list[str]:
    return [clip.clip_id for clip in plan_replay(lake, PAIR, clips(count), "cpu").clips]


@given(st.integers(0, 500))
def test_a_batch_is_a_tenth_of_the_clips_at_most(count: int) -> None:
    plans = [ClipPlan(f"{number}", "d", "b") for number in range(count)]
    cut = in_batches(plans)
    assert [clip.clip_id for batch in cut for clip in batch.clips] == [p.clip_id for p in plans]
    assert all(1 <= len(batch.clips) <= max(1, count / 10) for batch in cut)
    assert len({batch.commit_id for batch in cut}) == len(cut) <= 19
    assert all(clip.commit_id == batch.commit_id for batch in cut for clip in batch.clips)


def test_what_fails_is_given_back_and_tried_again_by_the_next_run(
    lake: Lake, replaying: Any
) -> None:
    replaying(lambda clip: "no" if clip in ("clip03", "clip10") else None)
    found = run(lake)
    assert found.failed_ids == ["clip03", "clip10"] == left(lake)
    assert len(found.done) == 18
    tried = replaying(lambda clip: None)
    assert len(run(lake).done) == 2 and tried == ["clip03", "clip10"]
    assert left(lake) == []


class KilledError(BaseException):
    """Ends a run wherever it is."""


def test_a_kill_costs_the_batch_in_hand(lake: Lake, replaying: Any) -> None:
    def killed(clip: str) -> None:
        if clip == "clip17":
            raise KilledError

    replaying(killed)
    with pytest.raises(KilledError):
        run(lake)
    assert left(lake) == ["clip16", "clip17", "clip18", "clip19"]  # 16 stood, in batches of two


def test_a_full_disk_keeps_what_was_done(lake: Lake, replaying: Any) -> None:
    replaying(lambda clip: DISK_FULL if clip >= "clip09" else None)
    with pytest.raises(RidealongError, match=r"full; replayed and kept: 9 clips.*room"):
        run(lake)
    assert left(lake)[0] == "clip09" and len(left(lake)) == 11


def test_a_disk_that_is_full_at_the_commit_keeps_the_batches_before(
    lake: Lake, replaying: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaying(lambda clip: None)
    commit = Lake.commit

    def no_room(lake: Lake, *about: Any) -> Any:
        if "score:a:clip06:" in "".join(about[3]):
            raise RidealongError("no space left on device") from OSError(28, "No space left")
        return commit(lake, *about)

    monkeypatch.setattr(Lake, "commit", no_room)
    with pytest.raises(RidealongError, match="full; replayed and kept: 6 clips"):
        run(lake)
    monkeypatch.undo()
    assert left(lake)[0] == "clip06" and len(left(lake)) == 14


def test_a_broken_network_stops_the_run_early(lake: Lake, replaying: Any) -> None:
    tried = replaying(lambda clip: "RuntimeError: shapes")
    with pytest.raises(RidealongError, match=r"6 were tried.*same reason: RuntimeError: shapes"):
        run(lake)
    assert len(tried) == 6  # in batches of two, the third is the one that makes five


def test_a_network_that_fails_on_the_first_clips_stops_the_run(lake: Lake, replaying: Any) -> None:
    """Each time in another frame."""
    replaying(lambda clip: f"output 'y' is NaN in frame {clip}", by_network=True)
    said = (
        "6 were tried, and a network failed on each; the first: output 'y' is NaN in frame clip00"
    )
    with pytest.raises(RidealongError, match=said):
        run(lake)


@pytest.mark.parametrize(
    "fate",
    [
        lambda clip: f"{clip} is damaged",  # each its own reason: clips can be to blame
        lambda clip: "killed" if clip != "clip01" else None,  # one worked
    ],
    ids=["their own reasons", "one that works"],
)
def test_clips_that_fail_do_not_stop_a_run(lake: Lake, replaying: Any, fate: Fate) -> None:
    tried = replaying(fate)
    found = run(lake)
    assert len(tried) == 20 and len(found.failed) >= 19


def test_stored_scores_show_that_the_networks_work(lake: Lake, replaying: Any) -> None:
    replaying(lambda clip: None)
    run(lake, 3)
    replaying(lambda clip: "killed")
    assert len(run(lake, 20).failed) == 17


def test_two_processes_share_the_clips(lake: Lake, replaying: Any) -> None:
    """Another one commits a batch while ours is in hand: ours goes on from the other end."""
    mine: list[str] = []

    def other_first(clip: str) -> None:
        mine.append(clip)
        if clip == "clip04":  # the other one is at the same batch, and is faster
            replaying(lambda clip: None)
            replay(lake, PAIR, clips(6), "cpu", Console(as_json=True))
            replaying(other_first)

    replaying(other_first)
    found = run(lake)
    assert left(lake) == []
    assert mine[:6] == [f"clip{number:02d}" for number in range(6)]
    assert mine[6:] == [f"clip{number:02d}" for number in range(19, 5, -1)]
    assert sorted(outcome.item_id for outcome in found.done) == [
        f"clip{number:02d}" for number in range(20) if number not in (4, 5)
    ]
