"""Widgets whose value the address decides."""

import streamlit as st


def set_widget(key: str, value: object) -> None:
    """Make a widget show ``value``; call it before the widget.

    A widget that shows it already is left alone: the browser would set and draw it again.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
