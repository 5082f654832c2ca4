"""The table ``commits``: which commands are complete, and so which files are in the lake.

Each row is one command. It is appended last, when all files of the command are on the disk. Only
this append makes the command visible: a file counts if some row has it in ``files`` and no row has
it in ``replaced``. So reading this one table at one version gives a consistent view of all tables.

Rows are appended with optimistic concurrency. What must happen only once (committing a source,
replacing a file, abandoning a command) is looked up in the rows of one version. If the table has
changed since that version, the append fails, and the rows are looked up again. One Delta
application transaction does this for all rows, so nothing accumulates in the log.

Rows are numbered from 1 without a gap, and a file beside the table's log has the newest number. So
a row is noticed as missing wherever it was, if damage to the log hides it.

The cost of a commit does not grow with the number of commits. A process caches the history and
reads only the rows that were added. When sixteen files of similar size have accumulated, the next
commit merges them, so n commits have about log n files.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from ridealong.errors import RidealongError
from ridealong.lake import log
from ridealong.lake.files import TEMPORARY, DataFile, disk_errors, read_file, write_data_file
from ridealong.lake.tables import STRINGS, TableSpec, column
from ridealong.lake.verifying import RESTORE, DamagedError, require_sound

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

MERGED = 16  # so many files of similar size are merged into one
NEWEST = "_newest"  # readers of Delta tables ignore names that begin with '_'
# The history as it was last read, by the table's folder, and the files from which it was read.
_READ: dict[Path, tuple[frozenset[str], "History"]] = {}
_READ_MOST = 64


@dataclass(frozen=True)
class Commit:
    """One row of the table ``commits``; its number and time are set when it is recorded."""

    commit_id: str
    command: str
    files: tuple[DataFile, ...] = ()
    sources: Collection[str] = ()
    replaced: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()
    counts: str = "{}"
    number: int = 0
    time_ns: int = 0


class StoredKeys(Collection[str]):
    """Sources as a file of commits has them.

    A replay commits dozens of keys for each clip, and few commands need them. So they are converted
    only when they are asked for.
    """

    def __init__(self, values: pa.Array) -> None:
        self._values = values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values.to_pylist())

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, source: object) -> bool:
        return source in self._values.to_pylist()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


@dataclass(frozen=True)
class History:
    """The commits up to one version, and what follows from them.

    ``live`` has the data files that count, by table and path; ``replaced`` has the time (ns) at
    which a file was replaced. A blob counts if a row of a live file names it.
    """

    commits: tuple[Commit, ...] = ()
    by_id: dict[str, Commit] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    abandoned: frozenset[str] = frozenset()
    live: dict[str, dict[str, DataFile]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> frozenset[str]:
        """The sources that were ever committed.

        Only work that commits needs them. In a home with many clips, collecting them takes longer
        than everything else that a list needs.
        """
        return frozenset(source for row in self.commits for source in row.sources)

    def is_live(self, path: str) -> bool:
        """Whether a data file counts."""
        return path in self.live.get(path.split("/", maxsplit=1)[0], {})

    def after(self, rows: Sequence[Commit]) -> "History":
        """The history after these further commits, in their order."""
        if not rows:
            return self
        replaced = self.replaced | {path: row.time_ns for row in rows for path in row.replaced}
        live = self.live.copy()
        for name in {path.split("/", maxsplit=1)[0] for row in rows for path in row.replaced}:
            kept = live.get(name, {}).items()
            live[name] = {path: file for path, file in kept if path not in replaced}
        brought: dict[str, dict[str, DataFile]] = {}
        for file in (file for row in rows for file in row.files):
            if not file.is_blob and file.path not in replaced:
                brought.setdefault(file.table, {})[file.path] = file
        following = History(
            commits=(*self.commits, *rows),
            by_id=self.by_id | {row.commit_id: row for row in rows},
            replaced=replaced,
            abandoned=self.abandoned.union(id_ for row in rows for id_ in row.abandoned),
            live=live | {name: live.get(name, {}) | files for name, files in brought.items()},
        )
        if "sources" in vars(self):  # they will be needed again: add the new ones
            more = (source for row in rows for source in row.sources)
            vars(following)["sources"] = self.sources.union(more)
        return following


class AlreadyCommittedError(RidealongError):
    """Another commit has some of the sources; ``sources`` names them, and nothing was added."""

    def __init__(self, sources: Iterable[str], where: Path) -> None:
        self.sources, self._home = tuple(sources), where
        super().__init__(f"{len(self.sources)} source(s) are already in the lake", where=where)

    def __reduce__(self) -> tuple[object, ...]:
        return (AlreadyCommittedError, (self.sources, self._home))


class StaleError(Exception):
    """A file to be replaced no longer counts: the rewrite must start from a new snapshot."""


def read(home: Path) -> tuple[DeltaTable, History]:
    """The table ``commits`` at its newest version, and its history.

    Raises:
        RidealongError: The table or one of its files is damaged or cannot be read.
    """
    folder = home / COMMITS.name
    for count in range(log.ATTEMPTS):
        least = _newest(folder)  # read before the log, because others may append to the log
        table = log.load(folder)
        try:
            history = _history(folder, frozenset(log.listed(table)))
        except DamagedError:
            # A vacuum with age 0 may remove a file after we read the log and before we read it.
            if log.load(folder).version() == table.version():
                raise
            log.pause(count)
            continue
        _require_all(folder, history, least)
        return table, history
    raise RidealongError(
        "other commands changed the lake at every attempt to read it",
        where=folder,
        hint="try again",
    )


def record(
    home: Path, decide: Callable[[History], Commit | None], *, merge: bool = False
) -> Commit | None:
    """Append one row, which makes the command visible.

    Args:
        home: The lake's folder.
        decide: Gives the row, from the history that it would follow; None if there is nothing to
            do. It is called again after each conflict, and raises an error to prevent the commit.
        merge: Write all rows into one file instead of adding one (the table's own compaction).

    Returns:
        The row as recorded, or the row that an earlier execution of the same command recorded.
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
        # Read it back. It is not there if somebody else appended first, or if a vacuum with age 0
        # cut the log meanwhile: then a row that is appended to an old version is lost.
        if recorded := read(home)[1].by_id.get(commit.commit_id):
            _note_newest(home / COMMITS.name, recorded.number)
            return recorded
        log.pause(count)
    raise RidealongError(
        "other commands changed the lake at every attempt to commit", where=home, hint="try again"
    )


def _refuse_abandoned(commit: Commit, history: History, home: Path) -> None:
    if commit.commit_id in history.abandoned:
        raise RidealongError(
            f"a vacuum removed the files of this command while it ran (commit {commit.commit_id})",
            where=home,
            hint="run it again; give vacuum an age that is longer than any command takes",
        )


def _append(home: Path, table: DeltaTable, history: History, commit: Commit, merge: bool) -> None:
    """Try to add the row to exactly the version that ``table`` holds."""
    folder, listed = home / COMMITS.name, sorted(log.listed(table))
    commit = replace(commit, number=len(history.commits) + 1)
    old = listed if merge else _alike(folder, listed)
    try:
        added = _written(home, commit, old)
    except RidealongError:
        if merge or not old:
            raise
        old = []  # there may be room for one row, but not for many
        added = _written(home, commit, old)
    try:
        log.swap(table, folder, added, old, COMMITS.schema)
    except log.ConflictError:
        (home / added.path).unlink(missing_ok=True)


def _alike(folder: Path, listed: Iterable[str]) -> list[str]:
    """Files of similar size (in powers of `MERGED`), if there are enough of them to merge."""
    sizes: dict[int, list[str]] = {}
    for path in listed:
        size, rows = 0, len(_rows(folder / path))
        while rows >= MERGED:
            size, rows = size + 1, rows // MERGED
        sizes.setdefault(size, []).append(path)
    return next((sizes[size] for size in sorted(sizes) if len(sizes[size]) >= MERGED), [])


def _written(home: Path, commit: Commit, old: Sequence[str]) -> DataFile:
    """One file with the new row and all rows of the old files, which it replaces."""
    folder = home / COMMITS.name
    merged = tuple(f"{COMMITS.name}/{path}" for path in old)
    earlier = (row for path in old for row in _rows(folder / path))
    commit = replace(commit, replaced=commit.replaced + merged)
    rows = {row.number: row for row in (*earlier, commit)}
    added = write_data_file(home, commit.commit_id, COMMITS, as_table(rows.values()))
    assert added is not None
    return added


def as_table(commits: Iterable[Commit]) -> pa.Table:
    """Commits as rows of the table ``commits``."""
    rows = [asdict(replace(commit, sources=tuple(commit.sources))) for commit in commits]
    return pa.Table.from_pylist(rows, schema=COMMITS.schema)


def _history(folder: Path, listed: frozenset[str]) -> History:
    """The history in the listed files; only files that are new since the last time are read."""
    files, known = _READ.get(folder, (frozenset[str](), History()))
    history = _continued(folder, known, listed - files, files - listed)
    history = history or _continued(folder, History(), listed)
    assert history is not None
    if len(_READ) >= _READ_MOST:
        _READ.clear()
    _READ[folder] = listed, history
    return history


def _continued(
    folder: Path, known: History, fresh: Iterable[str], gone: Iterable[str] = ()
) -> History | None:
    """The known history with the rows of further files; None if they do not continue it.

    Files that are gone were merged into further ones, unless another home is in that place now.
    """
    rows = {row.number: row for path in sorted(fresh) for row in _rows(folder / path)}
    if any(row.number not in rows for path in gone for row in _rows(folder / path)):
        return None
    count = len(known.commits)
    again = (row for number, row in rows.items() if number <= count)
    if any(known.commits[row.number - 1].commit_id != row.commit_id for row in again):
        return None
    return known.after([rows[number] for number in sorted(rows) if number > count])


def _require_all(folder: Path, history: History, least: int) -> None:
    """Refuse a table that lacks a commit; a damaged log may lose one without an error."""
    count = len(history.commits)
    last = history.commits[-1].number if history.commits else 0
    if last != count or count < least:
        numbers = enumerate((row.number for row in history.commits), 1)
        found = next((place for place, number in numbers if place != number), count + 1)
        _READ.pop(folder, None)
        raise DamagedError(
            f"its Delta log is damaged: commit {found} is missing", where=folder, hint=RESTORE
        )


def _newest(folder: Path) -> int:
    """The least number of commits that there must be; 0 if it was not stored or is unreadable."""
    with suppress(OSError, ValueError):
        number, proof = (folder / NEWEST).read_text("utf-8").split()
        return int(number) if proof == _proof(number) else 0
    return 0


def _note_newest(folder: Path, number: int) -> None:
    """Store the number of the newest commit; if the disk is full, an earlier number stays."""
    if number <= _newest(folder):
        return
    temporary = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
    with suppress(OSError):
        try:
            temporary.write_text(f"{number} {_proof(str(number))}\n", "utf-8")
            temporary.replace(folder / NEWEST)
        finally:
            temporary.unlink(missing_ok=True)


def _proof(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()


@lru_cache(maxsize=8192)
def _rows(path: Path) -> tuple[Commit, ...]:
    """The commits in one file of the table; cached, because files never change.

    Raises:
        DamagedError: The file is missing or damaged.
    """
    require_sound(path.parent, [str(path)])
    with disk_errors(path):
        return tuple(_commits(read_file(path)))


def _commits(rows: pa.Table) -> Iterator[Commit]:
    """The rows, converted by column: converting to dictionaries takes Arrow three times as long."""
    columns: dict[str, list[Any]] = {
        name: rows[name].to_pylist()
        for name in ("commit_id", "command", "counts", "number", "time_ns")
    }
    for name in ("replaced", "abandoned"):
        columns[name] = _tuples(rows[name], lambda values: values.to_pylist())
    columns["files"] = _tuples(rows["files"], _data_files)
    columns["sources"] = [StoredKeys(values) for values in _lists(rows["sources"])]
    for values in zip(*columns.values(), strict=True):
        yield Commit(**dict(zip(columns, values, strict=True)))


def _tuples(column: pa.ChunkedArray, items: Callable[[pa.Array], list[Any]]) -> list[Any]:
    """The lists of a column as tuples; ``items`` converts the values of all lists together."""
    lists = column.combine_chunks()
    # Not `flatten`: it loads all of pyarrow.compute, which is 10% of a list command's start.
    values = items(lists.values)
    return [tuple(values[start:end]) for start, end in pairwise(lists.offsets.to_pylist())]


def _lists(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """The lists of a column, each as Arrow has it."""
    lists = column.combine_chunks()
    for start, end in pairwise(lists.offsets.to_pylist()):
        yield lists.values[start:end]


def _data_files(files: pa.StructArray) -> list[DataFile]:
    parts = (files.field(name).to_pylist() for name in ("path", "bytes", "rows", "schema"))
    return [DataFile(*values) for values in zip(*parts, strict=True)]
