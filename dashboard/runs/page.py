"""The page Runs and networks: runs, networks, and what the fleet runs."""

import streamlit as st


def page() -> None:
    """Lay out the page."""
    st.title("Runs and networks", anchor=False)


page()
