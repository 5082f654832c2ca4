"""What a dry run tells: fires, rates by slice, clips and their size, and the threshold curve."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np

from ingest.budgeting import BudgetedDrive
from ingest.clip_sizes import clip_sizes
from ingest.planning import trigger_source
from ingest.rehearsal import Rehearsal
from ingest.revisiting import is_there
from ingest.rows import DriveRow, EventRow, table_of
from ingest.schemas import DRIVES
from ingest.triggers.applicable import applicable
from ingest.triggers.blind_spots import BlindSpot, blind_lines
from ingest.triggers.spec import trigger_sha256
from ingest.triggers.units import margin_units
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted
from ridealong.units import NS_PER_S

SLICED_BY = ("light", "weather", "road", "country", "software")
UNKNOWN = "unknown"
STEPS = 20  # of a threshold curve, about


@dataclass(frozen=True)
class Rates:
    """How often triggers fire on some drives; a rate is None where nothing was driven.

    Attributes:
        attribute, value: What the drives share; both None for all drives.
        drives, hours, km: What was driven; ``km`` by the drives with a known distance.
        fires: All events; ``kept`` of them are not suppressed.
        fires_per_hour: Per hour recorded.
        fires_per_1000_km: On the drives with a known distance.
    """

    attribute: str | None
    value: str | None
    drives: int
    hours: float
    km: float
    fires: int
    kept: int
    fires_per_hour: float | None
    fires_per_1000_km: float | None


@dataclass(frozen=True)
class CurvePoint:
    """How many events would remain if the threshold were stricter."""

    stricter_by: float
    fires: int


@dataclass(frozen=True)
class TriggerDryRun:
    """One trigger's part of a dry run.

    Attributes:
        trigger, trigger_sha256: Its name, and the hash of its spec.
        total: Over the drives that it looks at (`where`, `expires`).
        suppressed: Events by the reason why they are not kept.
        clips: Clips that show it.
        slices: By each attribute of `SLICED_BY` and its values.
        units: The units of its margins; several if its condition compares several kinds of numbers.
        curve: From 0 to the largest margin; empty if the condition compares no numbers.
        without_margin: Events that no number explains, which the curve leaves out.
        applied_to: On how many of the drives exactly this spec was evaluated before.
    """

    trigger: str
    trigger_sha256: str
    total: Rates
    suppressed: dict[str, int]
    clips: int
    slices: tuple[Rates, ...]
    units: tuple[str, ...]
    curve: tuple[CurvePoint, ...]
    without_margin: int
    applied_to: int


@dataclass(frozen=True)
class DryRun:
    """What triggers would do; the document that ``triggers dry-run --json`` prints.

    Attributes:
        fires, kept, suppressed: Of all triggers.
        fires_per_hour, fires_per_1000_km: Of all triggers over all drives that were looked at.
        slices: The same by each attribute of `SLICED_BY` and its values.
        clips: After merging overlapping windows; ``clip_seconds`` is their length together.
        megabytes: Their estimated size, 10^6 bytes; ``size_basis`` says from what.
        drives: Drives with telemetry; ``drives_without_telemetry`` have none to look at.
        drives_not_drawn: Drives that a limit of rows left out; a page has one, the command none.
        recordings_gone: Drives with clips whose recording is no longer where it was read from;
            ``clips_gone`` of the clips cannot be cut from them.
        notes: What triggers cannot see.
    """

    fires: int
    kept: int
    suppressed: dict[str, int]
    fires_per_hour: float | None
    fires_per_1000_km: float | None
    clips: int
    clip_seconds: float
    megabytes: float
    size_basis: str
    drives: int
    drives_without_telemetry: int
    drives_not_drawn: int
    hours: float
    km: float
    recordings_gone: int
    clips_gone: int
    slices: tuple[Rates, ...]
    triggers: tuple[TriggerDryRun, ...]
    notes: tuple[str, ...]
    seconds: float


def dry_run(snapshot: Snapshot, rehearsal: Rehearsal) -> DryRun:
    """The figures of a rehearsal on the lake."""
    total = _rates(rehearsal.drives, rehearsal.events)
    sizes = clip_sizes(snapshot)
    windows = [(drive.row, w) for drive in rehearsal.budgeted for w in drive.planned.windows]
    gone = [drive for drive in rehearsal.budgeted if _is_gone(drive)]
    return DryRun(
        fires=total.fires,
        kept=total.kept,
        suppressed=_suppressed(rehearsal.events),
        fires_per_hour=total.fires_per_hour,
        fires_per_1000_km=total.fires_per_1000_km,
        clips=len(windows),
        clip_seconds=sum(window.end_ns - window.start_ns for _, window in windows) / NS_PER_S,
        megabytes=sum(sizes.bytes_of(row, window) for row, window in windows) / 1e6,
        size_basis=sizes.basis,
        drives=total.drives,
        drives_without_telemetry=rehearsal.left_out,
        drives_not_drawn=rehearsal.not_drawn,
        hours=total.hours,
        km=total.km,
        recordings_gone=len(gone),
        clips_gone=sum(len(drive.planned.windows) for drive in gone),
        slices=_slices(rehearsal.drives, rehearsal.events),
        triggers=tuple(_triggers(rehearsal, snapshot.sources())),
        notes=(*_never_recorded(rehearsal), *blind_lines(_blind(rehearsal))),
        seconds=round(rehearsal.seconds, 3),
    )


def _triggers(rehearsal: Rehearsal, committed: Set[str]) -> Iterator[TriggerDryRun]:
    applies = applicable(table_of(rehearsal.drives, DRIVES), rehearsal.triggers)
    for spec in rehearsal.triggers:
        mine = applies[spec.name].tolist()
        drives = [drive for drive, yes in zip(rehearsal.drives, mine, strict=True) if yes]
        events = [event for event in rehearsal.events if event.trigger == spec.name]
        margins = [event.margin for event in events if event.margin is not None]
        condition = spec.condition
        yield TriggerDryRun(
            trigger=spec.name,
            trigger_sha256=trigger_sha256(spec),
            total=_rates(drives, events),
            suppressed=_suppressed(events),
            clips=len({event.clip_id for event in events if event.kept}),
            slices=_slices(drives, events),
            units=margin_units(condition) if condition is not None else (),
            curve=threshold_curve(margins),
            without_margin=len(events) - len(margins),
            applied_to=sum(
                trigger_source(outcome.plan.files, spec) in committed
                for outcome in rehearsal.outcomes
            ),
        )


def _is_gone(drive: BudgetedDrive) -> bool:
    return bool(drive.planned.windows) and not is_there(drive.outcome.plan.files)


def _blind(rehearsal: Rehearsal) -> Iterator[BlindSpot]:
    return (spot for outcome in rehearsal.outcomes for spot in outcome.blind)


def _never_recorded(rehearsal: Rehearsal) -> Iterator[str]:
    """A line for each trigger that reads signals which none of the drives has."""
    for spec in rehearsal.triggers:
        if missing := sorted(spec.signals - rehearsal.recorded):
            yield (
                f"trigger {spec.name} reads {' and '.join(missing)}, which none of "
                f"{counted(len(rehearsal.drives), 'drive')} recorded: what is unknown never fires"
            )


def _suppressed(events: Iterable[EventRow]) -> dict[str, int]:
    reasons = Counter(event.reason for event in events if not event.kept)
    return {str(reason): count for reason, count in sorted(reasons.items(), key=str)}


def _slices(drives: Sequence[DriveRow], events: Sequence[EventRow]) -> tuple[Rates, ...]:
    """The rates by each value of each attribute, the most driven value first."""
    by_drive: dict[str, list[EventRow]] = {}
    for event in events:
        by_drive.setdefault(event.drive_id, []).append(event)
    found = []
    for attribute in SLICED_BY:
        groups: dict[str, list[DriveRow]] = {}
        for drive in drives:
            groups.setdefault(getattr(drive, attribute) or UNKNOWN, []).append(drive)
        rates = [
            _rates(some, [e for d in some for e in by_drive.get(d.drive_id, ())], attribute, value)
            for value, some in groups.items()
        ]
        found += sorted(rates, key=lambda rate: (-rate.hours, str(rate.value)))
    return tuple(found)


def _rates(
    drives: Sequence[DriveRow],
    events: Sequence[EventRow],
    attribute: str | None = None,
    value: str | None = None,
) -> Rates:
    hours = sum(drive.duration_s for drive in drives) / 3600
    measured = {drive.drive_id: drive.distance_m for drive in drives if drive.distance_m}
    km = sum(measured.values()) / 1000
    on_measured = sum(event.drive_id in measured for event in events)
    return Rates(
        attribute=attribute,
        value=value,
        drives=len(drives),
        hours=hours,
        km=km,
        fires=len(events),
        kept=sum(event.kept for event in events),
        fires_per_hour=len(events) / hours if hours else None,
        fires_per_1000_km=on_measured / km * 1000 if km else None,
    )


def threshold_curve(margins: Sequence[float]) -> tuple[CurvePoint, ...]:
    """How many events would remain at each of some twenty stricter thresholds.

    An event remains as long as its margin is at least that much. This leaves out that a stricter
    condition may split an event in two, or re-arm at another time.
    """
    if not margins:
        return ()
    step = _round_step(max(margins) / STEPS)
    count = math.floor(max(margins) / step) + 2 if step else 1  # to the first at which none remain
    ordered = np.sort(margins)
    # A multiple is not exact in binary: 3 steps of 0.1 are more than 0.3.
    at = [round(number * step, 12) for number in range(count)]
    remaining = len(ordered) - np.searchsorted(ordered, np.array(at) - 1e-12, side="left")
    return tuple(CurvePoint(x, int(n)) for x, n in zip(at, remaining, strict=True))


def _round_step(width: float) -> float:
    """The next larger of 1, 2 or 5 times a power of ten."""
    if not width > 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= width)
