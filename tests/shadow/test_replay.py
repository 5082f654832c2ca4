"""Replaying clips: by processes or right here, the same bytes; one that dies fails one clip."""

import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from ingest.accounting import Status
from ingest.lake import Lake
from ingest.processes import pool
from metrics.gate.spec import load_gate
from shadow import pipeline
from shadow.pipeline import run_replay
from shadow.replay import ClipOutcome, ClipPlan, ReplayPlan
from shadow.run import RunWish, clips_of, pair_of, plan_replay

pytestmark = pytest.mark.slow


@pytest.fixture
def plan(demo_home: Path, tmp_path: Path) -> ReplayPlan:
    """Every clip of a small demo, as if none had been replayed."""
    shutil.copytree(demo_home, tmp_path / "home")
    lake = Lake.open(tmp_path / "home")
    wish = RunWish("hydra-1.0", "hydra-1.1", None, load_gate())
    pair, clips = pair_of(lake.snapshot(), wish), clips_of(lake.snapshot(), wish)
    both = tuple(entry.network_sha256 for entry in pair)
    rows = clips.select(["clip_id", "drive_id", "blob"]).to_pylist()
    jobs = tuple(ClipPlan(**row, score=both, compare=True) for row in rows)
    return replace(plan_replay(lake, pair, clips, "cpu"), clips=jobs)


def outcomes(plan: ReplayPlan) -> dict[str, ClipOutcome]:
    return {outcome.item_id: outcome for outcome in run_replay(plan)}


def test_processes_replay_as_this_one_would(
    plan: ReplayPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    def start() -> "subprocess.Popen[bytes]":
        starts.append(_start())
        return starts[-1]

    _start = pool._start
    monkeypatch.setattr(pool, "_start", start)
    monkeypatch.setattr(pipeline, "FEWEST_CLIPS", 1000)
    here = outcomes(plan)
    assert len(here) == len(plan.clips) > 1
    assert all(outcome.status is Status.DONE and outcome.written for outcome in here.values())
    assert starts == []
    monkeypatch.setattr(pipeline, "FEWEST_CLIPS", 0)
    assert outcomes(plan) == here  # files are named by their content
    assert starts


def dying() -> "subprocess.Popen[bytes]":
    """In a process's place, one that dies of its first clip."""
    program = "import os, sys; sys.stdin.read(1); os.kill(os.getpid(), 9)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", program], **pipes)


def test_what_fails_fails_its_clip_alone(plan: ReplayPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "FEWEST_CLIPS", 0)
    starts = chain([dying], repeat(pool._start))

    def start_next() -> "subprocess.Popen[bytes]":
        return next(starts)()

    monkeypatch.setattr(pool, "_start", start_next)
    [failed] = [o for o in outcomes(plan).values() if o.status is Status.FAILED]
    assert failed.reason == "the process that did it died (SIGKILL)"
    (plan.home / plan.clips[0].blob).write_bytes(b"not a clip")
    [failed] = [o for o in outcomes(plan).values() if o.status is Status.FAILED]
    assert failed.item_id == plan.clips[0].clip_id and plan.clips[0].blob in str(failed.reason)
