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
    """Why a recording cannot be used, if that is known before it is opened.

    ``may_pass``: The next run may succeed (a permission was missing); otherwise the input is bad.
    """

    reason: str
    may_pass: bool = False


@dataclass(frozen=True)
class DriveFiles:
    """Where one drive's recording is: small, hashable, and all that a pipeline shuffles.

    Attributes:
        source: Name of the source that reads it.
        drive_id: The drive.
        path: Folder or file of the recording.
        sha256: Hash of its files' names and contents.
        bytes: Their size.
        trouble: Why it cannot be used, if that is known already; then it is not opened.
    """

    source: str
    drive_id: str
    path: str
    sha256: str
    bytes: int
    trouble: Trouble | None = None


@dataclass(frozen=True)
class LeftOut:
    """What a recording contains that did not become part of its drive.

    Attributes:
        frames: How many frames; 0 if that is unknown, or if no frame is lost.
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
        """The cameras that it has frames of; other cameras are masked."""

    def telemetry(self) -> pa.Table:
        """``timestamp_ns`` and the recorded signals as the source has them, not yet validated."""

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames with ``start_ns <= timestamp_ns <= end_ns``, by time; lost frames are absent."""

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """Reference labels in the window; None if there are none."""


@runtime_checkable
class Mapped(Protocol):
    """A recording whose source knows the road network."""

    def roads(self) -> pa.Table:
        """The network, as rows of the table roads."""


@runtime_checkable
class Selective(Protocol):
    """A recording that may leave some frames out of the drive."""

    def left_out(self) -> Sequence[LeftOut]:
        """What was left out, and why; empty if the drive is complete."""


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
