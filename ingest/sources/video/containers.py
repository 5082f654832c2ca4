"""Video containers: opening one safely, the tracks in it that are cameras, when it was recorded."""

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
# Containers with an index; in others, such as MPEG-TS, a seek may land behind its target.
SEEKABLE = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
# Covers, thumbnails along a film's chapters, stills, layers that only enhance another track.
NO_CAMERA = (
    Disposition.attached_pic
    | Disposition.timed_thumbnails
    | Disposition.still_image
    | Disposition.dependent
)
PLAUSIBLE_SINCE = datetime(1971, 1, 1, tzinfo=UTC)


def opened(path: Path) -> InputContainer:
    """Open a file as one of `FORMATS`, to be closed by the caller; FFmpeg's errors come through."""
    options = {
        # Whatever its suffix, a playlist must not lead to other files or to the network.
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(FORMATS),
        # FFmpeg takes times that start over for a clock that ran full, and adds a day to them.
        "correct_ts_overflow": "0",
    }
    # Titles come in whatever encoding their recorder likes.
    return av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """FFmpeg's errors as `UnreadableError`."""
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
        what = "holds no video" + (", only pictures" if container.streams.video else "")
        raise UnreadableError(what, where=path, expected=EXPECTED)
    return streams


def created_ns(container: InputContainer) -> int | None:
    """When the file says it was recorded, since the Unix epoch; None if it does not."""
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
