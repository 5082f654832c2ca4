"""What every source provides for a drive: attributes, telemetry, frames and labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.units import NS_PER_S

Image = NDArray[np.uint8]  # (height, width, 3), RGB


@dataclass(frozen=True)
class Trouble:
    """Why a recording cannot be used, if this is known before it is opened.

    ``may_pass``: The next run may succeed (a permission was missing); otherwise the input is bad.
    """

    reason: str
    may_pass: bool = False


@dataclass(frozen=True)
class DriveFiles:
    """Where one drive's recording is: small and hashable, so a pipeline can shuffle it.

    Attributes:
        source: Name of the source that reads it.
        drive_id: The drive.
        path: Folder or file of the recording.
        sha256: Hash of its files' names and contents.
        bytes: Their size.
        trouble: Why it cannot be used; then it is not opened. None if no reason is known.
        mapping: The mapping file that it is read with, as JSON; None if it is read without one.
    """

    source: str
    drive_id: str
    path: str
    sha256: str
    bytes: int
    trouble: Trouble | None = None
    mapping: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """What a recording contains that did not become part of its drive.

    Attributes:
        frames: Number of frames; 0 if unknown, or if no frame is lost.
        reason: What was left out or changed, and why, as part of a sentence.
        kind: The kind of its row in the quarantine: ``frames``, or a ``topic`` of a bag.
    """

    frames: int
    reason: str
    kind: str = "frames"


@dataclass(frozen=True)
class RowAside:
    """A row of a log that means nothing, so it is no row of telemetry.

    Attributes:
        row: Its number in the log, from 0.
        reason: What is wrong with it.
        content: What it says, as JSON.
    """

    row: int
    reason: str
    content: str


@dataclass(frozen=True)
class DriveAttributes:
    """What a log contains about its drive besides telemetry and frames; None is unknown.

    Attributes:
        start_ns, end_ns: First and last instant, nanoseconds since 1970 UTC. Give both or neither.
            By default they are those of the valid rows of telemetry.
        distance_m: Distance driven; if unknown, it is computed from the speed.
        vehicle_id: The vehicle; if unknown, the drive counts as a separate vehicle.
        cluster_id: Drives that are not independent of each other share one; default: the drive.
        country: ISO 3166 code, such as ``DE``.
        weather: ``clear``, ``rain`` or ``fog``.
        light: ``day``, ``dusk`` or ``night``.
        road: ``city``, ``highway`` or ``rural``.
        hardware: The vehicle's computer.
        software: Its version, such as ``2026.4.1``.
        features: Driver assistance that was engaged.
        labelled: Whether the log has reference labels.
        assumed: What the log does not say and the source had to assume, a sentence each.
    """

    start_ns: int | None = None
    end_ns: int | None = None
    distance_m: float | None = None
    vehicle_id: str | None = None
    cluster_id: str | None = None
    country: str | None = None
    weather: str | None = None
    light: str | None = None
    road: str | None = None
    hardware: str | None = None
    software: str | None = None
    features: tuple[str, ...] | None = None
    labelled: bool = False
    assumed: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if (self.start_ns is None) != (self.end_ns is None):
            raise ValueError("start_ns without end_ns, or the reverse; expected both or neither")

    @property
    def duration_s(self) -> float | None:
        """Duration in seconds; None if the times are unknown."""
        if self.start_ns is None or self.end_ns is None:
            return None
        return (self.end_ns - self.start_ns) / NS_PER_S


class Recording(Protocol):
    """One drive, opened."""

    @property
    def attributes(self) -> DriveAttributes:
        """What the source knows about the drive; the rest is derived from the telemetry."""

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The cameras with frames; other cameras are masked."""

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
    """A recording with a known road network."""

    def roads(self) -> pa.Table:
        """The network, as rows of the table roads."""


@runtime_checkable
class Sifted(Protocol):
    """A recording that sets rows of its log aside by itself, because they cannot be telemetry."""

    def row_numbers(self) -> NDArray[np.int64]:
        """``(N,)``: the number in the log of each row of telemetry."""

    def rows_aside(self) -> Sequence[RowAside]:
        """The rows that were set aside."""


@runtime_checkable
class Selective(Protocol):
    """A recording that may leave something of its log out of the drive."""

    def left_out(self) -> Sequence[LeftOut]:
        """What was left out, and why; empty if the drive is complete."""


@runtime_checkable
class Source(Protocol):
    """One kind of log."""

    name: str

    def recognises(self, path: Path) -> bool:
        """Whether ``path`` looks like one log of this kind: this file, or this whole folder.

        It is false for a folder of such logs: discovery searches the folder itself.
        """

    def discover(self, path: Path) -> list[DriveFiles]:
        """The drives of the log, or of all logs under the folder, in a fixed order."""

    def open(self, files: DriveFiles) -> Recording:
        """Open one drive.

        Raises:
            UnreadableError: A file of it cannot be read.
        """


@runtime_checkable
class Remarking(Protocol):
    """A source that may have something to say about what it found."""

    def remarks(self, path: Path) -> Sequence[str]:
        """What a user should know about the drives of a log, a line each."""


@runtime_checkable
class ByMapping(Protocol):
    """A source whose logs are read with a mapping file: which field is which signal.

    ``open`` finds the mapping in `DriveFiles.mapping`.
    """

    needs_mapping: bool

    def mapped(self, mapping: str, where: str) -> Source:
        """The source with a mapping, given as YAML or JSON; ``where`` names it in messages.

        Raises:
            RidealongError: It is not a mapping for this source; the message names the line.
        """
