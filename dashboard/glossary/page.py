"""The page Glossary: what each term means."""

import streamlit as st


def page() -> None:
    """Lay out the page."""
    st.title("Glossary", anchor=False)


page()
