"""A video file, opened: its video tracks are its cameras, and it has no telemetry.

The drive starts at the file's ``creation_time``, or at the Unix epoch if it has none, so that the
same file always gives the same drive. It lasts from the first frame that can be decoded to the end
of the last one.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from ingest.clips.packets import CopiedVideo
from ingest.sources.attributes import drive_attributes
from ingest.sources.video.decoding import VideoIndex, decode
from ingest.sources.video.timeline import aligned
from ingest.sources.video.tracks import Tracks
from ridealong.arrays import Ints
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration, unknown_calibration
from ridealong.perception.recording import DriveAttributes, DriveFiles, Image, LeftOut


class VideoRecording:
    """One video file, opened; ``start_ns`` is when it begins, if the file does not say so."""

    def __init__(self, files: DriveFiles, tracks: Tracks, start_ns: int | None = None) -> None:
        self._tracks = tracks
        self._start_ns = (tracks.created_ns or 0) if start_ns is None else start_ns
        self._beside = drive_attributes(Path(files.path))

    @cached_property
    def attributes(self) -> DriveAttributes:
        """Start and end from the video, the rest from the file beside it.

        This decodes every frame, unless they are large: the last ones may be damaged.
        """
        length_ns = max(self._end_ns(index) for index in self._tracks.cameras.values())
        return replace(self._beside, start_ns=self._start_ns, end_ns=self._start_ns + length_ns)

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """One camera for each track; their calibration is unknown."""
        return {
            name: unknown_calibration(name, index.width, index.height)
            for name, index in self._tracks.cameras.items()
        }

    def telemetry(self) -> pa.Table:
        """No rows."""
        return pa.table({"timestamp_ns": pa.array([], pa.int64())})

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames with ``start_ns <= timestamp_ns <= end_ns``, decoded on demand."""
        wanted = [name for name in self._tracks.cameras if name in cameras]
        tracks = [self._frames_of(name, start_ns, end_ns) for name in wanted]
        in_time = heapq.merge(*tracks, key=itemgetter(0))
        for time_ns, found in groupby(in_time, key=itemgetter(0)):
            yield time_ns, {name: image for _, name, image in found}

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """None: it has no labels."""
        return None

    def copied_video(self, camera: str, start_ns: int, end_ns: int) -> CopiedVideo | str:
        """A camera's packets in a window, or why they must be encoded anew."""
        from ingest.sources.video.copying import copied_video

        index, times_ns = self._tracks.cameras[camera], self._times_ns[camera]
        return copied_video(index, times_ns, start_ns, end_ns)

    def left_out(self) -> Sequence[LeftOut]:
        """What part of the file is not in the drive; this decodes every frame that is not large."""
        found = list(self._tracks.left_out)
        for name, index in self._tracks.cameras.items():
            found += _lost(name, index)
        return found

    def _frames_of(
        self, camera: str, start_ns: int, end_ns: int
    ) -> Iterator[tuple[int, str, Image]]:
        index, times_ns = self._tracks.cameras[camera], self._times_ns[camera]
        first = max(int(times_ns.searchsorted(start_ns, side="left")), index.first)
        last = int(times_ns.searchsorted(end_ns, side="right")) - 1
        if first <= last:
            for number, image in decode(index, first, last):
                yield int(times_ns[number]), camera, image

    @cached_property
    def _times_ns(self) -> dict[str, Ints]:
        """``(N,)`` times of each camera's frames, including those that cannot be decoded."""
        times_ns: dict[str, Ints] = {}
        for name, index in self._tracks.cameras.items():
            timeline = index.timeline
            own_ns = timeline.since(self._origin_s, timeline.ticks) + self._start_ns
            first_ns = next(iter(times_ns.values()), own_ns)
            times_ns[name] = aligned(own_ns, first_ns)
        return times_ns

    def _end_ns(self, index: VideoIndex) -> int:
        """When the last frame that can be decoded ends, since the drive's start."""
        ends = index.timeline.ends()[index.decodable[-1:]]
        return int(index.timeline.since(self._origin_s, ends)[0])

    @cached_property
    def _origin_s(self) -> Fraction:
        """The first frame that can be decoded, in the time of the file."""
        indices = self._tracks.cameras.values()
        return min(int(i.timeline.ticks[i.first]) * i.timeline.time_base for i in indices)


def _lost(camera: str, index: VideoIndex) -> list[LeftOut]:
    """What part of one track is not in the drive, and where its times were changed."""
    timeline = index.timeline
    counts = {
        "are hidden by the file's edit list": timeline.hidden,
        "have the time of another frame": timeline.duplicates,
        "have no usable time": timeline.untimed,
        "cannot be decoded": len(timeline.ticks) - len(index.decodable),
    }
    every = len(index.decodable) + sum(counts.values())
    found = [
        LeftOut(count, f"camera {camera}: {count} of {every} frames {why}")
        for why, count in counts.items()
        if count
    ]
    if timeline.pieces > 1:
        how = f"its edit list joins {timeline.pieces} pieces"
        how += "; where they meet, times may be a frame off"
        found.append(LeftOut(0, f"camera {camera}: {how}"))
    if timeline.joints:
        times = "once" if timeline.joints == 1 else f"{timeline.joints} times"
        how = f"its clock starts over {times}; what follows was joined on"
        found.append(LeftOut(0, f"camera {camera}: {how}"))
    return found
