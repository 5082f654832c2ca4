"""The part of the page Release that needs a script: the pair of pictures."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


@cache
def _component(name: str) -> Any:
    """A component, from our own files."""
    html, css, js = (
        (FOLDER / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js")
    )
    return st.components.v2.component(f"ridealong_{name}", html=html, css=css, js=js)


def picture_pair(facts: str, key: str) -> None:
    """The costliest frame, deployed beside candidate, once the server has drawn it.

    Args:
        facts: The link to what is known of the pair; see `dashboard.routes.pairs`.
        key: Different for different pairs.
    """
    _component("pair")(data={"facts": facts}, key=key)
