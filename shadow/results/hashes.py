"""The identity of a file or folder: a hash of its content."""

import hashlib
from pathlib import Path

from ridealong.hashing import sha256_of
from ridealong.lake.files import disk_errors


def content_sha256(path: Path) -> str:
    """The sha256 of a file; of a folder, that of all its files' names and hashes.

    Raises:
        RidealongError: It is missing or cannot be read.
    """
    with disk_errors(path):
        if not path.is_dir():
            return sha256_of(path)
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = (f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n" for file in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
