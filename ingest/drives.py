"""What is done with one drive: open, validate, write, evaluate its triggers.

These are plain functions. The pipeline calls them for one drive at a time, so only one drive is in
memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.clip_jobs import whole_drive_event
from ingest.rows import DriveRow, EventRow, event_rows, table_of
from ingest.schemas import DRIVES, QUARANTINE, ROADS, TELEMETRY
from ingest.sources.registry import open_drive
from ingest.telemetry.clock import check_clock
from ingest.telemetry.resample import distance_m
from ingest.telemetry.validation import ValidTelemetry, validate_telemetry
from ingest.triggers.blind_spots import BlindSpot, blind_spots, unrecorded
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import TriggerSpec
from ridealong.errors import RidealongError, UnreadableError
from ridealong.execution.accounting import Status
from ridealong.execution.failures import described, may_pass
from ridealong.lake import DataFile, write_data_file
from ridealong.perception.recording import (
    DriveAttributes,
    DriveFiles,
    Mapped,
    Recording,
    Selective,
    Sifted,
)
from ridealong.units import NS_PER_S


@dataclass(frozen=True)
class DrivePlan:
    """What to do with one drive.

    Attributes:
        files: Where its recording is.
        new: Whether its telemetry is not in the lake yet.
        triggers: Names of the triggers that were not evaluated on it yet.
    """

    files: DriveFiles
    new: bool
    triggers: tuple[str, ...]

    @property
    def item_id(self) -> str:
        """Its name in the accounting: two recordings with one drive id are two items."""
        return f"{self.files.drive_id} ({self.files.path})"


@dataclass(frozen=True)
class DriveOutcome:
    """The result of one drive: counts, the files written, and its small rows.

    Attributes:
        status: Whether it was read, quarantined, or failed.
        plan: The planned work.
        reason: Why it was quarantined, or failed.
        drive: Its row of the table drives.
        events: The events of its triggers, before any budget.
        rows, rows_quarantined: How many rows of its telemetry.
        frames_left_out: How many frames the source left out.
        written: Its data files.
        aside: Unusable parts (other than rows) of a usable drive: (kind, reason).
        first_bad: The first of its quarantined rows, and what is wrong with it.
        blind: What its triggers cannot evaluate.
        unrecorded: Triggers that read signals without a value, with these signals.
    """

    status: Status
    plan: DrivePlan
    reason: str | None = None
    drive: DriveRow | None = None
    events: tuple[EventRow, ...] = ()
    rows: int = 0
    rows_quarantined: int = 0
    frames_left_out: int = 0
    written: tuple[DataFile, ...] = ()
    aside: tuple[tuple[str, str], ...] = ()
    first_bad: str | None = None
    blind: tuple[BlindSpot, ...] = ()
    unrecorded: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def item_id(self) -> str:
        """The planned item."""
        return self.plan.item_id

    @property
    def waits(self) -> bool:
        """Whether it has events that budgets may choose for clips."""
        return any(event.kept for event in self.events)

    @property
    def is_clip_alone(self) -> bool:
        """Whether the whole drive is one clip: a video without telemetry."""
        return self.plan.new and self.waits and not self.written


def ingest_drive(
    home: Path, commit_id: str, plan: DrivePlan, triggers: Sequence[TriggerSpec]
) -> DriveOutcome:
    """Read one drive, write its telemetry under the commit, and evaluate its triggers.

    It never raises an error because of one drive. Unusable input is quarantined. If the cause may
    be temporary, the drive fails.
    """
    trouble = plan.files.trouble
    if trouble is not None:
        return _ended(plan, trouble.may_pass, trouble.reason)
    try:
        recording = open_drive(plan.files)
        telemetry = validated(recording, plan.files.drive_id)
        check_clock(
            telemetry.rows["timestamp_ns"].to_numpy(),
            where=plan.files.path,
            mapped=plan.files.source == "table",
        )
        return _ingest_recording(home, commit_id, plan, triggers, recording, telemetry)
    except Exception as error:
        return _ended(plan, may_pass(error) or is_gone(plan.files), located(error, plan.files))


def validated(recording: Recording, drive_id: str) -> ValidTelemetry:
    """The telemetry of a recording, checked; rows that it set aside itself are in quarantine."""
    if not isinstance(recording, Sifted):
        return validate_telemetry(recording.telemetry(), drive_id)
    checked = validate_telemetry(recording.telemetry(), drive_id, recording.row_numbers())
    aside = recording.rows_aside()
    if not aside:
        return checked
    rows = [{"drive_id": drive_id, "kind": "row", **vars(row)} for row in aside]
    more = pa.Table.from_pylist(rows, schema=QUARANTINE.schema)
    quarantine = pa.concat_tables([checked.quarantine, more]).sort_by("row")
    return replace(checked, quarantine=quarantine)


def is_gone(files: DriveFiles) -> bool:
    """Whether a recording was removed after discovery, so its content is not the cause."""
    return not Path(files.path).exists()


def located(error: BaseException, files: DriveFiles) -> str:
    """What is wrong with a recording, and where it is."""
    text = described(error)
    return text if isinstance(error, RidealongError) or may_pass(error) else f"{files.path}: {text}"


def _ended(plan: DrivePlan, passing: bool, reason: str) -> DriveOutcome:
    status = Status.FAILED if passing else Status.QUARANTINED
    return DriveOutcome(status, plan, reason)


def _ingest_recording(
    home: Path,
    commit_id: str,
    plan: DrivePlan,
    triggers: Sequence[TriggerSpec],
    recording: Recording,
    telemetry: ValidTelemetry,
) -> DriveOutcome:
    drive = drive_row(plan.files, recording, telemetry)
    drives = table_of([drive], DRIVES)
    wanted = [trigger for trigger in triggers if trigger.name in plan.triggers]
    events, problems = trigger_events(telemetry.rows, drives, wanted)
    seeing = [trigger for trigger in wanted if trigger.name not in problems]
    if plan.new and telemetry.rows.num_rows == 0 and recording.cameras:
        events.append(whole_drive_event(drive))
    aside = [("trigger", problem) for problem in problems.values()]
    skipped = recording.left_out() if plan.new and isinstance(recording, Selective) else ()
    written = []
    if plan.new:
        written = [
            write_data_file(home, commit_id, TELEMETRY, telemetry.rows),
            write_data_file(home, commit_id, QUARANTINE, _located(telemetry.quarantine, plan)),
        ]
    if plan.new and isinstance(recording, Mapped):
        # Drives on one map write the same bytes, so the commit has one file for all of them.
        written.append(write_data_file(home, commit_id, ROADS, recording.roads()))
    return DriveOutcome(
        status=Status.DONE,
        plan=plan,
        drive=drive,
        events=tuple(events),
        rows=telemetry.rows.num_rows,
        rows_quarantined=telemetry.quarantine.num_rows,
        frames_left_out=sum(item.frames for item in skipped),
        written=tuple(file for file in written if file is not None),
        aside=(*aside, *((item.kind, item.reason) for item in skipped)),
        first_bad=_first_bad(telemetry.quarantine),
        blind=tuple(blind_spots(telemetry.rows, drives, seeing)),
        unrecorded=unrecorded(telemetry.rows, wanted),
    )


def trigger_events(
    rows: pa.Table, drives: pa.Table, triggers: Sequence[TriggerSpec]
) -> tuple[list[EventRow], dict[str, str]]:
    """The events of all triggers, and why a trigger, by name, cannot be evaluated here."""
    if not triggers:
        return [], {}
    try:
        return event_rows(evaluate(rows, drives, triggers)), {}
    except Exception as error:
        if may_pass(error):
            raise
        if len(triggers) == 1:
            name = triggers[0].name
            return [], {name: f"trigger {name!r} cannot be evaluated: {described(error)}"}
    # One of them cannot be evaluated. Each is tried alone, so that the others still count.
    each = [trigger_events(rows, drives, [trigger]) for trigger in triggers]
    events = [event for fired, _ in each for event in fired]
    return events, {name: why for _, problems in each for name, why in problems.items()}


def _first_bad(quarantine: pa.Table) -> str | None:
    first = quarantine.slice(0, 1).to_pylist()
    return f"row {first[0]['row']}: {first[0]['reason']}" if first else None


def drive_row(files: DriveFiles, recording: Recording, telemetry: ValidTelemetry) -> DriveRow:
    """The drive's row: what the source knows, and the rest from the valid rows of telemetry.

    Raises:
        UnreadableError: The source does not know when the drive was, and no row is valid.
    """
    known = recording.attributes
    start_ns, end_ns = _span(files, known, telemetry)
    return DriveRow(
        drive_id=files.drive_id,
        vehicle_id=known.vehicle_id or files.drive_id,
        source=files.source,
        source_path=files.path,
        source_sha256=files.sha256,
        start_ns=start_ns,
        end_ns=end_ns,
        duration_s=(end_ns - start_ns) / NS_PER_S,
        distance_m=_driven_m(telemetry.rows) if known.distance_m is None else known.distance_m,
        country=known.country,
        weather=known.weather,
        light=known.light,
        road=known.road,
        hardware=known.hardware,
        software=known.software,
        features=known.features,
        cluster_id=known.cluster_id or files.drive_id,
        cameras=tuple(recording.cameras),
        labelled=known.labelled,
        telemetry_rows=telemetry.rows.num_rows,
        mapping=files.mapping,
        assumed=known.assumed,
    )


def _span(files: DriveFiles, known: DriveAttributes, telemetry: ValidTelemetry) -> tuple[int, int]:
    """First and last instant of the drive: from the source, else from its valid rows."""
    if known.start_ns is not None and known.end_ns is not None:
        return known.start_ns, known.end_ns
    if not telemetry.rows.num_rows:
        first = telemetry.quarantine.select(["row", "reason"]).to_pylist()[:1]
        raise UnreadableError(
            f"drive {files.drive_id} has no valid row",
            where=files.path,
            hint=f"row {first[0]['row']}: {first[0]['reason']}" if first else None,
        )
    times_ns = telemetry.rows.column("timestamp_ns")
    return times_ns[0].as_py(), times_ns[-1].as_py()


def _driven_m(rows: pa.Table) -> float | None:
    """Distance driven, from the speed in the valid rows; None if they have no speed."""
    speed = rows.column("Vehicle.Speed")
    if speed.null_count == rows.num_rows:
        return None
    times_ns = rows.column("timestamp_ns").to_numpy()
    return distance_m(times_ns, speed.to_numpy().astype(np.float64))


def _located(quarantine: pa.Table, plan: DrivePlan) -> pa.Table:
    """The quarantined rows, with their source and path."""
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


def quarantine_rows(files: DriveFiles, aside: Iterable[tuple[str, str]]) -> pa.Table:
    """Rows of the table quarantine for unused parts of a recording, as (kind, reason)."""
    constants = {"source": files.source, "path": files.path, "drive_id": files.drive_id}
    rows = [constants | {"kind": kind, "reason": reason} for kind, reason in aside]
    return pa.Table.from_pylist(rows, schema=QUARANTINE.schema)
