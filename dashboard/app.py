"""The dashboard's script: which pages there are. Streamlit runs it anew at every interaction."""

from pathlib import Path

import streamlit as st

from dashboard.text import plain
from ridealong.errors import RidealongError

PAGES = Path(__file__).parent / "pages"
STYLE = "[data-testid=stMainBlockContainer] { padding-top: 4.5rem; }"


def main() -> None:
    """Set the page up and run the one that was chosen."""
    # No icons by name: the browser would fetch them from the network.
    st.set_page_config(page_title="ridealong", page_icon="🚘", layout="wide")
    st.html(f"<style>{STYLE}</style>")
    pages = [
        st.Page(PAGES / "clips.py", title="Clips", default=True),
        st.Page(PAGES / "regressions.py", title="Regressions"),
        st.Page(PAGES / "fleet.py", title="Fleet"),
    ]
    chosen = st.navigation(pages, position="top")
    try:
        chosen.run()
    except RidealongError as error:  # a damaged table, say: one line, as on the command line
        st.error(plain(str(error)))


main()
