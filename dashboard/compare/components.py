"""The two parts of the page Compare that need a script: the grid of checks, and the filmstrip."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard.components import component

FOLDER = Path(__file__).parent


def show_grid(data: Mapping[str, Any]) -> None:
    """The grid of checks, as `dashboard.compare.charts.grid_data` gives it."""
    component(FOLDER, "grid")(data=dict(data), key="grid")


def show_filmstrip(clips: list[dict[str, Any]]) -> None:
    """Pictures of clips, each a link.

    Args:
        clips: ``link``, ``facts`` (a link of `dashboard.routes.pairs`), ``title`` and ``lines`` of
            each.
    """
    component(FOLDER, "filmstrip")(data={"clips": clips}, key="filmstrip")
