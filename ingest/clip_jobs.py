"""From the kept events of a drive to its clips: which windows to cut, and cutting one.

The pipeline calls these functions. A job is small enough to be sent to another process.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ingest.clips.colours import Picture, Unconverted
from ingest.clips.packets import CopiedVideo, Copyable
from ingest.clips.write import ClipContent, ClipSummary, write_clip
from ingest.rows import ClipRow, DriveRow, EventRow, columns, event_rows, table_of
from ingest.schemas import EVENTS
from ingest.sources.registry import open_drive
from ingest.telemetry.validation import validate_telemetry
from ingest.triggers.windows import ClipWindow, clip_id, merge_windows, with_clip_ids
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL, described, is_full, may_pass
from ridealong.hashing import short_hash
from ridealong.lake import DataFile, scratch_folder, write_blob
from ridealong.perception.recording import DriveFiles, Recording
from ridealong.units import NS_PER_S

if TYPE_CHECKING:  # processes that cut clips need no language of triggers: it takes long to load
    from ingest.triggers.spec import TriggerSpec

WHOLE_DRIVE = "whole_drive"
UNTOLD = frozenset({"source_path", "mapping"})  # about the machine that read the drive


@dataclass(frozen=True)
class PlannedClips:
    """The clips of one drive's events; each event has the id of the clip that shows it."""

    drive_id: str
    events: tuple[EventRow, ...]
    windows: tuple[ClipWindow, ...]


@dataclass(frozen=True)
class ClipJob:
    """One clip to be cut: the recording and row of its drive, its window, the events that it shows.

    Its file is written under ``commit_id``.
    """

    commit_id: str
    files: DriveFiles
    drive: DriveRow
    window: ClipWindow
    events: tuple[EventRow, ...]


@dataclass(frozen=True)
class ClipOutcome:
    """The result of one clip: its row and its file, or why it could not be cut.

    ``is_bad``: the recording is at fault, so it can never be cut. Other failures are temporary.
    """

    clip_id: str
    clip: ClipRow | None = None
    written: DataFile | None = None
    failure: str | None = None
    is_bad: bool = False

    @property
    def item_id(self) -> str:
        """The id of the planned clip."""
        return self.clip_id

    @property
    def status(self) -> Status:
        """Done, quarantined (the recording is at fault), or failed for now."""
        if self.failure is None:
            return Status.DONE
        return Status.QUARANTINED if self.is_bad else Status.FAILED

    @property
    def reason(self) -> str | None:
        """Why it could not be cut; None if it was."""
        return self.failure


def whole_drive_event(drive: DriveRow) -> EventRow:
    """The one event of a drive without telemetry: the whole drive becomes a clip.

    Without telemetry no trigger can be evaluated.
    """
    return EventRow(
        event_id=short_hash(WHOLE_DRIVE, drive.drive_id),
        drive_id=drive.drive_id,
        vehicle_id=drive.vehicle_id,
        trigger=WHOLE_DRIVE,
        trigger_sha256=short_hash(WHOLE_DRIVE),
        onset_ns=drive.start_ns,
        time_ns=drive.start_ns,
        onset_s=0.0,
        time_s=0.0,
        margin=None,
        kept=True,
        reason=None,
        inclusion_probability=1.0,
        clip_id=None,
    )


def plan_clips(
    drive: DriveRow, events: Sequence[EventRow], triggers: "Sequence[TriggerSpec]"
) -> PlannedClips:
    """Merge the windows of one drive's kept events, and give each event its clip."""
    windows = _windows(events, triggers, drive)
    known = event_rows(with_clip_ids(table_of(events, EVENTS), windows))
    return PlannedClips(drive.drive_id, tuple(known), tuple(windows))


def clip_jobs(
    commit_id: str, files: DriveFiles, drive: DriveRow, planned: PlannedClips
) -> list[ClipJob]:
    """The planned clips one by one; their files are written under that commit."""
    # A clip names the events that it shows, not itself.
    events = [replace(event, clip_id=None) for event in planned.events]
    place = {event.event_id: at for at, event in enumerate(events)}
    return [
        ClipJob(
            commit_id,
            files,
            drive,
            window,
            tuple(events[at] for at in sorted(place[event_id] for event_id in window.event_ids)),
        )
        for window in planned.windows
    ]


def _windows(
    events: Sequence[EventRow], triggers: "Sequence[TriggerSpec]", drive: DriveRow
) -> list[ClipWindow]:
    whole = [event for event in events if event.kept and event.trigger == WHOLE_DRIVE]
    chosen = [event for event in events if event.kept and event.trigger != WHOLE_DRIVE]
    windows = merge_windows(table_of(chosen, EVENTS), triggers, drive.start_ns, drive.end_ns)
    return windows + [_whole_window(drive, event) for event in whole[:1]]


