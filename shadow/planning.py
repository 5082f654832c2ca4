"""What a run still has to do for each clip, given the stored scores and outputs.

If all scores of a clip are stored, there is nothing to do. A missing score of a sparse family is
computed from the stored outputs. A network is run again only if the score of a dense family is
missing, or if its outputs on the clip are not stored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from metrics.tasks.metric import Reference
from metrics.tasks.registry import parse_prediction, sparse_tasks
from ridealong.lake import Lake, new_commit_id
from shadow.kept import kept_files
from shadow.keys import (
    ScoreUnit,
    judged_by,
    labels_version,
    outputs_source,
    score_source,
    stored_by,
)
from shadow.networks.manifest import rate_of
from shadow.networks.registry import NetworkEntry
from shadow.replay_plan import Batch, ClipPlan, NetworkFile, ReplayPlan

BATCHES = 10  # at least: a batch is at most a tenth of the clips

Pair = tuple[NetworkEntry, NetworkEntry]


def plan_replay(
    lake: Lake, networks: Sequence[NetworkEntry], clips: pa.Table, device: str
) -> ReplayPlan:
    """The work that is left for these clips, in their order.

    Args:
        lake: Where scores and outputs are stored.
        networks: The deployed one, the candidate, and any others. The first two are compared with
            each other; the others are only scored.
        clips: Rows with ``clip_id``, ``drive_id`` and ``blob``.
        device: Where the networks run, as torch names it.

    Raises:
        RidealongError: The home is not writable, or stored outputs are damaged.
    """
    lake.require_writable()
    snapshot = lake.snapshot()
    rate_hz = rate_of(networks[0].manifest, networks[1].manifest)
    planner = _Planner(
        tuple(dict.fromkeys(_units(networks))),
        judged_by(tasks_of(networks[:2]), rate_hz),
        stored_by(rate_hz),
        snapshot.sources(),
        sparse_tasks(),
    )
    plans = [plan for row in clips.to_pylist() if (plan := planner.plan(row)).units]
    if any(plan.from_kept for plan in plans):
        files = kept_files(snapshot, planner.stored_by)
        plans = [_with_files(plan, files) for plan in plans]
    return ReplayPlan(
        home=lake.home,
        networks=tuple(
            NetworkFile(entry.network_sha256, entry.manifest.as_json(), entry.blob)
            for entry in {entry.network_sha256: entry for entry in networks}.values()
        ),
        batches=in_batches(plans),
        rate_hz=rate_hz,
        definition=planner.definition,
        device=device,
    )


def longest_first(clips: pa.Table) -> pa.Table:
    """The clips from long to short, so that all workers end at about the same time.

    But the shortest is the first of all: if it works, long clips that fail do not stop a replay.

    Args:
        clips: Rows with ``frames``.
    """
    frames = clips["frames"].to_numpy()
    if not len(frames):
        return clips
    shortest, order = frames.argmin(), np.argsort(-frames, kind="stable")
    return clips.take(pa.array([shortest, *order[order != shortest]]))


def tasks_of(networks: Sequence[NetworkEntry]) -> set[str]:
    """The families of the networks' predictions."""
    names = {name for entry in networks for name in entry.manifest.predictions}
    return {str(parse_prediction(name).task) for name in names}


def in_batches(clips: Sequence[ClipPlan]) -> tuple[Batch, ...]:
    """Clips in their order, at most a tenth of them a batch, each batch under a new commit id."""
    size = max(1, len(clips) // BATCHES)
    return tuple(
        _batch(new_commit_id(), clips[at : at + size]) for at in range(0, len(clips), size)
    )


def _batch(commit_id: str, clips: Sequence[ClipPlan]) -> Batch:
    return Batch(commit_id, tuple(replace(clip, commit_id=commit_id) for clip in clips))


def replay_sources(plan: ReplayPlan, batch: Batch, done: Set[str]) -> list[str]:
    """The keys under which the work on the finished clips of a batch is stored."""
    sources = []
    for clip in (clip for clip in batch.clips if clip.clip_id in done):
        key = clip.clip_id, clip.labels, plan.definition
        sources += [score_source(unit, *key) for unit in clip.units]
        sources += [outputs_source(sha, clip.clip_id, plan.stored_by) for sha in clip.keep]
    return sources


def _units(networks: Sequence[NetworkEntry]) -> Iterator[ScoreUnit]:
    """All that a run needs of each clip: scores of each network, and of the pair compared."""
    pair = networks[:2]
    judged = tasks_of(pair[1:])
    for number, entry in enumerate(networks):
        tasks = sorted(tasks_of([entry]) if number < len(pair) else tasks_of([entry]) & judged)
        for reference in (Reference.LABELS, Reference.SELF):
            yield from (ScoreUnit(entry.network_sha256, reference.value, task) for task in tasks)
    for one, other in (pair, pair[::-1]):
        for task in sorted(tasks_of([one])):
            yield ScoreUnit(one.network_sha256, other.network_sha256, task)


@dataclass(frozen=True)
class _Planner:
    """Plans clip by clip.

    Attributes:
        units: All that the run needs of each clip.
        definition: As `shadow.keys.judged_by`.
        stored_by: As `shadow.keys.stored_by`.
        committed: The keys of all that is stored.
        sparse: The families whose outputs are stored.
    """

    units: tuple[ScoreUnit, ...]
    definition: str
    stored_by: str
    committed: Set[str]
    sparse: Set[str]

    def plan(self, row: Mapping[str, Any]) -> ClipPlan:
        """What is missing for one clip, and how to get it; no units if nothing is missing."""
        clip_id, labels = row["clip_id"], labels_version(row)
        units = tuple(
            unit
            for unit in self.units
            if score_source(unit, clip_id, labels, self.definition) not in self.committed
        )
        needed = _networks(units)
        dense = _networks(unit for unit in units if unit.task not in self.sparse)
        new = {
            sha
            for sha in needed
            if outputs_source(sha, clip_id, self.stored_by) not in self.committed
        }
        return ClipPlan(
            clip_id=clip_id,
            drive_id=row["drive_id"],
            blob=row["blob"],
            labels=labels,
            labels_blob=row.get("labels_blob"),
            units=units,
            run=tuple(sorted(dense | new)),
            keep=tuple(sorted(new)),
            from_kept=tuple((sha, None) for sha in sorted(needed - dense - new)),
        )


def _networks(units: Iterable[ScoreUnit]) -> set[str]:
    """The networks whose outputs are needed to score these units."""
    every = {sha for unit in units for sha in (unit.network_sha256, unit.other_sha256)}
    return {sha for sha in every if sha is not None}


def _with_files(plan: ClipPlan, files: Mapping[tuple[str, str], str]) -> ClipPlan:
    kept = tuple((sha, files.get((sha, plan.clip_id))) for sha, _ in plan.from_kept)
    return replace(plan, from_kept=kept)
