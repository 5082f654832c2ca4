"""The only module that calls Delta: what a table's log lists, and how entries are changed.

Every table is a separate Delta table, which other tools can open. Entries have row counts but no
column statistics: a statistic would keep an erased vehicle's name in the log.

The time to read a log grows with the number of entries since its last checkpoint; at a hundred
entries it is four times the rest of a commit. So a loaded table is cached until its log grows, and
every tenth entry is followed by a checkpoint. delta-rs would make one every hundredth entry, inside
the commit: on a full disk that commit is recorded and then fails.

delta-rs starts threads when it is loaded, so a process that imported this module must not fork.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    Schema,
    Transaction,
)
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from ridealong.errors import RidealongError
from ridealong.lake.files import DataFile, disk_errors, flush
from ridealong.limits import MAKE_ROOM, refused

ATTEMPTS = 200
CHECKPOINT_EVERY = 10
_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
# Tables as they were last loaded, each with the inode and time of its newest log entry.
_LOADED: dict[Path, tuple[DeltaTable, tuple[int, int]]] = {}
_LOADED_MOST = 256
_SYNC = "ridealong-sync"
_REFUSED_FEATURES = {"deletionVectors": "deletion vectors", "columnMapping": "column mapping"}


class ConflictError(Exception):
    """Another command committed to the table meanwhile: read it and decide again."""


def is_table(folder: Path) -> bool:
    """Whether the folder is a Delta table."""
    if _kept(folder):
        return True
    with _log_errors(folder):
        return (folder / "_delta_log").is_dir() and DeltaTable.is_deltatable(_uri(folder))


def load(folder: Path) -> DeltaTable:
    """The table at its newest version; it is cached until its log grows.

    Raises:
        RidealongError: Its log cannot be read, or it uses deletion vectors or column mapping.
    """
    if kept := _kept(folder):
        return kept
    with _log_errors(folder):
        table = DeltaTable(_uri(folder))
        _require_plain(table, folder)
    if len(_LOADED) >= _LOADED_MOST:
        _LOADED.clear()
    if newest := _entry(folder, table.version()):
        _LOADED[folder] = table, newest
    return table


def _kept(folder: Path) -> DeltaTable | None:
    """The cached table, if its log has not changed."""
    table, seen = _LOADED.get(folder, (None, None))
    if table is None or seen != _entry(folder, table.version()):
        return None
    return None if _entry(folder, table.version() + 1) else table


def _entry(folder: Path, version: int) -> tuple[int, int] | None:
    """Inode and time of an entry of the log; None if it does not exist."""
    try:
        status = (folder / "_delta_log" / f"{version:020d}.json").stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


@contextmanager
def _log_errors(folder: Path) -> Iterator[None]:
    """Turn delta-rs's errors about a log into one line for the user."""
    try:
        with _panics_raised():
            yield
    except RidealongError:
        raise
    except Exception as error:
        raise refused(error, folder) or RidealongError(
            f"its Delta log cannot be read ({error})", where=folder, hint=_restoring(folder)
        ) from error


@contextmanager
def _panics_raised() -> Iterator[None]:
    """Turn a panic of delta-rs, which would end the program, into an error."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise DeltaError(str(error)) from error


def _restoring(folder: Path) -> str:
    """What to do about a damaged log; only the log of ``commits`` cannot be rebuilt."""
    if folder.name == "commits":
        return "restore the table's folder from a copy; `ridealong lake check` lists all damage"
    return "remove its folder _delta_log: `ridealong lake vacuum` rebuilds it from the commits"


def listed(table: DeltaTable) -> set[str]:
    """Paths, relative to the table's folder, of the files that the log lists."""
    return {"/".join(unquote(uri).split("/")[-2:]) for uri in table.file_uris()}


def require_plain(folder: Path) -> None:
    """Refuse a table with features that change what its files mean."""
    if (folder / "_delta_log").is_dir():
        load(folder)


def add(folder: Path, files: list[DataFile], schema: pa.Schema) -> None:
    """List the files; create the table or its new columns first. Listing twice is harmless.

    Raises:
        RidealongError: A column has another type in the table, or the log cannot be written.
    """
    wanted = Schema.from_arrow(schema)

    def attempt() -> None:
        if not is_table(folder):
            _create(folder, wanted, files)
            return
        table = load(folder)
        before = table.version()
        _widen(table, wanted, folder)
        if files:
            actions: list[AddAction | RemoveAction] = [_add_action(folder, file) for file in files]
            table.create_write_transaction(
                actions, "append", wanted, post_commithook_properties=_NO_HOOKS
            )
        _settle(folder, before)

    _until_done(folder, attempt)


def swap(
    table: DeltaTable, folder: Path, added: DataFile, removed: Iterable[str], schema: pa.Schema
) -> None:
    """Add one file and remove others in one commit on exactly the version that ``table`` holds.

    Raises:
        ConflictError: Another `swap` has changed the table.
    """
    application = Transaction(folder.name, table.version() + 1)
    actions: list[AddAction | RemoveAction] = [_add_action(folder, added)]
    actions += [_remove_action(path) for path in removed]
    _write(table, folder, actions, schema, application)


