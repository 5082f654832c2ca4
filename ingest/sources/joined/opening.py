"""Opens drives of telemetry and videos."""

from dataclasses import replace
from pathlib import Path

from ingest.sources.joined.pairs import Pair, telemetry_source
from ingest.sources.joined.recording import JoinedRecording
from ingest.sources.joined.spec import JoinedSpec
from ingest.sources.joined.stated import inside, stated_telemetry
from ingest.sources.joined.videos import Video, stated_video, video_beside
from ingest.sources.parquet import ParquetRecording
from ridealong.perception.recording import DriveFiles, Recording


def open_pair(files: DriveFiles, pair: Pair) -> JoinedRecording:
    """Open telemetry and the videos of its name.

    Raises:
        UnreadableError: A file cannot be read, or their times do not overlap.
    """
    alone = telemetry_source(files.mapping).discover(pair.telemetry)[0]
    videos: list[Video] = []
    for path in pair.videos:
        videos.append(video_beside(path, {n: v for v in videos for n in v.tracks.cameras}))
    return JoinedRecording(files, _telemetry(alone), videos)


def open_stated(files: DriveFiles, folder: Path, spec: JoinedSpec) -> JoinedRecording:
    """Open a folder with a ``drive.yaml``.

    Raises:
        UnreadableError: A file cannot be read, or their times do not overlap.
    """
    videos = [
        stated_video(inside(folder, camera.file), camera.track, name, spec.timing_of(camera))
        for name, camera in spec.cameras.items()
    ]
    alone = stated_telemetry(folder, spec)
    telemetry = None if alone is None else _telemetry(alone)
    return JoinedRecording(files, telemetry, videos, spec.attributes)


def _telemetry(files: DriveFiles) -> Recording:
    if files.mapping is None:
        return ParquetRecording(replace(files, source="parquet"))
    return telemetry_source(files.mapping).open(files)
