"""One shadow run, from clips to a verdict: replays new clips, judges, and commits the run."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pyarrow as pa

from ingest.clips.read import open_clip
from ingest.listing import list_clips
from metrics.gate.cells import Verdict
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict
from ridealong.errors import RidealongError
from ridealong.execution.runner import cautions
from ridealong.lake import Lake, Snapshot
from ridealong.terminal.console import Console
from shadow.batches import replay
from shadow.calibration import calibration_clips, without_calibration
from shadow.gate_cameras import check_gate_cameras
from shadow.judging import Judged, judge_run
from shadow.latency import Latency, measure_latency
from shadow.left_out import LeftOut, name_them, without
from shadow.networks.manifest import rate_of
from shadow.networks.opening import open_network, require_device
from shadow.networks.registry import NetworkEntry, find_network
from shadow.planning import Pair
from shadow.releases.promotion import network_of
from shadow.scores import labels_name
from shadow.sharing import NotShared, not_shared, require_shared


@dataclass(frozen=True)
class RunRequest:
    """The request of a user.

    Attributes:
        deployed, candidate: Network ids.
        where: Expression over clips and their drives; None takes all.
        gate: The gate to judge by.
        device: Where the networks run, as their kinds name it.
        baseline: A frozen release that the candidate is also compared with: its number, or a
            network id.
    """

    deployed: str
    candidate: str
    where: str | None
    gate: GateSpec
    device: str = "cpu"
    baseline: str | None = None


@dataclass(frozen=True)
class RunReport:
    """The result of one shadow run; the document that ``shadow run --json`` prints.

    Attributes:
        run: Its id.
        deployed, candidate: Network ids.
        verdict, reason: The verdict in one word, and in one sentence.
        clips: Clips that were judged.
        clips_replayed: Those of them on which a network was run now.
        clips_left_out: Clips that could not be replayed; a cell that lacks clips does not pass.
        against_itself: Whether deployed and candidate are one network.
        frames: Frames on which networks were run now.
        seconds: Wall time.
        latency: Measured in every run.
        unscored: What could not be scored, and why.
        clips_rescored: Clips that were scored again, from stored outputs.
        baseline: Network id of the frozen release; None without one.
        worse_than_baseline: Cells in which the candidate is worse than it; None without one.
        labels: One hash for the versions of the labels of all clips.
        clips_of_calibration: Clips that are not judged, because their drives calibrated a network.
        not_shared: What only one of the two networks has, which is not compared.
    """

    run: str
    deployed: str
    candidate: str
    verdict: Verdict
    reason: str
    clips: int
    clips_replayed: int
    clips_left_out: tuple[LeftOut, ...]
    against_itself: bool
    frames: int
    seconds: float
    latency: Latency
    unscored: tuple[str, ...]
    clips_rescored: int
    baseline: str | None
    worse_than_baseline: int | None
    labels: str | None
    clips_of_calibration: int
    not_shared: NotShared


def shadow_run(
    lake: Lake, request: RunRequest, console: Console, beam_args: Sequence[str] = ()
) -> RunReport:
    """Score what is not scored yet, judge all clips that can be judged, and commit the run.

    Raises:
        RidealongError: A device or network is unknown, the networks share no prediction, weights
            are damaged, the baseline is unknown or slower, no clip can be replayed, or the disk is
            full.
        ItemsLostError: The runner lost clips; batches that were committed before stay.
    """
    started = time.monotonic()
    for line in cautions(beam_args):
        console.note(line)
    snapshot = lake.snapshot()
    networks = networks_of(snapshot, request)
    clips, calibration = clips_of(snapshot, request), calibration_of(snapshot, request)
    pair: Pair = networks[0], networks[1]
    for entry in networks:
        require_device(entry.manifest, request.device)
    check_gate_cameras(request.gate, _cameras(pair, clips))
    _require_sound(lake, networks)
    _warn_of_no_difference(pair, console)
    left_out = _damaged(lake, clips)
    whole = without(clips, left_out)
    replayed = replay(lake, networks, whole, request.device, console, beam_args)
    left_out += [LeftOut(o.item_id, str(o.reason)) for o in replayed.failed]
    name_them(console, left_out)
    judged = _require_any(without(clips, left_out), left_out)
    latency = _latency(lake, pair, judged, request.device)
    asked = Judged(clips, left_out, calibration)
    run, verdict = judge_run(lake, request.gate, networks, asked, latency, started)
    return RunReport(
        run=run["run_id"],
        deployed=pair[0].network,
        candidate=pair[1].network,
        verdict=verdict.verdict,
        reason=verdict.reason,
        clips=judged.num_rows,
        clips_replayed=sum(outcome.replayed for outcome in replayed.done),
        clips_left_out=tuple(left_out),
        against_itself=is_itself(pair),
        frames=sum(outcome.frames for outcome in replayed.done),
        seconds=round(time.monotonic() - started, 3),
        latency=latency,
        unscored=tuple(sorted({why for outcome in replayed.done for why in outcome.unscored})),
        clips_rescored=sum(not outcome.replayed for outcome in replayed.done),
        baseline=run["baseline"],
        worse_than_baseline=_worse(verdict) if len(networks) > len(pair) else None,
        labels=labels_name(run),
        clips_of_calibration=calibration.num_rows,
        not_shared=not_shared(pair[0].manifest, pair[1].manifest),
    )


def _worse(verdict: RunVerdict) -> int:
    return sum(worse is True for worse in verdict.cells["worse_than_baseline"].to_pylist())


def pair_of(snapshot: Snapshot, request: RunRequest) -> Pair:
    """The two registered networks, deployed first.

    Raises:
        RidealongError: One is unknown, or they share no prediction.
    """
    pair = find_network(snapshot, request.deployed), find_network(snapshot, request.candidate)
    require_shared(pair[0].manifest, pair[1].manifest)
    return pair


def networks_of(snapshot: Snapshot, request: RunRequest) -> tuple[NetworkEntry, ...]:
    """The two networks, deployed first, and then the baseline if there is one.

    Raises:
        RidealongError: As `pair_of`, or the baseline is unknown or slower than the run.
    """
    pair = pair_of(snapshot, request)
    baseline = _baseline_of(snapshot, request, pair)
    return (*pair, baseline) if baseline else pair


def clips_of(snapshot: Snapshot, request: RunRequest) -> pa.Table:
    """The clips to judge: those with a camera that either network looks at.

    Clips of drives that calibrated one of the networks are not among them.

    Raises:
        RidealongError: There are none, or a network is unknown.
    """
    networks, seen = networks_of(snapshot, request), _clips_seen(snapshot, request)
    clips = without_calibration(seen, networks)
    which = f" for which {request.where}" if request.where else ""
    if not seen.num_rows:
        raise RidealongError(
            f"no clips{which} with a camera that the networks look at",
            hint="see `ridealong clips list`",
        )
    if not clips.num_rows:
        raise RidealongError(
            f"all clips{which} are of drives that calibrated a network", hint="take more clips"
        )
    return clips


def calibration_of(snapshot: Snapshot, request: RunRequest) -> pa.Table:
    """The clips that `clips_of` leaves out, because their drives calibrated a network."""
    return calibration_clips(_clips_seen(snapshot, request), networks_of(snapshot, request))


def _clips_seen(snapshot: Snapshot, request: RunRequest) -> pa.Table:
    pair = pair_of(snapshot, request)
    clips = list_clips(snapshot, request.where)
    looked_at = {camera for entry in pair for camera in entry.manifest.cameras}
    seen = [bool(looked_at & set(names)) for names in clips["cameras"].to_pylist()]
    return clips.filter(pa.array(seen, pa.bool_()))


def _cameras(pair: Pair, clips: pa.Table) -> set[str]:
    """The cameras of either network or of any clip."""
    recorded = (camera for names in clips["cameras"].to_pylist() for camera in names or ())
    return {*recorded, *(camera for entry in pair for camera in entry.manifest.cameras)}


def _baseline_of(snapshot: Snapshot, request: RunRequest, pair: Pair) -> NetworkEntry | None:
    """The network of the frozen release that the candidate is also compared with.

    Raises:
        RidealongError: The release or network is unknown, or the network takes fewer frames a
            second than the run judges: a network is never run faster than it was made for.
    """
    if request.baseline is None:
        return None
    entry = find_network(snapshot, network_of(snapshot, request.baseline))
    rate_hz, own_hz = rate_of(pair[0].manifest, pair[1].manifest), entry.manifest.rate_hz
    if own_hz < rate_hz:
        raise RidealongError(
            f"the baseline {entry.network} takes {own_hz:g} frames a second",
            expected=f"at least the {rate_hz:g} of this run",
            hint="choose another baseline",
        )
    return entry


def is_itself(pair: Pair) -> bool:
    """Whether deployed and candidate are one network."""
    return pair[0].network_sha256 == pair[1].network_sha256


def _require_sound(lake: Lake, networks: Sequence[NetworkEntry]) -> None:
    """Refuse damaged weights before any work."""
    damaged = lake.damaged([entry.blob for entry in networks if entry.blob])
    for entry in networks:
        if entry.blob in damaged:
            raise RidealongError(
                f"the weights of {entry.network} are damaged: {damaged[entry.blob]}",
                where=lake.home / str(entry.blob),
                hint="restore the file from a copy",
            )


def _warn_of_no_difference(pair: Pair, console: Console) -> None:
    """Warn of a comparison that shows nothing, or that may be a mistake."""
    if is_itself(pair):
        console.note(
            f"warning: {pair[0].network} is compared with itself: this run can show no regression, "
            "promotes nothing, and is never `latest` (but `newest`)"
        )
    elif pair[0].manifest.sha256 == pair[1].manifest.sha256 is not None:
        console.note(
            f"warning: {pair[0].network} and {pair[1].network} have the same weights; only their "
            "manifests differ"
        )


def _damaged(lake: Lake, clips: pa.Table) -> list[LeftOut]:
    """The clips whose file is missing or damaged."""
    damaged = lake.damaged(clips["blob"].to_pylist())
    return [
        LeftOut(row["clip_id"], f"{damaged[row['blob']]} ({row['blob']}); restore it from a copy")
        for row in clips.select(["clip_id", "blob"]).to_pylist()
        if row["blob"] in damaged
    ]


def _require_any(judged: pa.Table, left_out: Sequence[LeftOut]) -> pa.Table:
    """Refuse to judge nothing."""
    if not judged.num_rows:
        raise RidealongError(
            f"none of the {len(left_out)} clips can be replayed; the first: "
            f"clip {left_out[0].clip_id}: {left_out[0].reason}",
            hint="nothing was judged",
        )
    return judged


def _latency(lake: Lake, pair: Pair, clips: pa.Table, device: str) -> Latency:
    """The latency on the first clip, while ridealong runs nothing else."""
    cameras = sorted({camera for entry in pair for camera in entry.manifest.cameras})
    with ExitStack() as opened:
        deployed, candidate = (
            opened.enter_context(
                closing(open_network(entry.manifest, entry.artifact(lake), device))
            )
            for entry in pair
        )
        reader = opened.enter_context(open_clip(lake.path(clips["blob"][0].as_py())))
        sets = reader.read_sets(cameras, rate_of(pair[0].manifest, pair[1].manifest))
        return measure_latency(deployed, candidate, sets, reader.cameras)
