"""The view Ingest health of the page Fleet: what ingest did, and what it could not use."""

import streamlit as st

from dashboard.fleet import cached, tables
from dashboard.fleet.figures import figures
from dashboard.fleet.health_queries import health, last_ingests
from dashboard.words import help_of
from ridealong.lake import Snapshot

PLANNED_HELP = "Recordings to read and clips to cut, over all ingests."
QUARANTINED_HELP = (
    "Recordings and clips that cannot be used at all. The list below also has the parts that were "
    "left out of drives."
)


def show(snapshot: Snapshot) -> None:
    """Lay out the view."""
    found = health(snapshot)
    last = f"{found.last:%Y-%m-%d %H:%M} UTC" if found.last else "never"
    shown = {
        "Last ingest": (last, "When ridealong ingest last added something."),
        "Planned": (f"{found.planned:,}", PLANNED_HELP),
        "Done": (f"{found.done:,}", "Of the planned ones, those that are in the lake."),
        "Quarantined": (f"{found.quarantined:,}", QUARANTINED_HELP),
        "Failed": (f"{found.failed:,}", help_of("failed")),
    }
    st.html(figures(shown, "Ingest"))
    if found.failed:
        st.warning("Run the same `ridealong ingest` again: it tries what failed, and only that.")
    st.header("Quarantine", anchor=False, help=help_of("quarantined"))
    _quarantine(snapshot)
    st.header("Last ingests", anchor=False, help=help_of("commit"))
    if rows := last_ingests(snapshot):
        st.html(tables.ingests_table(rows))
    else:
        st.caption("Nothing has been ingested yet.")


def _quarantine(snapshot: Snapshot) -> None:
    found = cached.quarantine(snapshot)
    if not found.rows:
        st.caption("Nothing in quarantine: everything that was read could be used.")
        return
    st.html(tables.quarantine_table(found))
    if found.left_out:
        st.caption(f"{found.left_out:,} more reasons: `ridealong quarantine list` shows them.")
