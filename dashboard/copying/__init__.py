"""The button Copy link: the address of what a page shows, for a colleague."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


@cache
def _component() -> Any:
    """The component, from our own files."""
    html, css, js = ((FOLDER / f"copy.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("ridealong_copy", html=html, css=css, js=js)


def copy_link(address: str) -> None:
    """A button that copies an address: path and query, such as ``/compare?run=…``."""
    _component()(data={"address": address}, key="copy_link")
