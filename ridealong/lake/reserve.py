"""Disk space in the home that is reserved for a command's last step.

A command that fills the disk has finished work that it could not commit: the rows, the logs'
entries and the commit itself need room too. So it holds a file of that size from the start, and
removes it before it writes them.
"""

import errno
import os
import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ridealong.lake.files import scratch_folder, telling

# A commit of a thousand files in a handful of tables, and a manifest of outcomes.
COMMIT_BYTES = 512 * 1024
_NO_FALLOCATE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@dataclass(frozen=True)
class Reserve:
    """Disk space that is held until `release`."""

    path: Path

    def release(self) -> None:
        """Free the space for the next writes. This is idempotent."""
        with telling(self.path):
            self.path.unlink(missing_ok=True)


@contextmanager
def reserved(home: Path, size: int = COMMIT_BYTES) -> Iterator[Reserve]:
    """Hold ``size`` bytes of the home's disk until they are released, or to the end of the block.

    If the command is killed, the next vacuum removes the file.

    Raises:
        RidealongError: There is not enough room.
    """
    reserve = Reserve(scratch_folder(home) / f"reserve-{secrets.token_hex(8)}")
    try:
        with telling(home):
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
            file.write(os.urandom(size))  # compression would leave no room for zeros
            file.flush()
            os.fsync(file.fileno())
