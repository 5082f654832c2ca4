"""The widgets of the page Fleet that choose vehicles, triggers, days and outcomes."""

from typing import Any

import streamlit as st

from dashboard.fleet.address import FILTERS
from dashboard.fleet.chosen import Chosen, Outcome, end_of, start_of
from dashboard.fleet.queries import Extent

EVENTS_HELP = "Suppressed events have no clip of their own, for the reason in the list."


def filter_widgets(extent: Extent) -> Chosen:
    """The filters, in one row, and what they choose; they are in the address."""
    vehicles, triggers, days, outcome = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
    first, last = extent.first, extent.last
    bound: Any = {"bind": "query-params"}
    chosen_days = days.date_input(
        "Days (UTC)", (first, last), first, last, key="days", format="YYYY-MM-DD", **bound
    )
    span = (*chosen_days, last)[:2] if chosen_days else (first, last)  # while only one is chosen
    kept = outcome.segmented_control(
        "Events", list(Outcome), key="events", help=EVENTS_HELP, **bound
    )
    return Chosen(
        tuple(
            vehicles.multiselect(
                "Vehicles", extent.vehicles, key="vehicles", placeholder="all vehicles", **bound
            )
        ),
        tuple(
            triggers.multiselect(
                "Triggers", extent.triggers, key="triggers", placeholder="all triggers", **bound
            )
        ),
        Outcome(kept) if kept else None,
        start_of(span[0]),
        end_of(span[1]),
    )


def clear_filters() -> None:
    """Choose everything again."""
    for name in FILTERS:
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)
