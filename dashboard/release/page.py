"""The page Release: may we ship, what broke, where."""

import streamlit as st


def page() -> None:
    """Lay out the page."""
    st.title("Release", anchor=False)


page()
