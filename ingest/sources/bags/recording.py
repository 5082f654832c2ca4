"""A bag, opened: its topics of recognised types are the telemetry and the cameras of a drive."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.clips.colours import Picture, rgb
from ingest.clips.packets import CopiedVideo
from ingest.sources.attributes import attributes_file, camera_names, drive_attributes
from ingest.sources.bags.cameras import copied_video, find_cameras
from ingest.sources.bags.clocks import Stamps, one_clock
from ingest.sources.bags.contents import Contents, TopicContent, read_contents
from ingest.sources.bags.fields import TAKEN
from ingest.sources.bags.kinds import CAMERAS, Kind
from ingest.sources.bags.mapping import (
    BagMap,
    as_streams,
    mapped_samples,
    mapped_signals,
    split_field,
)
from ingest.sources.bags.store import Read, Store, Topic
from ingest.sources.bags.telemetry import Stream, grid, in_vehicle_axes, known_rows, signals
from ingest.sources.mapping.joining import Samples
from ridealong.errors import UnreadableError
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import DriveAttributes, Image, LeftOut
from ridealong.specs import nearest
from ridealong.terminal.readable import counted, listed

SHOWN = 8  # types that an error lists


class BagRecording:
    """One bag, opened. All messages are read once."""

    def __init__(self, store: Store, path: Path, beside: Path, mapping: BagMap) -> None:
        """Open a bag.

        Args:
            store: Its messages.
            path: The bag.
            beside: The file that its attributes stand beside.
            mapping: Of fields and cameras.

        Raises:
            UnreadableError: It gives no telemetry and no camera, or lacks what is mapped.
        """
        self._store, self._path, self._mapping = store, path, mapping
        self._attributes = drive_attributes(beside)
        _require_no_cameras(beside)
        self._contents = read_contents(store, mapping.paths())
        _require_mapped(self._contents, mapping, path)
        _require_known(self._contents, path, store.faults)
        used = [one for one in self._contents.topics.values() if one.log_ns]
        clock = one_clock({one.topic.name: Stamps(one.log_times, one.stamp_times) for one in used})
        self._times_ns = clock.times_ns
        self._cameras, lost = find_cameras(
            self._contents, clock.times_ns, store, mapping.cameras or {}
        )
        self._notes = [LeftOut(0, note, "topic") for note in clock.notes] + lost
        self._align()
        self._streams = {kind: self._stream(kind) for kind in TAKEN}
        self._mapped = self._mapped_samples()
        if not self._cameras and not any(self._streams.values()) and not self._mapped:
            why = lost[0].reason if lost else "its topics gave nothing that can be used"
            raise UnreadableError("gives no telemetry and no camera", where=path, hint=why)

    @cached_property
    def attributes(self) -> DriveAttributes:
        """First and last time of anything that is used; the rest from the file beside the bag."""
        times = [camera.times_ns[[0, -1]] for camera in self._cameras.values()]
        times += [s.times_ns[[0, -1]] for s in self._every_stream()]
        every = np.concatenate(times)
        return replace(self._attributes, start_ns=int(every.min()), end_ns=int(every.max()))

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The cameras, in the order of their topics."""
        return {name: camera.calibration for name, camera in self._cameras.items()}

    def telemetry(self) -> pa.Table:
        """A row every 0.1 s where there are samples; NaN is unknown."""
        streams = self._every_stream()
        origin_ns = min((int(stream.times_ns[0]) for stream in streams), default=0)
        at_ns = grid(streams, origin_ns)
        end_ns = max((int(stream.times_ns[-1]) for stream in streams), default=0)
        at_ns = at_ns[at_ns <= end_ns]
        columns = signals(
            at_ns,
            self._streams[Kind.MOTION],
            self._streams[Kind.INERTIAL],
            self._streams[Kind.PLACE],
            self._streams[Kind.STEERING],
        )
        columns |= mapped_signals(at_ns, self._mapped)
        known = known_rows(columns, len(at_ns))
        return pa.table({"timestamp_ns": at_ns, **columns}).filter(pa.array(known))

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames with ``start_ns <= timestamp_ns <= end_ns``, decoded on demand."""
        for time_ns, found in self.pictures(start_ns, end_ns, cameras):
            yield time_ns, {name: rgb(picture) for name, picture in found.items()}

    def pictures(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Picture]]]:
        """The same frames, as their decoders give them."""
        wanted = [name for name in self._cameras if name in cameras]
        with self._store.reading() as read:
            each = [self._pictures_of(name, read, start_ns, end_ns) for name in wanted]
            in_time = heapq.merge(*each, key=itemgetter(0))
            for time_ns, found in groupby(in_time, key=itemgetter(0)):
                yield time_ns, {name: picture for _, name, picture in found}

    def copied_video(self, camera: str, start_ns: int, end_ns: int) -> CopiedVideo | str:
        """A camera's H.264 packets from the keyframe before the window, or why not."""
        return copied_video(self._cameras[camera], self._store, start_ns, end_ns)

    def _pictures_of(
        self, name: str, read: Read, start_ns: int, end_ns: int
    ) -> Iterator[tuple[int, str, Picture]]:
        for time_ns, picture in self._cameras[name].pictures(read, start_ns, end_ns):
            yield time_ns, name, picture

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """None: it has no labels."""
        return None

    def left_out(self) -> Sequence[LeftOut]:
        """What of the bag is not in the drive."""
        faults = [LeftOut(0, fault, "topic") for fault in self._store.faults]
        return [*faults, *self._notes, *self._unused()]

    def _every_stream(self) -> list[Stream]:
        found = [stream for stream in self._streams.values() if stream is not None]
        return found + as_streams(self._mapped)

    def _mapped_samples(self) -> list[Samples]:
        by_name = {one.topic.name: one for one in self._contents.topics.values() if one.log_ns}
        found = []
        for name, spec in (self._mapping.signals or {}).items():
            topic, path = split_field(name)
            values, times_ns = by_name[topic].picked[path], self._times_ns[topic]
            found.append(mapped_samples(values, times_ns, spec, name, self._path))
        return found

    def _unused(self) -> list[LeftOut]:
        """The topics that give nothing, and why."""
        found = []
        for topic, count in self._contents.counts.items():
            why = self._why_unused(topic)
            if why:
                about = f"topic {topic.name} ({topic.type}, {counted(count, 'message')})"
                found.append(LeftOut(0, f"{about} {why}", "topic"))
        return found

    def _why_unused(self, topic: Topic) -> str | None:
        if topic in self._contents.refused:
            return f"is not used: {self._contents.refused[topic]}"
        content = self._contents.topics.get(topic)
        if content is None:
            return "is not used: its type is not recognised"
        return None if content.picked else self._why_no_signals(content)

    def _why_no_signals(self, content: TopicContent) -> str | None:
        if content.kind is Kind.BOXES:
            return "is recognised, but not used: nothing says who drew its boxes"
        if content.kind not in TAKEN:
            return None
        first = self._contents.of(content.kind)[0]
        if content is not first:
            return f"is not used: {first.topic.name} gives the same signals"
        if content.wrong:
            return f"has {counted(content.wrong, 'message')} that do not fit ({content.why})"
        return None

    def _stream(self, kind: Kind) -> Stream | None:
        """The numbers of the topic that gives a kind of signal, by time."""
        found = self._contents.of(kind)
        if not found:
            return None
        content = found[0]
        times, order = np.unique(self._times_ns[content.topic.name], return_index=True)
        stream = Stream(times, {name: column[order] for name, column in content.columns().items()})
        if kind is not Kind.INERTIAL:
            return stream
        pose = self._contents.transforms.vehicle_SE3(content.frame_id)
        return in_vehicle_axes(stream, None if pose is None else pose[:3, :3])

    def _align(self) -> None:
        """Give frames of one instant one time, so that networks see them together."""
        if len(self._cameras) < 2:
            return
        from ingest.sources.video.timeline import aligned

        reference = next(iter(self._cameras.values())).times_ns
        self._cameras = {
            name: replace(camera, times_ns=aligned(camera.times_ns, reference))
            for name, camera in self._cameras.items()
        }


