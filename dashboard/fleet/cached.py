"""The queries of the page Fleet, with their answers kept; see `dashboard.keeping`."""

from typing import Any

from dashboard.fleet import health_queries, map_queries, queries
from dashboard.fleet.chosen import Chosen
from dashboard.fleet.map_drawing import map_drawing
from dashboard.fleet.map_queries import Area
from dashboard.fleet.tables import event_address
from dashboard.keeping import by_tables
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE, ROADS, TELEMETRY
from ridealong.lake import Snapshot

CHOICES = 64  # parts of the fleet
MAPS = 16

extent = by_tables(queries.extent, 4, DRIVES, EVENTS)
totals = by_tables(queries.totals, CHOICES, DRIVES, EVENTS, CLIPS)
events = by_tables(queries.events, CHOICES, EVENTS, CLIPS)
areas = by_tables(map_queries.areas, 4, TELEMETRY, DRIVES)
quarantine = by_tables(health_queries.quarantine, 4, QUARANTINE)


def _drawing(
    snapshot: Snapshot, area: Area, chosen: Chosen, triggers: tuple[str, ...]
) -> dict[str, Any]:
    return map_drawing(
        map_queries.roads(snapshot, area),
        map_queries.tracks(snapshot, area, chosen),
        map_queries.event_places(snapshot, area, chosen),
        triggers,
        event_address,
    )


drawing = by_tables(
    _drawing, MAPS, TELEMETRY, DRIVES, EVENTS, CLIPS, ROADS, names={Area: lambda area: area.name}
)
