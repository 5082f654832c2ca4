"""Export folders: they appear whole, and only an export that nobody touched is replaced.

An export ends with the file ``ridealong-export.json``: what kind it is, and the size and hash of
every file. A folder that holds anything else, or an export in which a file was changed, added or
taken away (somebody labelled in it), is never overwritten.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from ingest.errors import RidealongError

MANIFEST = "ridealong-export.json"
_MEND = "name another folder, or move this one away"


@contextmanager
def export_folder(target: Path, kind: str) -> Iterator[Path]:
    """Give an empty folder to write into; it becomes ``target`` when the block ends well.

    Args:
        target: Must not exist, be empty, or be an earlier export exactly as it was written.
        kind: Format, kept in the manifest.

    Raises:
        RidealongError: ``target`` holds something that we did not write.
    """
    target = target.absolute()
    _check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(target)
    partial.mkdir()
    try:
        yield partial
        _write_manifest(partial, kind)
        _swap(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_json(path: Path, document: object) -> None:
    """Write a document as compact JSON.

    Raises:
        ValueError: It holds a number that JSON cannot say.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    path.write_text(text, "utf-8")


def _check_replaceable(target: Path) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not target.is_dir():
        raise RidealongError("is a file", where=target, expected="a folder", mend=_MEND)
    try:
        told = json.loads((target / MANIFEST).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RidealongError(
            "holds files that are no export of ridealong's", where=target, mend=_MEND
        ) from error
    if told != _contents(target):
        raise RidealongError(
            "is an export in which files were changed since it was written",
            where=target,
            mend=_MEND,
        )


def _write_manifest(folder: Path, kind: str) -> None:
    document = {"format": kind, "files": _contents(folder)}
    (folder / MANIFEST).write_text(json.dumps(document, indent=1), "utf-8")


def _contents(folder: Path) -> dict[str, str]:
    """The hash of every file but the manifest, by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path != folder / MANIFEST
    }


def _swap(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
        return
    # A folder cannot be replaced in one step: the old one stands aside until the new one is there.
    aside = _beside(target)
    target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{uuid4().hex}")
