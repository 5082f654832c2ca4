"""The files of a drive: find them, hash them, and name the drive after them."""

import hashlib
import os
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ridealong.regular_files import require_regular

HASH_THREADS = 8
# Hashed in place of a file that cannot be read. The drive is found, and opening it reports why it
# cannot be read. Once the file can be read, it counts as a new drive.
UNREADABLE = "unreadable"


def hash_files(root: Path, files: Sequence[Path]) -> tuple[str, int]:
    """Hash of all files (name relative to ``root``, size and content), and their size in bytes.

    The order of ``files`` does not matter; file contents are hashed in a thread pool.

    Raises:
        UnreadableError: One is a pipe, a socket or a device.
    """
    ordered = sorted(files, key=lambda file: file.relative_to(root).as_posix())
    with ThreadPoolExecutor(HASH_THREADS) as pool:
        digests = list(pool.map(_digest, ordered))
    total = hashlib.sha256()
    for file, (digest, size) in zip(ordered, digests, strict=True):
        total.update(os.fsencode(file.relative_to(root)) + f"\0{size}\0{digest}\0".encode())
    return total.hexdigest(), sum(size for _, size in digests)


def drive_identity(name: str, sha256: str) -> str:
    """A drive's id from its name and content, valid in a path: ``'my clip|1'`` → ``my_clip_1-…``.

    The hash distinguishes two recordings with the same name.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "drive"
    return f"{plain}-{sha256[:8]}"


def files_under(path: Path, suffixes: Collection[str]) -> list[Path]:
    """``path`` itself if it is a file, else the files below it with these suffixes, sorted by path.

    Hidden files are skipped, and so are pipes and devices: opening one could block forever. A file
    that is given by name is accepted with any suffix.
    """
    if not path.is_dir():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in suffixes and not is_hidden(file, path) and file.is_file()
    )


def is_hidden(file: Path, root: Path) -> bool:
    """Whether ``file`` or a folder between it and ``root`` has a name that starts with a dot."""
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def _digest(file: Path) -> tuple[str, int]:
    try:
        require_regular(file)
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            return digest, content.tell()
    except OSError:
        return UNREADABLE, 0
