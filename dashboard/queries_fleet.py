"""What the page Fleet asks of the lake: how much was driven, what fired, where, and what failed."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.accounting import Status
from ingest.lake import Snapshot
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE, TELEMETRY
from ingest.units import NS_PER_S

ATTRIBUTES = ("light", "weather", "road", "country", "software")
LATITUDE, LONGITUDE = "Vehicle.CurrentLocation.Latitude", "Vehicle.CurrentLocation.Longitude"
EARTH_M = 6_371_008.8  # mean radius
MOST_POINTS = 8_000  # of all tracks on one map; more cannot be told apart
AREA_M = 50_000.0  # drives further apart than that are shown on maps of their own

Row = dict[str, Any]


@dataclass(frozen=True)
class Totals:
    """How much there is; ``km`` counts the drives whose distance is known."""

    drives: int
    km: float
    hours: float
    vehicles: int
    events: int
    kept: int
    clips: int


def totals(snapshot: Snapshot) -> Totals:
    """Drives, kilometres, hours, vehicles, events and clips."""
    row = (
        snapshot.connect(DRIVES, EVENTS, CLIPS)
        .sql(
            """select count(*), coalesce(sum(distance_m), 0) / 1000,
                coalesce(sum(duration_s), 0) / 3600, count(distinct vehicle_id),
                (select count(*) from events), (select count(*) from events where kept),
                (select count(*) from clips)
            from drives"""
        )
        .fetchall()[0]
    )
    return Totals(*row)


def events_by_trigger(snapshot: Snapshot) -> pa.Table:
    """Events by trigger and outcome: ``kept``, or the reason why one was suppressed."""
    return (
        snapshot.connect(EVENTS)
        .sql(
            """select trigger, case when kept then 'kept' else coalesce(reason, 'unknown') end
                as outcome, count(*) as events
            from events group by all order by trigger, outcome"""
        )
        .to_arrow_table()
    )


def drives_by(snapshot: Snapshot) -> pa.Table:
    """Drives and hours by each of `ATTRIBUTES` and its values; null is ``unknown``."""
    parts = [
        f"""select '{name}' as attribute, coalesce({name}, 'unknown') as value,
            count(*) as drives, sum(duration_s) / 3600 as hours from drives group by all"""
        for name in ATTRIBUTES
    ]
    query = " union all ".join(parts) + " order by attribute, drives desc, value"
    return snapshot.connect(DRIVES).sql(query).to_arrow_table()


@dataclass(frozen=True)
class Area:
    """Drives near each other, and the centre that their map is projected around."""

    name: str
    drive_ids: tuple[str, ...]
    latitude: float
    longitude: float

    def project(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Metres east and north of the centre (equirectangular: true to scale near it)."""
        east = math.radians(longitude - self.longitude) * math.cos(math.radians(self.latitude))
        return EARTH_M * east, EARTH_M * math.radians(latitude - self.latitude)


def areas(snapshot: Snapshot) -> list[Area]:
    """The areas that were driven in, the one with most drives first; none without positions."""
    rows = (
        snapshot.connect(TELEMETRY, DRIVES)
        .sql(
            f"""select drive_id, any_value(country) as country,
                (min("{LATITUDE}") + max("{LATITUDE}")) / 2 as latitude,
                (min("{LONGITUDE}") + max("{LONGITUDE}")) / 2 as longitude
            from telemetry join drives using (drive_id)
            where "{LATITUDE}" is not null and "{LONGITUDE}" is not null
            group by drive_id order by drive_id"""
        )
        .to_arrow_table()
        .to_pylist()
    )
    groups: list[list[Row]] = []
    for row in rows:
        near = next((g for g in groups if _distance_m(g[0], row) < AREA_M), None)
        if near is None:
            groups.append([row])
        else:
            near.append(row)
    found = [_area(group) for group in groups]
    return sorted(found, key=lambda area: (-len(area.drive_ids), area.name))


def _distance_m(first: dict[str, object], second: dict[str, object]) -> float:
    here = _area([first])
    return math.hypot(
        *here.project(float(str(second["latitude"])), float(str(second["longitude"])))
    )


