"""The dashboard's script with its pages. Streamlit runs it again at every interaction."""

from pathlib import Path

import streamlit as st

from dashboard.actions import messages, progress
from dashboard.navigation import follow_links
from dashboard.pages import PAGES, START
from dashboard.text import plain
from dashboard.theme import style
from ridealong.errors import RidealongError

HERE = Path(__file__).parent


def main() -> None:
    """Set up the navigation and run the chosen page."""
    # No named icons: the browser would fetch them from the network.
    st.set_page_config(page_title="ridealong", page_icon="🚘", layout="wide")
    st.html(f"<style>{style()}</style>")
    follow_links()
    pages = [
        st.Page(HERE / name / "page.py", title=title, url_path=name, default=name == START)
        for name, title in PAGES.items()
    ]
    chosen = st.navigation(pages, position="top")
    with messages.shown():
        try:
            chosen.run()
        except RidealongError as error:  # for example a damaged table: one line, as in a shell
            st.error(plain(str(error)))
    progress.line()


main()
