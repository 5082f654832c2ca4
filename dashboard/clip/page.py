"""The page Clip: one clip with the outputs of both networks."""

import streamlit as st


def page() -> None:
    """Lay out the page."""
    st.title("Clip", anchor=False)


page()
