"""One shadow run from clips to verdict: what is left to replay, what came back, what it means."""

import time
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

import pyarrow as pa

from ingest.accounting import ItemsLostError, Status, settle
from ingest.clips.read import open_clip
from ingest.console import Console
from ingest.errors import RidealongError
from ingest.lake import AlreadyCommittedError, Lake, Snapshot, write_data_file
from ingest.listing import list_clips
from ingest.progress import watching
from ingest.schemas import DRIVES
from metrics.gate.schemas import VERDICTS
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict, judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.registry import definition_sha256
from shadow.latency import Latency, measure_latency
from shadow.networks.loading import load_network, require_device
from shadow.networks.manifest import rate_of
from shadow.networks.registry import NetworkEntry, find_network
from shadow.pipeline import run_replay
from shadow.replay import ClipOutcome, ClipPlan, NetworkFile, ReplayPlan
from shadow.schemas import RUNS

RACES = 5  # how often another process may have been first before we give up


@dataclass(frozen=True)
class RunWish:
    """What a user asked for.

    Attributes:
        deployed, candidate: Network ids.
        where: Expression over clips and their drives; None takes all.
        gate: The gate to judge by.
        device: Where the networks run, as torch names it.
    """

    deployed: str
    candidate: str
    where: str | None
    gate: GateSpec
    device: str = "cpu"


@dataclass(frozen=True)
class RunReport:
    """What one shadow run did; the document that ``shadow run --json`` prints.

    ``clips`` were judged, ``clips_replayed`` of them anew: the scores of the others were stored.
    ``latency`` is measured in every run.
    """

    run: str
    deployed: str
    candidate: str
    verdict: str
    reason: str
    clips: int
    clips_replayed: int
    frames: int
    seconds: float
    latency: Latency
    unscored: tuple[str, ...]


def shadow_run(
    lake: Lake, wish: RunWish, console: Console, beam_args: Sequence[str] = ()
) -> RunReport:
    """Replay the clips that were not replayed yet, judge them all, and commit the run.

    Raises:
        RidealongError: An unknown device or network, two networks that share no prediction, no
            clips, a clip that cannot be replayed, or a file that is not what its name says.
        ItemsLostError: The runner lost items; nothing was committed.
    """
    started = time.monotonic()
    require_device(wish.device)
    pair = pair_of(lake.snapshot(), wish)
    clips = clips_of(lake.snapshot(), wish)
    lake.verify([str(blob) for blob in clips["blob"].to_pylist()])
    outcomes = _replay(lake, pair, clips, wish.device, console, beam_args)
    latency = _latency(lake, pair, clips, wish.device)
    run_id, verdict = _judge(lake, wish, pair, clips, latency, started)
    return RunReport(
        run=run_id,
        deployed=pair[0].network,
        candidate=pair[1].network,
        verdict=verdict.verdict,
        reason=verdict.reason,
        clips=clips.num_rows,
        clips_replayed=len(outcomes),
        frames=sum(outcome.frames for outcome in outcomes),
        seconds=round(time.monotonic() - started, 3),
        latency=latency,
        unscored=tuple(sorted({why for outcome in outcomes for why in outcome.unscored})),
    )


Pair = tuple[NetworkEntry, NetworkEntry]


def pair_of(snapshot: Snapshot, wish: RunWish) -> Pair:
    """The two registered networks, deployed first.

    Raises:
        RidealongError: One is unknown, or they share no prediction.
    """
    pair = find_network(snapshot, wish.deployed), find_network(snapshot, wish.candidate)
    shared = set(pair[0].manifest.predictions) & set(pair[1].manifest.predictions)
    if not shared:
        raise RidealongError(
            f"{pair[0].network} and {pair[1].network} share no prediction",
            mend="compare two versions of the same network",
        )
    return pair


def clips_of(snapshot: Snapshot, wish: RunWish) -> pa.Table:
    """The clips to judge: those with a camera that either network looks at.

    Raises:
        RidealongError: There are none, or a network is unknown.
    """
    pair = pair_of(snapshot, wish)
    clips = list_clips(snapshot, wish.where)
    looked_at = {camera.value for entry in pair for camera in entry.manifest.inputs.cameras}
    seen = [bool(looked_at & set(names)) for names in clips["cameras"].to_pylist()]
    clips = clips.filter(pa.array(seen, pa.bool_()))
    if not clips.num_rows:
        which = f" for which {wish.where}" if wish.where else ""
        raise RidealongError(
            f"no clips{which} with a camera that the networks look at",
            mend="see `ridealong clips list`",
        )
    return clips


def _replay(
    lake: Lake,
    pair: Pair,
    clips: pa.Table,
    device: str,
    console: Console,
    beam_args: Sequence[str],
) -> list[ClipOutcome]:
    """Replay and commit what no commit holds yet; another process may be first, so try again."""
    for _ in range(RACES):
        plan = plan_replay(lake, pair, clips, device)
        if not plan.clips:
            return []
        with console.steps("clips", len(plan.clips)) as steps, watching(plan.commit_id, steps):
            outcomes = settle([c.clip_id for c in plan.clips], run_replay(plan, beam_args))
        failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
        if failed:
            raise RidealongError(
                f"{len(failed)} of {len(outcomes)} clips cannot be replayed, the first is "
                f"{failed[0].item_id}: {failed[0].reason}",
                mend="see `ridealong clips verify --all`",
            )
        try:
            _commit_replay(lake, plan, outcomes)
            return outcomes
        except AlreadyCommittedError:
            console.note("another process scored some of these clips first; doing what is left")
    raise ItemsLostError(f"lost the race for the same clips {RACES} times; run the command again")


