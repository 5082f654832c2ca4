"""Which items depend on each other: those of one drive, or of one block of time.

The unit of independence is the drive. If there is one drive alone, blocks of time stand in: items
far apart depend on each other less. Such a run says something about this drive, not about others.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ridealong.arrays import Floats, Ints
from ridealong.perception.result_files import Frames
from ridealong.terminal.readable import counted
from shadow.judged import Scope

MOST_BLOCKS = 20
SHORTEST_S = 2.0
FEWEST_FRAMES = 10  # of a block, where the time is unknown


@dataclass(frozen=True)
class Clusters:
    """The cluster of each item.

    Attributes:
        names: ``(F,)`` string.
        scope: What they are.
        drives: How many drives there are.
        text: What tells them apart, for the report.
    """

    names: pa.Array
    scope: Scope
    drives: int
    text: str


def clusters_of(frames: Frames, drive_from: str, rate_hz: float | None) -> Clusters:
    """The drives as clusters; of one drive, its blocks of time."""
    drives = pc.unique(frames.drive)
    if len(drives) != 1:
        return Clusters(frames.drive, Scope.DRIVES, len(drives), drive_from)
    block, text = _blocks(frames, rate_hz)
    name = drives[0].as_py()
    digits = len(str(int(block.max()) + 1))
    names = pa.array([f"{name} block {number + 1:0{digits}}" for number in block.tolist()])
    return Clusters(names, Scope.WITHIN_DRIVE, 1, f"{drive_from}; {text}")


def _blocks(frames: Frames, rate_hz: float | None) -> tuple[Ints, str]:
    """``(F,)`` the block of each frame, and what the blocks are."""
    time = _times(frames, rate_hz)
    if time is None:
        count = len(frames)
        blocks = int(np.clip(count // FEWEST_FRAMES, 1, MOST_BLOCKS))
        equal: Ints = np.arange(count) * blocks // count
        return equal, f"{counted(blocks, 'block')} of equal length"
    # A frame lasts until the next one, so that 50 frames at 25 Hz are 2 s.
    gaps = np.diff(np.unique(time))
    length = float(time.max() - time.min()) + (float(np.median(gaps)) if len(gaps) else 0.0)
    blocks = int(np.clip((length + 1e-6) // SHORTEST_S, 1, MOST_BLOCKS))
    place = np.floor((time - time.min()) / length * blocks) if length else np.zeros(len(time))
    block: Ints = np.clip(place, 0, blocks - 1).astype(np.int64)
    return block, f"{counted(blocks, 'block')} of {length / blocks:.3g} s"


def _times(frames: Frames, rate_hz: float | None) -> Floats | None:
    """``(F,)`` seconds: the time stamps, or the numbers of the frames; None if unknown."""
    if len(frames) and np.isfinite(frames.time_s).all() and np.ptp(frames.time_s) > 0:
        return frames.time_s
    if rate_hz is not None:
        return np.arange(len(frames)) / rate_hz
    return None
