"""Video containers: open one safely, find its camera tracks and when it was recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from ridealong.errors import UnreadableError

# ffmpeg's names of the containers that are read.
FORMATS = ("mov", "matroska", "avi", "mpegts", "h264", "hevc")
EXPECTED = "a video in MP4, MOV, Matroska, WebM, AVI or MPEG-TS, or bare H.264 or H.265"
# Containers with an index; in others, such as MPEG-TS, a seek may end after its target.
SEEKABLE = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
# Covers, chapter thumbnails, stills, and layers that only enhance another track.
NO_CAMERA = (
    Disposition.attached_pic
    | Disposition.timed_thumbnails
    | Disposition.still_image
    | Disposition.dependent
)
PLAUSIBLE_SINCE = datetime(1971, 1, 1, tzinfo=UTC)


def opened(path: Path) -> InputContainer:
    """Open a file as one of `FORMATS`; the caller closes it. FFmpeg's errors are not converted."""
    options = {
        # A playlist with any suffix must not open other files or the network.
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(FORMATS),
        # If times start over, FFmpeg assumes that a clock overflowed and adds a day.
        "correct_ts_overflow": "0",
    }
    # Titles may be in any encoding.
    return av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")


@contextmanager
def video_errors(path: Path) -> Iterator[None]:
    """Convert FFmpeg's errors to `UnreadableError`."""
    try:
        yield
    except (FFmpegError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnreadableError(
            f"cannot be read as video ({why})", where=path, expected=EXPECTED
        ) from error


def camera_streams(container: InputContainer, path: Path) -> list[VideoStream]:
    """The tracks that may be cameras, in the file's order.

    Raises:
        UnreadableError: There is none.
    """
    streams = [s for s in container.streams.video if not s.disposition & NO_CAMERA]
    if not streams:
        what = "contains no video" + (", only pictures" if container.streams.video else "")
        raise UnreadableError(what, where=path, expected=EXPECTED)
    return streams


def created_ns(container: InputContainer) -> int | None:
    """The file's recording time, nanoseconds since the Unix epoch; None if it has none."""
    text = container.metadata.get("creation_time")
    try:
        created = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if created is None:
        return None
    # A recorder without a clock writes 1904 or 1970.
    created = created if created.tzinfo else created.replace(tzinfo=UTC)
    if created < PLAUSIBLE_SINCE:
        return None
    since = created - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
