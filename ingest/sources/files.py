"""The files of a drive: finding them, hashing them, naming the drive after them."""

import hashlib
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ingest.errors import RidealongError

HASH_THREADS = 8
# Hashed in place of a file that cannot be read: the drive is found, opened and quarantined, and
# counts as a new one when the file can be read again.
UNREADABLE = "unreadable"


def hash_files(root: Path, files: Sequence[Path]) -> tuple[str, int]:
    """Hash over each file's name relative to ``root``, size and content; and the size in bytes.

    The order of ``files`` does not matter; file contents are hashed in a thread pool.
    """
    ordered = sorted(files, key=lambda file: file.relative_to(root).as_posix())
    with ThreadPoolExecutor(HASH_THREADS) as pool:
        digests = list(pool.map(_digest, ordered))
    total = hashlib.sha256()
    for file, (digest, size) in zip(ordered, digests, strict=True):
        total.update(f"{file.relative_to(root).as_posix()}\0{size}\0{digest}\0".encode())
    return total.hexdigest(), sum(size for _, size in digests)


def drive_identity(name: str, sha256: str) -> str:
    """A drive's id from its name and content, fit for a path: ``'my clip|1'`` → ``my_clip_1-…``.

    The hash keeps two recordings of one name apart.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "drive"
    return f"{plain}-{sha256[:8]}"


def files_under(path: Path, suffixes: Collection[str]) -> list[Path]:
    """``path`` itself if a file, else the files below it with those suffixes, hidden ones left out.

    Sorted by path. A named file is taken whatever its suffix: its owner knows what it is.
    """
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in suffixes and not is_hidden(file, path) and not file.is_dir()
    )


def is_hidden(file: Path, root: Path) -> bool:
    """Whether ``file`` or a folder between it and ``root`` has a name that starts with a dot."""
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def require_existing(path: Path) -> None:
    """Raise `RidealongError` unless ``path`` is there."""
    if not path.exists():
        raise RidealongError(
            "no such file or folder", where=path, expected="a recording, or a folder of recordings"
        )


def _digest(file: Path) -> tuple[str, int]:
    try:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            return digest, content.tell()
    except OSError:
        return UNREADABLE, 0
