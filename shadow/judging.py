"""The end of a run: it is judged from stored scores, and committed with its verdicts."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.listing import list_clips
from metrics.gate.cells import Verdict
from metrics.gate.schemas import CELLS, VERDICTS
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict, judge
from metrics.schemas import SCORES
from metrics.slices import ALL
from ridealong.lake import Lake, Snapshot, write_data_file
from shadow.judged import Scope, judged_of, of_items
from shadow.keys import judged_by, labels_version
from shadow.latency import Latency
from shadow.left_out import LeftOut, as_rows, fail_closed, without
from shadow.networks.manifest import rate_of
from shadow.networks.registry import NetworkEntry
from shadow.planning import tasks_of
from shadow.schemas import RUNS
from shadow.scores import query_of

MOST_ONE_SIDED = 0.01  # share of items that only one file has; with more, a run never passes

NEXT_TO_NOTHING = 0.01  # a share


@dataclass(frozen=True)
class Judged:
    """The clips of a run.

    Attributes:
        clips: Those to judge.
        left_out: Those of them that could not be replayed: the gate fails closed.
        calibration: Others, whose drives calibrated a network: the gate does not miss them.
    """

    clips: pa.Table
    left_out: Sequence[LeftOut]
    calibration: pa.Table


def judge_run(
    lake: Lake,
    gate: GateSpec,
    networks: Sequence[NetworkEntry],
    asked: Judged,
    latency: Latency,
    started: float,
) -> tuple[dict[str, Any], RunVerdict]:
    """Judge clips from what is committed, and commit the run and its verdicts."""
    judged = without(asked.clips, asked.left_out)
    deployed, candidate, *others = networks
    baseline = others[0] if others else None
    row = {
        "run_id": lake.new_commit_id(),
        "deployed": deployed.network,
        "candidate": candidate.network,
        "deployed_sha256": deployed.network_sha256,
        "candidate_sha256": candidate.network_sha256,
        "definition": _judged_by(networks),
        "clip_ids": judged["clip_id"].to_pylist(),
        "clip_labels": list(clip_labels(judged).values()),
        "deployed_ms": latency.deployed_ms,
        "candidate_ms": latency.candidate_ms,
        "latency_ratio": latency.ratio,
        "clips_left_out": as_rows(asked.left_out),
        "calibration_clips": asked.calibration["clip_id"].to_pylist(),
        "baseline": baseline.network if baseline else None,
        "baseline_sha256": baseline.network_sha256 if baseline else None,
    }
    verdict = judge_again(lake.snapshot(), row, gate)
    commit_run(lake, row, gate, verdict, started)
    return row, verdict


def commit_run(
    lake: Lake, row: Mapping[str, Any], gate: GateSpec, verdict: RunVerdict, started: float
) -> None:
    """Commit a run and its verdicts.

    Args:
        lake: Where.
        row: What the run is: columns of `RUNS`.
        gate: The gate that it was judged by.
        verdict: Its verdict.
        started: When its work began, by `time.monotonic`.
    """
    run_id = row["run_id"]
    judged = {
        "gate": gate.model_dump_json(),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "created_ns": time.time_ns(),
        "seconds": time.monotonic() - started,
    }
    tables = {
        RUNS: pa.Table.from_pylist([{**row, **judged}], schema=RUNS.schema),
        VERDICTS: _verdict_rows(run_id, verdict),
    }
    files = [write_data_file(lake.home, run_id, spec, rows) for spec, rows in tables.items()]
    lake.commit(run_id, "shadow run", [f for f in files if f], [f"run:{run_id}"], {"runs": 1})


def _verdict_rows(run_id: str, verdict: RunVerdict) -> pa.Table:
    runs = pa.array([run_id] * verdict.cells.num_rows, pa.string())
    return verdict.cells.add_column(0, "run_id", runs).cast(VERDICTS.schema)


def judge_again(snapshot: Snapshot, run: Mapping[str, Any], gate: GateSpec) -> RunVerdict:
    """The verdict of a run by any gate, from stored scores.

    Args:
        snapshot: Where the scores are.
        run: A row of `RUNS`; what it says about its own verdict does not count.
        gate: The gate.

    Raises:
        RidealongError: The stored scores contradict themselves, or the gate slices by an attribute
            that the run lacks.
    """
    judged, stored = judged_of(snapshot, run), query_of(run)
    baseline = run.get("baseline_sha256")
    if baseline is not None:
        stored = replace(stored, networks=(*stored.networks, baseline))
    verdict = judge(
        scores=stored.source(snapshot, SCORES),
        matches=stored.source(snapshot, judged.matches),
        clips=judged.clips,
        drives=judged.drives,
        deployed_sha256=run["deployed_sha256"],
        candidate_sha256=run["candidate_sha256"],
        gate=gate,
        baseline_sha256=baseline,
        metrics=judged.metrics,
        complete=judged.complete,
    )
    if not of_items(run):
        return _within(Scope.DRIVES, _without_left_out(snapshot, run, verdict))
    results = json.loads(run["results"])
    return _within(results["scope"], _held_back(verdict, results))


def _without_left_out(
    snapshot: Snapshot, run: Mapping[str, Any], verdict: RunVerdict
) -> RunVerdict:
    left_out = [row["clip_id"] for row in run["clips_left_out"] or ()]
    if not left_out:
        return verdict
    clips = list_clips(snapshot)
    return fail_closed(verdict, clips.filter(pc.is_in(clips["clip_id"], pa.array(left_out))))


def _within(scope: str, verdict: RunVerdict) -> RunVerdict:
    """The verdict, with the scope of its intervals in every cell."""
    at = verdict.cells.schema.get_field_index("scope")
    scopes = pa.array([scope] * verdict.cells.num_rows, pa.string())
    return replace(verdict, cells=verdict.cells.set_column(at, CELLS.field(at), scopes))


def _held_back(verdict: RunVerdict, results: Mapping[str, Any]) -> RunVerdict:
    """The verdict of a run that may not pass, whatever its cells say."""
    reasons = []
    if results["scope"] == Scope.WITHIN_DRIVE:
        reasons.append("there is only one drive, so nothing is known about other drives")
    share = (results["one_sided"] or {}).get("share", 0.0)
    if share > MOST_ONE_SIDED:
        reasons.append(f"{share:.1%} of the items have rows in one file only")
    if results["evaluation"] is not None and _finds_nothing(verdict.cells, results):
        reasons.append("the deployed network finds next to nothing: check its file")
    if not reasons:
        return verdict
    word = Verdict.INCONCLUSIVE if verdict.verdict == Verdict.PASS else verdict.verdict
    return replace(verdict, verdict=word, reason="; ".join([verdict.reason, *reasons]))


def _finds_nothing(cells: pa.Table, results: Mapping[str, Any]) -> bool:
    """Whether the deployed network has about 0 in all metrics that are shares, better if higher.

    Its file is empty then, or its boxes have another unit or order. Nothing can be worse than that.
    Required or not: a gate may require metrics alone that are 0 where nothing is found.
    """
    shares = [one["name"] for one in results["definitions"] if one["higher"] and one["share"]]
    counts = pc.and_(
        pc.equal(cells["slice"], ALL), pc.is_in(cells["metric"], pa.array(shares, pa.string()))
    )
    values = cells.filter(counts)["deployed"].drop_null()
    return len(values) > 0 and not pc.any(pc.greater(values, NEXT_TO_NOTHING)).as_py()


def _judged_by(networks: Sequence[NetworkEntry]) -> str:
    """The definitions that deployed and candidate are judged by."""
    pair = networks[:2]
    return judged_by(tasks_of(pair), rate_of(pair[0].manifest, pair[1].manifest))


def clip_labels(clips: pa.Table) -> dict[str, str]:
    """The version of the labels of each clip, by id."""
    return {row["clip_id"]: labels_version(row) for row in clips.to_pylist()}
