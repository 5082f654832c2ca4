"""Room on the home's disk that is kept for a command's last step.

A command that fills the disk has work on it that is whole, and cannot say so: the rows, the logs'
entries and the commit itself need room as well. So it holds a file of that size from the start, and
gives it up before it writes them.
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

# A commit of a thousand files in a handful of tables, and a sheet of outcomes.
COMMIT_BYTES = 512 * 1024
_NO_FALLOCATE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@dataclass(frozen=True)
class Reserve:
    """Room that is held until `release`."""

    path: Path

    def release(self) -> None:
        """Give the room up, for what is written next; twice is harmless."""
        with telling(self.path):
            self.path.unlink(missing_ok=True)


@contextmanager
def reserved(home: Path, size: int = COMMIT_BYTES) -> Iterator[Reserve]:
    """Hold so many bytes of the home's disk until they are released, or to the end of the block.

    What a killed command held is swept by the next vacuum.

    Raises:
        RidealongError: There is no such room.
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
            file.write(os.urandom(size))  # a disk that compresses would keep no room for zeros
            file.flush()
            os.fsync(file.fileno())
