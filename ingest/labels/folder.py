"""Export folders: they appear when they are complete, and only unchanged exports are replaced.

The last file of an export is ``ridealong-manifest.json``, with its kind and the hash of every file.
A folder with other content is never overwritten. Nor is an export in which a file was changed,
added or removed: it may contain someone's labels.

An export is written to a hidden folder beside its target, ``.NAME.partial-…``, which its writer
locks. A folder without a lock was left by a process that was killed; the next export to the same
target removes it.
"""

import fcntl
import glob
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of

MANIFEST = "ridealong-manifest.json"  # *-export.json would look like VoTT's format
_HINT = "name another folder, or move this one away"


@contextmanager
def export_folder(
    target: Path, kind: str, lineage: Callable[[], Mapping[str, object]] = dict
) -> Iterator[Path]:
    """An empty folder to write into; it becomes ``target`` if the block ends without an error.

    Args:
        target: New, empty, or an unchanged earlier export.
        kind: Format, stored in the manifest.
        lineage: Gives the manifest's other keys when the block has ended.

    Raises:
        RidealongError: ``target`` has content that is not an unchanged export.
    """
    target = target.resolve()
    check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    with _held_folder(target) as partial:
        yield partial
        _write_manifest(partial, kind, lineage())
        check_replaceable(target)  # it may have changed while we wrote
        _swap(partial, target)


def write_json(path: Path, document: object) -> None:
    """Write a document as JSON that people can read.

    Raises:
        ValueError: It has a number that JSON cannot express.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    path.write_text(f"{text}\n", "utf-8")


def check_replaceable(target: Path) -> None:
    """Check that an export may be written there.

    Raises:
        RidealongError: ``target`` has content that is not an unchanged export.
    """
    target = target.resolve()
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not target.is_dir():
        raise RidealongError("is a file", where=target, expected="a folder", hint=_HINT)
    try:
        listed = json.loads((target / MANIFEST).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RidealongError(
            "holds files that are not an export of ridealong", where=target, hint=_HINT
        ) from error
    if listed != _contents(target):
        raise RidealongError(
            "is an export in which files were changed since it was written",
            where=target,
            hint=_HINT,
        )


def _write_manifest(folder: Path, kind: str, lineage: Mapping[str, object]) -> None:
    document = {"format": kind, **lineage, "files": _contents(folder)}
    (folder / MANIFEST).write_text(json.dumps(document, indent=1), "utf-8")


def _contents(folder: Path) -> dict[str, str]:
    """The hash of every file except the manifest, by its path in the folder."""
    hashes: dict[tuple[int, int], str] = {}  # a file with several names is read once
    found = {}
    for name, file, _ in sorted(files_in(folder)):
        if name != MANIFEST:
            found[name] = hashes[file] = hashes.get(file) or sha256_of(folder / name)
    return found


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; a file with several names counts once."""
    return sum({file: size for _, file, size in files_in(folder)}.values())


def files_in(folder: Path | str, before: str = "") -> Iterator[tuple[str, tuple[int, int], int]]:
    """Of every file: its path in the folder, what identifies it, and its bytes.

    Names of the same file have the same identity.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{before}{entry.name}"
            if not entry.is_dir():
                stat = entry.stat()
                yield name, (stat.st_dev, stat.st_ino), stat.st_size
            elif not entry.is_symlink():
                yield from files_in(entry.path, f"{name}/")


def _swap(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
        return
    # A folder cannot be replaced in one step: the old one is moved away until the new one is there.
    aside = _beside(target, "earlier")
    target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f".{target.name}.{what}-{uuid4().hex}")


@contextmanager
def _held_folder(target: Path) -> Iterator[Path]:
    """A new folder beside the target, locked until the block or the process ends, then removed."""
    folder = _beside(target, "partial")
    folder.mkdir()
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, wait: bool = True) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def _sweep(target: Path) -> None:
    """Remove the folders that killed exports to this target left."""
    for folder in target.parent.glob(f".{glob.escape(target.name)}.partial-*"):
        with suppress(OSError), _locked(folder, wait=False):  # OSError: it is locked
            shutil.rmtree(folder)
    if target.exists():
        for folder in target.parent.glob(f".{glob.escape(target.name)}.earlier-*"):
            shutil.rmtree(folder, ignore_errors=True)
