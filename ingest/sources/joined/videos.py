"""Videos of a drive, each placed in time: where it is stated, recorded, or assumed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from ingest.sources.joined.spec import Timing, offset_ns, start_ns
from ingest.sources.video.containers import camera_streams, created_ns, opened, video_errors
from ingest.sources.video.decoding import VideoIndex, index_video
from ingest.sources.video.recording import VideoRecording
from ingest.sources.video.tracks import Tracks, open_tracks
from ridealong.errors import UnreadableError
from ridealong.perception.recording import DriveFiles


@dataclass(frozen=True)
class Video:
    """One video file of a drive.

    Attributes:
        path: The file.
        tracks: Its cameras.
        stated_ns, offset_ns: When it is said to begin, and what is added to all its times.
    """

    path: Path
    tracks: Tracks
    stated_ns: int | None = None
    offset_ns: int = 0

    @property
    def recorded_ns(self) -> int | None:
        """When it begins, as is stated or recorded; None if nothing says so."""
        start = self.tracks.created_ns if self.stated_ns is None else self.stated_ns
        return None if start is None else start + self.offset_ns

    @property
    def length_ns(self) -> int:
        """From its first frame to the end of its last one, as its packets announce them."""
        indices = self.tracks.cameras.values()
        origin = min(int(i.timeline.ticks[i.first]) * i.timeline.time_base for i in indices)
        ends = (i.timeline.since(origin, np.array([i.timeline.end_tick])) for i in indices)
        return max(int(end[0]) for end in ends)

    def begins_ns(self, default_ns: int) -> int:
        """When it begins; it begins with the telemetry if nothing says so."""
        return default_ns + self.offset_ns if self.recorded_ns is None else self.recorded_ns

    def recording(self, files: DriveFiles, default_ns: int) -> VideoRecording:
        """The video as a recording that begins then."""
        return VideoRecording(files, self.tracks, self.begins_ns(default_ns))


def video_beside(path: Path, taken: Mapping[str, object]) -> Video:
    """A video that has its telemetry's name; cameras that are taken get other names.

    Raises:
        UnreadableError: No track of it can be decoded.
    """
    tracks = open_tracks(path)
    cameras: dict[str, VideoIndex] = {}
    for name, index in tracks.cameras.items():
        is_taken = name in taken or name in cameras
        cameras[f"{name}_{path.suffix[1:].lower()}" if is_taken else name] = index
    return Video(path, replace(tracks, cameras=cameras))


def stated_video(path: Path, track: int, camera: str, timing: Timing) -> Video:
    """One track of a video as ``drive.yaml`` states it.

    Raises:
        UnreadableError: It cannot be decoded, or has no such track.
        RidealongError: Its start has no zone.
    """
    with video_errors(path), opened(path) as container:
        created = created_ns(container)
        streams = camera_streams(container, path)
        if track > len(streams):
            raise UnreadableError(
                f"has no video track {track}", where=path, expected=f"1 to {len(streams)}"
            )
        number = streams[track - 1].index
    index = index_video(path, number)
    if timing.fps is not None:
        index = _at_rate(index, Fraction(timing.fps).limit_denominator(1001 * 1000))
    tracks = Tracks({camera: index}, created, ())
    return Video(path, tracks, start_ns(timing), offset_ns(timing))


def _at_rate(index: VideoIndex, fps: Fraction) -> VideoIndex:
    """The same frames, one after the other at a constant rate."""
    count = len(index.timeline.ticks)
    timeline = replace(
        index.timeline, time_base=1 / fps, ticks=np.arange(count, dtype=np.int64), end_tick=count
    )
    return replace(index, timeline=timeline)
