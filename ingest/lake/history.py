"""The table ``commits``: which commands are done, and so which files are in the lake.

Each row is one command. It is appended last, when all files of the command lie on the disk, and
that append is the one moment of truth: a file counts if, and only if, a row names it among its
``files`` and no row names it among its ``replaced``. So one read of this table at one version is a
consistent view of all tables.

Rows are appended by optimistic concurrency on the version that was looked at: what must happen
once (a source, the replacement of a file, the end of an abandoned command) is looked up in the
rows, and whoever finds the table moved on looks again. One Delta application transaction does it,
so nothing piles up in the log.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from ingest.errors import RidealongError
from ingest.lake import log
from ingest.lake.files import DataFile, read_file, write_data_file
from ingest.schemas import STRINGS, TableSpec, column

_FILES = pa.list_(
    pa.field(
        "element",
        pa.struct(
            [
                ("path", pa.string()),
                ("bytes", pa.int64()),
                ("rows", pa.int64()),
                ("schema", pa.string()),
            ]
        ),
    )
)

COMMITS = TableSpec(
    "commits",
    pa.schema(
        [
            column("number", pa.int64(), "place in the order of commits, from 1"),
            column("commit_id", pa.string(), "the command's id, also the name of its folders"),
            column("command", pa.string(), "what was done: ingest, shadow run, delete, compact…"),
            column("time_ns", pa.int64(), "when, since the Unix epoch, UTC", "ns"),
            column("sources", STRINGS, "keys (hashes of inputs) that no other commit may hold"),
            column("replaced", STRINGS, "files that this commit took out, relative to the home"),
            column("abandoned", STRINGS, "ids of dead commands that may never commit any more"),
            column("counts", pa.string(), "the command's own counts, as JSON"),
            column("files", _FILES, "data files and blobs that this commit brought"),
        ]
    ),
    order=("number",),
)


@dataclass(frozen=True)
class Commit:
    """One row of the table ``commits``; its number and time are given when it is recorded."""

    commit_id: str
    command: str
    files: tuple[DataFile, ...] = ()
    sources: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()
    counts: str = "{}"
    number: int = 0
    time_ns: int = 0


@dataclass(frozen=True)
class History:
    """The commits up to one version, and what follows from them.

    ``live`` holds the data files that count, by table and path; ``replaced`` says when (ns) a file
    was taken out. A blob counts when a row of a live file names it.
    """

    commits: tuple[Commit, ...] = ()
    by_id: dict[str, Commit] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    abandoned: frozenset[str] = frozenset()
    live: dict[str, dict[str, DataFile]] = field(default_factory=dict)

    def is_live(self, path: str) -> bool:
        """Whether a data file counts."""
        return path in self.live.get(path.split("/", maxsplit=1)[0], {})


class AlreadyCommittedError(RidealongError):
    """Another commit holds some of the sources; ``sources`` names them, nothing was added."""

    def __init__(self, sources: Iterable[str], where: Path) -> None:
        self.sources, self._home = tuple(sources), where
        super().__init__(f"{len(self.sources)} source(s) are already in the lake", where=where)

    def __reduce__(self) -> tuple[object, ...]:
        return (AlreadyCommittedError, (self.sources, self._home))


class StaleError(Exception):
    """A file to be replaced is no longer there: the rewrite must start from a new snapshot."""


def read(home: Path) -> tuple[DeltaTable, History]:
    """The table ``commits`` at its newest version, and the history it tells.

    Raises:
        RidealongError: The table or one of its files cannot be read.
    """
    folder = home / COMMITS.name
    for count in range(log.ATTEMPTS):
        table = log.load(folder)
        try:
            return table, _history(folder, tuple(sorted(log.listed(table))))
        except pa.ArrowInvalid as error:
            raise RidealongError(
                "a file of the table of commits is damaged",
                where=folder,
                mend="`ridealong lake check` says which; restore it from a copy",
            ) from error
        except FileNotFoundError as error:
            missing = error
            # A vacuum that knows no age may take a file between the log's reading and ours.
            if log.load(folder).version() == table.version():
                break
            log.pause(count)
    raise RidealongError(
        "a file of the table of commits is missing", where=missing.filename or folder
    ) from missing


def record(
    home: Path, decide: Callable[[History], Commit | None], *, merge: bool = False
) -> Commit | None:
    """Append one row: the moment of truth.

    Args:
        home: The lake's folder.
        decide: Makes the row from the history it would follow, or None when there is nothing to
            do; it is asked again after each conflict, and raises what forbids the commit.
        merge: Write all rows into one file instead of adding one (the table's own compaction).

    Returns:
        The row as recorded, or the one that an earlier execution of the same command recorded.
    """
    time_ns = time.time_ns()
    for count in range(log.ATTEMPTS):
        table, history = read(home)
        commit = decide(history)
        if commit is None:
            return None
        if earlier := history.by_id.get(commit.commit_id):
            return earlier
        _refuse_abandoned(commit, history, home)
        _append(home, table, history, replace(commit, time_ns=time_ns), merge)
        # Read it back: an append that met somebody else's is not there, and a log cut meanwhile
        # (a vacuum that knows no age) swallows what is appended to an old version.
        if recorded := read(home)[1].by_id.get(commit.commit_id):
            return recorded
        log.pause(count)
    raise RidealongError("no quiet moment to commit", where=home, mend="try again")


def _refuse_abandoned(commit: Commit, history: History, home: Path) -> None:
    if commit.commit_id in history.abandoned:
        raise RidealongError(
            f"a vacuum swept the files of this command while it ran (commit {commit.commit_id})",
            where=home,
            mend="run it again, and let vacuum keep what is younger than the longest command",
        )


def _append(home: Path, table: DeltaTable, history: History, commit: Commit, merge: bool) -> None:
    """Try to add the row to exactly the version that ``table`` holds."""
    folder, old = home / COMMITS.name, sorted(log.listed(table)) if merge else []
    number = max((row.number for row in history.commits), default=0) + 1
    merged = tuple(f"{COMMITS.name}/{path}" for path in old)
    commit = replace(commit, number=number, replaced=commit.replaced + merged)
    rows = [asdict(row) for row in ((*history.commits, commit) if merge else (commit,))]
    content = pa.Table.from_pylist(rows, schema=COMMITS.schema)
    added = write_data_file(home, commit.commit_id, COMMITS, content)
    assert added is not None
    try:
        log.swap(table, folder, added, old, COMMITS.schema)
    except log.ConflictError:
        (home / added.path).unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _history(folder: Path, paths: tuple[str, ...]) -> History:
    rows = sorted(
        (row for path in paths for row in _rows(folder / path)), key=lambda row: row.number
    )
    replaced = {path: row.time_ns for row in rows for path in row.replaced}
    live: dict[str, dict[str, DataFile]] = {}
    for file in (file for row in rows for file in row.files):
        if not file.is_blob and file.path not in replaced:
            live.setdefault(file.table, {})[file.path] = file
    return History(
        commits=tuple(rows),
        by_id={row.commit_id: row for row in rows},
        sources={source: row.commit_id for row in rows for source in row.sources},
        replaced=replaced,
        abandoned=frozenset(id_ for row in rows for id_ in row.abandoned),
        live=live,
    )


@lru_cache(maxsize=8192)
def _rows(path: Path) -> tuple[Commit, ...]:
    """The commits in one file of the table; files never change, so they are kept."""
    return tuple(_commit(row) for row in read_file(path).to_pylist())


def _commit(row: dict[str, Any]) -> Commit:
    lists = {name: tuple(row[name]) for name in ("sources", "replaced", "abandoned")}
    files = tuple(DataFile(**file) for file in row["files"])
    return Commit(**row | lists | {"files": files})
