"""How what went wrong with one item is told: in one line, and one line for all that share it."""

import errno
import traceback
from collections.abc import Iterable
from pathlib import Path

from ingest.errors import RidealongError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_FULL = "the disk is full; make room and run the command again"


def told(error: BaseException) -> str:
    """An error in one line; an unexpected one with the place in our code."""
    if is_full(error):
        return DISK_FULL
    if isinstance(error, RidealongError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'disk'}: {error.strerror or error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"


def is_full(error: BaseException) -> bool:
    """Whether it, or what it was raised from, says that the disk is full."""
    cause = error.__cause__ or error
    return isinstance(cause, OSError) and cause.errno in _FULL


def one_line_each(failures: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Lines for ``(item, reason)``: one a reason, which names the first item and counts the rest.

    A full disk fails whatever comes to it, and says nothing about any of them.
    """
    items: dict[str, list[str]] = {}
    for item, reason in failures:
        items.setdefault(reason, []).append(item)
    return tuple(f"{_named(those)}: {reason}" for reason, those in items.items())


def _named(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{items[0]} and {len(items) - 1} more"
