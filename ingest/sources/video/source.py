"""``--source video``: a video file is a drive without telemetry; each video track is a camera."""

from pathlib import Path

from ingest.sources.attributes import with_attributes
from ingest.sources.files import drive_identity, files_under, hash_files
from ridealong.errors import RidealongError
from ridealong.perception.recording import DriveFiles, Recording

SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".ts", ".mts", ".h264", ".h265", ".hevc"}
)


class VideoSource:
    """Video files: one file, one drive."""

    name = "video"

    def recognises(self, path: Path) -> bool:
        """Whether it has the suffix of a video file."""
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
        """Open one file; raises `UnreadableError` if it is not a video."""
        from ingest.sources.video.recording import VideoRecording
        from ingest.sources.video.tracks import open_tracks

        return VideoRecording(files, open_tracks(Path(files.path)))


def _drive_files(file: Path) -> DriveFiles:
    sha256, size = hash_files(file.parent, with_attributes(file))
    return DriveFiles(
        VideoSource.name, drive_identity(file.stem, sha256), str(file.absolute()), sha256, size
    )
