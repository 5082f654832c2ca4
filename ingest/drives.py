"""One drive's way into the lake: open, validate, write, evaluate its triggers.

Plain functions that the pipeline calls for one drive at a time, so memory is bounded by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.accounting import Status
from ingest.clips.cut import whole_drive_event
from ingest.clock import check_clock
from ingest.errors import UnreadableError
from ingest.failures import told
from ingest.lake import DataFile, write_data_file
from ingest.recording import DriveFiles, LeftOut, Mapped, Recording, Selective
from ingest.resample import distance_m
from ingest.schemas import DRIVES, QUARANTINE, ROADS, TELEMETRY
from ingest.sources.registry import SOURCES
from ingest.triggers.blind_spots import BlindSpot, blind_spots
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import TriggerSpec
from ingest.units import NS_PER_S
from ingest.validation import ValidTelemetry, validate_telemetry

Row = dict[str, object]


@dataclass(frozen=True)
class DrivePlan:
    """What to do with one drive.

    Attributes:
        files: Where its recording lies.
        new: Its telemetry is not in the lake yet.
        triggers: Names of the triggers that were not evaluated on it yet.
    """

    files: DriveFiles
    new: bool
    triggers: tuple[str, ...]


@dataclass(frozen=True)
class DriveOutcome:
    """What became of one drive: counts, the files written, and its small rows."""

    item_id: str
    status: Status
    plan: DrivePlan
    reason: str | None = None
    drive: Row | None = None
    events: tuple[Row, ...] = ()
    rows: int = 0
    rows_quarantined: int = 0
    frames_left_out: int = 0
    written: tuple[DataFile, ...] = ()
    blind: tuple[BlindSpot, ...] = ()


def ingest_drive(
    home: Path, commit_id: str, plan: DrivePlan, triggers: Sequence[TriggerSpec]
) -> DriveOutcome:
    """Read one drive, write its telemetry under the commit, and evaluate its triggers.

    Never raises for one drive's sake: unusable input is quarantined, anything else has failed.
    """
    try:
        return _ingest_readable(home, commit_id, plan, triggers)
    except Exception as error:
        return DriveOutcome(plan.files.drive_id, Status.FAILED, plan, told(error))


def _ingest_readable(
    home: Path, commit_id: str, plan: DrivePlan, triggers: Sequence[TriggerSpec]
) -> DriveOutcome:
    try:
        recording = SOURCES[plan.files.source].open(plan.files)
        telemetry = validate_telemetry(recording.telemetry(), plan.files.drive_id)
        check_clock(telemetry.rows["timestamp_ns"].to_numpy(), where=plan.files.path)
        return _ingest_recording(home, commit_id, plan, triggers, recording, telemetry)
    except UnreadableError as error:
        return _quarantined(home, commit_id, plan, str(error))


def _ingest_recording(
    home: Path,
    commit_id: str,
    plan: DrivePlan,
    triggers: Sequence[TriggerSpec],
    recording: Recording,
    telemetry: ValidTelemetry,
) -> DriveOutcome:
    drive = drive_row(plan.files, recording, telemetry)
    wanted = [trigger for trigger in triggers if trigger.name in plan.triggers]
    drives = pa.Table.from_pylist([drive], schema=DRIVES.schema)
    events = evaluate(telemetry.rows, drives, wanted).to_pylist()
    if plan.new and telemetry.rows.num_rows == 0 and recording.cameras:
        events.append(whole_drive_event(drive))
    left_out = _left_out(recording) if plan.new else ()
    written = []
    if plan.new:
        aside = pa.concat_tables([telemetry.quarantine, _frames_left_out(left_out)])
        written = [
            write_data_file(home, commit_id, TELEMETRY, telemetry.rows),
            write_data_file(home, commit_id, QUARANTINE, _located(aside, plan)),
        ]
    if plan.new and isinstance(recording, Mapped):
        # Drives on one map write the same bytes, which are one file of the commit.
        written.append(write_data_file(home, commit_id, ROADS, recording.roads()))
    return DriveOutcome(
        item_id=plan.files.drive_id,
        status=Status.DONE,
        plan=plan,
        drive=drive,
        events=tuple(events),
        rows=telemetry.rows.num_rows,
        rows_quarantined=telemetry.quarantine.num_rows,
        frames_left_out=sum(item.frames for item in left_out),
        written=tuple(file for file in written if file is not None),
        blind=tuple(blind_spots(telemetry.rows, drives, wanted)),
    )


def drive_row(files: DriveFiles, recording: Recording, telemetry: ValidTelemetry) -> Row:
    """The drive's row of the table drives: what the source knows, and what follows from it.

    Raises:
        UnreadableError: The source does not know when it was, and there is no good row.
    """
    row: Row = dict.fromkeys(DRIVES.schema.names) | dict(recording.drive)
    if row["start_ns"] is None:
        row |= _driven(files, telemetry)
    start, end = int(str(row["start_ns"])), int(str(row["end_ns"]))
    row |= {
        "drive_id": files.drive_id,
        "source": files.source,
        "source_path": files.path,
        "source_sha256": files.sha256,
        "duration_s": (end - start) / NS_PER_S,
        "cluster_id": row["cluster_id"] or files.drive_id,
        "cameras": list(recording.cameras),
        "telemetry_rows": telemetry.rows.num_rows,
    }
    return row


def _driven(files: DriveFiles, telemetry: ValidTelemetry) -> Row:
    """When and how far it was driven, by its good rows."""
    rows = telemetry.rows
    if not rows.num_rows:
        first = telemetry.quarantine.column("reason").to_pylist()[:1]
        raise UnreadableError(
            "holds no good row",
            where=files.path,
            mend=f"row 0: {first[0]}" if first else None,
        )
    times_ns = rows.column("timestamp_ns").to_numpy()
    speed = rows.column("Vehicle.Speed")
    known = speed.null_count < rows.num_rows
    return {
        "start_ns": int(times_ns[0]),
        "end_ns": int(times_ns[-1]),
        "distance_m": distance_m(times_ns, speed.to_numpy().astype(np.float64)) if known else None,
    }


def _left_out(recording: Recording) -> Sequence[LeftOut]:
    return recording.left_out() if isinstance(recording, Selective) else ()


def _frames_left_out(left_out: Sequence[LeftOut]) -> pa.Table:
    """One row of quarantine for each reason why frames are not in the drive."""
    rows: list[Row] = [{"kind": "frames", "reason": item.reason} for item in left_out]
    return pa.Table.from_pylist(rows, schema=QUARANTINE.schema)


def _located(quarantine: pa.Table, plan: DrivePlan) -> pa.Table:
    """The quarantined rows with the source and path that they came from."""
    constants = {
        "source": plan.files.source,
        "path": plan.files.path,
        "drive_id": plan.files.drive_id,
    }
    for name, value in constants.items():
        column = pa.array([value] * quarantine.num_rows, pa.string())
        place = quarantine.schema.get_field_index(name)
        quarantine = quarantine.set_column(place, QUARANTINE.schema.field(name), column)
    return quarantine


def _quarantined(home: Path, commit_id: str, plan: DrivePlan, reason: str) -> DriveOutcome:
    row = {
        "source": plan.files.source,
        "path": plan.files.path,
        "drive_id": plan.files.drive_id,
        "kind": "file",
        "reason": reason,
    }
    rows = pa.Table.from_pylist([row], schema=QUARANTINE.schema)
    written = write_data_file(home, commit_id, QUARANTINE, rows) if plan.new else None
    files = (written,) if written else ()
    return DriveOutcome(plan.files.drive_id, Status.QUARANTINED, plan, reason=reason, written=files)
