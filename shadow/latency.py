"""How long each network takes for one camera set, measured in turns on the same sets.

Latency depends on the machine and its load, so it is measured in every run, even if all scores are
stored. Both networks process the same instants, one after the other. The order changes each time,
so that other load on the machine affects both in the same way. What is timed is one call of
`Network.perceive` for one instant: decoded frames in, outputs out.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from ingest.clips.read import FrameSets
from ridealong.perception.geometry import CameraCalibration
from shadow.networks.kinds import running
from shadow.networks.network import Network

INSTANTS = 12


@dataclass(frozen=True)
class Latency:
    """Medians over the instants.

    Attributes:
        instants: How many were measured.
        deployed_ms, candidate_ms: Milliseconds per camera set.
        ratio: Candidate over deployed; above 1 the candidate is slower.
    """

    instants: int
    deployed_ms: float
    candidate_ms: float
    ratio: float


def measure_latency(
    deployed: Network,
    candidate: Network,
    sets: FrameSets,
    calibrations: Mapping[str, CameraCalibration],
) -> Latency:
    """Time both networks on the first instants of a clip, after one call that is not counted.

    Raises:
        ValueError: There are no instants.
        NotInstalledError: The package of an installed kind of network is broken.
    """
    if not len(sets.timestamps_ns):
        raise ValueError("no camera set to measure on")
    pairs = []
    for number in range(-1, INSTANTS):
        at = max(number, 0) % len(sets.timestamps_ns)
        order = (deployed, candidate) if number % 2 else (candidate, deployed)
        taken = [_milliseconds(network, sets, at, calibrations) for network in order]
        pairs.append(taken if number % 2 else taken[::-1])
    deployed_ms, candidate_ms = zip(*pairs[1:], strict=True)
    ratios = [c / d for d, c in zip(deployed_ms, candidate_ms, strict=True)]
    return Latency(
        INSTANTS,
        round(median(deployed_ms), 2),
        round(median(candidate_ms), 2),
        round(median(ratios), 3),
    )


def _milliseconds(
    network: Network, sets: FrameSets, at: int, calibrations: Mapping[str, CameraCalibration]
) -> float:
    frames = {name: images[at : at + 1] for name, images in sets.images.items()}
    with running(network.manifest, "run"):
        started = time.perf_counter()
        network.perceive(frames, sets.timestamps_ns[at : at + 1], calibrations)
        return (time.perf_counter() - started) * 1e3
