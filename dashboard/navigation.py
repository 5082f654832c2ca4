"""Links from page to page: real links, which a click follows as quickly as a rerun.

A page writes ``<a href="/compare?run=…">``. The browser can copy it, open it in a new tab, and
follow it without our script. `follow_links` makes a plain click on it a rerun.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from dashboard.components import component
from metrics.gate.cells import Cell

FOLDER = Path(__file__).parent
KEY = "navigation"  # its container takes no room; see `theme.STYLE`


def follow_links() -> None:
    """Make links between pages quick; once in the app."""
    with st.container(key=KEY):
        component(FOLDER, "navigation")(key="follow_links")


def address(page: str, /, **asked: object) -> str:
    """The address of a page, such as ``/compare?run=…``; parameters of None are left out."""
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"/{page}?{query}" if query else f"/{page}"


def cell_address(run_id: str, cell: Cell | Mapping[str, Any], page: str = "compare") -> str:
    """The address of one cell of a run."""
    parts = {name: str(cell[name]) for name in ("prediction", "metric", "slice")}
    return address(page, run=run_id, **parts)
