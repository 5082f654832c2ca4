"""One replayer among threads: what one of them learns of the disk, none of the others unlearns."""

import errno
from pathlib import Path

import pytest

from ridealong.errors import RidealongError, UnreadableError
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL
from shadow.inference import OpenNetworks
from shadow.replay import Replayer
from shadow.replay_plan import ClipOutcome, ClipPlan, ReplayPlan


def test_a_full_disk_stays_known_when_another_clip_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = ReplayPlan(tmp_path, (), (), 10.0, "definition", "cpu")
    replayer, clips = Replayer(plan), {n: ClipPlan(n, "d", "b") for n in "abc"}

    def replay(self: Replayer, clip: ClipPlan) -> ClipOutcome:
        if clip.clip_id == "a":  # another thread's clip fills the disk meanwhile
            assert self.replay(clips["b"]).reason == DISK_FULL
            raise ValueError("damaged")
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(Replayer, "_replay", replay)
    assert "damaged" in str(replayer.replay(clips["a"]).reason)
    monkeypatch.setattr(Replayer, "_replay", lambda self, clip: pytest.fail("tried again"))
    last = replayer.replay(clips["c"])
    assert (last.status, last.reason) == (Status.FAILED, DISK_FULL)


def test_an_outcome_knows_whether_a_network_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = ReplayPlan(tmp_path, (), (), 10.0, "definition", "cpu")
    replayer, clip = Replayer(plan, OpenNetworks({})), ClipPlan("a", "d", "b", run=("sha",))
    monkeypatch.setattr(OpenNetworks, "__getitem__", lambda self, name: None)

    def outcome_of(error: Exception) -> ClipOutcome:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr("shadow.replay.perceive_clip", fail)
        monkeypatch.setattr(Replayer, "_see", lambda self, clip: self._run(clip, None))
        return replayer.replay(clip)

    nan = outcome_of(RidealongError("output 'y' is NaN in frame 2"))
    assert (nan.reason, nan.by_network) == ("output 'y' is NaN in frame 2", True)
    torn = outcome_of(UnreadableError("cannot be decoded"))
    assert (torn.reason, torn.by_network) == ("cannot be decoded", False)
    full = outcome_of(OSError(errno.ENOSPC, "no space"))
    assert full.reason == DISK_FULL