def sync(folder: Path, decide: Callable[[set[str]], tuple[list[DataFile], list[str]]]) -> None:
    """Correct the log: ``decide`` maps the listed paths to (files to list, paths to drop).

    ``decide`` must read the commits at each call. It is called after the log was read, and again
    whenever another `sync` was first, so an outdated view can never list a file again.
    """
    if not is_table(folder):
        return

    def attempt() -> None:
        table = load(folder)
        added, dropped = decide(listed(table))
        if not added and not dropped:
            return
        actions: list[AddAction | RemoveAction] = [_add_action(folder, file) for file in added]
        actions += [_remove_action(path) for path in dropped]
        application = Transaction(_SYNC, table.version() + 1)
        _write(table, folder, actions, table.schema(), application)

    _until_done(folder, attempt)


def forget_history(folder: Path) -> None:
    """Keep only the newest state of the log: older entries are removed from the disk."""

    def attempt() -> None:
        table = load(folder)
        retention = table.metadata().configuration.get("delta.logRetentionDuration")
        table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
        table.create_checkpoint()
        table.cleanup_metadata()
        kept = retention or "interval 30 days"
        table.alter.set_table_properties({"delta.logRetentionDuration": kept})

    _until_done(folder, attempt)


def _uri(folder: Path) -> str:
    # As a URL: delta-rs does not treat '%' and '#' in a plain path consistently.
    return folder.absolute().as_uri()


def _add_action(folder: Path, file: DataFile) -> AddAction:
    inside = file.path.split("/", 1)[1]
    modified_ms = (folder / inside).stat().st_mtime_ns // 1_000_000
    return AddAction(
        inside, file.bytes, {}, modified_ms, True, json.dumps({"numRecords": file.rows})
    )


def _remove_action(path: str) -> RemoveAction:
    return RemoveAction(path, True, time.time_ns() // 1_000_000)


def _create(folder: Path, schema: Schema, files: list[DataFile]) -> None:
    actions = [_add_action(folder, file) for file in files]
    try:
        create_table_with_add_actions(_uri(folder), schema, actions, mode="error")
    except DeltaError as error:
        if is_table(folder):  # another command was faster
            raise ConflictError from error
        raise
    _settle(folder, -1)


def _widen(table: DeltaTable, wanted: Schema, folder: Path) -> None:
    """Add the columns that the table lacks; refuse a change of a column's type."""
    known = {field.name: field for field in table.schema().fields}
    for field in wanted.fields:
        if field.name in known and known[field.name].type != field.type:
            raise RidealongError(
                f"column {field.name!r} as {field.type}",
                where=f"table {folder.name}",
                expected=f"{known[field.name].type}, as the table has it",
            )
    new = [field for field in wanted.fields if field.name not in known]
    if new:
        table.alter.add_columns(new)


def _write(
    table: DeltaTable,
    folder: Path,
    actions: list[AddAction | RemoveAction],
    schema: Schema | pa.Schema,
    application: Transaction,
) -> None:
    properties, before = CommitProperties(app_transactions=[application]), table.version()
    try:
        with disk_errors(folder), _panics_raised():
            table.create_write_transaction(
                actions,
                "append",
                schema,
                commit_properties=properties,
                post_commithook_properties=_NO_HOOKS,
            )
            _settle(folder, before)
    except CommitFailedError as error:
        raise ConflictError from error
    except DeltaError as error:
        raise _log_error(folder, error) from error


def _until_done(folder: Path, attempt: Callable[[], None]) -> None:
    """Repeat after conflicts; each conflict means that another command has made progress."""
    for count in range(ATTEMPTS):
        try:
            with disk_errors(folder), _panics_raised():
                return attempt()
        except (ConflictError, CommitFailedError):
            pause(count)
        except DeltaError as error:
            raise _log_error(folder, error) from error
    raise RidealongError(
        f"other commands changed the table at each of {ATTEMPTS} attempts",
        where=folder,
        hint="try again",
    )


def pause(count: int) -> None:
    """Wait a random time after a conflict; longer after many."""
    time.sleep(random.uniform(0.001, min(0.01 * (count + 1), 0.2)))


def _log_error(folder: Path, error: Exception) -> RidealongError:
    return refused(error, folder) or RidealongError(
        f"the table's log could not be written ({error})",
        where=folder,
        hint=f"allow writing, or {MAKE_ROOM}",
    )


def _settle(folder: Path, before: int) -> None:
    """Flush the entries after ``before`` to the disk, and make a checkpoint if one is due.

    delta-rs does not flush, and a power cut must not leave an empty entry.
    """
    table, log = load(folder), folder / "_delta_log"
    for version in range(before + 1, table.version() + 1):
        with suppress(FileNotFoundError):  # a vacuum with age 0 may have removed it
            flush(log / f"{version:020d}.json")
    flush(log)
    if table.version() and table.version() % CHECKPOINT_EVERY == 0:
        # A checkpoint only makes reading faster: if there is no room, the entry is valid anyway.
        with suppress(DeltaError, OSError):
            table.create_checkpoint()
            table.cleanup_metadata()


def _require_plain(table: DeltaTable, folder: Path) -> None:
    protocol, settings = table.protocol(), table.metadata().configuration
    features = set(protocol.reader_features or ())
    if (
        protocol.min_reader_version == 2
        or settings.get("delta.columnMapping.mode", "none") != "none"
    ):
        features.add("columnMapping")
    if settings.get("delta.enableDeletionVectors") == "true":
        features.add("deletionVectors")
    for feature in sorted(features & set(_REFUSED_FEATURES)):
        raise RidealongError(
            f"the table uses {_REFUSED_FEATURES[feature]}, so its files alone are not its content",
            where=folder,
            expected="a table that only ridealong writes",
        )
