"""The address of the page Compare: what it asks for, and how widgets change it."""

from collections.abc import Sequence

import streamlit as st

from dashboard.compare.cell_queries import KEY
from dashboard.compare.filters import NAMES


def asked_key() -> dict[str, str]:
    """The parts of a check's key that the address has."""
    return {name: str(st.query_params[name]) for name in KEY if name in st.query_params}


def asked_values() -> dict[str, list[str]]:
    """The filters, the view and the page in the address."""
    return {name: st.query_params.get_all(name) for name in (*NAMES, "view", "page")}


def change(name: str, value: str | Sequence[str] | None) -> None:
    """Change one parameter of the address; the pages of the grid start again."""
    for gone in (name, "page"):
        st.query_params.pop(gone, None)
    if value:
        st.query_params[name] = value
