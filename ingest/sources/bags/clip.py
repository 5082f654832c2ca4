"""A clip of ridealong as a drive: exactly the telemetry, cameras, frames and labels in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.clips.container import TopicReader
from ingest.clips.packets import CopiedVideo, EncodedFrame, is_keyframe
from ingest.clips.read import open_clip
from ridealong.perception.annotations import Perception, at_times
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import DriveAttributes, Image


def is_clip(path: Path) -> bool:
    """Whether an MCAP file is a clip that can be read."""
    try:
        file = TopicReader(path)
    except Exception:  # damaged bytes raise any error; what is whole of them is read as a bag
        return False
    try:
        return file.metadata() is not None
    finally:
        file.close()


class ClipRecording:
    """One clip, opened as a drive."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with open_clip(path) as reader:
            self._metadata = reader.metadata
            self._cameras = dict(reader.cameras)

    @property
    def attributes(self) -> DriveAttributes:
        """Those of the drive that it was cut from, and the clip's own window."""
        known = {field.name for field in fields(DriveAttributes)} - {"distance_m"}
        drive = {name: value for name, value in self._metadata.drive.items() if name in known}
        if drive.get("features") is not None:
            drive["features"] = tuple(drive["features"])
        window = {"start_ns": self._metadata.start_ns, "end_ns": self._metadata.end_ns}
        return DriveAttributes(
            **{**drive, **window, "labelled": self._metadata.label_frames is not None}
        )

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The cameras of the clip."""
        return self._cameras

    def telemetry(self) -> pa.Table:
        """The telemetry of the clip, as it is."""
        with open_clip(self._path) as reader:
            rows = reader.telemetry()
        return rows.drop_columns([name for name in ("drive_id",) if name in rows.column_names])

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """The frames of a window."""
        wanted = [name for name in self._cameras if name in cameras]
        with open_clip(self._path) as reader:
            every = [reader.timestamps(name) for name in wanted]
            times = np.unique(np.concatenate([np.empty(0, np.int64), *every]))
            inside = times[(times >= start_ns) & (times <= end_ns)]
            yield from reader.frames_at(wanted, inside)

    def copied_video(self, camera: str, start_ns: int, end_ns: int) -> CopiedVideo | str:
        """Its packets from the keyframe before the window; a clip's video can always be copied."""
        with open_clip(self._path) as reader:
            times, every = reader.packet_times(camera), reader.keyframe_every(camera)
            first = reader.keyframe_before(camera, start_ns)
        inside = times[(times >= first) & (times <= end_ns)]
        if not len(inside[inside >= start_ns]):
            return "it has no frame in the window"
        lead_in = int((inside < start_ns).sum())
        return CopiedVideo(self._packets(camera, first, end_ns), lead_in, every)

    def _packets(self, camera: str, first_ns: int, last_ns: int) -> Iterator[EncodedFrame]:
        with open_clip(self._path) as reader:
            for time_ns, packet in reader.video_packets(camera):
                if first_ns <= time_ns <= last_ns:
                    yield EncodedFrame(time_ns, is_keyframe(packet), packet)

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """The labels of a window; None if the clip has none."""
        with open_clip(self._path) as reader:
            labels = reader.labels()
        if labels is None:
            return None
        times = labels.timestamps_ns
        return at_times(labels, times[(times >= start_ns) & (times <= end_ns)])
