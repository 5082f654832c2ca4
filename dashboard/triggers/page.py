"""The page Triggers: what the fleet looks for."""

import streamlit as st


def page() -> None:
    """Lay out the page."""
    st.title("Triggers", anchor=False)


page()
