"""One ingest from plan to commit: what is new, what came back, what is committed."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.accounting import ItemsLostError, Status, settle
from ingest.clips.cut import ClipOutcome, PlannedClips
from ingest.console import Console
from ingest.drives import DriveOutcome, Row
from ingest.failures import one_line_each
from ingest.lake import AlreadyCommittedError, DataFile, Lake, write_data_file
from ingest.pipeline import IngestOutcome, run_ingest
from ingest.planning import IngestPlan, plan_drives, sources_of
from ingest.progress import watching
from ingest.recording import DriveFiles
from ingest.schemas import CLIPS, DRIVES, EVENTS, TableSpec
from ingest.triggers.blind_spots import blind_lines
from ingest.triggers.spec import TriggerSpec

BUDGETED = ["trigger", "vehicle_id", "time_ns", "kept"]
RACES = 5  # how often another process may have been first before we give up


@dataclass(frozen=True)
class IngestReport:
    """What one ingest did; the document that ``ingest --json`` prints.

    ``files`` counts recordings that were read or tried, ``drives`` those that are new in the lake.
    ``rows_in = rows + rows_quarantined``. ``commit`` is None when there was nothing to do.
    """

    commit: str | None
    drives: int
    files: int
    rows_in: int
    rows: int
    rows_quarantined: int
    files_quarantined: int
    events: int
    clips: int
    seconds: float
    frames_left_out: int = 0
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def ingest(
    lake: Lake,
    found: Sequence[DriveFiles],
    triggers: Sequence[TriggerSpec],
    console: Console,
    beam_args: Sequence[str] = (),
) -> IngestReport:
    """Bring the drives that are new into the lake, and pass new triggers over all that were found.

    Another process that commits the same input first wins; this one then does what is left.

    Raises:
        ItemsLostError: The runner lost items; nothing was committed.
        RidealongError: The lake cannot be written.
    """
    started = time.monotonic()
    for _ in range(RACES):
        plan = _plan(lake, found, triggers)
        if not plan.drives:
            return _report(None, [], [], time.monotonic() - started)
        with (
            console.steps("drives", len(plan.drives)) as drives_done,
            console.steps("clips", 0) as clips_done,
            watching(plan.commit_id, drives_done),
            watching(plan.clips_key, clips_done),
        ):
            outcomes = run_ingest(plan, beam_args)
        try:
            drives, clips = reconcile(plan, outcomes)
            commit_id = _commit(lake, plan, drives, clips)
            return _report(commit_id, drives, clips, time.monotonic() - started)
        except AlreadyCommittedError:
            console.note("another process committed some of this input first; doing what is left")
    raise ItemsLostError(f"lost the race for the same input {RACES} times; run the command again")


def _plan(lake: Lake, found: Sequence[DriveFiles], triggers: Sequence[TriggerSpec]) -> IngestPlan:
    snapshot = lake.snapshot()
    return IngestPlan(
        home=lake.home,
        commit_id=lake.new_commit_id(),
        drives=plan_drives(found, triggers, snapshot.sources()),
        triggers=tuple(triggers),
        kept_before=snapshot.read(EVENTS, columns=BUDGETED, where="kept"),
    )


@dataclass(frozen=True)
class CutDrive:
    """The clips of one drive, each event with its clip, or why a clip could not be cut."""

    drive_id: str
    events: tuple[Row, ...]
    clips: tuple[ClipOutcome, ...]

    @property
    def failure(self) -> str | None:
        """Why the first clip that failed did."""
        return next((clip.failure for clip in self.clips if clip.failure), None)


def reconcile(
    plan: IngestPlan, outcomes: Sequence[IngestOutcome]
) -> tuple[list[DriveOutcome], list[CutDrive]]:
    """Hold what came back against the plan; a drive one of whose clips failed has failed.

    Raises:
        ItemsLostError: A drive, an event or a clip was lost on the way.
    """
    drives = settle(plan.item_ids, [o for o in outcomes if isinstance(o, DriveOutcome)])
    cut = {drive.drive_id: drive for drive in _cut_drives(outcomes)}
    for drive in drives:
        came = len(cut[drive.item_id].events) if drive.item_id in cut else 0
        if came != len(drive.events):
            raise ItemsLostError(
                f"drive {drive.item_id}: {len(drive.events)} events went in, {came} came back; "
                "nothing was committed"
            )
    failed = {d.item_id for d in drives if d.status is Status.FAILED}
    failed |= {drive_id for drive_id, clips in cut.items() if clips.failure}
    told = [_failed(d, cut.get(d.item_id)) if d.item_id in failed else d for d in drives]
    return told, [clips for drive_id, clips in sorted(cut.items()) if drive_id not in failed]


def _cut_drives(outcomes: Sequence[IngestOutcome]) -> list[CutDrive]:
    """Every drive's clips; raises `ItemsLostError` where a planned one did not come back."""
    planned = {o.drive_id: o for o in outcomes if isinstance(o, PlannedClips)}
    wanted = [window.clip_id for drive in planned.values() for window in drive.windows]
    settled = settle(wanted, [o for o in outcomes if isinstance(o, ClipOutcome)])
    clips = {clip.clip_id: clip for clip in settled}
    return [
        CutDrive(drive.drive_id, drive.events, tuple(clips[w.clip_id] for w in drive.windows))
        for drive in planned.values()
    ]


