"""From kept events to the windows of clips: overlapping windows become one clip."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from ingest.rows import EventRow, event_rows
from ridealong.perception.cameras import ALL

if TYPE_CHECKING:  # processes that cut clips need no language of triggers: it takes long to load
    from ingest.triggers.spec import TriggerSpec


@dataclass(frozen=True)
class ClipWindow:
    """A clip to be cut.

    Attributes:
        drive_id: The drive.
        clip_id: Hash of the drive, the window and the events.
        start_ns: Start, inclusive.
        end_ns: End, inclusive.
        triggers: The triggers of its events, the most important first.
        event_ids: Those events, ascending in time.
        cameras: The cameras that any of the triggers requests, sorted; None for all of the drive.
        by_disagreement: Whether all its triggers read network disagreement.
    """

    drive_id: str
    clip_id: str
    start_ns: int
    end_ns: int
    triggers: tuple[str, ...]
    event_ids: tuple[str, ...]
    cameras: tuple[str, ...] | None
    by_disagreement: bool

    def wants(self, camera: str) -> bool:
        """Whether the clip shows this camera of the drive."""
        return self.cameras is None or camera in self.cameras


@dataclass(frozen=True)
class _Moment:
    start_ns: int
    end_ns: int
    time_ns: int
    event_id: str
    trigger: "TriggerSpec"


def merge_windows(
    events: pa.Table, triggers: "Sequence[TriggerSpec]", drive_start_ns: int, drive_end_ns: int
) -> list[ClipWindow]:
    """The windows around the kept events of one drive, in time.

    Each reaches from `pre` before to `post` after the firing, within the drive. Windows that
    overlap or touch are merged, also those of different triggers.
    """
    specs = {trigger.name: trigger for trigger in triggers}
    drive_ids = set(events["drive_id"].to_pylist())
    if len(drive_ids) > 1:
        raise ValueError(f"events of {len(drive_ids)} drives; expected one drive's")
    moments = [
        _moment(event, specs[event.trigger], drive_start_ns, drive_end_ns)
        for event in event_rows(events)
        if event.kept
    ]
    return [_window(str(*drive_ids), group) for group in _overlapping(moments)]


def with_clip_ids(events: pa.Table, windows: Sequence[ClipWindow]) -> pa.Table:
    """The events, with the id of the clip that shows each."""
    clips = {event: window.clip_id for window in windows for event in window.event_ids}
    column = pa.array([clips.get(name) for name in events["event_id"].to_pylist()], pa.string())
    place = events.schema.get_field_index("clip_id")
    return events.set_column(place, events.schema.field(place), column)


def clip_id(drive_id: str, start_ns: int, end_ns: int, event_ids: Iterable[str]) -> str:
    """A clip's id: a hash of its window and events (two triggers may have the same window)."""
    text = "|".join((drive_id, str(start_ns), str(end_ns), *sorted(event_ids)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _moment(event: EventRow, trigger: "TriggerSpec", first_ns: int, last_ns: int) -> _Moment:
    start_ns = max(event.time_ns - trigger.pre_ns, first_ns)
    end_ns = min(event.time_ns + trigger.post_ns, last_ns)
    return _Moment(start_ns, end_ns, event.time_ns, event.event_id, trigger)


def _overlapping(moments: list[_Moment]) -> list[list[_Moment]]:
    groups: list[list[_Moment]] = []
    end_ns = 0
    for moment in sorted(moments, key=lambda m: (m.start_ns, m.time_ns, m.event_id)):
        if groups and moment.start_ns <= end_ns:
            groups[-1].append(moment)
            end_ns = max(end_ns, moment.end_ns)
        else:
            groups.append([moment])
            end_ns = moment.end_ns
    return groups


def _window(drive_id: str, group: list[_Moment]) -> ClipWindow:
    start, end = min(m.start_ns for m in group), max(m.end_ns for m in group)
    specs = {m.trigger.name: m.trigger for m in group}
    ranked = sorted(specs.values(), key=lambda spec: (-spec.priority, spec.name))
    return ClipWindow(
        drive_id=drive_id,
        clip_id=clip_id(drive_id, start, end, (m.event_id for m in group)),
        start_ns=start,
        end_ns=end,
        triggers=tuple(spec.name for spec in ranked),
        event_ids=tuple(m.event_id for m in sorted(group, key=lambda m: (m.time_ns, m.event_id))),
        cameras=_cameras(ranked),
        by_disagreement=all(spec.by_disagreement for spec in ranked),
    )


def _cameras(triggers: "Sequence[TriggerSpec]") -> tuple[str, ...] | None:
    if any(spec.cameras == ALL for spec in triggers):
        return None
    return tuple(sorted({camera for spec in triggers for camera in spec.cameras}))
