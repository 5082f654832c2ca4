"""Clips that no verdict on a quantized network may use, because their drives calibrated it."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ridealong.terminal.readable import counted
from shadow.networks.registry import NetworkEntry


def without_calibration(clips: pa.Table, networks: Sequence[NetworkEntry]) -> pa.Table:
    """The clips of other drives than those that calibrated one of these networks."""
    return clips.filter(pc.invert(_of_calibration(clips, networks)))


def calibration_clips(clips: pa.Table, networks: Sequence[NetworkEntry]) -> pa.Table:
    """The clips of the drives that calibrated one of these networks."""
    return clips.filter(_of_calibration(clips, networks))


def calibration_sentence(clips: int) -> str | None:
    """How many clips were set aside; None if there are none."""
    if not clips:
        return None
    are = "is" if clips == 1 else "are"
    return f"{counted(clips, 'clip')} of drives that calibrated a network {are} not judged"


def _of_calibration(clips: pa.Table, networks: Sequence[NetworkEntry]) -> pa.ChunkedArray:
    drives = sorted({drive for entry in networks for drive in entry.manifest.calibration_drives})
    return pc.is_in(clips["drive_id"], pa.array(drives, pa.string()))
