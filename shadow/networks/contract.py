"""The contract of networks: what replays rely on, checked on a few camera sets.

`docs/network-contract.md` describes it. It holds for every kind of network.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from ridealong.errors import RidealongError
from ridealong.perception.annotations import UNLABELLED, Perception
from shadow.networks.agreement import disagreement, same_bytes
from shadow.networks.forms import Asked, form_faults, name_faults, range_faults, tiny_boxes
from shadow.networks.kinds import by_frame, running
from shadow.networks.network import Network
from shadow.networks.probing import ProbeClip

# Kernels round differently for another number of images, and a score beside a threshold then adds
# or drops a row.
MOST_ROUNDED = 0.02


@dataclass(frozen=True)
class Check:
    """One check: whether it passed, and what was found."""

    check: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Findings:
    """What was found about a network.

    Attributes:
        checks: In their order.
        milliseconds: For one camera set, the median.
        memory_mb: The most memory that this process and those of the network have had.
    """

    checks: tuple[Check, ...]
    milliseconds: float
    memory_mb: int

    @property
    def faults(self) -> list[RidealongError]:
        """What is off."""
        return [
            RidealongError(check.detail, where=check.check) for check in self.checks if not check.ok
        ]


def check_contract(network: Network, clips: Sequence[ProbeClip]) -> Findings:
    """Check an open network on some clips.

    Raises:
        NotInstalledError: The package of an installed kind of network is broken.
    """
    checks: list[Check] = []
    took: list[float] = []
    for clip in clips:
        checks += [
            Check(f"{name} ({clip.name})", not faults, "; ".join(faults) or good)
            for name, good, faults in _of_clip(network, clip, took)
        ]
    middle = sorted(took)[len(took) // 2] if took else float("nan")
    return Findings(tuple(checks), round(middle * 1e3, 2), _memory_mb())


_Result = tuple[str, str, list[str]]


def _of_clip(network: Network, clip: ProbeClip, took: list[float]) -> Iterator[_Result]:
    try:
        with running(network.manifest, "run"):
            found, asked = clip.perceived_by(network), Asked(clip.frames, clip.timestamps_ns)
            faults = list(form_faults(found, asked))
            yield "forms", "shapes and types are those of the standard forms", faults
            if faults:  # the other checks would fail on them
                return
            names = name_faults(found, network.manifest.predictions)
            yield "names", "only listed predictions are returned", names
            ranges = [*range_faults(found, asked), *tiny_boxes(found)]
            yield "ranges", _seen(found), ranges
            yield (
                "repeats",
                "the same camera sets give the same outputs",
                _repeats(network, clip, found),
            )
            if by_frame(network.manifest):
                share = _alone(network, clip, found, took)
                said = f"camera sets alone and together: {share:.1%} of rows or cells differ"
                yield "batches", said, [said] if share > MOST_ROUNDED else []
            else:
                started = time.perf_counter()
                clip.perceived_by(network)
                took.append((time.perf_counter() - started) / len(clip.timestamps_ns))
            yield "lost frames", "a lost frame gives nothing", _lost(network, clip)
    except (RidealongError, ValueError) as error:
        yield "runs", "", [str(error)]


def _seen(found: Perception) -> str:
    dense = [*found.depth, *found.segmentation, *found.bev]
    return f"{found.sparse.num_rows} rows and {len(dense)} dense outputs are in range"


def _repeats(network: Network, clip: ProbeClip, found: Perception) -> list[str]:
    again = clip.perceived_by(network)
    if same_bytes(found, again):
        return []
    share = disagreement(found, again)
    return [f"a second run returns other outputs: {share:.1%} of rows or cells differ"]


def _alone(network: Network, clip: ProbeClip, found: Perception, took: list[float]) -> float:
    """The largest share of rows or cells that differ where camera sets go alone."""
    shares = []
    for at in range(len(clip.timestamps_ns)):
        started = time.perf_counter()
        part = clip.alone(at).perceived_by(network)
        took.append(time.perf_counter() - started)
        shares.append(disagreement(_cut(found, at), part))
    return max(shares, default=0.0)


def _cut(found: Perception, at: int) -> Perception:
    """One frame of it."""
    rows = pc.equal(found.sparse["timestamp_ns"], int(found.timestamps_ns[at]))
    part = slice(at, at + 1)
    return Perception(
        found.timestamps_ns[part],
        found.sparse.filter(rows),
        depth={name: array[part] for name, array in found.depth.items()},
        segmentation={name: array[part] for name, array in found.segmentation.items()},
        bev={name: array[part] for name, array in found.bev.items()},
        tasks=found.tasks,
    )


def _lost(network: Network, clip: ProbeClip) -> list[str]:
    """The first frame of each camera is lost."""
    there = np.ones(len(clip.timestamps_ns), bool)
    there[0] = len(there) == 1
    found = clip.perceived_by(network, present=dict.fromkeys(clip.frames, there))
    if there[0]:
        return []
    faults = []
    if pc.any(pc.equal(found.sparse["timestamp_ns"], int(clip.timestamps_ns[0]))).as_py():
        faults.append("there are rows at a time whose frames are lost")
    faults += [
        f"depth of {n!r} is known" for n, a in found.depth.items() if not np.isnan(a[0]).all()
    ]
    for arrays in (found.segmentation, found.bev):
        faults += [f"{n!r} is known" for n, a in arrays.items() if (a[0] != UNLABELLED).any()]
    return faults


def _memory_mb() -> int:
    """The most memory that this process and its children have had, as Linux counts it."""
    own = str(os.getpid())
    children = Path(f"/proc/{own}/task/{own}/children")
    processes = [own, *(children.read_text("ascii").split() if children.exists() else [])]
    return round(sum(_peak_kb(process) for process in processes) / 1e3)


def _peak_kb(process: str) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
