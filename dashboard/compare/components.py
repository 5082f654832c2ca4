"""The parts of the page Compare that need a script: the grid of checks, and what is behind one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard.components import component

FOLDER = Path(__file__).parent


def show_grid(data: Mapping[str, Any]) -> None:
    """The grid of checks, as `dashboard.compare.charts.grid_data` gives it."""
    component(FOLDER, "grid")(data=dict(data), key="grid")


def show_chosen(key: Mapping[str, str]) -> None:
    """Tell the grid which check is chosen; nothing is drawn here.

    It is no part of the grid's data. So these stay the same when another check is chosen, and
    Streamlit does not send them again.
    """
    component(FOLDER, "chosen")(data={"chosen": list(key.values())}, key="chosen")


def show_behind(about: str, noun: str) -> None:
    """The clips or items behind a check, which the browser asks for once they are seen.

    Args:
        about: A link of `dashboard.routes.behind`.
        noun: What one of them is called.
    """
    component(FOLDER, "behind", ("../asking", "behind"))(
        data={"about": about, "noun": noun}, key="behind"
    )
