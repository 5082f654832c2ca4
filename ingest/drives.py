"""One drive's way into the lake: open, validate, write, evaluate its triggers, cut its clips.

Plain functions that the pipeline calls for one drive at a time, so memory is bounded by one.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ingest.accounting import Status
from ingest.annotations import Camera
from ingest.clips.write import ClipContent, write_clip
from ingest.errors import RidealongError, UnreadableError
from ingest.hashing import short_hash
from ingest.lake import DataFile, scratch_folder, write_blob, write_data_file
from ingest.recording import DriveFiles, Recording
from ingest.schemas import DRIVES, EVENTS, QUARANTINE, TELEMETRY
from ingest.sources.registry import SOURCES
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import TriggerSpec
from ingest.triggers.windows import ClipWindow, clip_id, merge_windows, with_clip_ids
from ingest.units import NS_PER_S
from ingest.validation import ValidTelemetry, validate_telemetry

WHOLE_DRIVE = "whole_drive"
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
    written: tuple[DataFile, ...] = ()


@dataclass(frozen=True)
class ClipsOutcome:
    """What became of the clips of one drive's events."""

    drive_id: str
    events: tuple[Row, ...]
    clips: tuple[Row, ...] = ()
    written: tuple[DataFile, ...] = ()
    failure: str | None = None


def ingest_drive(
    home: Path, commit_id: str, plan: DrivePlan, triggers: Sequence[TriggerSpec]
) -> DriveOutcome:
    """Read one drive, write its telemetry under the commit, and evaluate its triggers.

    Never raises for one drive's sake: unusable input is quarantined, anything else has failed.
    """
    try:
        recording = SOURCES[plan.files.source].open(plan.files)
        telemetry = validate_telemetry(recording.telemetry(), plan.files.drive_id)
        return _ingest_recording(home, commit_id, plan, triggers, recording, telemetry)
    except UnreadableError as error:
        return _quarantined(home, commit_id, plan, str(error))
    except Exception as error:
        return DriveOutcome(plan.files.drive_id, Status.FAILED, plan, _told(error))


def _ingest_recording(
    home: Path,
    commit_id: str,
    plan: DrivePlan,
    triggers: Sequence[TriggerSpec],
    recording: Recording,
    telemetry: ValidTelemetry,
) -> DriveOutcome:
    drive = drive_row(plan.files, recording, telemetry.rows)
    wanted = [trigger for trigger in triggers if trigger.name in plan.triggers]
    drives = pa.Table.from_pylist([drive], schema=DRIVES.schema)
    events = evaluate(telemetry.rows, drives, wanted).to_pylist()
    if plan.new and telemetry.rows.num_rows == 0 and recording.cameras:
        events.append(whole_drive_event(drive))
    written = []
    if plan.new:
        written = [
            write_data_file(home, commit_id, TELEMETRY, telemetry.rows),
            write_data_file(home, commit_id, QUARANTINE, _located(telemetry.quarantine, plan)),
        ]
    return DriveOutcome(
        item_id=plan.files.drive_id,
        status=Status.DONE,
        plan=plan,
        drive=drive,
        events=tuple(events),
        rows=telemetry.rows.num_rows,
        rows_quarantined=telemetry.quarantine.num_rows,
        written=tuple(file for file in written if file is not None),
    )


def drive_row(files: DriveFiles, recording: Recording, telemetry: pa.Table) -> Row:
    """The drive's row of the table drives: what the source knows, and what follows from it."""
    row: Row = dict.fromkeys(DRIVES.schema.names) | dict(recording.drive)
    start, end = int(str(row["start_ns"])), int(str(row["end_ns"]))
    row |= {
        "drive_id": files.drive_id,
        "source": files.source,
        "source_path": files.path,
        "source_sha256": files.sha256,
        "duration_s": (end - start) / NS_PER_S,
        "cluster_id": row["cluster_id"] or files.drive_id,
        "cameras": list(recording.cameras),
        "telemetry_rows": telemetry.num_rows,
    }
    return row


def whole_drive_event(drive: Row) -> Row:
    """The one event of a drive without telemetry: no trigger can choose, so all of it is a clip."""
    drive_id = str(drive["drive_id"])
    return dict.fromkeys(EVENTS.schema.names) | {
        "event_id": short_hash(WHOLE_DRIVE, drive_id),
        "drive_id": drive_id,
        "vehicle_id": drive["vehicle_id"],
        "trigger": WHOLE_DRIVE,
        "trigger_sha256": short_hash(WHOLE_DRIVE),
        "onset_ns": drive["start_ns"],
        "time_ns": drive["start_ns"],
        "onset_s": 0.0,
        "time_s": 0.0,
        "kept": True,
        "inclusion_probability": 1.0,
    }


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


