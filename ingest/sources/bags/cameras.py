"""The cameras of a bag: which topic gives their frames, their calibration, and their images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ingest.clips.colours import Picture, size
from ingest.clips.packets import CODECS, CopiedVideo, EncodedFrame
from ingest.sources.bags import pictures
from ingest.sources.bags.contents import Contents, TopicContent
from ingest.sources.bags.kinds import CAMERAS, Kind
from ingest.sources.bags.names import camera_names, camera_path
from ingest.sources.bags.store import Read, Store
from ingest.sources.bags.transforms import Transforms
from ridealong.arrays import Ints
from ridealong.perception.geometry import CameraCalibration, unknown_calibration
from ridealong.perception.recording import LeftOut

TRIES = 50  # frames of which one must be decoded


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes:
        content: The topic of its frames.
        times_ns: ``(N,)`` int64 when each frame was taken, ascending.
        order: ``(N,)`` int64 the place of each frame among the topic's messages.
        calibration: Its calibration; unknown except for the size if the bag has none.
    """

    content: TopicContent
    times_ns: Ints
    order: Ints
    calibration: CameraCalibration

    def pictures(self, read: Read, start_ns: int, end_ns: int) -> Iterator[tuple[int, Picture]]:
        """Time and picture of the frames in a window; what cannot be decoded is left out."""
        first = int(self.times_ns.searchsorted(start_ns, side="left"))
        last = int(self.times_ns.searchsorted(end_ns, side="right"))
        for at, picture in _decoded(self.content, self.order, read, first, last):
            if picture is not None:
                width, height = self.calibration.width, self.calibration.height
                yield int(self.times_ns[at]), pictures.scaled(picture, width, height)

    def packets(self, store: Store, first: int, last: int) -> Iterator[EncodedFrame]:
        """The encoded frames ``first`` to ``last``, exclusive."""
        with store.reading() as read:
            for at in range(first, last):
                place = int(self.order[at])
                data = pictures.content(self.content.decode(read(self.content.places[place])))
                yield EncodedFrame(int(self.times_ns[at]), self.content.starts[place], data)


def copied_video(camera: Camera, store: Store, start_ns: int, end_ns: int) -> CopiedVideo | str:
    """The packets of a camera in a window, or why a clip cannot use them as they are."""
    content = camera.content
    if content.kind is not Kind.VIDEO:
        return "its frames are single pictures"
    if content.codec != "h264":
        return f"it is {CODECS.get(content.codec, content.codec)}, which not all browsers play"
    first = int(camera.times_ns.searchsorted(start_ns, side="left"))
    last = int(camera.times_ns.searchsorted(end_ns, side="right"))
    if first >= last:
        return "it has no frame in the window"
    begin = _start(content, camera.order, first)
    starts = [n for n in range(begin, last) if content.starts[int(camera.order[n])]]
    if not starts or starts[0] != begin:
        return "no keyframe comes before the window"
    if why := pictures.why_not_plain(packet.data for packet in camera.packets(store, begin, last)):
        return why
    every = max(after - n for n, after in zip(starts, [*starts[1:], last], strict=True))
    return CopiedVideo(camera.packets(store, begin, last), first - begin, every)


def find_cameras(
    contents: Contents, times_ns: Mapping[str, Ints], store: Store, named: Mapping[str, str]
) -> tuple[dict[str, Camera], list[LeftOut]]:
    """The cameras by name, and what is left out of them.

    Args:
        contents: Of the bag.
        times_ns: Times of the messages of each topic.
        store: The bag.
        named: Names that cameras are given, by the topic of their frames.
    """
    chosen, left_out = _one_topic_each(contents, named)
    names = camera_names(
        [camera_path(one.topic.name) for one in chosen], [named.get(c.topic.name) for c in chosen]
    )
    found: dict[str, Camera] = {}
    with store.reading() as read:
        for name, content in zip(names, chosen, strict=True):
            camera = _camera(name, content, times_ns[content.topic.name], read)
            if isinstance(camera, str):
                left_out.append(LeftOut(0, f"topic {content.topic.name}: {camera}", "topic"))
                continue
            calibration = _calibration(contents, content, camera.calibration)
            found[name] = replace(camera, calibration=calibration)
            left_out += _lost(name, content, camera)
    return found, left_out


