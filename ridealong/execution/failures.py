"""What went wrong with one item: whether it is temporary, and a description in one line.

Bad input stays bad: it is quarantined once, with the reason. If the cause may pass (a full disk, a
permission, a process that was killed), the item failed for now, and the next run tries it again.
"""

import errno
import traceback
from collections.abc import Iterable
from pathlib import Path

from ridealong.errors import NotInstalledError, RidealongError, UnreadableError
from ridealong.execution.processes.pool import ProcessDiedError
from ridealong.extras import missing_extra
from ridealong.limits import MAKE_ROOM, ExhaustedError, refused

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BUSY = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EBUSY, errno.EINTR})
_DEVICE = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOMEM})
_NETWORK = frozenset({errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_PASSING = _FULL | _BUSY | _DEVICE | _NETWORK | _DENIED
# FFmpeg also reports EIO, EPERM and ENOMEM for damaged files.
_PASSING_IN_FFMPEG = _BUSY | _FULL | {errno.EACCES}
DISK_FULL = "the disk is full; make room and run the command again"


def may_pass(error: BaseException) -> bool:
    """Whether the same input may succeed next time; otherwise the input is to blame.

    - `UnreadableError`: the input is to blame, unless an error of the operating system, such as a
      missing permission, caused it.
    - Other errors: the input is to blame unless they come from the operating system, a limit of the
      machine, a missing package or a dead process.
    """
    if isinstance(error, UnreadableError):
        return _is_passing(error.__cause__)
    if isinstance(error, ExhaustedError | NotInstalledError | ProcessDiedError):
        return True
    if isinstance(error, RidealongError):
        return isinstance(error.__cause__, OSError)  # the lake could not be written
    return _is_passing(error) or refused(error) is not None or missing_extra(error) is not None


def _is_passing(error: BaseException | None) -> bool:
    if not isinstance(error, OSError):
        return False
    return error.errno in (_PASSING_IN_FFMPEG if _is_ffmpeg(error) else _PASSING)


def _is_ffmpeg(error: BaseException) -> bool:
    """Whether PyAV raised it; found by name, because most commands do not load PyAV."""
    return any(kind.__module__ == "av.error" for kind in type(error).__mro__)


def described(error: BaseException) -> str:
    """An error in one line; an unexpected error with the place in our code."""
    if is_full(error):
        return DISK_FULL
    error = missing_extra(error) or error
    if isinstance(error, RidealongError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'disk'}: {error.strerror or error}".replace("\n", " ")
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({Path(place.filename).name}:{place.lineno})"


def is_full(error: BaseException) -> bool:
    """Whether the error, or its cause, is that the disk is full."""
    if isinstance(error, ExhaustedError) and error.hint and MAKE_ROOM in error.hint:
        return True
    cause = error.__cause__ or error
    return isinstance(cause, OSError) and cause.errno in _FULL


def one_line_each(failures: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Lines for ``(item, reason)``: one for each reason, with the first item and a count.

    If the disk is full, for example, all items fail for that one reason.
    """
    items: dict[str, list[str]] = {}
    for item, reason in failures:
        items.setdefault(reason, []).append(item)
    return tuple(f"{_named(those)}: {reason}" for reason, those in items.items())


def _named(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{items[0]} and {len(items) - 1} more"