def plan_replay(lake: Lake, pair: Pair, clips: pa.Table, device: str) -> ReplayPlan:
    """What no commit holds yet of these two networks on these clips."""
    rate_hz = rate_of(pair[0].manifest, pair[1].manifest)
    definition = judged_by(rate_hz)
    entries = {entry.network_sha256: entry for entry in pair}
    committed = lake.snapshot().sources()
    plans = [_clip_plan(row, pair, definition, committed) for row in clips.to_pylist()]
    return ReplayPlan(
        home=lake.home,
        commit_id=lake.new_commit_id(),
        networks=tuple(
            NetworkFile(sha, entry.manifest.as_json(), entry.blob) for sha, entry in entries.items()
        ),
        clips=tuple(plan for plan in plans if plan.score or plan.compare),
        rate_hz=rate_hz,
        definition=definition,
        device=device,
    )


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


def _commit_replay(lake: Lake, plan: ReplayPlan, outcomes: Sequence[ClipOutcome]) -> None:
    shas = [file.sha256 for file in plan.networks]
    sources = []
    for clip in plan.clips:
        key = clip.clip_id, plan.definition
        sources += [score_source(sha, *key) for sha in clip.score]
        sources += [compare_source(shas, *key)] if clip.compare else []
    files = [file for outcome in outcomes for file in outcome.written]
    counts = {"planned": len(plan.clips)} | Counter(o.status.value for o in outcomes)
    lake.commit(plan.commit_id, "shadow replay", files, sources, counts)


def _latency(lake: Lake, pair: Pair, clips: pa.Table, device: str) -> Latency:
    """Measured on the first clip, with nothing else of ours running."""
    networks = [load_network(e.manifest, lake.path(e.blob), device) for e in pair]
    cameras = sorted({c.value for entry in pair for c in entry.manifest.inputs.cameras})
    with open_clip(lake.path(clips["blob"][0].as_py())) as reader:
        sets = reader.read_sets(cameras, rate_of(pair[0].manifest, pair[1].manifest))
        return measure_latency(networks[0], networks[1], sets, reader.cameras)


def _judge(
    lake: Lake, wish: RunWish, pair: Pair, clips: pa.Table, latency: Latency, started: float
) -> tuple[str, RunVerdict]:
    """Judge from what is committed, and commit run and verdicts."""
    snapshot = lake.snapshot()
    verdict = verdict_of(snapshot, pair, clips, wish.gate)
    run_id = lake.new_commit_id()
    row = {
        "run_id": run_id,
        "deployed": pair[0].network,
        "candidate": pair[1].network,
        "deployed_sha256": pair[0].network_sha256,
        "candidate_sha256": pair[1].network_sha256,
        "gate": wish.gate.model_dump_json(),
        "definition": judged_by(rate_of(pair[0].manifest, pair[1].manifest)),
        "clip_ids": clips["clip_id"].to_pylist(),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "created_ns": time.time_ns(),
        "seconds": time.monotonic() - started,
        "deployed_ms": latency.deployed_ms,
        "candidate_ms": latency.candidate_ms,
        "latency_ratio": latency.ratio,
    }
    tables = {
        RUNS: pa.Table.from_pylist([row], schema=RUNS.schema),
        VERDICTS: _verdict_rows(run_id, verdict),
    }
    files = [write_data_file(lake.home, run_id, spec, rows) for spec, rows in tables.items()]
    lake.commit(run_id, "shadow run", [f for f in files if f], [f"run:{run_id}"], {"runs": 1})
    return run_id, verdict


def _verdict_rows(run_id: str, verdict: RunVerdict) -> pa.Table:
    runs = pa.array([run_id] * verdict.cells.num_rows, pa.string())
    return verdict.cells.add_column(0, "run_id", runs).cast(VERDICTS.schema)


def verdict_of(snapshot: Snapshot, pair: Pair, clips: pa.Table, gate: GateSpec) -> RunVerdict:
    """The verdict over these clips, from stored scores."""
    # All are hexadecimal digits of our own making: no user's text reaches the condition.
    networks = " or ".join(f"network_sha256 = '{entry.network_sha256}'" for entry in pair)
    definition = judged_by(rate_of(pair[0].manifest, pair[1].manifest))
    mine = f"({networks}) and definition = '{definition}'"
    return judge(
        scores=snapshot.read(SCORES, where=mine),
        matches=snapshot.read(MATCHES, where=mine),
        clips=clips.select(["clip_id", "drive_id", "by_disagreement"]),
        drives=snapshot.read(DRIVES),
        deployed_sha256=pair[0].network_sha256,
        candidate_sha256=pair[1].network_sha256,
        gate=gate,
    )
