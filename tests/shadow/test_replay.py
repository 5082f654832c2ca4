"""Replaying clips: by processes or right here, in any batches, the same bytes; what one costs."""

import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from metrics.gate.spec import load_gate
from ridealong.execution.accounting import Status, settle
from ridealong.execution.processes import pool
from ridealong.lake import Lake, Snapshot, new_commit_id
from shadow import pipeline
from shadow.pipeline import replaying
from shadow.planning import plan_replay
from shadow.replay_plan import Batch, ClipOutcome, ReplayPlan
from shadow.run import RunRequest, clips_of, pair_of

pytestmark = pytest.mark.slow


@pytest.fixture
def plan(demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReplayPlan:
    """Clips of a small demo, simulated and of a video, as if none had been replayed."""
    shutil.copytree(demo_home, tmp_path / "home")
    lake = Lake.open(tmp_path / "home")
    request = RunRequest("hydra-1.0", "hydra-1.1", None, load_gate())
    pair, clips = pair_of(lake.snapshot(), request), clips_of(lake.snapshot(), request)
    monkeypatch.setattr(Snapshot, "sources", lambda snapshot: frozenset())
    whole = plan_replay(lake, pair, clips, "cpu")
    return replace(whole, batches=whole.batches[1:])  # without the longest


def outcomes(plan: ReplayPlan) -> dict[str, ClipOutcome]:
    with replaying(plan) as replay_batch:
        return {
            found.item_id: found
            for batch in plan.batches
            for found in in_order(replay_batch(batch), batch)
        }


def in_order(found: list[ClipOutcome], batch: Batch) -> list[ClipOutcome]:
    return settle([clip.clip_id for clip in batch.clips], found)


def names(found: dict[str, ClipOutcome]) -> dict[str, list[str]]:
    """The files of each clip, which are named by their content, whatever commit they are under."""
    return {clip: sorted(Path(f.path).name for f in o.written) for clip, o in found.items()}


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
    whole = replace(plan, batches=(in_one(plan),))  # by processes, and in one batch
    there = outcomes(whole)
    assert names(there) == names(here)
    assert {f.commit_id for o in there.values() for f in o.written} == {whole.batches[0].commit_id}
    assert starts


def in_one(plan: ReplayPlan) -> Batch:
    """All clips of a plan as one batch, the last clip first."""
    commit_id = new_commit_id()
    clips = [replace(clip, commit_id=commit_id) for clip in plan.clips[::-1]]
    return Batch(commit_id, tuple(clips))


def dying() -> "subprocess.Popen[bytes]":
    """In a process's place, one that dies of its first clip."""
    program = "import os, sys; sys.stdin.buffer.read(1); os.kill(os.getpid(), 9)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", program], **pipes)


@pytest.mark.parametrize(("deaths", "lost"), [(1, 0), (2, 1)], ids=["once", "twice"])
def test_a_clip_whose_process_dies_is_tried_once_more(
    plan: ReplayPlan, monkeypatch: pytest.MonkeyPatch, deaths: int, lost: int
) -> None:
    monkeypatch.setattr(pipeline, "FEWEST_CLIPS", 0)
    monkeypatch.setattr(pipeline, "cores", lambda: 1)
    starts = chain([dying] * deaths, repeat(pool._start))

    def start_next() -> "subprocess.Popen[bytes]":
        return next(starts)()

    monkeypatch.setattr(pool, "_start", start_next)
    found = list(outcomes(plan).values())
    failed = [outcome for outcome in found if outcome.status is Status.FAILED]
    assert len(failed) == lost and len(found) - lost >= 1
    assert all(o.reason == "tried twice; the process that did it died (SIGKILL)" for o in failed)


def test_a_clip_that_cannot_be_read_fails_alone(plan: ReplayPlan) -> None:
    (plan.home / plan.clips[0].blob).write_bytes(b"not a clip")
    first, *others = outcomes(plan).values()
    assert first.item_id == plan.clips[0].clip_id and plan.clips[0].blob in str(first.reason)
    assert others and all(outcome.status is Status.DONE for outcome in others)
