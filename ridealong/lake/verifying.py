"""Verify files: the name of a file is the sha256 of its content.

A flipped bit in a Parquet file can read back as another number without an error. So every file is
hashed before anything is read from it. A process hashes a file only once, and again if it has
changed on the disk.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from ridealong.limits import refused
from ridealong.terminal.progress import SILENT, Steps

RESTORE = (
    "restore it from a copy (`ridealong lake check` lists all damage), or ingest into a new home"
)
# If there is little to hash, threads cost more than they save.
_FEW_FILES, _FEW_BYTES = 8, 2**22
_THREADS = min(os.cpu_count() or 1, 8)  # each has a file open

# Size, times of the last change of content and of anything, and inode.
Stamp = tuple[int, int, int, int]
_SOUND: dict[Path, Stamp] = {}


@dataclass(frozen=True)
class Finding:
    """One finding of a check: its kind, the file or table, and what is wrong."""

    kind: str
    path: str
    what: str


class DamagedError(RidealongError):
    """A file of the lake is missing or is not what was written."""


def require_sound(home: Path, paths: Iterable[str]) -> None:
    """Check files; paths are relative to the home, or absolute.

    Raises:
        DamagedError: Some are missing or damaged; the message names the first and counts the rest.
    """
    if found := damage(home, paths):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise DamagedError(found[0].what + more, where=home / found[0].path, hint=RESTORE)


def damage(
    home: Path, paths: Iterable[str], *, again: bool = False, steps: Steps = SILENT
) -> list[Finding]:
    """The files that are missing or whose content does not match their name, in their order.

    Args:
        home: The lake's folder.
        paths: Files named by their sha256, relative to the home or absolute.
        again: Also hash files that this process has checked before.
        steps: Progress: one step a file that is hashed.

    Raises:
        RidealongError: The limits of the machine (open files, memory) are too low for reading.
    """
    unknown = [path for path in paths if again or not _is_known(home / path)]
    steps.expect(len(unknown))
    judge = partial(_judge, home)
    if _is_little(home, unknown):
        return _found(map(judge, unknown), steps)
    with ThreadPoolExecutor(_THREADS) as pool:  # hashing lets other threads run
        return _found(pool.map(judge, unknown), steps)


def _found(judged: Iterable[Finding | None], steps: Steps) -> list[Finding]:
    findings = []
    for finding in judged:
        steps.advance()
        if finding:
            findings.append(finding)
    return findings


def _is_known(path: Path) -> bool:
    """Whether the file was found sound before, and has not changed since."""
    known = _SOUND.get(path)
    return known is not None and known == _stamp(path)


def _is_little(home: Path, paths: list[str]) -> bool:
    stamps = (_stamp(home / path) for path in paths)
    return len(paths) < _FEW_FILES and sum(stamp[0] for stamp in stamps if stamp) < _FEW_BYTES


def _judge(home: Path, path: str) -> Finding | None:
    place = home / path
    stamp = _stamp(place)  # before reading, so a change meanwhile is noticed the next time
    try:
        actual = sha256_of(place)
    except (FileNotFoundError, NotADirectoryError):
        return Finding("missing", path, "the file is missing")
    except OSError as error:
        if exhausted := refused(error, place):
            raise exhausted from error
        return Finding("corrupt", path, f"the file cannot be read ({error.strerror})")
    if place.name.split(".")[0] != actual:
        _SOUND.pop(place, None)
        return Finding(
            "corrupt", path, "the file is damaged: its content is not what was written (sha256)"
        )
    if stamp:
        _SOUND[place] = stamp
    return None


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
