"""Limits of the machine (open files, memory, threads, disk space), reported in one line.

Each library reports them differently: Python with `MemoryError` and error numbers; Arrow, DuckDB
and delta-rs with their own errors around the operating system's text; Rust with a panic. Some end
the whole process instead (an abort, a segmentation fault), so minimum limits are checked first.
"""

import os
import re
import resource
from pathlib import Path

from ridealong.errors import RidealongError

# The fewest files with which reading works, as measured. Work also needs processes and pipes.
FILES_TO_READ, FILES_TO_WORK, FILES_A_CORE = 24, 48, 8
ADDRESSES, ADDRESSES_A_CORE = 3 * 2**30, 2**29  # mostly reserved and never used: stacks and pools
MAKE_ROOM = "make room and run the command again; committed work is kept"

# For each limit: the words that libraries use, our message, and the hint.
_REFUSED = (
    (
        r"too many open files|os error 2[34]\b",
        "too many open files",
        "allow the process more open files: ulimit -n 1024",
    ),
    (
        r"no space left on device|disk quota exceeded|os error (28|122)\b",
        "no space left on the disk",
        MAKE_ROOM,
    ),
    (
        r"file too large|os error 27\b",
        "the file is too large for the disk or for what the process may write",
        f"allow larger files (ulimit -f), or {MAKE_ROOM}",
    ),
    (
        r"start new thread|failed to spawn|thread constructor failed"
        r"|resource temporarily unavailable|os error 11\b",
        "no more threads can be started",
        "allow the process more memory and threads: ulimit -v, ulimit -u",
    ),
    (
        r"out of memory|outofmemory|cannot allocate|unable to allocate|failed to allocate|bad_alloc"
        r"|allocation (of .*)?fail|memory allocation|os error 12\b",
        "out of memory",
        "allow the process more memory (ulimit -v), or free some",
    ),
)


class ExhaustedError(RidealongError):
    """The machine's limits are too low for the command; nothing is wrong with its input."""


def require_memory() -> None:
    """Fail with one line if the address space is limited to less than our libraries need.

    Raises:
        ExhaustedError: ``ulimit -v`` is too low; the libraries would end the process silently.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    least = ADDRESSES + ADDRESSES_A_CORE * (os.cpu_count() or 1)
    if limit != resource.RLIM_INFINITY and limit < least:
        raise ExhaustedError(
            f"the process may use {limit / 2**30:.1f} GiB of address space (ulimit -v)",
            expected=f"at least {least / 2**30:.1f} GiB",
            hint="ulimit -v unlimited",
        )


def require_open_files(least: int) -> None:
    """Raise the limit of open files as far as needed, and fail with one line if that is impossible.

    Raises:
        ExhaustedError: ``ulimit -n`` is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= least or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < least:
        raise ExhaustedError(
            f"the process may have {hard} open files (ulimit -n)",
            expected=f"at least {least}",
            hint="ulimit -n 1024",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (least, hard))


def require_to_read() -> None:
    """Check what every command with a home needs, before it loads a library."""
    require_memory()
    require_open_files(FILES_TO_READ)


def require_to_work() -> None:
    """Check what a command needs that starts threads and processes."""
    require_open_files(FILES_TO_WORK + FILES_A_CORE * (os.cpu_count() or 1))


def refused(error: BaseException, where: str | Path | None = None) -> ExhaustedError | None:
    """The error to show if ``error`` came from a limit of the machine; None if it did not."""
    text = f"{type(error).__name__} {error}".lower()
    if isinstance(error, OSError) and error.errno is not None:
        text = f"os error {error.errno} "
    if isinstance(error, MemoryError):
        text = "out of memory"
    for words, what, hint in _REFUSED:
        if re.search(words, text):
            return ExhaustedError(what, where=where, hint=hint)
    return None