def _told(error: Exception) -> str:
    """An error in one line; an unexpected one with the place in our code."""
    if isinstance(error, RidealongError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'disk'}: {error.strerror or error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"


def cut_clips(
    home: Path,
    commit_id: str,
    files: DriveFiles,
    events: Sequence[Row],
    triggers: Sequence[TriggerSpec],
) -> ClipsOutcome:
    """Cut the clips that one drive's kept events ask for, and tell each event its clip.

    All or nothing: a clip that cannot be cut fails the drive, and the next run tries it again.
    """
    try:
        recording = SOURCES[files.source].open(files)
        telemetry = validate_telemetry(recording.telemetry(), files.drive_id).rows
        drive = drive_row(files, recording, telemetry)
        windows = _windows(events, triggers, drive)
        cut = [
            _cut(home, commit_id, window, events, drive, recording, telemetry) for window in windows
        ]
    except Exception as error:
        return ClipsOutcome(files.drive_id, tuple(events), failure=_told(error))
    table = pa.Table.from_pylist(list(events), schema=EVENTS.schema)
    return ClipsOutcome(
        files.drive_id,
        events=tuple(with_clip_ids(table, windows).to_pylist()),
        clips=tuple(clip for clip, _ in cut),
        written=tuple(blob for _, blob in cut),
    )


def _windows(
    events: Sequence[Row], triggers: Sequence[TriggerSpec], drive: Row
) -> list[ClipWindow]:
    start, end = int(str(drive["start_ns"])), int(str(drive["end_ns"]))
    kept = [event for event in events if event["kept"]]
    whole = [event for event in kept if event["trigger"] == WHOLE_DRIVE]
    chosen = [event for event in kept if event["trigger"] != WHOLE_DRIVE]
    table = pa.Table.from_pylist(chosen, schema=EVENTS.schema)
    windows = merge_windows(table, triggers, start, end)
    if whole:
        drive_id = str(drive["drive_id"])
        windows.append(
            ClipWindow(
                drive_id=drive_id,
                clip_id=clip_id(drive_id, start, end, [str(whole[0]["event_id"])]),
                start_ns=start,
                end_ns=end,
                triggers=(WHOLE_DRIVE,),
                event_ids=(str(whole[0]["event_id"]),),
                cameras=tuple(Camera),
                by_disagreement=False,
            )
        )
    return windows


def _cut(
    home: Path,
    commit_id: str,
    window: ClipWindow,
    events: Sequence[Row],
    drive: Row,
    recording: Recording,
    telemetry: pa.Table,
) -> tuple[Row, DataFile]:
    names = [name for name in recording.cameras if name in window.cameras]
    inside = pc.and_(
        pc.greater_equal(telemetry["timestamp_ns"], window.start_ns),
        pc.less_equal(telemetry["timestamp_ns"], window.end_ns),
    )
    rows = telemetry.filter(inside)
    content = ClipContent(
        clip_id=window.clip_id,
        drive={key: value for key, value in drive.items() if key != "source_path"},
        start_ns=window.start_ns,
        end_ns=window.end_ns,
        events=[event for event in events if event["event_id"] in window.event_ids],
        telemetry=rows,
        cameras={name: recording.cameras[name] for name in names},
        frames=recording.frames(window.start_ns, window.end_ns, names),
        labels=recording.labels(window.start_ns, window.end_ns),
    )
    path = scratch_folder(home) / f"{commit_id}-{window.clip_id}.mcap"
    try:
        summary = write_clip(path, content)
        blob = write_blob(home, commit_id, path, ".mcap")
    finally:
        path.unlink(missing_ok=True)
    start = int(str(drive["start_ns"]))
    row: Row = {
        "clip_id": window.clip_id,
        "drive_id": drive["drive_id"],
        "start_ns": window.start_ns,
        "end_ns": window.end_ns,
        "start_s": (window.start_ns - start) / NS_PER_S,
        "end_s": (window.end_ns - start) / NS_PER_S,
        "triggers": list(window.triggers),
        "event_ids": list(window.event_ids),
        "by_disagreement": window.by_disagreement,
        "cameras": names,
        "frames": summary.frames,
        "telemetry_rows": rows.num_rows,
        "labelled": content.labels is not None,
        "bytes": blob.bytes,
        "blob": blob.path,
    }
    return row, blob
