"""Queries for the page Fleet: drives and events of the chosen part of the fleet."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from dashboard.fleet.chosen import DRIVES_CHOSEN, EVENTS_CHOSEN, EVERYTHING, Chosen, day_of
from ingest.schemas import CLIPS, DRIVES, EVENTS
from ridealong.lake import Snapshot

ATTRIBUTES = ("light", "weather", "road", "country", "software")
A_PAGE = 15

Row = dict[str, Any]


@dataclass(frozen=True)
class Extent:
    """What there is to choose from; days are UTC."""

    vehicles: tuple[str, ...]
    triggers: tuple[str, ...]
    first: date
    last: date


def extent(snapshot: Snapshot) -> Extent | None:
    """All vehicles, triggers and days; None without drives."""
    (row,) = snapshot.query(
        """select list(distinct vehicle_id order by vehicle_id) as vehicles,
            (select list(distinct trigger order by trigger) from events) as triggers,
            min(start_ns) as first, max(end_ns) as last from drives""",
        DRIVES,
        EVENTS,
    ).to_pylist()
    if row["first"] is None:
        return None
    vehicles, triggers = (
        tuple(name for name in row[part] or () if name) for part in ("vehicles", "triggers")
    )
    return Extent(vehicles, triggers, day_of(row["first"]), day_of(row["last"]))


@dataclass(frozen=True)
class Totals:
    """Totals; ``km`` counts the drives with a known distance."""

    drives: int
    km: float
    hours: float
    vehicles: int
    events: int
    kept: int
    clips: int


def totals(snapshot: Snapshot, chosen: Chosen = EVERYTHING) -> Totals:
    """Drives, kilometres, hours, vehicles, events, and clips of those drives."""
    rows = snapshot.query(
        f"""with mine as (select * from drives where {DRIVES_CHOSEN}),
        fired as (select * from events where {EVENTS_CHOSEN})
        select count(*) as drives, coalesce(sum(distance_m), 0) / 1000 as km,
            coalesce(sum(duration_s), 0) / 3600 as hours,
            count(distinct vehicle_id) as vehicles, (select count(*) from fired) as events,
            (select count(*) from fired where kept) as kept,
            (select count(*) from clips semi join mine using (drive_id)
            where len($triggers::varchar[]) = 0 or list_has_any(triggers, $triggers::varchar[]))
            as clips
        from mine""",
        DRIVES,
        EVENTS,
        CLIPS,
        params=chosen.of_events(),
    )
    return Totals(**rows.to_pylist()[0])


def events_by_trigger(snapshot: Snapshot, chosen: Chosen = EVERYTHING) -> pa.Table:
    """Events by trigger and outcome: ``kept``, or the reason for suppression."""
    return snapshot.query(
        f"""select trigger, case when kept then 'kept' else coalesce(reason, 'unknown') end
            as outcome, count(*) as events
        from events where {EVENTS_CHOSEN} group by all order by trigger, outcome""",
        EVENTS,
        params=chosen.of_events(),
    )


def events(snapshot: Snapshot, chosen: Chosen, page: int) -> list[Row]:
    """One page of the events, the newest first, each with the clip that shows it.

    A row has ``trigger``, ``vehicle``, ``drive``, ``time_ns``, ``time_s``, ``outcome``, ``clip``
    (null: no clip shows it) and ``clip_s``, the event's place in that clip.

    Args:
        snapshot: The lake.
        chosen: Which events.
        page: Which page of `A_PAGE` events, from 1.
    """
    wanted = f"""select * from events where {EVENTS_CHOSEN}
        order by time_ns desc, trigger, event_id limit {A_PAGE} offset {(page - 1) * A_PAGE}"""
    rows: list[Row] = snapshot.query(
        f"select * from ({in_clips(wanted)}) order by time_ns desc, trigger, event_id",
        EVENTS,
        CLIPS,
        params=chosen.of_events(),
    ).to_pylist()
    return rows


def in_clips(wanted: str) -> str:
    """SQL over events and clips: the wanted events as `events` describes them.

    A suppressed event has no clip of its own, but may be seen in one: the last that began before.

    Args:
        wanted: SQL that selects rows of the table events.
    """
    return f"""
        with around as (
            select e.*, c.clip_id as last_clip, c.end_ns as last_end_ns
            from ({wanted}) e asof left join clips c
            on e.drive_id = c.drive_id and e.time_ns >= c.start_ns),
        shown as (
            select *, coalesce(clip_id, case when time_ns <= last_end_ns then last_clip end) as clip
            from around)
        select s.event_id, s.trigger, s.vehicle_id as vehicle, s.drive_id as drive, s.time_ns,
            s.time_s, s.clip,
            case when s.kept then 'kept' else coalesce(s.reason, 'unknown') end as outcome,
            (s.time_ns - c.start_ns) / 1e9 as clip_s
        from shown s left join clips c on s.clip = c.clip_id"""


def drives_by(snapshot: Snapshot, chosen: Chosen = EVERYTHING) -> pa.Table:
    """Drives and hours by each of `ATTRIBUTES` and its values; null is ``unknown``."""
    parts = [
        f"""select '{name}' as attribute, coalesce({name}, 'unknown') as value,
            count(*) as drives, sum(duration_s) / 3600 as hours from mine group by all"""
        for name in ATTRIBUTES
    ]
    query = f"with mine as (select * from drives where {DRIVES_CHOSEN}) "
    query += " union all ".join(parts) + " order by attribute, drives desc, value"
    return snapshot.query(query, DRIVES, params=chosen.of_drives())