def _whole_window(drive: DriveRow, event: EventRow) -> ClipWindow:
    return ClipWindow(
        drive_id=drive.drive_id,
        clip_id=clip_id(drive.drive_id, drive.start_ns, drive.end_ns, [event.event_id]),
        start_ns=drive.start_ns,
        end_ns=drive.end_ns,
        triggers=(WHOLE_DRIVE,),
        event_ids=(event.event_id,),
        cameras=None,
        by_disagreement=False,
    )


class ClipCutter:
    """Cuts clips one at a time; the last clip's drive stays open for the next.

    Not to be shared between threads.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._open: _OpenDrive | None = None
        self._full = False

    def cut(self, job: ClipJob) -> ClipOutcome:
        """Cut one clip; failures are part of the outcome.

        After the disk was full once, no clip is tried.
        """
        if self._full:
            return ClipOutcome(job.window.clip_id, failure=DISK_FULL)
        try:
            if self._open is None or self._open.files != job.files:
                self._open = None  # close one drive before the next is opened
                self._open = _OpenDrive(job.files)
            row, blob = _cut(self._home, job, self._open)
        except Exception as error:
            self._full = is_full(error)
            passing = may_pass(error) or not Path(job.files.path).exists()
            return ClipOutcome(job.window.clip_id, failure=described(error), is_bad=not passing)
        return ClipOutcome(job.window.clip_id, row, blob)


def clip_cutter(home: Path) -> Callable[[ClipJob], ClipOutcome]:
    """`ClipCutter.cut`, for a worker process."""
    return ClipCutter(home).cut


class _OpenDrive:
    """A drive's recording, and its telemetry from the lake."""

    def __init__(self, files: DriveFiles) -> None:
        self.files = files
        self.recording: Recording = open_drive(files)

    @cached_property
    def telemetry(self) -> pa.Table:
        return validate_telemetry(self.recording.telemetry(), self.files.drive_id).rows

    def within(self, window: ClipWindow) -> pa.Table:
        times = self.telemetry["timestamp_ns"]
        inside = pc.and_(
            pc.greater_equal(times, window.start_ns), pc.less_equal(times, window.end_ns)
        )
        return self.telemetry.filter(inside)


def _cut(home: Path, job: ClipJob, opened: _OpenDrive) -> tuple[ClipRow, DataFile]:
    content = _content(job, opened)
    path = scratch_folder(home) / f"{job.commit_id}-{job.window.clip_id}.mcap"
    try:
        summary = write_clip(path, content)
        blob = write_blob(home, job.commit_id, path, ".mcap")
    finally:
        path.unlink(missing_ok=True)
    return _clip_row(job, content, summary, blob), blob


def _content(job: ClipJob, opened: _OpenDrive) -> ClipContent:
    window, recording = job.window, opened.recording
    names = [name for name in recording.cameras if window.wants(name)]
    copied, why_encoded = _copied(recording, window, names)
    drawn = [name for name in names if name not in copied]
    return ClipContent(
        clip_id=window.clip_id,
        drive={name: v for name, v in columns(job.drive).items() if name not in UNTOLD},
        start_ns=window.start_ns,
        end_ns=window.end_ns,
        events=[columns(event) for event in job.events],
        telemetry=opened.within(window),
        cameras={name: recording.cameras[name] for name in names},
        frames=_pictures(recording, window, drawn),
        labels=recording.labels(window.start_ns, window.end_ns),
        copied=copied,
        why_encoded=why_encoded,
    )


def _pictures(
    recording: Recording, window: ClipWindow, names: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, Picture]]]:
    reader: object = recording  # or it would be narrowed to neither protocol
    if isinstance(reader, Unconverted):
        return reader.pictures(window.start_ns, window.end_ns, names)
    return recording.frames(window.start_ns, window.end_ns, names)


def _copied(
    recording: Recording, window: ClipWindow, names: Sequence[str]
) -> tuple[dict[str, CopiedVideo], dict[str, str]]:
    """The video of cameras that can be copied, and why that of others cannot."""
    copied: dict[str, CopiedVideo] = {}
    why: dict[str, str] = {}
    reader: object = recording  # or it would be narrowed to neither protocol
    if isinstance(reader, Copyable):
        for name in names:
            found = reader.copied_video(name, window.start_ns, window.end_ns)
            if isinstance(found, str):
                why[name] = found
            else:
                copied[name] = found
    return copied, why


def _clip_row(job: ClipJob, content: ClipContent, summary: ClipSummary, blob: DataFile) -> ClipRow:
    window, start_ns = job.window, job.drive.start_ns
    return ClipRow(
        clip_id=window.clip_id,
        drive_id=job.files.drive_id,
        start_ns=window.start_ns,
        end_ns=window.end_ns,
        start_s=(window.start_ns - start_ns) / NS_PER_S,
        end_s=(window.end_ns - start_ns) / NS_PER_S,
        triggers=window.triggers,
        event_ids=window.event_ids,
        by_disagreement=window.by_disagreement,
        cameras=tuple(content.cameras),
        frames=summary.frames,
        telemetry_rows=summary.telemetry_rows,
        labelled=summary.labelled,
        bytes=blob.bytes,
        blob=blob.path,
    )