def _require_no_cameras(beside: Path) -> None:
    if named := camera_names(beside):
        raise UnreadableError(
            f"cameras: {counted(len(named), 'camera')} named",
            where=attributes_file(beside),
            expected="none: the topics of a bag name its cameras",
        )


def _require_mapped(contents: Contents, mapping: BagMap, path: Path) -> None:
    """Refuse a mapping that names what the bag does not have."""
    names = sorted({topic.name for topic in contents.counts})
    given = {topic.name: one for topic, one in contents.topics.items()}
    pictures = sorted(name for name, one in given.items() if one.kind in CAMERAS)
    for name in mapping.cameras or {}:
        if name not in pictures:
            raise UnreadableError(
                f"cameras: there are no pictures on topic {name!r}",
                where=path,
                expected=f"one of {listed(pictures, SHOWN)}" if pictures else None,
                hint=nearest(name, pictures),
            )
    for name in mapping.signals or {}:
        topic, field = split_field(name)
        if topic not in names:
            raise UnreadableError(
                f"signals: there is no topic {topic!r}", where=path, hint=nearest(topic, names)
            )
        if topic not in given or not given[topic].log_ns:
            why = next((w for t, w in contents.refused.items() if t.name == topic), None)
            raise UnreadableError(f"signals: {topic} has no field {field!r}", where=path, hint=why)


def _require_known(contents: Contents, path: Path, faults: Sequence[str]) -> None:
    """Refuse a bag without messages, or without any topic that can be used."""
    if not contents.counts:
        what = "contains no message that can be read" if faults else "contains no message"
        raise UnreadableError(what, where=path, hint="; ".join(faults) or None)
    if any(one.log_ns and _gives(one) for one in contents.topics.values()):
        return
    if contents.refused:
        topic, why = next(iter(contents.refused.items()))
        raise UnreadableError(f"no topic of it can be used: {topic.name}: {why}", where=path)
    types = sorted({topic.type or topic.encoding or "no type" for topic in contents.counts})
    raise UnreadableError(
        f"contains no type of message that gives telemetry or pictures: {listed(types, SHOWN)}",
        where=path,
        expected="Imu, Odometry, TwistStamped, NavSatFix or images; see docs/sources.md",
    )


def _gives(content: TopicContent) -> bool:
    return content.kind in TAKEN or content.kind in CAMERAS or bool(content.picked)
