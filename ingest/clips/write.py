"""Write clips as MCAP, in one pass over the frames of all cameras.

The same content gives the same bytes. Telemetry and labels come first in the file and video last,
so that one can be read without unpacking the other.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import numpy as np
import pyarrow as pa
from foxglove_schemas_protobuf.CameraCalibration_pb2 import (
    CameraCalibration as CalibrationMessage,
)
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.ImageAnnotations_pb2 import ImageAnnotations
from numpy.typing import NDArray

from ingest.clips import dense, messages, rows, topics
from ingest.clips.colours import Picture
from ingest.clips.container import TopicWriter
from ingest.clips.packets import KEYFRAME_EVERY, CopiedVideo, EncodedFrame
from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.terminal.console import jsonable
from ridealong.terminal.readable import exact_instant

if TYPE_CHECKING:  # encoding needs the extra `video`
    from ingest.clips.encode import VideoEncoder


COPIED, ENCODED = "copied", "encoded"  # how a camera's video was made


@dataclass(frozen=True)
class ClipContent:
    """The content of a clip.

    Attributes:
        clip_id: The clip.
        drive: The drive's row of the table drives, with values that JSON can express.
        start_ns, end_ns: The window, both inclusive.
        events: The events that it shows, by priority.
        telemetry: ``timestamp_ns`` and any signals; None if the drive has none.
        cameras: Calibrations of the cameras that may appear in ``frames``.
        frames: Camera sets in time order, ``(timestamp_ns, {camera: picture})``; a lost frame is
            absent.
        labels: Reference labels; None if none are known.
        copied: The video of cameras that is copied as it is; these have no frames in ``frames``.
        why_encoded: Why the video of another camera could not be copied.
    """

    clip_id: str
    drive: Mapping[str, object]
    start_ns: int
    end_ns: int
    events: Sequence[Mapping[str, object]]
    telemetry: pa.Table | None
    cameras: Mapping[str, CameraCalibration]
    frames: Iterator[tuple[int, Mapping[str, Picture]]]
    labels: Perception | None
    copied: Mapping[str, CopiedVideo] = field(default_factory=dict)
    why_encoded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ClipSummary:
    """What was written.

    Attributes:
        frames: Frames of the camera with the most frames.
        camera_frames: Frames by camera; 0 if a camera gave none.
        telemetry_rows: Rows of telemetry.
        labelled: Whether it holds labels.
        triggers: Triggers of its events, in the order of the events, each once.
        bytes, sha256: Size and hash of the file.
    """

    frames: int
    camera_frames: dict[str, int]
    telemetry_rows: int
    labelled: bool
    triggers: tuple[str, ...]
    bytes: int
    sha256: str


def write_clip(path: Path, clip: ClipContent) -> ClipSummary:
    """Write a clip; the file appears when it is complete, or not at all.

    Raises:
        RidealongError: A frame has an unknown camera, does not have the size in the camera's
            calibration, or is not later than the one before it.
        OSError: The file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with partial.open("xb") as stream:
            out = TopicWriter(stream)
            _write_content(out, clip)
            counts = {name: _shown(out, clip, name) for name in clip.cameras}
            out.finish(_metadata(clip, counts))
        digest = sha256_of(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return _summary(clip, counts, path.stat().st_size, digest)


def write_outputs(out: TopicWriter, network: str, seen: Perception) -> None:
    """Add a network's outputs, exactly (``/NETWORK/outputs``) and for viewers."""
    colour = messages.NETWORK_COLOURS.get(network, messages.LABEL_COLOUR)
    _write_sparse(out, topics.outputs(network), seen)
    cameras = [name for name in seen.sparse["camera"].unique().to_pylist() if name is not None]
    _write_overlays(out, sorted(cameras), seen, colour, prefix=f"/{network}")


def write_labels(out: TopicWriter, cameras: Sequence[str], labels: Perception) -> None:
    """Add sparse labels, exactly (``/labels``) and for viewers."""
    _write_sparse(out, topics.LABELS, labels)
    _write_overlays(out, list(cameras), labels, messages.LABEL_COLOUR)


def _write_content(out: TopicWriter, clip: ClipContent) -> None:
    for camera in clip.cameras.values():
        _write_calibration(out, camera, clip.start_ns)
    if clip.telemetry is not None:
        _write_telemetry(out, clip.telemetry)
    if clip.labels is not None:
        write_labels(out, list(clip.cameras), clip.labels)
        _write_dense(out, clip.labels)
    _write_video(out, clip)


def _write_calibration(out: TopicWriter, camera: CameraCalibration, start_ns: int) -> None:
    topic = topics.calibration(camera.name)
    exact = {"calibration": messages.calibration_text(camera)}
    out.add_protobuf_topic(topic, CalibrationMessage, exact)
    out.add(topic, start_ns, messages.calibration_message(camera, start_ns))


def _write_telemetry(out: TopicWriter, telemetry: pa.Table) -> None:
    schema = telemetry.schema
    exact = {"arrow_schema": rows.schema_text(schema)}
    name = "ridealong.Telemetry"
    out.add_json_topic(topics.TELEMETRY, name, rows.row_schema(name, schema), exact)
    for timestamp_ns, data in rows.row_messages(telemetry):
        out.add(topics.TELEMETRY, timestamp_ns, data)


def _write_sparse(out: TopicWriter, topic: str, seen: Perception) -> None:
    _check_perception(seen)
    name = "ridealong.Annotations"
    tasks = {"tasks": json.dumps(sorted(seen.tasks))}
    out.add_json_topic(topic, name, rows.annotations_schema(name), tasks)
    for timestamp_ns, data in rows.annotation_messages(seen.sparse, seen.timestamps_ns):
        out.add(topic, timestamp_ns, data)


def _check_perception(seen: Perception) -> None:
    times = seen.timestamps_ns
    if np.any(np.diff(times) <= 0):
        raise ValueError("timestamps of a perception must ascend")
    if not np.isin(seen.sparse[rows.TIMESTAMP].to_numpy(), times).all():
        raise ValueError("an annotation's timestamp is not a frame of the perception")


def _write_overlays(
    out: TopicWriter,
    cameras: list[str],
    seen: Perception,
    colour: messages.Colour,
    prefix: str = "",
) -> None:
    by_frame = rows.frame_rows(seen.sparse)
    for camera in cameras:
        topic = topics.annotations(camera, prefix)
        out.add_protobuf_topic(topic, ImageAnnotations)
        for timestamp_ns in seen.timestamps_ns.tolist():
            here = [row for row in by_frame.get(timestamp_ns, []) if row["camera"] == camera]
            out.add(topic, timestamp_ns, messages.annotations_message(here, timestamp_ns, colour))


def _write_dense(out: TopicWriter, labels: Perception) -> None:
    times = labels.timestamps_ns.tolist()
    for camera, depth_m in labels.depth.items():
        _write_images(out, topics.depth(camera), times, depth_m, dense.encode_depth)
    for camera, classes in labels.segmentation.items():
        _write_images(out, topics.segmentation(camera), times, classes, dense.encode_classes)
    for layer, cells in labels.bev.items():
        _write_images(out, topics.bev(layer), times, cells, dense.encode_classes)


def _write_images(
    out: TopicWriter,
    topic: str,
    times_ns: list[int],
    images: NDArray[Any],
    encode: Callable[[NDArray[Any]], bytes],
) -> None:
    if len(images) != len(times_ns):
        raise ValueError(f"{topic}: {len(images)} images for {len(times_ns)} frames")
    frame_id = topics.camera_of(topic) or "ego"
    out.add_protobuf_topic(topic, CompressedImage, {"shape": json.dumps(images.shape[1:])})
    for timestamp_ns, image in zip(times_ns, images, strict=True):
        message = messages.image_message(frame_id, timestamp_ns, encode(image))
        out.add(topic, timestamp_ns, message)


def _write_video(out: TopicWriter, clip: ClipContent) -> None:
    for name in clip.cameras:
        out.add_protobuf_topic(topics.video(name), CompressedVideo, _about_video(clip, name))
    for name, video in clip.copied.items():
        for packet in video.packets:
            _add_packets(out, name, [packet])
    encoders = _encoders({n: c for n, c in clip.cameras.items() if n not in clip.copied})
    frames = _in_time(clip)
    # An encoder that encodes several frames in a row keeps its tables in the processor's cache. If
    # eight encoders alternated with every frame, they would evict each other.
    while stretch := list(islice(frames, KEYFRAME_EVERY)):
        for name in dict.fromkeys(name for _, pictures in stretch for name in pictures):
            for timestamp_ns, pictures in stretch:
                if name in pictures:
                    packets = _push(encoders, name, timestamp_ns, pictures[name], clip.clip_id)
                    _add_packets(out, name, packets)
    for name, encoder in encoders.items():
        _add_packets(out, name, encoder.finish())


def _about_video(clip: ClipContent, name: str) -> dict[str, str]:
    """How a camera's video was made, and what readers must know of it."""
    if copied := clip.copied.get(name):
        return {
            "keyframe_every": str(copied.keyframe_every),
            "lead_in": str(copied.lead_in),
            "made": COPIED,
        }
    why = clip.why_encoded.get(name)
    return {"keyframe_every": str(KEYFRAME_EVERY)} | ({"made": ENCODED, "why": why} if why else {})


def _shown(out: TopicWriter, clip: ClipContent, name: str) -> int:
    """The frames of a camera in the window."""
    before = clip.copied[name].lead_in if name in clip.copied else 0
    return max(0, out.count(topics.video(name)) - before)


def _encoders(cameras: Mapping[str, CameraCalibration]) -> dict[str, "VideoEncoder"]:
    if not cameras:  # telemetry alone needs no video library
        return {}
    from ingest.clips.encode import VideoEncoder

    return {name: VideoEncoder(c.width, c.height) for name, c in cameras.items()}


def _in_time(clip: ClipContent) -> Iterator[tuple[int, Mapping[str, Picture]]]:
    """The clip's frames; raises `RidealongError` if one is not later than the one before it."""
    before: int | None = None
    for timestamp_ns, pictures in clip.frames:
        if before is not None and timestamp_ns <= before:
            raise RidealongError(
                f"a frame at {exact_instant(timestamp_ns)} comes after one at "
                f"{exact_instant(before)}",
                where=f"clip {clip.clip_id}",
                expected="frames in ascending time",
            )
        before = timestamp_ns
        yield timestamp_ns, pictures


def _push(
    encoders: Mapping[str, "VideoEncoder"],
    name: str,
    timestamp_ns: int,
    picture: Picture,
    clip_id: str,
) -> list[EncodedFrame]:
    if name not in encoders:
        known = ", ".join(encoders) or "none"
        raise RidealongError(
            f"a frame of camera {name!r}, which has no calibration (known: {known})",
            where=f"clip {clip_id}",
        )
    try:
        return encoders[name].push(timestamp_ns, picture)
    except ValueError as error:
        place = f"clip {clip_id}, camera {name}, {exact_instant(timestamp_ns)}"
        raise RidealongError(str(error), where=place) from error


def _add_packets(out: TopicWriter, name: str, packets: list[EncodedFrame]) -> None:
    for packet in packets:
        message = messages.video_message(name, packet.timestamp_ns, packet.data)
        out.add(topics.video(name), packet.timestamp_ns, message)


def _metadata(clip: ClipContent, counts: Mapping[str, int]) -> dict[str, str]:
    return {
        "format_version": str(topics.FORMAT_VERSION),
        "clip_id": clip.clip_id,
        "start_ns": str(clip.start_ns),
        "end_ns": str(clip.end_ns),
        "drive": _json(clip.drive),
        "triggers": _json(_triggers(clip)),
        "events": _json(clip.events),
        "frames": _json(counts),
        "telemetry_rows": str(_telemetry_rows(clip)),
        "labels": _json(None if clip.labels is None else len(clip.labels.timestamps_ns)),
    }


def _json(value: object) -> str:
    return json.dumps(jsonable(dict(value) if isinstance(value, Mapping) else value))


def _triggers(clip: ClipContent) -> list[str]:
    return list(dict.fromkeys(cast(str, event["trigger"]) for event in clip.events))


def _telemetry_rows(clip: ClipContent) -> int:
    return 0 if clip.telemetry is None else int(clip.telemetry.num_rows)


def _summary(clip: ClipContent, counts: dict[str, int], size: int, digest: str) -> ClipSummary:
    return ClipSummary(
        frames=max(counts.values(), default=0),
        camera_frames=counts,
        telemetry_rows=_telemetry_rows(clip),
        labelled=clip.labels is not None,
        triggers=tuple(_triggers(clip)),
        bytes=size,
        sha256=digest,
    )
