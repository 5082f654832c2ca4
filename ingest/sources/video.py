"""``--source video``: a video file is a drive of one camera, without telemetry.

The drive starts when the file says it was recorded (``creation_time``), else at the Unix epoch, so
that the same file always gives the same drive. It ends where its last frame ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from ingest.annotations import Camera, Perception
from ingest.errors import RidealongError
from ingest.geometry import CameraCalibration, unknown_calibration
from ingest.recording import DriveFiles, Image, Recording
from ingest.sources.attributes import drive_attributes, with_attributes
from ingest.sources.decoding import VideoIndex, decode, index_video
from ingest.sources.files import drive_identity, files_under, hash_files
from ingest.units import NS_PER_S

SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".ts", ".mts", ".h264", ".h265", ".hevc"}
)
CAMERA = Camera.MAIN.value


class VideoSource:
    """Video files: one file, one drive."""

    name = "video"

    def recognises(self, path: Path) -> bool:
        """Whether it is a video file by its suffix."""
        return path.suffix.lower() in SUFFIXES and not path.is_dir()

    def discover(self, path: Path) -> list[DriveFiles]:
        """One drive per video file, by path."""
        files = files_under(path, SUFFIXES)
        if not files:
            raise RidealongError(
                "no video in this folder", where=path, expected="files like .mp4, .mkv or .h264"
            )
        return [_drive_files(file) for file in files]

    def open(self, files: DriveFiles) -> Recording:
        """Open one file; raises `UnreadableError` where it is no video."""
        return VideoRecording(files, index_video(Path(files.path)))


class VideoRecording:
    """One video file, opened."""

    def __init__(self, files: DriveFiles, index: VideoIndex) -> None:
        self._index = index
        self._start_ns = index.created_ns or 0
        self._drive = {
            "drive_id": files.drive_id,
            "source": files.source,
            "source_path": files.path,
            "source_sha256": files.sha256,
            "start_ns": self._start_ns,
            "end_ns": self._start_ns + index.length_ns,
            "duration_s": index.length_ns / NS_PER_S,
            "cameras": [CAMERA],
            "labelled": False,
            **drive_attributes(Path(files.path), files.drive_id),
        }

    @property
    def drive(self) -> dict[str, object]:
        """The drive's row, as far as a video and the file beside it tell."""
        return dict(self._drive)

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The one camera, its calibration unknown."""
        return {CAMERA: unknown_calibration(CAMERA, self._index.width, self._index.height)}

    def telemetry(self) -> pa.Table:
        """No rows."""
        return pa.table({"timestamp_ns": pa.array([], pa.int64())})

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames with ``start_ns <= timestamp_ns <= end_ns``, decoded as they are asked for."""
        if CAMERA not in cameras:
            return
        times_ns = self._index.offsets_ns + self._start_ns
        first = int(times_ns.searchsorted(start_ns, side="left"))
        last = int(times_ns.searchsorted(end_ns, side="right")) - 1
        if first > last:
            return
        for number, image in decode(self._index, first, last):
            yield int(times_ns[number]), {CAMERA: image}

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """None: nobody labelled it."""
        return None


def _drive_files(file: Path) -> DriveFiles:
    sha256, size = hash_files(file.parent, with_attributes(file))
    return DriveFiles(
        VideoSource.name, drive_identity(file.stem, sha256), str(file.absolute()), sha256, size
    )
