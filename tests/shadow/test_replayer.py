"""One replayer among threads: what one of them learns of the disk, none of the others unlearns."""

import errno
from pathlib import Path

import pytest

from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL
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
