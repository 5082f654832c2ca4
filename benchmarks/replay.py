"""A shadow run's replay compared with its limit: clips decoded once, both bare networks run.

Simulates a fleet in which something happens, cuts its clips, and replays them through the two
shipped networks: decoded, inferred, put into standard forms, scored, compared and written, in the
batches of a run, but without the commits.

The peer is a program that decodes the same clips once, in the same order, and runs the two bare
networks on them in the same batches of frames. It discards their outputs. It has as many threads as
ours has processes. Starting counts for both: importing torch and loading the networks, which ours
does once in each of its processes, and the peer once. Rounds of the two alternate.

Run as ``python -m benchmarks.replay [--rounds N] [--home HOME]``. HOME has simulated clips, both
networks, and no run of them; it is not changed.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.peers.bare_networks import Weights, run_bare
from ingest.run import ingest
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.simulate import simulate
from ingest.sources.simulation.source import SimulationSource
from ingest.triggers.spec import shipped_triggers
from metrics.gate.spec import load_gate
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.registry import NetworkEntry, add_network, shipped_manifests
from shadow.pipeline import replaying
from shadow.planning import in_batches, longest_first, plan_replay
from shadow.replay_plan import ReplayPlan
from shadow.run import RunRequest, clips_of, pair_of

TARGET = 0.85
SPEC = FleetSpec.model_validate(
    {
        "name": "replayed",
        "drives": 44,
        "duration": "60 s",
        "seed": 5,
        "light": {"day": 2, "night": 1},
        "incidents": {"lead_brakes": 1, "cut_in": 1},
        "rig": {"width": 160, "height": 96, "video_hz": 5, "label_hz": 1},
    }
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="a home with clips; default: a new one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        if options.home:
            shutil.copytree(options.home, home)
        else:
            fill(home, Path(scratch) / "fleet")
        report(Lake.open(home), options.rounds)


def fill(home: Path, fleet: Path) -> None:
    """Drives, clips and networks."""
    lake, console = Lake.create(home), Console(as_json=True)
    simulate(SPEC, fleet, console)
    ingest(lake, SimulationSource().discover(fleet), shipped_triggers(), console)
    for manifest in shipped_manifests():
        add_network(lake, manifest)


def report(lake: Lake, rounds: int) -> None:
    request = RunRequest("hydra-1.0", "hydra-1.1", "source = 'simulation'", load_gate())
    pair = pair_of(lake.snapshot(), request)
    clips = clips_of(lake.snapshot(), request)
    clips = longest_first(clips)
    plan = plan_replay(lake, pair, clips, "cpu")
    networks = [weights_of(lake, entry) for entry in pair]
    blobs = [lake.path(blob) for blob in clips["blob"].to_pylist()]
    ours, peer, after_start, sets = [], [], [], 0
    for _ in range(rounds):
        fresh = again(plan)
        ours.append(timed(lambda plan=fresh: replayed(plan)))
        begun = time.perf_counter()
        sets, seconds = run_bare(networks, blobs)
        peer.append(time.perf_counter() - begun)
        after_start.append(seconds)
    ratio = median_ratio(peer, ours)
    result = "met" if ratio >= TARGET else "MISSED"
    print("| what | figure |\n|---|---|")
    print(f"| clips, camera sets, networks | {len(clips)}, {sets:,}, 2 |")
    print(f"| replay: decode, infer, score, compare, write | {statistics.median(ours):.1f} s |")
    print(f"| decode, and both bare networks (peer) | {statistics.median(peer):.1f} s |")
    print(f"| ours : peer, median of {rounds} rounds | {ratio:.2f} |")
    print(f"| target | {TARGET}: {result} |")
    print(f"| the same if only our start counted | {median_ratio(after_start, ours):.2f} |")
    print(f"| camera sets through both networks | {sets / statistics.median(ours):.1f} a second |")


def median_ratio(peer: list[float], ours: list[float]) -> float:
    return statistics.median(p / o for o, p in zip(ours, peer, strict=True))


def again(plan: ReplayPlan) -> ReplayPlan:
    """The plan with new commit ids: no round finds the files of the one before."""
    return replace(plan, batches=in_batches(plan.clips))


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def replayed(plan: ReplayPlan) -> None:
    with replaying(plan) as replay_batch:
        found = [outcome for batch in plan.batches for outcome in replay_batch(batch)]
    assert all(outcome.reason is None for outcome in found)


def weights_of(lake: Lake, entry: NetworkEntry) -> Weights:
    """The manifest and the path of the weights of a HydraNet."""
    artifact = entry.artifact(lake)
    assert isinstance(entry.manifest, HydraNetManifest) and artifact is not None
    return entry.manifest, artifact


if __name__ == "__main__":
    main()
