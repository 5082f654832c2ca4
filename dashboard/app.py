"""The dashboard's script with its pages. Streamlit runs it again at every interaction."""

from pathlib import Path

import streamlit as st

from dashboard.text import plain
from ridealong.errors import RidealongError

HERE = Path(__file__).parent
STYLE = "[data-testid=stMainBlockContainer] { padding-top: 4.5rem; }"


def main() -> None:
    """Set up the navigation and run the chosen page."""
    # No named icons: the browser would fetch them from the network.
    st.set_page_config(page_title="ridealong", page_icon="🚘", layout="wide")
    st.html(f"<style>{STYLE}</style>")
    pages = [
        st.Page(HERE / "clips" / "page.py", title="Clips", url_path="clips", default=True),
        st.Page(HERE / "compare" / "page.py", title="Compare", url_path="compare"),
        st.Page(HERE / "fleet" / "page.py", title="Fleet", url_path="fleet"),
    ]
    chosen = st.navigation(pages, position="top")
    try:
        chosen.run()
    except RidealongError as error:  # for example a damaged table: one line, as on the command line
        st.error(plain(str(error)))


main()