def _one_topic_each(
    contents: Contents, named: Mapping[str, str]
) -> tuple[list[TopicContent], list[LeftOut]]:
    """The topic of each camera; a camera may send its frames in several forms."""
    chosen: dict[tuple[str, ...], TopicContent] = {}
    left_out: list[LeftOut] = []
    for kind in CAMERAS:
        for one in sorted(contents.of(kind), key=lambda one: one.topic.name):
            path = (one.topic.name,) if one.topic.name in named else camera_path(one.topic.name)
            if path in chosen:
                other = chosen[path].topic.name
                why = f"topic {one.topic.name} is not used: {other} is of the same camera"
                left_out.append(LeftOut(0, why, "topic"))
            else:
                chosen[path] = one
    return sorted(chosen.values(), key=lambda one: one.topic.name), left_out


def _camera(name: str, content: TopicContent, times_ns: Ints, read: Read) -> Camera | str:
    """One camera, with its size from its first frame; or why no frame can be used."""
    times, first = np.unique(times_ns, return_index=True)
    order = first.astype(np.int64)
    try:
        tried = _decoded(content, order, read, 0, min(TRIES, len(order)), strict=True)
        first_picture = next((picture for _, picture in tried if picture is not None), None)
    except ValueError as error:
        return str(error)
    if first_picture is None:
        return "not one frame can be decoded"
    return Camera(content, times, order, unknown_calibration(name, *size(first_picture)))


def _decoded(
    content: TopicContent, order: Ints, read: Read, first: int, last: int, strict: bool = False
) -> Iterator[tuple[int, Picture | None]]:
    """Number and picture of frames ``first`` to ``last``, exclusive; None if it gives none.

    Raises:
        ValueError: If ``strict``: the first frame is in a form that is not decoded.
    """
    if first >= last:
        return
    decode = _decoder(content)
    begin = _start(content, order, first) if content.kind is Kind.VIDEO else first
    for at in range(begin, last):
        message = content.decode(read(content.places[int(order[at])]))
        try:
            picture = decode(message)
        except ValueError:
            if strict:
                raise
            picture = None
        if at >= first:
            yield at, picture


def _decoder(content: TopicContent) -> Callable[[Any], Picture | None]:
    """What decodes a camera's messages, one after the other; raises `ValueError`."""
    if content.kind is Kind.RAW:
        return pictures.raw_image
    if content.kind is Kind.VIDEO:
        video = pictures.VideoPackets(content.codec)
        return lambda message: video.picture(pictures.content(message))
    stills = pictures.StillPictures()
    return lambda message: stills.picture(pictures.content(message))


def _start(content: TopicContent, order: Ints, at: int) -> int:
    starts = content.starts
    return next((n for n in range(at, -1, -1) if starts[int(order[n])]), 0)


def _lost(name: str, content: TopicContent, camera: Camera) -> list[LeftOut]:
    counts = {
        "are damaged": content.damaged,
        "do not fit the schema": content.wrong,
        "have the time of another frame": len(content.places) - len(camera.order),
    }
    every = len(content.places) + content.damaged + content.wrong
    return [
        LeftOut(count, f"camera {name}: {count} of {every} frames {why}")
        for why, count in counts.items()
        if count
    ]


def _calibration(
    contents: Contents, content: TopicContent, size: CameraCalibration
) -> CameraCalibration:
    """The calibration of a camera's own topic, or of one with the same coordinate frame."""
    path, known = camera_path(content.topic.name), contents.of(Kind.CALIBRATION)
    own = [one for one in known if camera_path(one.topic.name) == path]
    own += [one for one in known if one.frame_id and one.frame_id == content.frame_id]
    if not own:
        return size
    return _scaled(own[0].first, size, contents.transforms, own[0].frame_id or content.frame_id)


def _scaled(
    message: Any, size: CameraCalibration, transforms: Transforms, frame: str
) -> CameraCalibration:
    k: Sequence[float] = message.k if hasattr(message, "k") else message.K
    width, height = int(message.width), int(message.height)
    pose = transforms.vehicle_SE3(frame)
    ego_SE3_camera = size.ego_SE3_camera if pose is None else pose
    if len(k) != 9 or not k[0] > 0 or not k[4] > 0 or min(width, height) < 1:
        return replace(size, ego_SE3_camera=ego_SE3_camera)
    across, down = size.width / width, size.height / height
    if abs(across / down - 1) > 0.02:  # of another part of the sensor
        return replace(size, ego_SE3_camera=ego_SE3_camera)
    return replace(
        size,
        fx=float(k[0]) * across,
        fy=float(k[4]) * down,
        cx=float(k[2]) * across,
        cy=float(k[5]) * down,
        ego_SE3_camera=ego_SE3_camera,
    )
