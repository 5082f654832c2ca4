"""The contract of networks: what replays rely on, checked on a few camera sets.

`docs/network-contract.md` describes it. It holds for every kind of network.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.tasks.registry import family
from ridealong.errors import RidealongError
from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED, Perception, Surface, Task
from ridealong.perception.forms import Form
from shadow.networks.agreement import disagreement, same_bytes
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
            found = clip.perceived_by(network)
            yield "forms", "shapes and types are those of the standard forms", _forms(found, clip)
            yield "names", "only listed predictions are given", _names(network, found)
            yield "ranges", _seen(found), _ranges(found, clip)
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


def _forms(found: Perception, clip: ProbeClip) -> list[str]:
    faults = []
    if found.sparse.schema != ANNOTATIONS:
        faults.append("sparse: the columns are not those of ANNOTATIONS")
    elif not np.isin(found.sparse["timestamp_ns"].to_numpy(), clip.timestamps_ns).all():
        faults.append("sparse: a row has a time that is not a frame's")
    for kind, arrays, dtype in (
        ("depth", found.depth, np.float32),
        ("segmentation", found.segmentation, np.uint8),
        ("bev", found.bev, np.uint8),
    ):
        for name, array in arrays.items():
            if array.ndim != 3 or len(array) != len(clip.timestamps_ns) or array.dtype != dtype:
                faults.append(
                    f"{kind} of {name!r} is {array.dtype} {array.shape}; expected"
                    f" {np.dtype(dtype)} ({len(clip.timestamps_ns)}, rows, columns)"
                )
    return faults


def _names(network: Network, found: Perception) -> list[str]:
    listed = set(network.manifest.predictions)
    tasks = {name.partition("/")[0].partition("@")[0] for name in listed}
    odd = sorted(name for name in _given(found, tasks) if name not in listed)
    return [f"{name} is given but not listed" for name in odd]


def _given(found: Perception, tasks: set[str]) -> Iterator[str]:
    """The predictions that are given; light states and surfaces are one output of all classes."""
    for row in found.sparse.group_by(["task", "category", "camera"]).aggregate([]).to_pylist():
        form = family(row["task"]).form if row["task"] in tasks else Form.BOXES
        camera = f"@{row['camera']}" if row["camera"] is not None else ""
        if form is not Form.STATES:
            yield f"{row['task']}/{row['category']}{camera}"
    yield from (f"{Task.DEPTH}@{camera}" for camera in found.depth)
    yield from (f"{Task.BEV}/{layer}" for layer in found.bev)


def _ranges(found: Perception, clip: ProbeClip) -> list[str]:
    return [*_sparse_ranges(found.sparse, clip), *_dense_ranges(found)]


def _sparse_ranges(sparse: pa.Table, clip: ProbeClip) -> Iterator[str]:
    scores = sparse["score"].drop_null().to_numpy()
    if len(scores) and not ((scores >= 0) & (scores <= 1)).all():
        yield f"a score is {scores[~((scores >= 0) & (scores <= 1))][0]:.4g}; expected 0 to 1"
    for name, images in clip.frames.items():
        boxes = sparse.filter(pc.equal(sparse["camera"], name)).select(["x1", "y1", "x2", "y2"])
        x1, y1, x2, y2 = (boxes.drop_null()[n].to_numpy() for n in boxes.column_names)
        height, width = images.shape[1:3]
        inside = (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height) & (x2 > x1) & (y2 > y1)
        if not inside.all():
            at = int(np.flatnonzero(~inside)[0])
            yield (
                f"a box in {name!r} is ({x1[at]:g}, {y1[at]:g}, {x2[at]:g}, {y2[at]:g});"
                f" expected x1 < x2 and y1 < y2 within {width} x {height} pixels"
            )


def _dense_ranges(found: Perception) -> Iterator[str]:
    for name, metres in found.depth.items():
        known = metres[~np.isnan(metres)]
        if not (np.isfinite(known) & (known > 0)).all():
            yield f"depth of {name!r}: expected metres above 0, or NaN where it is unknown"
    for name, ids in found.segmentation.items():
        odd = ids[(ids >= len(Surface)) & (ids != UNLABELLED)]
        if odd.size:
            yield f"segmentation of {name!r} has the class {odd[0]}"
    for name, cells in found.bev.items():
        odd = cells[(cells > 1) & (cells != UNLABELLED)]
        if odd.size:
            yield f"layer {name!r} has the value {odd[0]}; expected 0, 1 or {UNLABELLED}"


def _seen(found: Perception) -> str:
    dense = [*found.depth, *found.segmentation, *found.bev]
    return f"{found.sparse.num_rows} rows and {len(dense)} dense outputs are in range"


def _repeats(network: Network, clip: ProbeClip, found: Perception) -> list[str]:
    again = clip.perceived_by(network)
    if same_bytes(found, again):
        return []
    share = disagreement(found, again)
    return [f"a second time, outputs are other ones: {share:.1%} of rows or cells differ"]


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
