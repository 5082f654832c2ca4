"""The page Runs and networks: runs, starting one, networks and releases, and what was changed."""

from collections.abc import Callable

import streamlit as st

from dashboard import session
from dashboard.actions.acting import refusal
from dashboard.navigation import address
from dashboard.runs import changes, deploying, listing, starting
from dashboard.runs.markup import choices, style
from dashboard.text import plain
from dashboard.theme import palette
from ridealong.lake import Snapshot

VIEWS: dict[str, tuple[str, Callable[[Snapshot], None]]] = {
    "runs": ("Runs", listing.show),
    "start": ("Start a run", starting.show),
    "networks": ("Networks and releases", deploying.show),
    "changes": ("What was changed", changes.show),
}


def page() -> None:
    """Lay out the page."""
    st.title("Runs and networks", anchor=False)
    st.html(style(palette()))
    asked = st.query_params.get("view", "runs")
    if asked not in VIEWS:
        st.warning(f"There is no view {plain(asked)} here. These are the runs.")
    title, show = VIEWS.get(asked, VIEWS["runs"])
    links = [(text, address("runs", view=name)) for name, (text, _) in VIEWS.items()]
    st.html(choices(links, title, "Views"))
    if why := refusal():
        st.caption(plain(why))
    show(session.snapshot(session.home()))


page()
