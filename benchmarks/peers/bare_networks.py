"""The peer of a replay: a program that decodes clips once, runs bare HydraNets, and discards all.

It has one thread a core. It prints the number of camera sets, and how many seconds they took once
the networks were loaded. Its standard input is JSON: ``networks`` are pairs of a manifest and the
path of the weights, ``clips`` are paths.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from ingest.clips.read import open_clip
from ridealong.execution.processes.pool import cores
from shadow.networks.hydranet.inference import HydraNetwork
from shadow.networks.hydranet.loading import load_network
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.topdown import make_sampling

BATCH = 8  # camera sets that a network gets at once, as in a replay
Weights = tuple[HydraNetManifest, Path]


def run_bare(networks: Sequence[Weights], clips: Sequence[Path]) -> tuple[int, float]:
    """Run the program; returns the camera sets and those seconds."""
    request = {
        "networks": [(manifest.as_json(), str(path)) for manifest, path in networks],
        "clips": [str(clip) for clip in clips],
    }
    command = [sys.executable, "-m", "benchmarks.peers.bare_networks"]
    printed = subprocess.check_output(command, input=json.dumps(request), text=True)
    sets, seconds = json.loads(printed)
    return sets, seconds


def main() -> None:
    request = json.load(sys.stdin)
    torch.set_num_threads(1)
    networks = [
        load_network(HydraNetManifest.model_validate_json(manifest), Path(path))
        for manifest, path in request["networks"]
    ]
    started = time.perf_counter()
    with ThreadPoolExecutor(cores()) as pool:
        sets = sum(pool.map(runner(networks), request["clips"]))
    print(json.dumps([sets, time.perf_counter() - started]))


def runner(networks: Sequence[HydraNetwork]) -> Callable[[str], int]:
    """What is done with each clip."""
    cameras, rate_hz = networks[0].manifest.cameras, networks[0].manifest.rate_hz

    def run(clip: str) -> int:
        with open_clip(Path(clip)) as reader:
            times, images, _ = reader.read_sets(cameras, rate_hz)
            sampling = make_sampling(list(images), reader.cameras)
        frames = np.stack(list(images.values()), axis=1)
        for start in range(0, len(times), BATCH):
            batch = torch.from_numpy(frames[start : start + BATCH]).float() / 255
            present = torch.ones(batch.shape[:2], dtype=torch.bool)
            for network in networks:
                with torch.inference_mode():
                    network.model(batch.permute(0, 1, 4, 2, 3), present, list(images), sampling)
        return len(times)

    return run


if __name__ == "__main__":
    main()
