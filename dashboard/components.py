"""Components of our own: HTML, style and script in files beside the code that shows them."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

BLANK = "<span></span>"  # what a component shows that is a script alone


@cache
def component(folder: Path, stem: str, scripts: tuple[str, ...] = ()) -> Any:
    """The component of ``stem.html``, ``stem.css`` and ``stem.js``; call it to show it.

    Without ``stem.html`` it is a script alone, which shows nothing. Its code comes from our own
    files alone, and never contains content of the lake.

    Args:
        folder: Where the files are.
        stem: Their name, which no other component has.
        scripts: Scripts that are joined, in this order, instead of ``stem.js``.
    """
    page, style = folder / f"{stem}.html", folder / f"{stem}.css"
    return st.components.v2.component(
        f"ridealong_{stem}",
        html=page.read_text("utf-8") if page.exists() else BLANK,
        css=style.read_text("utf-8") if page.exists() else None,
        js="\n".join((folder / f"{name}.js").read_text("utf-8") for name in scripts or (stem,)),
    )
