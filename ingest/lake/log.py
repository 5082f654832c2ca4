"""The one door to Delta: what a table's log lists, and how entries are added and removed.

Every table is a Delta table of its own, which other tools can open. Entries carry row counts but
no column statistics: a statistic would keep an erased vehicle's name in the log.

delta-rs starts threads when it is loaded: a process that imported this module must not fork.
"""

import json
import random
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from ingest.errors import RidealongError
from ingest.lake.files import DataFile, flush, telling

ATTEMPTS = 200
_SYNC = "ridealong-sync"
_REFUSED_FEATURES = {"deletionVectors": "deletion vectors", "columnMapping": "column mapping"}


class ConflictError(Exception):
    """Somebody else committed to the table meanwhile: look again, decide again."""


def is_table(folder: Path) -> bool:
    """Whether the folder is a Delta table."""
    return (folder / "_delta_log").is_dir() and DeltaTable.is_deltatable(_uri(folder))


def load(folder: Path) -> DeltaTable:
    """The table at its newest version.

    Raises:
        RidealongError: Its log cannot be read, or it uses deletion vectors or column mapping.
    """
    try:
        table = DeltaTable(_uri(folder))
        _require_plain(table, folder)
    except (DeltaError, OSError, ValueError) as error:
        raise RidealongError(
            f"its Delta log cannot be read ({error})",
            where=folder,
            mend="see `ridealong lake check`",
        ) from error
    return table


def listed(table: DeltaTable) -> set[str]:
    """Paths, relative to the table's folder, of the files that the log lists."""
    return {"/".join(unquote(uri).split("/")[-2:]) for uri in table.file_uris()}


def require_plain(folder: Path) -> None:
    """Refuse a table that holds more than its files say; looks anew only when its log has grown."""
    if not (log := folder / "_delta_log").is_dir():
        return
    _require_plain_at(folder, max((entry.name for entry in log.glob("*.json")), default=""))


def add(folder: Path, files: list[DataFile], schema: pa.Schema) -> None:
    """List the files, creating the table or its new columns first; listing twice is harmless.

    Raises:
        RidealongError: A column has another type in the table, or the log cannot be written.
    """
    wanted = Schema.from_arrow(schema)

    def attempt() -> None:
        if not is_table(folder):
            _create(folder, wanted, files)
            return
        table = load(folder)
        _widen(table, wanted, folder)
        if files:
            actions: list[AddAction | RemoveAction] = [_add_action(folder, file) for file in files]
            table.create_write_transaction(actions, "append", wanted)
        _flush_log(folder)

    _until_done(folder, attempt)


def swap(
    table: DeltaTable, folder: Path, added: DataFile, removed: Iterable[str], schema: pa.Schema
) -> None:
    """Add one file and remove others in one commit on exactly the version that ``table`` holds.

    Raises:
        ConflictError: The table has moved on by another `swap`.
    """
    application = Transaction(folder.name, table.version() + 1)
    actions: list[AddAction | RemoveAction] = [_add_action(folder, added)]
    actions += [_remove_action(path) for path in removed]
    _write(table, folder, actions, schema, application)


def sync(folder: Path, decide: Callable[[set[str]], tuple[list[DataFile], list[str]]]) -> None:
    """Bring the log in line: ``decide`` maps the listed paths to (files to list, paths to drop).

    ``decide`` must look at the commits anew at each call: it is called after the log was read, and
    again whenever another `sync` came between, so that a stale view can never list a file again.
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
    # As a URL: delta-rs reads a plain path with a '%' or a '#' in it in different ways.
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
        if is_table(folder):  # somebody else was faster
            raise ConflictError from error
        raise
    _flush_log(folder)


def _widen(table: DeltaTable, wanted: Schema, folder: Path) -> None:
    """Add the columns that the table lacks; refuse another type for one that it has."""
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
    properties = CommitProperties(app_transactions=[application])
    try:
        with telling(folder):
            table.create_write_transaction(actions, "append", schema, commit_properties=properties)
            _flush_log(folder)
    except CommitFailedError as error:
        raise ConflictError from error
    except DeltaError as error:
        raise _told(folder, error) from error


def _until_done(folder: Path, attempt: Callable[[], None]) -> None:
    """Repeat after conflicts: each of them means that somebody else got on."""
    for count in range(ATTEMPTS):
        try:
            with telling(folder):
                return attempt()
        except (ConflictError, CommitFailedError):
            pause(count)
        except DeltaError as error:
            raise _told(folder, error) from error
    raise RidealongError(f"no quiet moment in {ATTEMPTS} attempts", where=folder, mend="try again")


def pause(count: int) -> None:
    """Wait a little after a conflict, longer and more unevenly after many."""
    time.sleep(random.uniform(0.001, min(0.01 * (count + 1), 0.2)))


def _told(folder: Path, error: Exception) -> RidealongError:
    return RidealongError(
        f"the table's log could not be written ({error})",
        where=folder,
        mend="make room or allow writing, and run the command again: the lake is unchanged",
    )


def _flush_log(folder: Path) -> None:
    """delta-rs does not wait for the disk; a power cut must not leave an empty log entry."""
    log = folder / "_delta_log"
    newest = max(log.glob("*.json"), default=None)
    if newest:
        flush(newest)
    flush(log)


@lru_cache(maxsize=256)
def _require_plain_at(folder: Path, newest: str) -> None:
    if newest:
        load(folder)


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
            f"the table uses {_REFUSED_FEATURES[feature]}, so its files do not say what it holds",
            where=folder,
            expected="a table that only ridealong writes",
        )
