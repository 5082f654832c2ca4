"""The two parts of the page Compare that need a script: the grid of checks, and the filmstrip."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


@cache
def _component(name: str) -> Any:
    """A component, from our own files; its code never contains content of a lake."""
    html, css, js = ((FOLDER / f"{name}.{k}").read_text("utf-8") for k in ("html", "css", "js"))
    return st.components.v2.component(f"ridealong_{name}", html=html, css=css, js=js)


def show_grid(data: Mapping[str, Any]) -> None:
    """The grid of checks, as `dashboard.compare.charts.grid_data` gives it."""
    _component("grid")(data=dict(data), key="grid")


def show_filmstrip(clips: list[dict[str, Any]]) -> None:
    """Pictures of clips, each a link.

    Args:
        clips: ``link``, ``facts`` (a link of `dashboard.routes.pairs`), ``title`` and ``lines`` of
            each.
    """
    _component("filmstrip")(data={"clips": clips}, key="filmstrip")
