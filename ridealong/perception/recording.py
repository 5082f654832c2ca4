"""What every source gives for a drive: its row, its telemetry, its frames, its labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration

Image = NDArray[np.uint8]  # (height, width, 3), RGB


@dataclass(frozen=True)
class Trouble:
    """Why a recording cannot be used, where that showed when it was found.

    ``may_pass``: the next run may find it well (a permission was missing); else it is bad input.
    """

    reason: str
    may_pass: bool = False


@dataclass(frozen=True)
class DriveFiles:
    """Where one drive's recording lies: small, hashable, and all that is ever shuffled.

    Attributes:
        source: Name of the source that reads it.
        drive_id: The drive.
        path: Folder or file of the recording.
        sha256: Hash over its files' names and contents.
        bytes: Their size.
        trouble: Why it cannot be used, if that is known already; it is not opened then.
    """

    source: str
    drive_id: str
    path: str
    sha256: str
    bytes: int
    trouble: Trouble | None = None


@dataclass(frozen=True)
class LeftOut:
    """What a recording holds that did not become part of its drive.

    Attributes:
        frames: How many frames; 0 where that is not known, or where none is lost.
        reason: What was left out or changed, and why, as part of a sentence.
    """

    frames: int
    reason: str


class Recording(Protocol):
    """One drive, opened."""

    @property
    def drive(self) -> dict[str, object]:
        """The drive's row of the table drives, as far as the source knows it.

        Without ``start_ns``, times and distance follow from the good rows of its telemetry.
        """

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The cameras it has frames of; the others are masked."""

    def telemetry(self) -> pa.Table:
        """``timestamp_ns`` and any recorded signals, as the source has them: not yet validated."""

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames with ``start_ns <= timestamp_ns <= end_ns``, in time; a lost one is absent."""

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """Reference labels in the window; None where none are known."""


@runtime_checkable
class Mapped(Protocol):
    """A recording whose source knows the road network that was driven."""

    def roads(self) -> pa.Table:
        """That network, as rows of the table roads."""


@runtime_checkable
class Selective(Protocol):
    """A recording not all of whose frames may be in the drive."""

    def left_out(self) -> Sequence[LeftOut]:
        """What was left out, and why; nothing where the drive is whole."""


@runtime_checkable
class Source(Protocol):
    """One kind of log."""

    name: str

    def recognises(self, path: Path) -> bool:
        """Whether ``path``, by its look, is one log of this kind: this file, or this whole folder.

        A folder that merely holds such logs is none: whoever looks for them walks through it.
        """

    def discover(self, path: Path) -> list[DriveFiles]:
        """The drives of the log, or of all logs under the folder, in a fixed order."""

    def open(self, files: DriveFiles) -> Recording:
        """Open one drive.

        Raises:
            UnreadableError: A file of it cannot be read.
        """
