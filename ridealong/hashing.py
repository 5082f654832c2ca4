"""Hashes that identify content."""

import hashlib
from pathlib import Path


def full_hash(*parts: str) -> str:
    """64 hexadecimal digits that identify the parts, in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def short_hash(*parts: str) -> str:
    """16 hexadecimal digits that identify the parts, in their order."""
    return full_hash(*parts)[:16]


def sha256_of(path: Path) -> str:
    """The hash of a file's content, as 64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
