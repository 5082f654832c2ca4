"""Read clips: metadata, telemetry, labels, and frames by range or by time.

All reading uses the file's index: a seek starts at the keyframe before it, and telemetry is read
without unpacking video. A clip that cannot be read raises `UnreadableError`, with the file and a
hint.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.clips import dense, messages, rows, topics
from ingest.clips.container import HINT, TopicReader, reading
from ingest.clips.packets import is_keyframe
from ingest.schemas import TELEMETRY
from ridealong.arrays import Ints
from ridealong.errors import RidealongError, UnreadableError
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import Image
from ridealong.terminal.readable import exact_instant
from ridealong.units import NS_PER_S

if TYPE_CHECKING:  # decoding needs the extra `video`
    from ingest.clips.decode import VideoDecoder


DENSE = ("depth", "segmentation", "bev")  # the dense labels of a clip, as `Perception` names them


@dataclass(frozen=True)
class ClipMetadata:
    """The metadata of a clip.

    Attributes:
        clip_id: The clip.
        drive: The drive's row of the table drives, without the path of its recording.
        start_ns, end_ns: The window, both inclusive.
        triggers: Triggers of its events.
        events: The events that it shows.
        frames: Frames by camera.
        telemetry_rows: Rows of telemetry.
        label_frames: Frames that were labelled; None if no labels are known.
    """

    clip_id: str
    drive: dict[str, Any]
    start_ns: int
    end_ns: int
    triggers: tuple[str, ...]
    events: tuple[dict[str, Any], ...]
    frames: dict[str, int]
    telemetry_rows: int
    label_frames: int | None


@dataclass(frozen=True)
class VideoOrigin:
    """How a camera's video came into the clip.

    Attributes:
        made: ``copied`` from the recording as it was, or ``encoded`` for the clip.
        why: Why it was encoded; None if it was copied, or the source had decoded frames alone.
        lead_in: Packets before the window, which are decoded and not shown.
    """

    made: str
    why: str | None
    lead_in: int


class FrameSets(NamedTuple):
    """Camera sets as arrays.

    Attributes:
        timestamps_ns: ``(T,)`` int64.
        images: By camera ``(T, H, W, 3)`` uint8 RGB, zero if absent; only cameras that the
            clip has.
        present: ``(T, C)`` bool over the requested cameras, in their order.
    """

    timestamps_ns: Ints
    images: dict[str, NDArray[np.uint8]]
    present: NDArray[np.bool_]


@contextmanager
def open_clip(path: Path | str, labels: Path | None = None) -> Iterator["ClipReader"]:
    """Open a clip.

    Args:
        path: Its file.
        labels: The file of a later version of its labels (`ingest.clips.label_file`), to be read in
            place of those that it was cut with.

    Raises:
        UnreadableError: It is missing, truncated, damaged, or not a clip of ridealong.
        RidealongError: A newer version wrote it.
    """
    path = Path(path)
    with reading(path):
        file = TopicReader(path)
    try:
        yield ClipReader(path, file, labels)
    finally:
        file.close()


class ClipReader:
    """One open clip; made by `open_clip`. Methods raise `UnreadableError` for damaged bytes."""

    def __init__(self, path: Path, file: TopicReader, labels: Path | None = None) -> None:
        self.path, self._file, self._labels = path, file, labels
        with reading(path):
            self.metadata = _metadata(path, file.metadata())
            self.cameras = _calibrations(file)
        self._times: dict[str, Ints] = {}

    @property
    def duration_s(self) -> float:
        """Length of the window in seconds."""
        return (self.metadata.end_ns - self.metadata.start_ns) / NS_PER_S

    @property
    def image_sizes(self) -> dict[str, tuple[int, int]]:
        """By camera its images' (width, height), in pixels."""
        return {name: (camera.width, camera.height) for name, camera in self.cameras.items()}

    def timestamps(self, camera: str) -> Ints:
        """``(T,)`` int64 timestamps of one camera's frames, from the index alone.

        Raises:
            RidealongError: The clip has no such camera.
        """
        if camera not in self._times:
            times = self.packet_times(camera)
            self._times[camera] = times[times.searchsorted(self.metadata.start_ns) :]
        return self._times[camera]

    def packet_times(self, camera: str) -> Ints:
        """``(P,)`` int64 times of one camera's packets, with those before the window.

        The video may begin before the window, at a keyframe; these frames are not shown.

        Raises:
            RidealongError: The clip has no such camera.
        """
        self._calibration(camera)
        with self._reading():
            return self._file.times(topics.video(camera))

    def video_origin(self, camera: str) -> VideoOrigin:
        """How a camera's video came into the clip."""
        channel = self._file.channel(topics.video(camera))
        about = channel.metadata if channel else {}
        lead_in = int(about.get("lead_in", 0))
        return VideoOrigin(about.get("made", "encoded"), about.get("why"), lead_in)

    def keyframe_every(self, camera: str) -> int:
        """The largest number of packets from one keyframe of a camera to the next."""
        channel = self._file.channel(topics.video(camera))
        return int(channel.metadata.get("keyframe_every", 1)) if channel else 1

    def set_timestamps(self) -> Ints:
        """``(T,)`` int64 timestamps at which any camera has a frame, ascending."""
        every = [self.timestamps(camera) for camera in self.cameras]
        return np.unique(np.concatenate(every)) if every else np.empty(0, np.int64)

    def sample_times(self, rate_hz: float) -> Ints:
        """The camera sets nearest a grid of that rate: `sample_times` of `set_timestamps`."""
        return sample_times(self.set_timestamps(), rate_hz)

    def telemetry(self) -> pa.Table:
        """The telemetry as it was written, in time order; no rows if the drive has none."""
        channel = self._file.channel(topics.TELEMETRY)
        if channel is None:
            return TELEMETRY.schema.empty_table()
        with self._reading():
            schema = rows.parse_schema_text(channel.metadata["arrow_schema"])
            return rows.read_rows(self._messages(topics.TELEMETRY), schema)

    def labels(self, with_dense: bool | Collection[str] = True) -> Perception | None:
        """Reference labels, None if unknown. Depth is to the centimetre, the rest is exact.

        Args:
            with_dense: Also unpack depth, segmentation and top-down grids, which is slow; or only
                those of these, by their names in `Perception`.
        """
        if isinstance(with_dense, bool):
            with_dense = DENSE if with_dense else ()
        cut = self._perception(topics.LABELS, with_dense)
        if self._labels is None:
            return cut
        from ingest.clips.label_file import read_labels, with_dense_of

        found = read_labels(self._labels)
        return found if cut is None else with_dense_of(found, cut)

    def label_timestamps(self) -> Ints:
        """``(T,)`` int64 timestamps of the labelled frames, without reading the labels."""
        if self._labels is not None:
            from ingest.clips.label_file import read_times

            return read_times(self._labels)
        with self._reading():
            return self._file.times(topics.LABELS)

    def outputs(self, network: str) -> Perception | None:
        """Sparse outputs of a network that an export added; None if there are none."""
        return self._perception(topics.outputs(network), ())

    def frames(
        self, camera: str, start: int = 0, stop: int | None = None, step: int = 1
    ) -> Iterator[tuple[int, Image]]:
        """Timestamp and ``(H, W, 3)`` image of frames ``range(start, stop, step)`` of a camera.

        Raises:
            ValueError: A negative start or stop, or a step below one.
            RidealongError: No such camera, or a frame that cannot be decoded.
        """
        if start < 0 or (stop is not None and stop < 0) or step < 1:
            raise ValueError(f"frames {start}:{stop}:{step}: expected counts from 0 and a step > 0")
        wanted = self.timestamps(camera)[start:stop:step]
        for timestamp_ns, images in self.frames_at([camera], wanted):
            yield timestamp_ns, images[camera]

    def frames_at(
        self, cameras: Sequence[str], timestamps_ns: Ints
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Camera sets at these times, each once, in order; a camera with no frame then is absent.

        Cameras that the clip lacks are always absent. This is one pass over the file. Only packets
        that a requested frame depends on are decoded, and one set is in memory at a time.

        Raises:
            RidealongError: A frame that cannot be decoded.
        """
        cameras = [camera for camera in cameras if camera in self.cameras]
        if not cameras:
            return
        wanted = np.unique(timestamps_ns).tolist()
        due = {name: {*self.timestamps(name).tolist()}.intersection(wanted) for name in cameras}
        sets = groupby(self._decoded(wanted, due), key=itemgetter(0))
        following = next(sets, None)
        for now in wanted:
            images: dict[str, Image] = {}
            if following is not None and following[0] == now:
                images = {camera: image for _, camera, image in following[1]}
                following = next(sets, None)
            for camera in cameras:
                if now in due[camera] and camera not in images:
                    raise self._undecodable(camera, now, "the index lists it, but it is missing")
            yield now, images

    def read_sets(
        self, cameras: Sequence[str], rate_hz: float, times: Ints | None = None
    ) -> FrameSets:
        """Camera sets as arrays, each packet decoded at most once.

        Args:
            cameras: The cameras; those that the clip lacks have no images.
            rate_hz: How many a second.
            times: Only these of `sample_times`, ascending; by default all of them.
        """
        times = self.sample_times(rate_hz) if times is None else times
        sizes = {name: self.cameras[name] for name in cameras if name in self.cameras}
        images = {
            name: np.zeros((len(times), camera.height, camera.width, 3), np.uint8)
            for name, camera in sizes.items()
        }
        present = np.zeros((len(times), len(cameras)), np.bool_)
        for at, (_, found) in enumerate(self.frames_at(cameras, times)):
            for name, image in found.items():
                images[name][at] = image
            present[at] = [name in found for name in cameras]
        return FrameSets(times, images, present)

    def video_mp4(self, camera: str) -> bytes:
        """One camera's video as MP4 for browsers: the same packets, not encoded again.

        Its time 0 is this camera's first packet, ``packet_times(camera)[0]``, which may be before
        the window. A player of several cameras must start each at its own time.

        Raises:
            RidealongError: No such camera, or it has no frames.
        """
        from ingest.clips.remux import remux_mp4

        times = self.packet_times(camera)
        if len(times) == 0:
            raise RidealongError(f"camera {camera!r} has no frames", where=self.path)
        zero = int(times[0])
        with self._reading():
            packets = [
                (time - zero, messages.video_packet(data))
                for time, data in self._messages(topics.video(camera))
            ]
            return remux_mp4(packets)

    def video_packets(self, camera: str) -> Iterator[tuple[int, bytes]]:
        """Timestamp and Annex B packet of every frame of a camera, in time, with the lead-in.

        Raises:
            RidealongError: No such camera.
        """
        times = self.packet_times(camera).tolist()
        for _, timestamp_ns, packet in self._packets([camera], times[:1] + times[-1:]):
            yield timestamp_ns, packet

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._file.closed:  # an error of the caller
            raise ValueError(f"{self.path} was read after its clip was closed")
        with reading(self.path):
            yield

    def _decoded(
        self, wanted: Sequence[int], due: Mapping[str, set[int]]
    ) -> Iterator[tuple[int, str, Image]]:
        """Timestamp, camera and image of the frames that are due, in time."""
        decoders = {name: _decoder(self.cameras[name]) for name in due}
        for camera, timestamp_ns, packet in self._packets([*due], wanted):
            decoders[camera].offer(packet)
            if timestamp_ns in due[camera]:
                try:
                    image = decoders[camera].image()
                except ValueError as error:  # FFmpeg's errors for damaged data are ValueErrors
                    raise self._undecodable(camera, timestamp_ns, str(error)) from error
                yield timestamp_ns, camera, image

    def _packets(
        self, cameras: Sequence[str], wanted: Sequence[int]
    ) -> Iterator[tuple[str, int, bytes]]:
        """Packets from the keyframes before the first requested time to the last requested time."""
        if not wanted:
            return
        names = {topics.video(name): name for name in cameras}
        first = min(self.keyframe_before(name, wanted[0]) for name in cameras)
        with self._reading():
            for topic, timestamp_ns, data in self._file.messages([*names], first, wanted[-1]):
                yield names[topic], timestamp_ns, messages.video_packet(data)

    def keyframe_before(self, camera: str, timestamp_ns: int) -> int:
        """Time of the last keyframe at or before a time; of the first frame if there is none."""
        times = self.packet_times(camera)
        at = int(np.searchsorted(times, timestamp_ns, side="right"))
        topic = topics.video(camera)
        with self._reading():
            channel = self._file.channel(topic)
            every = int(channel.metadata.get("keyframe_every", at or 1)) if channel else 1
            near = times[max(0, at - every) : at]
            if len(near) == 0:
                return timestamp_ns
            found = [
                time
                for _, time, data in self._file.messages([topic], int(near[0]), int(near[-1]))
                if is_keyframe(messages.video_packet(data))
            ]
        return found[-1] if found else int(times[0])

    def _undecodable(self, camera: str, timestamp_ns: int, why: str) -> UnreadableError:
        place = f"camera {camera!r} at {exact_instant(timestamp_ns)}"
        what = f"the frame of {place} cannot be decoded: {why}"
        return UnreadableError(what, where=self.path, hint=HINT)

    def _messages(self, topic: str) -> list[tuple[int, bytes]]:
        return [(time, data) for _, time, data in self._file.messages([topic])]

    def _calibration(self, camera: str) -> CameraCalibration:
        if camera not in self.cameras:
            known = ", ".join(self.cameras) or "none"
            raise RidealongError(f"no camera {camera!r} (it has: {known})", where=self.path)
        return self.cameras[camera]

    def _perception(self, topic: str, with_dense: Collection[str]) -> Perception | None:
        channel = self._file.channel(topic)
        if channel is None:
            return None
        with self._reading():
            found = self._messages(topic)
            return Perception(
                timestamps_ns=np.array([time for time, _ in found], np.int64),
                sparse=rows.read_annotations(found),
                tasks=frozenset(json.loads(channel.metadata["tasks"])),
                **self._dense(with_dense),
            )

    def _dense(self, kinds: Collection[str]) -> dict[str, Any]:
        return {
            kind: {name: self.dense_labels(kind, name)[1] for name in names}
            for kind, names in self.dense_label_names().items()
            if kind in kinds
        }

    def dense_label_names(self) -> dict[str, list[str]]:
        """What has dense labels: the cameras with depth and segmentation, and the layers of bev."""
        names = [channel.topic for channel in self._file.channels]
        layers = [n.removeprefix(topics.bev("")) for n in names if n.startswith(topics.bev(""))]
        depth, segmentation, bev = DENSE
        found = {kind: topics.cameras_of(names, kind) for kind in (depth, segmentation)}
        return found | {bev: layers}

    def dense_labels(
        self, kind: str, name: str, first_ns: int | None = None, last_ns: int | None = None
    ) -> tuple[Ints, NDArray[Any]]:
        """``(T,)`` timestamps and the ``(T, h, w)`` labels of a window, as in `Perception`.

        Args:
            kind: ``depth``, ``segmentation`` or ``bev``.
            name: A camera, or a layer of bev; see `dense_label_names`.
            first_ns: The window's start, inclusive; by default that of the clip.
            last_ns: Its end, inclusive.
        """
        topic = getattr(topics, kind)(name)
        decode = dense.decode_depth if kind == "depth" else dense.decode_classes
        with self._reading():
            found = [
                (time, data) for _, time, data in self._file.messages([topic], first_ns, last_ns)
            ]
            times = np.array([time for time, _ in found], np.int64)
            kept = np.float32 if kind == "depth" else np.uint8
            return times, self._stack(topic, [data for _, data in found], decode, kept)

    def _stack(self, topic: str, found: Sequence[bytes], decode: Any, kind: Any) -> NDArray[Any]:
        channel = self._file.channel(topic)
        shape = json.loads(channel.metadata["shape"]) if channel else (0, 0)
        stack = np.empty((len(found), *shape), kind)
        for at, data in enumerate(found):
            stack[at] = decode(messages.image_png(data))
        return stack


def sample_times(timestamps_ns: Ints, rate_hz: float) -> Ints:
    """The timestamps nearest a grid of ``rate_hz`` that starts at the first, each once.

    Grid points that are half a period or more from every timestamp (in a gap) give none.

    Args:
        timestamps_ns: ``(T,)`` int64, ascending.
        rate_hz: Positive; timestamps that are at least its period apart are all kept.

    Raises:
        ValueError: The rate is not positive.
    """
    if not rate_hz > 0:
        raise ValueError(f"a rate of {rate_hz} Hz: expected a positive one")
    if len(timestamps_ns) < 2:
        return timestamps_ns.copy()
    period_ns = NS_PER_S / rate_hz
    if period_ns <= np.diff(timestamps_ns).min():
        return timestamps_ns.copy()
    since = timestamps_ns - timestamps_ns[0]
    # Only grid points near a timestamp are computed: a clip may contain a gap of years.
    point = np.floor(since / period_ns + 0.5)
    off = np.abs(since - point * period_ns)
    near = np.flatnonzero(off < period_ns / 2)
    order = near[np.lexsort((near, off[near], point[near]))]
    _, nearest = np.unique(point[order], return_index=True)
    return timestamps_ns[order[nearest]]


def _decoder(camera: CameraCalibration) -> "VideoDecoder":
    from ingest.clips.decode import VideoDecoder

    return VideoDecoder(camera.width, camera.height)


def _metadata(path: Path, record: Mapping[str, str] | None) -> ClipMetadata:
    if record is None:
        raise UnreadableError("is an MCAP file but not a ridealong clip", where=path, hint=HINT)
    version = int(record["format_version"])
    if version > topics.FORMAT_VERSION:
        raise RidealongError(
            f"is of clip format {version}",
            where=path,
            expected=f"at most {topics.FORMAT_VERSION}",
            hint="read it with a newer ridealong",
        )
    return ClipMetadata(
        clip_id=record["clip_id"],
        drive=json.loads(record["drive"]),
        start_ns=int(record["start_ns"]),
        end_ns=int(record["end_ns"]),
        triggers=tuple(json.loads(record["triggers"])),
        events=tuple(json.loads(record["events"])),
        frames=json.loads(record["frames"]),
        telemetry_rows=int(record["telemetry_rows"]),
        label_frames=json.loads(record["labels"]),
    )


def _calibrations(file: TopicReader) -> dict[str, CameraCalibration]:
    found: dict[str, CameraCalibration] = {}
    names = [channel.topic for channel in file.channels]
    for name in topics.cameras_of(names, "calibration"):
        channel = file.channel(topics.calibration(name))
        if channel is not None:
            found[name] = messages.parse_calibration(channel.metadata["calibration"])
    return found
