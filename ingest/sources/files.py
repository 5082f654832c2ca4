"""The files of a drive: finding them, hashing them, naming the drive after them."""

import hashlib
import os
import re
import stat
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ridealong.errors import UnreadableError

HASH_THREADS = 8
SPECIAL = {
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
# Hashed in place of a file that cannot be read: the drive is found, opening it says why, and it
# counts as a new one when the file can be read again.
UNREADABLE = "unreadable"


def hash_files(root: Path, files: Sequence[Path]) -> tuple[str, int]:
    """Hash over each file's name relative to ``root``, size and content; and the size in bytes.

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
    """A drive's id from its name and content, fit for a path: ``'my clip|1'`` → ``my_clip_1-…``.

    The hash keeps two recordings of one name apart.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "drive"
    return f"{plain}-{sha256[:8]}"


def files_under(path: Path, suffixes: Collection[str]) -> list[Path]:
    """``path`` itself if a file, else the files below it with those suffixes, hidden ones left out.

    Sorted by path, regular files only: to open a pipe or a device could take for ever. A named
    file is taken whatever its suffix: its owner knows what it is.
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


def require_regular(file: Path) -> None:
    """Raise `UnreadableError` for a pipe, a socket or a device: to read one could take for ever."""
    mode = file.stat().st_mode
    what = next((name for is_so, name in SPECIAL.items() if is_so(mode)), None)
    if what:
        raise UnreadableError(f"is {what}", where=file, expected="a regular file")


def _digest(file: Path) -> tuple[str, int]:
    try:
        require_regular(file)
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            return digest, content.tell()
    except OSError:
        return UNREADABLE, 0
