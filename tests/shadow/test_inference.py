"""Networks are opened once, and closed however the work ends."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from ridealong.errors import RidealongError
from ridealong.execution.accounting import Status
from ridealong.lake import Lake
from shadow import outputs, pipeline, replay
from shadow.inference import OpenNetworks
from shadow.outputs import run_outputs
from shadow.replay_plan import Batch, ClipOutcome, ClipPlan, NetworkFile, ReplayPlan
from shadow.runs import ROLES


class Networks:
    """A kind of networks that notes what is opened and closed."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    def open(self, name: str) -> Any:
        self.opened.append(name)
        if name == "broken":
            raise RidealongError("damaged weights")
        return SimpleNamespace(name=name, close=lambda: self.closed.append(name))

    def opener(self, name: str) -> Callable[[], Any]:
        return lambda: self.open(name)


@pytest.fixture
def kind() -> Networks:
    return Networks()


def test_threads_share_a_network_that_is_opened_once(kind: Networks) -> None:
    networks = OpenNetworks({"a": kind.opener("a"), "b": kind.opener("b")})
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(networks.__getitem__, ["a"] * 8))
    assert kind.opened == ["a"] and {id(one) for one in found} == {id(found[0])}
    networks.close()
    networks.close()
    assert kind.closed == ["a"]


@pytest.mark.parametrize("second", ["b", "broken"])
def test_a_run_s_networks_are_closed_also_after_an_error(
    kind: Networks, second: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lake = Lake.create(tmp_path / "home")
    entry = SimpleNamespace(artifact=lambda lake: None)
    monkeypatch.setattr(
        outputs, "find_network", lambda _, name: SimpleNamespace(manifest=name, **vars(entry))
    )
    monkeypatch.setattr(outputs, "open_network", lambda name, artifact: kind.open(name))
    run = {"deployed": "a", "candidate": second}
    with pytest.raises(RidealongError), run_outputs(lake, lake.snapshot(), run) as found:
        for role in ROLES:
            assert found.opened[role].name == run[role]
        raise RidealongError("the clip is damaged")
    assert kind.opened == ["a", second]
    assert kind.closed == [name for name in (second, "a") if name != "broken"]


def test_threads_close_their_networks_after_the_clips_in_progress(
    kind: Networks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun, go_on, seen = Event(), Event(), list[bool]()

    def replayed(self: replay.Replayer, clip: ClipPlan) -> ClipOutcome:
        assert self._networks["sha"].name == "a"
        begun.set()
        go_on.wait(10)
        seen.append(bool(kind.closed))
        return ClipOutcome(clip.clip_id, Status.DONE)

    monkeypatch.setattr(replay.Replayer, "_replay", replayed)
    monkeypatch.setattr(replay, "parse_manifest", lambda text: text)
    monkeypatch.setattr(replay, "open_network", lambda name, artifact, device: kind.open(name))
    clip = ClipPlan("c", "d", "b")
    networks = (NetworkFile("sha", "a", None),)
    plan = ReplayPlan(tmp_path, networks, (Batch("id", (clip,)),), 5.0, "definition", "cpu")
    with pytest.raises(ValueError, match="stop"), pipeline._workers(plan, ()) as workers:
        assert workers is not None
        workers.start([clip])
        assert begun.wait(10)
        ThreadPoolExecutor(1).submit(lambda: (Event().wait(0.1), go_on.set()))
        raise ValueError("stop")
    assert seen == [False] and kind.closed == ["a"]


def test_worker_processes_keep_their_networks(
    kind: Networks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(replay, "parse_manifest", lambda text: text)
    monkeypatch.setattr(replay, "open_network", lambda name, artifact, device: kind.open(name))
    networks = (NetworkFile("sha", "a", None),)
    plan = ReplayPlan(tmp_path, networks, (), 5.0, "definition", "cpu")
    for _ in range(2):  # one for each thread of a process
        replayer = replay.clip_replayer(plan).__self__  # type: ignore[attr-defined]
        assert replayer._networks["sha"].name == "a"
        replayer.close()
    assert kind.opened == ["a"] and kind.closed == []
