"""Queries for the map of the page Fleet: areas, roads, drives, events."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboard.fleet.chosen import DRIVES_CHOSEN, EVENTS_CHOSEN, EVERYTHING, Chosen
from dashboard.fleet.queries import in_clips
from ingest.schemas import CLIPS, DRIVES, EVENTS, ROADS, TELEMETRY
from ridealong.lake import Snapshot

LATITUDE, LONGITUDE = "Vehicle.CurrentLocation.Latitude", "Vehicle.CurrentLocation.Longitude"
EARTH_M = 6_371_008.8  # mean radius
MOST_POINTS = 8_000  # of all tracks on one map; more cannot be distinguished
MOST_TRACKS = 400  # on one map
MOST_EVENTS = 1_500  # on one map
AREA_M = 10_000.0  # drives farther apart are shown on separate maps

Row = dict[str, Any]
Point = tuple[float, float]


@dataclass(frozen=True)
class Area:
    """Drives near each other, and the centre of their map's projection."""

    name: str
    drive_ids: tuple[str, ...]
    latitude: float
    longitude: float

    def project(self, latitude: float, longitude: float) -> Point:
        """Metres east and north of the centre (equirectangular: accurate near it)."""
        east = math.radians(longitude - self.longitude) * math.cos(math.radians(self.latitude))
        return EARTH_M * east, EARTH_M * math.radians(latitude - self.latitude)

    def line(self, places: Iterable[Sequence[float]]) -> list[Point]:
        """Latitudes and longitudes as metres east and north, to 0.1 m: finer than any screen."""
        metres = (self.project(latitude, longitude) for latitude, longitude in places)
        return [(round(x, 1), round(y, 1)) for x, y in metres]


def areas(snapshot: Snapshot) -> list[Area]:
    """The areas with drives, the one with most drives first; none without positions."""
    rows = snapshot.query(
        f"""select drive_id, any_value(country) as country,
            (min("{LATITUDE}") + max("{LATITUDE}")) / 2 as latitude,
            (min("{LONGITUDE}") + max("{LONGITUDE}")) / 2 as longitude
        from telemetry join drives using (drive_id)
        where "{LATITUDE}" is not null and "{LONGITUDE}" is not null
        group by drive_id order by drive_id""",
        TELEMETRY,
        DRIVES,
    ).to_pylist()
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


@dataclass(frozen=True)
class Some:
    """Rows for a map, and how many there are in all."""

    rows: list[Row]
    total: int


def tracks(snapshot: Snapshot, area: Area, chosen: Chosen = EVERYTHING) -> Some:
    """The tracks of the area's drives: vehicle, light, and a line in metres for each.

    Of more than `MOST_TRACKS`, the newest drives. All lines together have about `MOST_POINTS`
    points at equal time steps. A drive counts for at most as many seconds as it has rows: a clock
    that jumps by years must not thin out the others.
    """
    rows = snapshot.query(
        f"""with wanted as (
            select *, count(*) over () as total from drives
            where list_contains($drives::varchar[], drive_id) and {DRIVES_CHOSEN}
            order by start_ns desc, drive_id limit {MOST_TRACKS}),
        step as (select greatest(1e9,
                sum(least(duration_s, telemetry_rows)) * 1e9 / {MOST_POINTS})::bigint as ns
            from wanted),
        points as (
            select drive_id, (timestamp_ns - start_ns) // ns as place,
                arg_min("{LATITUDE}", timestamp_ns) as latitude,
                arg_min("{LONGITUDE}", timestamp_ns) as longitude
            from telemetry join wanted using (drive_id), step
            where "{LATITUDE}" is not null and "{LONGITUDE}" is not null
            group by all)
        select drive_id, any_value(vehicle_id) as vehicle, any_value(light) as light,
            any_value(total) as total, list([latitude, longitude] order by place) as points
        from points join wanted using (drive_id) group by drive_id order by drive_id""",
        TELEMETRY,
        DRIVES,
        params=chosen.of_drives() | {"drives": list(area.drive_ids)},
    ).to_pylist()
    total = rows[0]["total"] if rows else 0
    return Some([row | {"points": area.line(row["points"])} for row in rows], total)


def roads(snapshot: Snapshot, area: Area) -> list[Row]:
    """The roads of the maps of the area's drives, each ``points`` a line in metres.

    Several commits may have the same map; each road is given once. Empty if no source has a map.
    """
    rows = snapshot.query(
        """select distinct map, road, kind, width_m, latitude, longitude from roads
        order by map, road""",
        ROADS,
    ).to_pylist()
    places = [zip(row.pop("latitude"), row.pop("longitude"), strict=True) for row in rows]
    lines = [row | {"points": area.line(line)} for row, line in zip(rows, places, strict=True)]
    return [row for row in lines if math.hypot(*row["points"][0]) < AREA_M]


def event_places(snapshot: Snapshot, area: Area, chosen: Chosen = EVERYTHING) -> Some:
    """The area's events with a known position, ``x`` and ``y`` in metres; see `queries.events`.

    Of more than `MOST_EVENTS`, the kept ones first, and then a fixed random choice.
    """
    mine = f"list_contains($drives::varchar[], drive_id) and {EVENTS_CHOSEN}"
    some = f"""select * from events where {mine}
        order by kept desc, hash(event_id), event_id limit {MOST_EVENTS}"""
    rows = snapshot.query(
        f"""with shown_events as materialized ({in_clips(some)}),
        -- only what may be the last position before an event: to sort positions takes long
        ends as (select drive as drive_id, max(time_ns) as end_ns from shown_events group by drive),
        positions as (
            select drive_id, timestamp_ns, "{LATITUDE}" as latitude, "{LONGITUDE}" as longitude
            from telemetry join ends using (drive_id)
            where timestamp_ns <= end_ns
            and "{LATITUDE}" is not null and "{LONGITUDE}" is not null)
        select e.*, p.latitude, p.longitude, (select count(*) from events where {mine}) as total
        from shown_events e asof join positions p
        on e.drive = p.drive_id and e.time_ns >= p.timestamp_ns
        order by e.drive, e.time_ns, e.trigger""",
        TELEMETRY,
        EVENTS,
        CLIPS,
        params=chosen.of_events() | {"drives": list(area.drive_ids)},
    ).to_pylist()
    placed = [(row, area.project(row.pop("latitude"), row.pop("longitude"))) for row in rows]
    return Some([row | {"x": x, "y": y} for row, (x, y) in placed], rows[0]["total"] if rows else 0)
