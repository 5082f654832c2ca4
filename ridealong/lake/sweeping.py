"""Vacuum: remove files that no longer count from the disk, once they are old enough.

The age protects commands that still need a file:

- A reader's snapshot may name a replaced file. Its age counts from the replacement.
- A running command has files that it has not committed yet. Its age counts from its newest file.

An older command is declared dead in the table of commits *before* its files are removed, and can
never commit after that.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ridealong.lake import history, log
from ridealong.lake.files import (
    BLOBS,
    SCRATCH,
    TEMPORARY,
    DataFile,
    disk_errors,
    is_commit_id,
    is_file_name,
    new_commit_id,
    read_file,
    schema_of,
)
from ridealong.lake.history import COMMITS, Commit, History
from ridealong.lake.rewriting import sync_table
from ridealong.lake.verifying import require_sound

DAY_S = 86400.0


@dataclass(frozen=True)
class Stray:
    """A file of the lake's form that was found on the disk; its path is relative to the home."""

    path: str
    bytes: int
    modified_ns: int

    @property
    def commit_id(self) -> str:
        """The command that wrote it."""
        return self.path.split("/")[1]

    @property
    def temporary(self) -> bool:
        """Whether its writer never finished it."""
        return self.path.split("/")[2].startswith(TEMPORARY)


@dataclass(frozen=True)
class Sweep:
    """What a vacuum removed: files, their bytes, and the ids of commands that it declared dead."""

    files: int
    bytes: int
    abandoned: tuple[str, ...]


def vacuum(home: Path, older_than_s: float = DAY_S) -> Sweep:
    """Remove replaced files, dead commands' files, temporary files and blobs without a row.

    Files younger than the age stay, so readers' snapshots and running commands are safe.

    With age 0 everything that does not count is removed, also from Delta's logs: an erased vehicle
    is gone. No other command should run then: a reader may miss a file, and a writer fails and has
    to start again.

    Raises:
        RidealongError: A table or file cannot be read or removed.
    """
    before_ns = time.time_ns() - int(older_than_s * 1e9)
    with disk_errors(home):  # first, because on a full disk it makes room for the writes below
        _remove_temporary(home, before_ns)
    abandoned = _abandon(home, before_ns)
    _unlist(home, before_ns)
    removed = _remove(home, before_ns)
    if older_than_s <= 0:
        for folder in table_folders(home):
            if log.is_table(folder):
                log.forget_history(folder)
    return Sweep(len(removed), sum(file.bytes for file in removed), abandoned)


def table_folders(home: Path) -> list[Path]:
    """The folders of the home that are tables, finished or not."""
    return sorted(
        entry
        for entry in home.iterdir()
        if entry.is_dir()
        and entry.name != BLOBS
        and any(is_commit_id(inner.name) or inner.name == "_delta_log" for inner in entry.iterdir())
    )


def walk(home: Path) -> list[Stray]:
    """Every data file, blob and temporary file on the disk."""
    found = []
    for folder in [*table_folders(home), home / BLOBS]:
        for path in folder.glob("*/*"):
            named = is_file_name(path.name) or path.name.startswith(TEMPORARY)
            if named and is_commit_id(path.parent.name) and (status := _status(path)):
                size, modified_ns = status
                found.append(Stray(path.relative_to(home).as_posix(), size, modified_ns))
    return sorted(found, key=lambda file: file.path)


def blobs_of(path: Path) -> list[str]:
    """The blobs that a data file's rows name, relative to the home.

    Raises:
        DamagedError: The file is missing or damaged, so the names in it may be wrong.
    """
    require_sound(path.parent, [str(path)])
    if "blob" not in schema_of(path).names:
        return []
    with disk_errors(path):
        names = read_file(path, ["blob"])["blob"].to_pylist()
    return sorted({name for name in names if name})


def listed_files(home: Path, name: str) -> set[str]:
    """What a table's own log lists, relative to the home."""
    folder = home / name
    if not log.is_table(folder):
        return set()
    return {f"{name}/{path}" for path in log.listed(log.load(folder))}


