"""The parts of the page Fleet that need a script: the filters and the map."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dashboard.components import component
from dashboard.fleet.chosen import Chosen, day_of
from dashboard.fleet.map_queries import Area
from dashboard.fleet.queries import Extent
from ridealong.terminal.readable import counted

FOLDER = Path(__file__).parent


def show_filters(extent: Extent, chosen: Chosen, dark: bool) -> None:
    """The filters: vehicles, triggers, days and outcomes.

    Args:
        extent: What there is to choose from.
        chosen: What is chosen.
        dark: Whether the theme is dark.
    """
    data = {
        "options": {"vehicles": extent.vehicles, "triggers": extent.triggers},
        "days": [str(extent.first), str(extent.last)],
        "chosen": {
            "vehicles": chosen.vehicles,
            "triggers": chosen.triggers,
            "days": [str(day_of(chosen.since_ns)), str(day_of(chosen.until_ns - 1))],
            "events": chosen.outcome or "",
        },
        "dark": dark,
    }
    component(FOLDER, "filters", ("../making", "../following", "filters"))(data=data, key="filters")


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
    component(FOLDER, "map", ("../making", "../following", "map_marks", "map_view", "map"))(
        data={**drawing, "areas": choices}, key="map"
    )
