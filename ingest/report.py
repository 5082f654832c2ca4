"""What an ingest did: counted while it runs, reported at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.drives import DriveOutcome
from ingest.triggers.blind_spots import BlindSpot, blind_lines
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL, one_line_each
from ridealong.terminal.readable import counted, duration, listed

MOST_LINES = 20


@dataclass(frozen=True)
class IngestReport:
    """What one ingest did; the document that ``ingest --json`` prints.

    Attributes:
        commit: The last of ``commits``; None if there was nothing to do.
        drives: Drives that are new in the lake.
        files: Recordings that were read or tried.
        rows_in: ``rows + rows_quarantined``.
        quarantined: Lines about files that gave no drive.
        failures: Lines about what failed for now.
        left_out: Lines about what was left out of drives that are in the lake.
        notes: Lines about triggers that could not fire, or could not see enough.
    """

    commit: str | None
    drives: int
    files: int
    rows_in: int
    rows: int
    rows_quarantined: int
    files_quarantined: int
    files_failed: int
    files_known_unusable: int
    events: int
    clips: int
    clips_left_out: int
    seconds: float
    frames_left_out: int = 0
    commits: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Tally:
    """The count so far: what was committed, and what failed since the last plan.

    ``tried`` and ``failed`` are by item, so an item that is tried again after a lost race counts
    once.
    """

    known_unusable: int = 0
    commits: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)
    came_in: list[DriveOutcome] = field(default_factory=list)
    quarantined: list[DriveOutcome] = field(default_factory=list)
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    blind: list[BlindSpot] = field(default_factory=list)
    evaluated: list[DriveOutcome] = field(default_factory=list)
    events: int = 0
    clips: int = 0
    clips_left_out: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the disk is full; then nothing else is tried."""
        return any(reason == DISK_FULL for _, reason in self.failed.values())

    def start(self, items: Sequence[str], known_unusable: int) -> None:
        """Begin a plan; what failed in an earlier plan is tried again."""
        self.tried |= set(items)
        self.failed.clear()
        self.known_unusable = known_unusable

    def fail(self, drive: DriveOutcome, reason: str) -> None:
        """This drive, or its clips, could not be committed for now."""
        self.failed[drive.item_id] = (drive.plan.files.drive_id, reason)

    def committed(self, commit_id: str, drives: Sequence[DriveOutcome]) -> None:
        """These drives were committed, to the lake or to its quarantine."""
        self.commits.append(commit_id)
        self.came_in += [d for d in drives if d.status is Status.DONE and d.plan.new]
        self.quarantined += [d for d in drives if d.status is Status.QUARANTINED]
        self.left_out += [line for drive in drives for line in _left_out(drive)]
        self.blind += [spot for drive in drives for spot in drive.blind]
        self.evaluated += [d for d in drives if d.status is Status.DONE and d.rows]

    def report(self, seconds: float) -> IngestReport:
        """The report."""
        rows = sum(drive.rows for drive in self.came_in)
        bad = sum(drive.rows_quarantined for drive in self.came_in)
        return IngestReport(
            commit=self.commits[-1] if self.commits else None,
            drives=len(self.came_in),
            files=len(self.tried),
            rows_in=rows + bad,
            rows=rows,
            rows_quarantined=bad,
            files_quarantined=len(self.quarantined),
            files_failed=len(self.failed),
            files_known_unusable=self.known_unusable,
            events=self.events,
            clips=self.clips,
            clips_left_out=self.clips_left_out,
            seconds=round(seconds, 3),
            frames_left_out=sum(drive.frames_left_out for drive in self.came_in),
            commits=tuple(self.commits),
            quarantined=tuple(str(drive.reason) for drive in self.quarantined),
            failures=one_line_each(self.failed.values()),
            left_out=tuple(self.left_out),
            notes=(*blind_lines(self.blind), *self._never_fired()),
        )

    def _never_fired(self) -> list[str]:
        """A line about signals that triggers read and no drive has, if there are no events."""
        if self.events or not self.evaluated:
            return []
        each = [dict(drive.unrecorded) for drive in self.evaluated]
        missing = [
            set(each[0][name]).intersection(*(other.get(name, ()) for other in each[1:]))
            for name in each[0]
        ]
        signals = sorted(set().union(*missing))
        if not signals:
            return []
        count = sum(map(bool, missing))
        return [
            f"no trigger fired; {counted(count, 'trigger')} {'reads' if count == 1 else 'read'} "
            f"signals that no drive has: {listed(signals, 3)}; see docs/signals.md"
        ]


def _left_out(drive: DriveOutcome) -> list[str]:
    path = drive.plan.files.path
    lines = [f"{path}: {reason}" for _, reason in drive.aside]
    if drive.plan.new and drive.first_bad:
        lines.append(f"{path}: {counted(drive.rows_quarantined, 'row')}, first {drive.first_bad}")
    return lines


def summary(report: IngestReport) -> str:
    """What was ingested, in one line."""
    if report.commit is None:
        return "nothing was committed" if report.files else "nothing new"
    came_in = [
        counted(report.drives, "drive"),
        counted(report.rows, "row"),
        counted(report.events, "event"),
        counted(report.clips, "clip"),
    ]
    files = counted(report.files_quarantined, "file")
    rows = counted(report.rows_quarantined, "row")
    frames = f", {counted(report.frames_left_out, 'frame')} left out"
    return (
        f"{', '.join(came_in)} in {duration(report.seconds)} "
        f"({files} and {rows} quarantined{frames if report.frames_left_out else ''})"
    )


def problems(report: IngestReport) -> list[str]:
    """Lines about what went wrong: at most twenty, then how many more and where to read them."""
    lines = [f"failed: {line}" for line in report.failures]
    lines += [f"quarantined: {line}" for line in report.quarantined]
    lines += [f"left out: {line}" for line in report.left_out]
    more = len(lines) - MOST_LINES
    if more <= 0:
        return lines
    return [*lines[:MOST_LINES], f"and {more} more: ridealong quarantine list"]
