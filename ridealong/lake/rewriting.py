"""Delete and compact: files are never changed, but replaced by new ones in one commit."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.lake import history, log
from ridealong.lake.files import (
    DataFile,
    disk_errors,
    new_commit_id,
    read_file,
    schema_of,
    write_data_file,
)
from ridealong.lake.history import COMMITS, Commit, History, StaleError
from ridealong.lake.snapshot import Snapshot, name_of
from ridealong.lake.tables import TableSpec
from ridealong.lake.verifying import require_sound
from ridealong.sql import literal, quoted, sql_errors

# Files are merged in memory, where a million rows of telemetry take about 300 MB.
TARGET_BYTES = 32 * 2**20
TARGET_ROWS = 1_000_000
_FILE = "ridealong.file"


@dataclass(frozen=True)
class Compaction:
    """What a compaction did: for each table, how many files were merged into how many."""

    tables: dict[str, tuple[int, int]]


def delete(
    home: Path, where: Mapping[TableSpec | str, str], command: str = "delete"
) -> Commit | None:
    """Delete the rows for which a condition is true, in several tables, in one commit.

    Only files with such rows are rewritten. Rows that are committed after the delete began are not
    deleted. If the row of a blob is gone, the next vacuum removes the blob.

    Args:
        home: The lake's folder.
        where: For each table, a SQL condition over its columns. It may read the other tables, as in
            ``drive_id IN (SELECT drive_id FROM drives WHERE vehicle_id = 'v1')``. It is trusted.
        command: The name of the command in the log.

    Returns:
        The commit, or None if no row matched.
    """

    def attempt() -> Commit | None:
        now, commit_id = Snapshot(home, history.read(home)[1]), new_commit_id()
        conditions = {name_of(table): condition for table, condition in where.items()}
        old: list[DataFile] = []
        new: list[DataFile] = []
        for name, condition in conditions.items():
            if now.data_files(name):
                hit, rest = _without(now, name, condition, commit_id)
                old, new = old + hit, new + rest
        deleted = sum(file.rows for file in old) - sum(file.rows for file in new)
        return _replace(home, commit_id, command, old, new, {"rows_deleted": deleted})

    return _until_fresh(home, attempt)


def erase_vehicle(home: Path, vehicle_id: str) -> Commit | None:
    """Delete every row of one vehicle, by vehicle, drive or clip, in one commit."""
    now = Snapshot(home, history.read(home)[1])
    vehicle = literal(vehicle_id)
    drives = f"SELECT drive_id FROM drives WHERE vehicle_id = {vehicle}"
    conditions = {
        "vehicle_id": f"vehicle_id = {vehicle}",
        "drive_id": f"drive_id IN ({drives})",
        "clip_id": f"clip_id IN (SELECT clip_id FROM clips WHERE drive_id IN ({drives}))",
    }
    needed = {"vehicle_id": set[str](), "drive_id": {"drives"}, "clip_id": {"drives", "clips"}}
    where: dict[TableSpec | str, str] = {}
    for name in now.tables():
        columns = set(now.spec(name).schema.names)
        usable = (key for key in conditions if key in columns and needed[key] <= set(now.tables()))
        if key := next(usable, None):
            where[name] = conditions[key]
    return delete(home, where, "erase vehicle")


def compact(
    home: Path, tables: Sequence[TableSpec | str] | None = None, target_bytes: int = TARGET_BYTES
) -> Compaction:
    """Merge files smaller than the target until no two of them fit together any more.

    So a second compaction does nothing. Rows and the results of queries stay the same.

    Args:
        home: The lake's folder.
        tables: Which tables; by default all, including the table of commits.
        target_bytes: Files are merged up to this size (and up to a million rows).
    """
    now = Snapshot(home, history.read(home)[1])
    names = [COMMITS.name, *now.tables()] if tables is None else [name_of(t) for t in tables]
    done = {}
    for name in sorted(set(names) - {COMMITS.name}):
        before, after = len(now.data_files(name)), _compact_table(home, name, target_bytes)
        if after != before:
            done[name] = (before, after)
    if COMMITS.name in names and (merged := _merge_commits(home)) > 1:
        done[COMMITS.name] = (merged, 1)
    return Compaction(done)


def bins(files: Iterable[DataFile], target_bytes: int) -> list[list[DataFile]]:
    """Groups of two or more files, each group together within the target's bytes and rows."""
    groups: list[list[DataFile]] = []
    for file in sorted(files, key=lambda file: (file.bytes, file.path)):
        group = groups[-1] if groups else []
        size = sum(other.bytes for other in group) + file.bytes
        rows = sum(other.rows for other in group) + file.rows
        if group and size <= target_bytes and rows <= TARGET_ROWS:
            group.append(file)
        else:
            groups.append([file])
    return [group for group in groups if len(group) > 1]


