"""Whether a clip is undamaged: its hash, all bytes and messages, and that they are consistent."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.clips.container import check_whole
from ingest.clips.packets import is_keyframe
from ingest.clips.read import ClipReader, open_clip
from ingest.clips.write import COPIED
from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from ridealong.terminal.readable import exact_instant


def verify_clip(path: Path, expected_sha256: str | None = None) -> list[str]:
    """What is wrong with a clip, one line for each problem; empty if it is undamaged.

    It checks the hash, all checksums up to the end of the file, the counts in the metadata, that
    times ascend within the window, that each camera has a calibration and regular keyframes, and
    that every frame and every label decodes.
    """
    problems = _hash_problems(path, expected_sha256)
    try:
        check_whole(path)
        with open_clip(path) as reader:
            for check in _CHECKS:
                problems += check(reader)
    except RidealongError as error:
        problems.append(str(error))
    return problems


def _hash_problems(path: Path, expected: str | None) -> list[str]:
    if expected is None or not path.is_file():
        return []
    actual = sha256_of(path)
    return [] if actual == expected else [f"its sha256 is {actual}, expected {expected}"]


def _frame_problems(reader: ClipReader) -> list[str]:
    problems = []
    for camera in reader.metadata.frames:
        if camera not in reader.cameras:
            problems.append(f"camera {camera}: no calibration")
    for camera in reader.cameras:
        times, counted = reader.timestamps(camera), reader.metadata.frames.get(camera, 0)
        if len(times) != counted:
            problems.append(f"camera {camera}: {len(times)} frames, its metadata has {counted}")
        problems += _time_problems(f"camera {camera}", times, reader)
    return problems


def _video_problems(reader: ClipReader) -> list[str]:
    return [
        problem for camera in reader.cameras for problem in _camera_video_problems(reader, camera)
    ]


def _camera_video_problems(reader: ClipReader, camera: str) -> list[str]:
    """The first damaged frame (later ones depend on it) and keyframes off their cadence."""
    from ingest.clips.decode import VideoDecoder

    size, every = reader.cameras[camera], reader.keyframe_every(camera)
    is_copied = reader.video_origin(camera).made == COPIED
    decoder = VideoDecoder(size.width, size.height)
    problems = []
    since = 0  # packets since the last keyframe
    for at, (timestamp_ns, packet) in enumerate(reader.video_packets(camera)):
        since = 0 if is_keyframe(packet) else since + 1
        off = since >= every or (at == 0 and since) if is_copied else since != at % every
        if off:
            problems.append(
                f"camera {camera}: frame {at} breaks the cadence of a keyframe every {every}"
            )
        decoder.offer(packet)
        try:
            decoder.image()
        except ValueError as error:
            problems.append(
                f"camera {camera}: frame {at} at {exact_instant(timestamp_ns)} cannot be decoded: "
                f"{error}"
            )
            break
    return problems


def _telemetry_problems(reader: ClipReader) -> list[str]:
    telemetry, counted = reader.telemetry(), reader.metadata.telemetry_rows
    problems = []
    if telemetry.num_rows != counted:
        problems.append(f"telemetry: {telemetry.num_rows} rows, its metadata has {counted}")
    times = telemetry["timestamp_ns"].to_numpy()
    return problems + _time_problems("telemetry", times, reader)


def _label_problems(reader: ClipReader) -> list[str]:
    labels, counted = reader.labels(), reader.metadata.label_frames
    found = None if labels is None else len(labels.timestamps_ns)
    if found != counted:
        return [f"labels: {found} frames, its metadata has {counted}"]
    if labels is None:
        return []
    problems = _time_problems("labels", labels.timestamps_ns, reader)
    for kind, images in (
        ("depth", labels.depth),
        ("segmentation", labels.segmentation),
        ("bev", labels.bev),
    ):
        for name, stack in images.items():
            if len(stack) != found:
                problems.append(f"{kind} of {name}: {len(stack)} images for {found} frames")
    return problems


def _time_problems(what: str, times_ns: NDArray[np.int64], reader: ClipReader) -> list[str]:
    problems = []
    if np.any(np.diff(times_ns) <= 0):
        problems.append(f"{what}: times do not ascend")
    start, end = reader.metadata.start_ns, reader.metadata.end_ns
    outside = int(np.count_nonzero((times_ns < start) | (times_ns > end)))
    if outside:
        problems.append(f"{what}: {outside} of {len(times_ns)} times outside the clip's window")
    return problems


_CHECKS: tuple[Callable[[ClipReader], list[str]], ...] = (
    _frame_problems,
    _video_problems,
    _telemetry_problems,
    _label_problems,
)