def _failed(drive: DriveOutcome, clips: CutDrive | None) -> DriveOutcome:
    reason = drive.reason or (clips.failure if clips else None)
    return DriveOutcome(drive.item_id, Status.FAILED, drive.plan, reason)


def _commit(
    lake: Lake, plan: IngestPlan, drives: list[DriveOutcome], cut: list[CutDrive]
) -> str | None:
    """Write the small rows of all drives in one file a table, and commit everything at once."""
    settled = [drive for drive in drives if drive.status is not Status.FAILED]
    if not settled:
        return None
    new = [d.drive for d in settled if d.plan.new and d.drive is not None]
    files = [file for drive in settled for file in drive.written]
    clips = [clip for drive in cut for clip in drive.clips]
    files += [clip.written for clip in clips if clip.written is not None]
    files += _write_rows(plan, DRIVES, new)
    files += _write_rows(plan, EVENTS, [event for drive in cut for event in drive.events])
    files += _write_rows(plan, CLIPS, [clip.clip for clip in clips if clip.clip is not None])
    sources = [key for drive in settled for key in sources_of(drive.plan, plan.triggers)]
    counts = {"planned": len(drives)} | Counter(drive.status.value for drive in drives)
    lake.commit(plan.commit_id, "ingest", files, sources, counts)
    return plan.commit_id


def _write_rows(plan: IngestPlan, spec: TableSpec, rows: Sequence[Row]) -> list[DataFile]:
    table = pa.Table.from_pylist(list(rows), schema=spec.schema)
    written = write_data_file(plan.home, plan.commit_id, spec, table)
    return [written] if written else []


def _report(
    commit_id: str | None,
    drives: Sequence[DriveOutcome],
    cut: Sequence[CutDrive],
    seconds: float,
) -> IngestReport:
    new = [d for d in drives if d.status is Status.DONE and d.plan.new]
    rows, bad = sum(d.rows for d in new), sum(d.rows_quarantined for d in new)
    return IngestReport(
        commit=commit_id,
        drives=len(new),
        files=len(drives),
        rows_in=rows + bad,
        rows=rows,
        rows_quarantined=bad,
        files_quarantined=sum(d.status is Status.QUARANTINED and d.plan.new for d in drives),
        events=sum(len(drive.events) for drive in cut),
        clips=sum(len(drive.clips) for drive in cut),
        seconds=round(seconds, 3),
        frames_left_out=sum(d.frames_left_out for d in new),
        failures=one_line_each(
            (d.item_id, str(d.reason)) for d in drives if d.status is Status.FAILED
        ),
        notes=blind_lines(spot for drive in drives for spot in drive.blind),
    )
