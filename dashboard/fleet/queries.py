"""Queries for the page Fleet: drives, events, and failures."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE
from ridealong.execution.accounting import Status
from ridealong.lake import Snapshot
from ridealong.units import NS_PER_S

ATTRIBUTES = ("light", "weather", "road", "country", "software")


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


def totals(snapshot: Snapshot) -> Totals:
    """Drives, kilometres, hours, vehicles, events and clips."""
    rows = snapshot.query(
        """select count(*) as drives, coalesce(sum(distance_m), 0) / 1000 as km,
            coalesce(sum(duration_s), 0) / 3600 as hours,
            count(distinct vehicle_id) as vehicles, (select count(*) from events) as events,
            (select count(*) from events where kept) as kept, (select count(*) from clips) as clips
        from drives""",
        DRIVES,
        EVENTS,
        CLIPS,
    )
    return Totals(**rows.to_pylist()[0])


def events_by_trigger(snapshot: Snapshot) -> pa.Table:
    """Events by trigger and outcome: ``kept``, or the reason for suppression."""
    return snapshot.query(
        """select trigger, case when kept then 'kept' else coalesce(reason, 'unknown') end
            as outcome, count(*) as events
        from events group by all order by trigger, outcome""",
        EVENTS,
    )


def drives_by(snapshot: Snapshot) -> pa.Table:
    """Drives and hours by each of `ATTRIBUTES` and its values; null is ``unknown``."""
    parts = [
        f"""select '{name}' as attribute, coalesce({name}, 'unknown') as value,
            count(*) as drives, sum(duration_s) / 3600 as hours from drives group by all"""
        for name in ATTRIBUTES
    ]
    query = " union all ".join(parts) + " order by attribute, drives desc, value"
    return snapshot.query(query, DRIVES)


def quarantine(snapshot: Snapshot) -> pa.Table:
    """Quarantined files and rows, counted by file and reason, the most first."""
    return snapshot.query(
        """select kind, path, reason, count(*) as count from quarantine
        group by all order by count desc, path, reason""",
        QUARANTINE,
    )


@dataclass(frozen=True)
class Health:
    """Outcomes of ingest over all commits; ``last`` is the time of the last commit with data."""

    commits: int
    planned: int
    done: int
    quarantined: int
    failed: int
    last: datetime | None


def health(snapshot: Snapshot) -> Health:
    """The outcomes of everything that ingest planned."""
    commits = [commit for commit in snapshot.history.commits if commit.command == "ingest"]
    counts = [json.loads(commit.counts) for commit in commits]
    ends = [sum(int(one.get(name, 0)) for one in counts) for name in ("planned", *Status)]
    last_ns = max((commit.time_ns for commit in commits), default=None)
    last = datetime.fromtimestamp(last_ns / NS_PER_S, UTC) if last_ns else None
    planned, done, quarantined, failed = ends
    return Health(len(commits), planned, done, quarantined, failed, last)