def _area(rows: Sequence[Row]) -> Area:
    latitude = float(np.mean([row["latitude"] for row in rows]))
    longitude = float(np.mean([row["longitude"] for row in rows]))
    countries = sorted({str(row["country"]) for row in rows if row["country"]})
    name = f"{', '.join(countries) or 'unknown country'} at {latitude:.2f}, {longitude:.2f}"
    return Area(name, tuple(str(row["drive_id"]) for row in rows), latitude, longitude)


def tracks(snapshot: Snapshot, area: Area) -> list[Row]:
    """Where the area's drives went: per drive its vehicle, light, and a line in metres.

    All lines together have about `MOST_POINTS` points, the same time apart.
    """
    rows = (
        snapshot.connect(TELEMETRY, DRIVES)
        .sql(
            f"""with mine as (select * from drives where list_contains(?, drive_id)),
            step as (select greatest(1e9, sum(duration_s) * 1e9 / {MOST_POINTS})::bigint as ns
                from mine),
            points as (
                select drive_id, (timestamp_ns - start_ns) // ns as place,
                    arg_min("{LATITUDE}", timestamp_ns) as latitude,
                    arg_min("{LONGITUDE}", timestamp_ns) as longitude
                from telemetry join mine using (drive_id), step
                where "{LATITUDE}" is not null and "{LONGITUDE}" is not null
                group by all)
            select drive_id, any_value(vehicle_id) as vehicle, any_value(light) as light,
                list([latitude, longitude] order by place) as points
            from points join mine using (drive_id) group by drive_id order by drive_id""",
            params=[list(area.drive_ids)],
        )
        .to_arrow_table()
        .to_pylist()
    )
    return [row | {"points": [area.project(*point) for point in row["points"]]} for row in rows]


def event_places(snapshot: Snapshot, area: Area) -> list[Row]:
    """Where the area's events happened, ``x`` and ``y`` in metres; all whose place is known."""
    rows = (
        snapshot.connect(TELEMETRY, EVENTS)
        .sql(
            f"""select e.event_id, e.drive_id as drive, e.trigger, e.time_s,
                case when e.kept then 'kept' else 'suppressed' end as outcome,
                t."{LATITUDE}" as latitude, t."{LONGITUDE}" as longitude
            from (select * from events where list_contains(?, drive_id)) e
            asof join (select * from telemetry
                where "{LATITUDE}" is not null and "{LONGITUDE}" is not null) t
            on e.drive_id = t.drive_id and e.time_ns >= t.timestamp_ns
            order by e.drive_id, e.time_ns, e.trigger""",
            params=[list(area.drive_ids)],
        )
        .to_arrow_table()
        .to_pylist()
    )
    placed = [(row, area.project(row.pop("latitude"), row.pop("longitude"))) for row in rows]
    return [row | {"x": x, "y": y} for row, (x, y) in placed]


def quarantine(snapshot: Snapshot) -> pa.Table:
    """Quarantined files and rows, counted by file and reason, the most first."""
    return (
        snapshot.connect(QUARANTINE)
        .sql(
            """select kind, path, reason, count(*) as count from quarantine
            group by all order by count desc, path, reason"""
        )
        .to_arrow_table()
    )


@dataclass(frozen=True)
class Health:
    """How ingest went, over all commits; ``last`` is when it last brought something."""

    commits: int
    planned: int
    done: int
    quarantined: int
    failed: int
    last: datetime | None


def health(snapshot: Snapshot) -> Health:
    """What became of everything that ingest planned."""
    commits = [commit for commit in snapshot.history.commits if commit.command == "ingest"]
    counts = [json.loads(commit.counts) for commit in commits]
    ends = [sum(int(one.get(name, 0)) for one in counts) for name in ("planned", *Status)]
    last_ns = max((commit.time_ns for commit in commits), default=None)
    last = datetime.fromtimestamp(last_ns / NS_PER_S, UTC) if last_ns else None
    planned, done, quarantined, failed = ends
    return Health(len(commits), planned, done, quarantined, failed, last)
