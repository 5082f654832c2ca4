"""The player as a Streamlit component, made of our own files: its code has no content of clips."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent
# One script of these parts, in this order: Streamlit loads it as one module.
PARTS = (
    "source",  # fetches
    "address",
    "clock",  # keeps the videos together
    "marks",
    "captions",
    "dense",
    "tiles",
    "plots",  # the timeline and the signals
    "panel",  # the switches
    "keys",
    "player",  # puts them together
)


@cache
def player() -> Any:
    """The component.

    Its data are ``clip`` (id), ``base`` and ``query`` (of `dashboard.routes.links.ClipLinks`),
    ``cameras`` (names, in order), ``run`` (id or None), ``asked`` (the address' words), and
    ``seen`` (whether ``complete`` is known). It triggers ``go`` (another clip is wanted),
    ``renew`` (new links are wanted), and ``complete`` (all cameras show a frame with its overlays,
    or hold nothing up any longer).
    """
    return st.components.v2.component(
        "ridealong_player", html=_file("html"), css=_file("css"), js=script()
    )


def script() -> str:
    """The parts as one module."""
    return "\n".join((FOLDER / f"{part}.js").read_text("utf-8") for part in PARTS)


def _file(kind: str) -> str:
    return (FOLDER / f"player.{kind}").read_text("utf-8")
