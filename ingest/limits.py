"""What the machine refuses a process (open files, memory, threads, room on the disk), in one line.

Each library says it in its own words: Python by `MemoryError` and error numbers, Arrow, DuckDB and
delta-rs by their own errors around the operating system's text, Rust by a panic.
"""

import re
from pathlib import Path

from ingest.errors import RidealongError

MAKE_ROOM = "make room and run the command again: what is committed stands"

# What is refused, by the words that libraries use for it; what to say, and what to do about it.
_REFUSED = (
    (
        r"too many open files|os error 2[34]\b",
        "too many open files",
        "allow the process more of them: ulimit -n 1024",
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


def refused(error: BaseException, where: str | Path | None = None) -> RidealongError | None:
    """The line to show where the machine, not the input, is why ``error`` was raised; else None."""
    text = f"{type(error).__name__} {error}".lower()
    if isinstance(error, OSError) and error.errno is not None:
        text = f"os error {error.errno} "
    if isinstance(error, MemoryError):
        text = "out of memory"
    for words, what, hint in _REFUSED:
        if re.search(words, text):
            return RidealongError(what, where=where, mend=hint)
    return None
