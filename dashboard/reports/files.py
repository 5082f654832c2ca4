"""Writes a report's file: whole, or not at all."""

from pathlib import Path
from uuid import uuid4

from ridealong.errors import RidealongError


def check_target(path: Path) -> None:
    """Refuse a file that cannot be written, before any work.

    Raises:
        RidealongError: The path is a folder, or its folder does not exist.
    """
    if path.is_dir():
        raise RidealongError("is a folder", where=path, expected="the name of the file to write")
    if not path.parent.is_dir():
        what = "is a file" if path.parent.exists() else "does not exist"
        raise RidealongError(
            f"the folder {path.parent} {what}", where=path, hint="make the folder first"
        )


def write_whole(path: Path, content: bytes) -> None:
    """Write under a temporary name beside the file, then move.

    Raises:
        RidealongError: The file cannot be written.
    """
    partial = path.with_name(f".{uuid4().hex}")
    try:
        with partial.open("xb") as stream:
            stream.write(content)
        partial.replace(path)
    except OSError as error:
        raise RidealongError(f"cannot be written: {error.strerror}", where=path) from error
    finally:
        partial.unlink(missing_ok=True)
