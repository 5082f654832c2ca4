"""How long each network takes for one camera set, measured in turn on the same sets.

Latency is a fact about this machine now, so it is never taken from an earlier run, even where every
score is. The two networks are asked about the same instants, one after the other, and who goes
first changes each time: what else the machine does then falls on both alike. A time is that of
`Network.perceive` for one instant, decoded frames in, standard forms out.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from ingest.clips.read import FrameSets
from ridealong.perception.geometry import CameraCalibration
from shadow.networks.network import Network

INSTANTS = 12


@dataclass(frozen=True)
class Latency:
    """Medians over the instants.

    Attributes:
        instants: How many there were.
        deployed_ms, candidate_ms: Milliseconds a camera set.
        ratio: Candidate over deployed, of each instant; above 1 the candidate is slower.
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
    """Time both networks on the first instants of a clip; the first one of all is not counted.

    Raises:
        ValueError: There is no instant.
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
    started = time.perf_counter()
    network.perceive(frames, sets.timestamps_ns[at : at + 1], calibrations)
    return (time.perf_counter() - started) * 1e3