def _compact_table(home: Path, name: str, target_bytes: int) -> int:
    """Merge until nothing is left to merge; give the number of files that are left."""

    def attempt() -> Commit | None:
        now, commit_id = Snapshot(home, history.read(home)[1]), new_commit_id()
        groups = bins(now.data_files(name), target_bytes)
        if not groups:
            return None
        spec = now.spec(name)
        new = [_merged(home, commit_id, spec, group) for group in groups]
        old = [file for group in groups for file in group]
        return _replace(home, commit_id, "compact", old, new, {})

    while _until_fresh(home, attempt):
        pass
    return len(Snapshot(home, history.read(home)[1]).data_files(name))


def _merge_commits(home: Path) -> int:
    """Write all commits into one file, unless there is only one; give the number before."""
    table, _ = history.read(home)
    before = len(log.listed(table))
    if before > 1:
        row = Commit(new_commit_id(), "compact")
        history.record(home, lambda now: row, merge=True)
    return before


def _merged(home: Path, commit_id: str, spec: TableSpec, group: list[DataFile]) -> DataFile:
    rows = pa.concat_tables((_read(home / file.path) for file in group), promote_options="default")
    return _written(home, commit_id, spec, rows.select(spec.schema.names))


def _read(path: Path) -> pa.Table:
    with disk_errors(path):
        return read_file(path)


def _without(
    now: Snapshot, name: str, condition: str, commit_id: str
) -> tuple[list[DataFile], list[DataFile]]:
    """The files with matching rows, and the files that replace them."""
    spec, old, new = now.spec(name), [], []
    with now.connect() as connection, sql_errors(f"deleting from {name}"):
        every = now.relation(spec, now.data_files(name), _FILE)
        found = connection.sql(
            f"SELECT DISTINCT {quoted(_FILE)} FROM ({every}) AS {quoted(name)} WHERE ({condition})"
        ).fetchall()
        hit = {path for (path,) in found}
        for file in now.data_files(name):
            if str(now.home / file.path) not in hit:
                continue
            old.append(file)
            one = now.relation(spec, [file])
            rest = connection.sql(
                f"SELECT * FROM ({one}) AS {quoted(name)} WHERE ({condition}) IS NOT TRUE"
            ).to_arrow_table()
            if rest.num_rows:
                new.append(_written(now.home, commit_id, spec, rest))
    return old, new


def _written(home: Path, commit_id: str, spec: TableSpec, rows: pa.Table) -> DataFile:
    file = write_data_file(home, commit_id, spec, rows)
    assert file is not None
    return file


def _replace(
    home: Path,
    commit_id: str,
    command: str,
    old: list[DataFile],
    new: list[DataFile],
    counts: dict[str, int],
) -> Commit | None:
    """Record that the new files replace the old ones, then update the tables' own logs."""
    if not old:
        return None
    replaced = tuple(sorted(file.path for file in old))
    counts = {"files_replaced": len(old), "files_written": len(new)} | counts
    row = Commit(
        commit_id, command, tuple(new), replaced=replaced, counts=json.dumps(counts, sort_keys=True)
    )

    def decide(latest: History) -> Commit:
        if row.commit_id not in latest.by_id and not all(map(latest.is_live, replaced)):
            raise StaleError
        return row

    recorded = history.record(home, decide)
    for name in sorted({file.table for file in old}):
        sync_table(home, name)
    return recorded


def sync_table(home: Path, name: str, dead: frozenset[str] = frozenset()) -> None:
    """Make a table's own log list exactly the live files, and files of commands in progress.

    Args:
        home: The lake's folder.
        name: The table.
        dead: Further files (relative to the home) to take off the list.
    """

    def decide(listed: set[str]) -> tuple[list[DataFile], list[str]]:
        _, latest = history.read(home)
        live = latest.live.get(name, {})
        gone = (latest.replaced.keys() | dead) - live.keys()
        added = [file for path, file in live.items() if path.split("/", 1)[1] not in listed]
        return added, [path for path in sorted(listed) if f"{name}/{path}" in gone]

    if live := history.read(home)[1].live.get(name):
        _relist(home, name, live)
    log.sync(home / name, decide)


def _relist(home: Path, name: str, live: Mapping[str, DataFile]) -> None:
    """Rebuild the table's log if it was removed, for example because it was damaged."""
    if not log.is_table(home / name):
        require_sound(home, live)
        schemas = [schema_of(home / path).remove_metadata() for path in live]
        log.add(home / name, list(live.values()), pa.unify_schemas(schemas))


def _until_fresh(home: Path, attempt: Callable[[], Commit | None]) -> Commit | None:
    """Start again whenever another rewrite replaced one of our files first."""
    for count in range(log.ATTEMPTS):
        try:
            return attempt()
        except StaleError:
            log.pause(count)
    raise RidealongError(
        "other commands changed the lake at every attempt to rewrite files",
        where=home,
        hint="try again",
    )
