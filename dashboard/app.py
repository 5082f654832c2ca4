"""The dashboard's script: which pages there are. Streamlit runs it anew at every interaction."""

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).parent / "pages"


def main() -> None:
    """Set the page up and run the one that was chosen."""
    st.set_page_config(page_title="ridealong", page_icon=":material/directions_car:", layout="wide")
    pages = [st.Page(PAGES / "clips.py", title="Clips", icon=":material/movie:", default=True)]
    st.navigation(pages).run()


main()
