"""What a replay has to do: which clips have no stored scores, and under which keys they count."""

from collections.abc import Sequence, Set
from dataclasses import replace

import pyarrow as pa

from metrics.tasks.registry import definition_sha256
from ridealong.lake import Lake, new_commit_id
from shadow.networks.manifest import rate_of
from shadow.networks.registry import NetworkEntry
from shadow.replay import Batch, ClipPlan, NetworkFile, ReplayPlan

BATCHES = 10  # at least: a batch is at most a tenth of the clips

Pair = tuple[NetworkEntry, NetworkEntry]


def plan_replay(lake: Lake, pair: Pair, clips: pa.Table, device: str) -> ReplayPlan:
    """What no commit holds yet of these two networks on these clips, in the clips' order."""
    lake.require_writable()
    rate_hz = rate_of(pair[0].manifest, pair[1].manifest)
    definition = judged_by(rate_hz)
    entries = {entry.network_sha256: entry for entry in pair}
    committed = lake.snapshot().sources()
    wanted = [_clip_plan(row, pair, definition, committed) for row in clips.to_pylist()]
    return ReplayPlan(
        home=lake.home,
        networks=tuple(
            NetworkFile(sha, entry.manifest.as_json(), entry.blob) for sha, entry in entries.items()
        ),
        batches=in_batches([clip for clip in wanted if clip.score or clip.compare]),
        rate_hz=rate_hz,
        definition=definition,
        device=device,
    )


def in_batches(clips: Sequence[ClipPlan]) -> tuple[Batch, ...]:
    """Clips in their order, at most a tenth of them a batch, each batch under a new commit id."""
    size = max(1, len(clips) // BATCHES)
    return tuple(
        _batch(new_commit_id(), clips[at : at + size]) for at in range(0, len(clips), size)
    )


def _batch(commit_id: str, clips: Sequence[ClipPlan]) -> Batch:
    return Batch(commit_id, tuple(replace(clip, commit_id=commit_id) for clip in clips))


def _clip_plan(row: dict[str, str], pair: Pair, definition: str, committed: Set[str]) -> ClipPlan:
    shas = dict.fromkeys(entry.network_sha256 for entry in pair)
    return ClipPlan(
        clip_id=row["clip_id"],
        drive_id=row["drive_id"],
        blob=row["blob"],
        score=tuple(
            sha for sha in shas if score_source(sha, row["clip_id"], definition) not in committed
        ),
        compare=compare_source(list(shas), row["clip_id"], definition) not in committed,
    )


def judged_by(rate_hz: float) -> str:
    """What stored scores, matched rows and outputs were made under: definitions and rate."""
    return f"{definition_sha256()}@{rate_hz:g}"


def score_source(sha: str, clip_id: str, definition: str) -> str:
    """The key under which one network's scores on one clip count once."""
    return f"score:{sha}:{clip_id}:{definition}"


def compare_source(shas: Sequence[str], clip_id: str, definition: str) -> str:
    """The key under which the comparison of two networks on one clip counts once, either way."""
    return f"compare:{':'.join(sorted(shas))}:{clip_id}:{definition}"


def replay_sources(plan: ReplayPlan, batch: Batch, done: Set[str]) -> list[str]:
    """The keys that the finished clips of a batch use up."""
    shas = [file.sha256 for file in plan.networks]
    sources = []
    for clip in (clip for clip in batch.clips if clip.clip_id in done):
        key = clip.clip_id, plan.definition
        sources += [score_source(sha, *key) for sha in clip.score]
        sources += [compare_source(shas, *key)] if clip.compare else []
    return sources
