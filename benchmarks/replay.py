"""A shadow run's replay compared with its limit: clips decoded once, both bare networks run.

Simulates a fleet in which something happens, cuts its clips, and replays them through the two
shipped networks: decoded, inferred, put into standard forms, scored, compared and written, in the
batches of a run, but without the commits. Starting the processes is counted.

The peer decodes the same clips once and runs the two bare networks on them in the same batches of
frames. It discards their outputs. It has as many threads as ours has processes; this costs the bare
networks nothing (they need 31 ms of a core per set, and also 31 ms in one thread). Rounds of the
two alternate.

Run as ``python -m benchmarks.replay [--rounds N] [--home HOME]``. HOME has simulated clips, both
networks, and no run of them; it is not changed.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from ingest.clips.read import open_clip
from ingest.run import ingest
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.simulate import simulate
from ingest.sources.simulation.source import SimulationSource
from ingest.triggers.spec import shipped_triggers
from metrics.gate.spec import load_gate
from ridealong.execution.processes.pool import cores
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from shadow.networks.hydranet.inference import HydraNetwork
from shadow.networks.hydranet.loading import load_network
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.topdown import make_sampling
from shadow.networks.registry import NetworkEntry, add_network, shipped_manifests
from shadow.pipeline import replaying
from shadow.planning import in_batches, longest_first, plan_replay
from shadow.replay_plan import ReplayPlan
from shadow.run import RunRequest, clips_of, pair_of

BATCH = 8
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
    networks = [hydranet(lake, entry) for entry in pair]
    plan = plan_replay(lake, pair, longest_first(clips), "cpu")
    bare(lake, networks, clips.slice(0, 1))  # work done once per process is not counted
    ours, peer, sets = [], [], 0
    for _ in range(rounds):
        fresh = again(plan)
        ours.append(timed(lambda plan=fresh: replayed(plan)))
        started = time.perf_counter()
        sets = bare(lake, networks, clips)
        peer.append(time.perf_counter() - started)
    ratio = statistics.median(p / o for o, p in zip(ours, peer, strict=True))
    result = "met" if ratio >= TARGET else "MISSED"
    print("| what | figure |\n|---|---|")
    print(f"| clips, camera sets, networks | {len(clips)}, {sets:,}, 2 |")
    print(f"| replay: decode, infer, score, compare, write | {statistics.median(ours):.1f} s |")
    print(f"| decode, and both bare networks (peer) | {statistics.median(peer):.1f} s |")
    print(f"| ours : peer, median of {rounds} rounds | {ratio:.2f} |")
    print(f"| target | {TARGET}: {result} |")
    print(f"| camera sets through both networks | {sets / statistics.median(ours):.1f} a second |")


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


def hydranet(lake: Lake, entry: NetworkEntry) -> HydraNetwork:
    artifact = entry.artifact(lake)
    assert isinstance(entry.manifest, HydraNetManifest) and artifact is not None
    return load_network(entry.manifest, artifact)


def bare(lake: Lake, networks: list[HydraNetwork], clips: pa.Table) -> int:
    """Decode every clip and run both networks on it; returns the number of camera sets."""
    torch.set_num_threads(1)

    def one(blob: str) -> int:
        with open_clip(lake.path(blob)) as reader:
            cameras = networks[0].manifest.cameras
            times, images, _ = reader.read_sets(cameras, networks[0].manifest.rate_hz)
            sampling = make_sampling(list(images), reader.cameras)
        frames = np.stack(list(images.values()), axis=1)
        for start in range(0, len(times), BATCH):
            batch = torch.from_numpy(frames[start : start + BATCH]).float() / 255
            present = torch.ones(batch.shape[:2], dtype=torch.bool)
            for network in networks:
                with torch.inference_mode():
                    network.model(batch.permute(0, 1, 4, 2, 3), present, list(images), sampling)
        return len(times)

    with ThreadPoolExecutor(cores()) as pool:
        return sum(pool.map(one, clips["blob"].to_pylist()))


if __name__ == "__main__":
    main()
