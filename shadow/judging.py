"""The end of a run: it is judged from stored scores, and committed with its verdicts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from ingest.listing import list_clips
from ingest.schemas import DRIVES
from metrics.gate.schemas import VERDICTS
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict, judge
from metrics.schemas import MATCHES, SCORES
from ridealong.lake import Lake, Snapshot, write_data_file
from shadow.costs import run_clips
from shadow.keys import judged_by, labels_version
from shadow.latency import Latency
from shadow.left_out import LeftOut, among, as_rows, fail_closed, without
from shadow.networks.manifest import rate_of
from shadow.networks.registry import NetworkEntry
from shadow.planning import tasks_of
from shadow.schemas import RUNS
from shadow.scores import ScoreQuery, query_of


def judge_run(
    lake: Lake,
    gate: GateSpec,
    networks: Sequence[NetworkEntry],
    clips: pa.Table,
    left_out: Sequence[LeftOut],
    latency: Latency,
    started: float,
) -> tuple[dict[str, Any], RunVerdict]:
    """Judge from what is committed, and commit the run (a row of `RUNS`) and its verdicts."""
    judged = without(clips, left_out)
    verdict = verdict_of(lake.snapshot(), networks, judged, gate)
    verdict = fail_closed(verdict, clips.filter(among(clips, left_out)))
    deployed, candidate, *others = networks
    baseline = others[0] if others else None
    row = {
        "run_id": lake.new_commit_id(),
        "deployed": deployed.network,
        "candidate": candidate.network,
        "deployed_sha256": deployed.network_sha256,
        "candidate_sha256": candidate.network_sha256,
        "gate": gate.model_dump_json(),
        "definition": _judged_by(networks),
        "clip_ids": judged["clip_id"].to_pylist(),
        "clip_labels": list(clip_labels(judged).values()),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "created_ns": time.time_ns(),
        "seconds": time.monotonic() - started,
        "deployed_ms": latency.deployed_ms,
        "candidate_ms": latency.candidate_ms,
        "latency_ratio": latency.ratio,
        "clips_left_out": as_rows(left_out),
        "baseline": baseline.network if baseline else None,
        "baseline_sha256": baseline.network_sha256 if baseline else None,
    }
    _commit(lake, row, verdict)
    return row, verdict


def _commit(lake: Lake, row: dict[str, Any], verdict: RunVerdict) -> None:
    run_id = row["run_id"]
    tables = {
        RUNS: pa.Table.from_pylist([row], schema=RUNS.schema),
        VERDICTS: _verdict_rows(run_id, verdict),
    }
    files = [write_data_file(lake.home, run_id, spec, rows) for spec, rows in tables.items()]
    lake.commit(run_id, "shadow run", [f for f in files if f], [f"run:{run_id}"], {"runs": 1})


def _verdict_rows(run_id: str, verdict: RunVerdict) -> pa.Table:
    runs = pa.array([run_id] * verdict.cells.num_rows, pa.string())
    return verdict.cells.add_column(0, "run_id", runs).cast(VERDICTS.schema)


def verdict_of(
    snapshot: Snapshot, networks: Sequence[NetworkEntry], clips: pa.Table, gate: GateSpec
) -> RunVerdict:
    """The verdict over these clips, from stored scores.

    Args:
        snapshot: Where the scores are.
        networks: Deployed, candidate, and the baseline if there is one.
        clips: The clips to judge.
        gate: The gate to judge by.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    shas = tuple(entry.network_sha256 for entry in networks)
    stored = ScoreQuery(shas, _judged_by(networks), clip_labels(clips))
    return judge(
        scores=stored.rows(snapshot, SCORES),
        matches=stored.rows(snapshot, MATCHES),
        clips=clips.select(["clip_id", "drive_id", "by_disagreement"]),
        drives=snapshot.read(DRIVES),
        deployed_sha256=shas[0],
        candidate_sha256=shas[1],
        gate=gate,
        baseline_sha256=next(iter(shas[2:]), None),
    )


def judge_again(snapshot: Snapshot, run: Mapping[str, Any], gate: GateSpec) -> RunVerdict:
    """The verdict of a stored run by any gate.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    stored, baseline = query_of(run), run["baseline_sha256"]
    if baseline is not None:
        stored = replace(stored, networks=(*stored.networks, baseline))
    verdict = judge(
        scores=stored.rows(snapshot, SCORES),
        matches=stored.rows(snapshot, MATCHES),
        clips=run_clips(snapshot, run).select(["clip_id", "drive_id", "by_disagreement"]),
        drives=snapshot.read(DRIVES),
        deployed_sha256=run["deployed_sha256"],
        candidate_sha256=run["candidate_sha256"],
        gate=gate,
        baseline_sha256=baseline,
    )
    lost = [LeftOut(**row) for row in run["clips_left_out"] or ()]
    clips = list_clips(snapshot)
    return fail_closed(verdict, clips.filter(among(clips, lost)))


def _judged_by(networks: Sequence[NetworkEntry]) -> str:
    """The definitions that deployed and candidate are judged by."""
    pair = networks[:2]
    return judged_by(tasks_of(pair), rate_of(pair[0].manifest, pair[1].manifest))


def clip_labels(clips: pa.Table) -> dict[str, str]:
    """The version of the labels of each clip, by id."""
    return {row["clip_id"]: labels_version(row) for row in clips.to_pylist()}
