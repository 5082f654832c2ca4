"""The part of the page Fleet that needs a script: the map."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dashboard.components import component
from dashboard.fleet.map_queries import Area
from ridealong.terminal.readable import counted

FOLDER = Path(__file__).parent


def show_map(drawing: Mapping[str, Any], areas: Sequence[tuple[Area, str, bool]]) -> None:
    """The map of an area.

    Args:
        drawing: As `dashboard.fleet.map_drawing.map_drawing` gives it.
        areas: All areas, each with the link to it, and whether it is shown.
    """
    choices = [
        [f"{area.name} ({counted(len(area.drive_ids), 'drive')})", link, shown]
        for area, link, shown in areas
    ]
    component(FOLDER, "map", ("../making", "map_marks", "map_view", "map"))(
        data={**drawing, "areas": choices}, key="map"
    )
