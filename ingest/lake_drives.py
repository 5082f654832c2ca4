"""The drives that are in the lake: their triggers are evaluated without reading a recording.

The lake's telemetry is what ingest evaluated triggers on, so the events are the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.drives import DriveOutcome, DrivePlan, trigger_events
from ingest.planning import trigger_source
from ingest.rows import DriveRow, EventRow, table_of
from ingest.schemas import DRIVES, TELEMETRY
from ingest.triggers.blind_spots import blind_spots
from ingest.triggers.spec import TriggerSpec
from ridealong.errors import RidealongError
from ridealong.execution.accounting import Status
from ridealong.expressions.compile import compile_where
from ridealong.lake import Snapshot
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.progress import SILENT, Steps

BATCH_ROWS = 2_000_000  # of telemetry that are in memory at a time


def lake_drives(snapshot: Snapshot, over: str | None = None) -> list[DriveRow]:
    """The drives in the lake, by id; with ``over`` only those for which it is true.

    Raises:
        RidealongError: There are none, or ``over`` is not a condition over the columns of drives.
    """
    condition, parameters = "true", {}
    if over is not None:
        predicate = compile_where(over, DRIVES.schema, "--over")
        condition, parameters = predicate.sql, predicate.parameters
    query = f"select * from drives where {condition} order by drive_id"
    rows = snapshot.query(query, DRIVES, params=parameters).select(DRIVES.schema.names)
    if rows.num_rows:
        return [_drive_row(row) for row in rows.to_pylist()]
    if over is not None and snapshot.data_files(DRIVES):
        raise RidealongError(
            f"no drive matches {over!r}", where="--over", hint="see `ridealong drives list`"
        )
    raise RidealongError(
        "there are no drives yet", where=snapshot.home, hint="add some with `ridealong ingest`"
    )


def planned(
    drive: DriveRow, triggers: Sequence[TriggerSpec], committed: frozenset[str] = frozenset()
) -> DrivePlan:
    """The triggers to evaluate on a drive: those that are not committed yet."""
    files = DriveFiles(
        drive.source,
        drive.drive_id,
        drive.source_path,
        drive.source_sha256,
        bytes=0,
        mapping=drive.mapping,
    )
    left = (t.name for t in triggers if trigger_source(files, t) not in committed)
    return DrivePlan(files, new=False, triggers=tuple(left))


@dataclass(frozen=True)
class Evaluated:
    """What triggers find on drives: an outcome for each, and the signals that have any value."""

    outcomes: tuple[DriveOutcome, ...]
    recorded: frozenset[str]


def evaluate_drives(
    snapshot: Snapshot,
    drives: Sequence[DriveRow],
    plans: Sequence[DrivePlan],
    triggers: Sequence[TriggerSpec],
    steps: Steps = SILENT,
) -> Evaluated:
    """What ingest would find on each drive, given its plan: events before any budget, and notes.

    Args:
        snapshot: Where the telemetry is.
        drives: The drives, by id.
        plans: Their plans, in the same order.
        triggers: The specs of the plans' triggers.
        steps: Advanced by each drive.
    """
    plan_of = {plan.files.drive_id: plan for plan in plans}
    outcomes: list[DriveOutcome] = []
    recorded: set[str] = set()
    for batch in _batches(drives):
        rows = _telemetry(snapshot, batch, triggers)
        outcomes += _evaluated(batch, rows, plan_of, triggers)
        recorded |= {name for name in rows.column_names if rows[name].null_count < len(rows)}
        steps.advance(len(batch))
    return Evaluated(tuple(outcomes), frozenset(recorded))


def _evaluated(
    batch: Sequence[DriveRow],
    rows: pa.Table,
    plan_of: dict[str, DrivePlan],
    triggers: Sequence[TriggerSpec],
) -> Iterator[DriveOutcome]:
    events, problems = trigger_events(rows, table_of(batch, DRIVES), triggers)
    if problems and len(batch) > 1:  # one of them: each drive is tried alone
        for drive, mine in zip(batch, _by_drive(rows, batch), strict=True):
            yield from _evaluated([drive], mine, plan_of, triggers)
        return
    fired: dict[str, list[EventRow]] = {}
    for event in events:
        fired.setdefault(event.drive_id, []).append(event)
    for drive, mine in zip(batch, _by_drive(rows, batch), strict=True):
        plan = plan_of[drive.drive_id]
        wanted = [trigger for trigger in triggers if trigger.name in plan.triggers]
        seeing = [trigger for trigger in wanted if trigger.name not in problems]
        yield DriveOutcome(
            Status.DONE,
            plan,
            drive=drive,
            events=tuple(e for e in fired.get(drive.drive_id, ()) if e.trigger in plan.triggers),
            aside=tuple(
                ("trigger", problems[trigger.name])
                for trigger in wanted
                if trigger.name in problems
            ),
            blind=tuple(blind_spots(mine, table_of([drive], DRIVES), seeing)),
        )


def _drive_row(row: dict[str, object]) -> DriveRow:
    """A row of the table drives; Arrow gives lists, and rows hold tuples."""
    known = {name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}
    return DriveRow(**known)  # type: ignore[arg-type]


def _batches(drives: Sequence[DriveRow]) -> Iterator[list[DriveRow]]:
    batch: list[DriveRow] = []
    rows = 0
    for drive in drives:
        batch.append(drive)
        rows += drive.telemetry_rows
        if rows >= BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _telemetry(
    snapshot: Snapshot, drives: Sequence[DriveRow], triggers: Sequence[TriggerSpec]
) -> pa.Table:
    """The signals that the triggers read, by drive and time."""
    signals = frozenset(name for trigger in triggers for name in trigger.signals)
    names = [n for n in TELEMETRY.schema.names if n in signals or n in TELEMETRY.order]
    columns = ", ".join(f'"{name}"' for name in names)
    ids = [drive.drive_id for drive in drives]
    # The range lets DuckDB skip the files of other drives; it does not use a list for that.
    found = snapshot.query(
        f"""select {columns} from telemetry
        where drive_id between $first and $last and drive_id in (select unnest($ids))
        order by drive_id, timestamp_ns""",
        TELEMETRY,
        params={"first": ids[0], "last": ids[-1], "ids": ids},
    )
    return found.cast(pa.schema([TELEMETRY.schema.field(name) for name in names]))


def _by_drive(rows: pa.Table, drives: Sequence[DriveRow]) -> Iterator[pa.Table]:
    """Each drive's part of rows that are sorted by drive."""
    counts = {
        one["values"]: one["counts"]
        for one in rows["drive_id"].combine_chunks().value_counts().to_pylist()
    }
    start = 0
    for drive in drives:
        length = counts.get(drive.drive_id, 0)
        yield rows.slice(start, length)
        start += length
