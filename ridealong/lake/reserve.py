"""Room on the home's disk that is reserved for a command's last step.

If a command fills the disk, its finished work is there but cannot be committed: small rows, log
entries and the commit itself need room too. So the command reserves a file of that size when it
starts, and releases it before it commits.
"""

import errno
import os
import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ridealong.lake.files import disk_errors, scratch_folder

COMMIT_BYTES = 512 * 1024  # enough for any commit of a few dozen items
ITEM_BYTES = 4096  # of a commit and its outcomes for each item: its keys, its files, its outcome
_NO_FALLOCATE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@dataclass(frozen=True)
class Reserve:
    """Room that is reserved until `release`."""

    path: Path

    def release(self) -> None:
        """Release the room for what is written next; a second call does nothing."""
        with disk_errors(self.path):
            self.path.unlink(missing_ok=True)


def commit_bytes(items: int) -> int:
    """Room that is enough for a commit of so many items (drives, clips) and their outcomes."""
    return COMMIT_BYTES + items * ITEM_BYTES


@contextmanager
def reserved(home: Path, size: int = COMMIT_BYTES) -> Iterator[Reserve]:
    """Reserve so many bytes of the home's disk, until they are released or the block ends.

    A vacuum removes what a killed command reserved.

    Raises:
        RidealongError: There is not enough room.
    """
    reserve = Reserve(scratch_folder(home) / f"reserve-{secrets.token_hex(8)}")
    try:
        with disk_errors(home):
            _allocate(reserve.path, size)
        yield reserve
    finally:
        reserve.release()


def _allocate(path: Path, size: int) -> None:
    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)  # of any one file of this process
    size = size if most == resource.RLIM_INFINITY else min(size, most)
    with path.open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in _NO_FALLOCATE:
                raise
            file.write(os.urandom(size))  # zeros would reserve nothing on a compressing disk
            file.flush()
            os.fsync(file.fileno())