def _abandon(home: Path, before_ns: int) -> tuple[str, ...]:
    """Declare commands dead that have files, never committed, and wrote nothing since then."""
    newest: dict[str, int] = {}
    for file in walk(home):
        newest[file.commit_id] = max(newest.get(file.commit_id, 0), file.modified_ns)
    old = {commit_id for commit_id, at_ns in newest.items() if at_ns <= before_ns}
    row = Commit(new_commit_id(), "vacuum")

    def decide(latest: History) -> Commit | None:
        dead = old - latest.by_id.keys() - latest.abandoned
        return replace(row, abandoned=tuple(sorted(dead))) if dead else None

    recorded = history.record(home, decide)
    return recorded.abandoned if recorded else ()


def _unlist(home: Path, before_ns: int) -> None:
    """Remove files that are replaced, dead or written twice from the tables' own logs."""
    _, now = history.read(home)
    on_disk = {file.path: file for file in walk(home)}
    for folder in table_folders(home):
        if folder.name == COMMITS.name:
            continue
        listed = listed_files(home, folder.name)
        dead = (path for path in listed if not now.is_live(path) and _is_dead(path, now))
        old = (
            path for path in dead if path not in on_disk or on_disk[path].modified_ns <= before_ns
        )
        sync_table(home, folder.name, frozenset(old))


def _is_dead(path: str, now: History) -> bool:
    """Whether the file's command has ended, so that a file that is not live never will be."""
    commit_id = path.split("/")[1]
    return commit_id in now.abandoned or commit_id in now.by_id


def _remove(home: Path, before_ns: int) -> list[Stray]:
    """Remove data files first, then the blobs that no remaining file names."""
    table, now = history.read(home)
    live = {path for files in now.live.values() for path in files}
    live |= {f"{COMMITS.name}/{path}" for path in log.listed(table)}
    found = [file for file in walk(home) if file.path not in live and _is_dead(file.path, now)]
    gone = [
        file
        for file in found
        if not file.path.startswith(f"{BLOBS}/") and _since_ns(file, now) <= before_ns
    ]
    _unlink(home, gone)
    removed = {file.path for file in gone}
    every = (file for row in now.commits for file in row.files if not file.is_blob)
    # If a replaced file stays for its readers, its blobs stay too.
    needed = named_blobs(
        home, (f for f in every if f.path not in removed and (home / f.path).exists())
    )
    blobs = [
        file
        for file in found
        if file.path.startswith(f"{BLOBS}/")
        and file.path not in needed
        and _since_ns(file, now) <= before_ns
    ]
    _unlink(home, blobs)
    return gone + blobs


def named_blobs(home: Path, files: Iterable[DataFile]) -> set[str]:
    """The blobs that the rows of these data files name."""
    files = list(files)
    one_each = {file.schema: file.path for file in files}
    having = {key for key, path in one_each.items() if "blob" in schema_of(home / path).names}
    named = (blobs_of(home / file.path) for file in files if file.schema in having)
    return {blob for blobs in named for blob in blobs}


def _since_ns(file: Stray, now: History) -> int:
    """Since when no new command can need the file; 0 for files of a dead command."""
    if file.commit_id in now.abandoned:
        return 0
    return now.replaced.get(file.path, file.modified_ns)


def _unlink(home: Path, files: list[Stray]) -> None:
    with disk_errors(home):
        for file in files:
            (home / file.path).unlink(missing_ok=True)
        for folder in {(home / file.path).parent for file in files}:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _remove_temporary(home: Path, before_ns: int) -> None:
    """Remove temporary files of killed processes from the home, its scratch and Delta's logs."""
    for entry in (home / SCRATCH).glob("*"):
        found = [_status(path) for path in (entry, *entry.rglob("*"))]
        if all(one is None or one[1] <= before_ns for one in found):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
    halves = [
        *home.glob(f"{TEMPORARY}*"),
        *home.glob("*/_delta_log/*.tmp"),
        *home.glob("*/_delta_log/*#*"),
    ]
    for path in halves:
        if (status := _status(path)) and status[1] <= before_ns:
            path.unlink(missing_ok=True)


def _status(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change; None if the file has just been removed."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
