"""Which frame of a clip a picture shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ingest.clips.picture import default_moment_s
from ingest.clips.read import ClipReader
from metrics.gate.cells import Cell
from metrics.tasks.metric import Reference
from ridealong.units import NS_PER_S
from shadow.frame_losses import FrameLosses
from shadow.outputs import RunOutputs


def costliest_time(outputs: RunOutputs, clip: Mapping[str, Any], cell: Cell) -> int | None:
    """The time in ns of the frame with the largest share of the loss; None if no frame has one.

    Only comparisons with labels have shares of frames.
    """
    if cell["reference"] != Reference.LABELS:
        return None
    shares = FrameLosses(outputs, [cell]).of(clip)
    return max(shares, key=lambda time: (shares[time], -time), default=None)


def middle_time(reader: ClipReader, rate_hz: float) -> int:
    """The time in ns of the judged frame that is nearest the clip's labelled middle."""
    times = reader.sample_times(rate_hz)
    middle = reader.metadata.start_ns + round(default_moment_s(reader) * NS_PER_S)
    return int(times[np.abs(times - middle).argmin()])
