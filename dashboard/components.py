"""Components of our own: HTML, style and script in files beside the code that shows them."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st


@cache
def component(folder: Path, stem: str, scripts: tuple[str, ...] = ()) -> Any:
    """The component of ``stem.html``, ``stem.css`` and ``stem.js``; call it to show it.

    Its code comes from our own files alone, and never contains content of the lake.

    Args:
        folder: Where the files are.
        stem: Their name, which no other component has.
        scripts: Scripts that are joined, in this order, instead of ``stem.js``.
    """
    html, css = ((folder / f"{stem}.{kind}").read_text("utf-8") for kind in ("html", "css"))
    js = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in scripts or (stem,))
    return st.components.v2.component(f"ridealong_{stem}", html=html, css=css, js=js)
