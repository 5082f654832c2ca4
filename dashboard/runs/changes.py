"""The view of what was changed on the dashboard: who, what, when, from what to what."""

import streamlit as st

from dashboard.actions.audit import count, entries
from dashboard.runs.markup import changes_table
from dashboard.runs.paging import page_asked, page_links
from ridealong.lake import Snapshot

SHOWN = 25  # of a page


def show(snapshot: Snapshot) -> None:
    """Lay out the view."""
    every, number = count(snapshot), page_asked()
    if not every:
        st.info(
            "Nothing was changed on the dashboard yet. Each change of a page will be listed here: "
            "for example, [give a run a name](/runs)."
        )
        return
    st.caption(
        "All that pages changed or tried to change, the newest first. Who is known behind a proxy "
        "that names the person. `ridealong audit` lists the same."
    )
    st.html(changes_table(entries(snapshot, SHOWN, number * SHOWN)))
    page_links("entry", number, every, SHOWN, view="changes")
