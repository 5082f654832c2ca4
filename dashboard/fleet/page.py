"""The page Fleet: drives and events, where they were, and the health of ingest."""

import streamlit as st

from dashboard import session
from dashboard.elements import button
from dashboard.first_steps import NO_DRIVES, THEN
from dashboard.fleet import address, cached, charts, health, queries, tables
from dashboard.fleet.chosen import Chosen
from dashboard.fleet.components import show_filters, show_map
from dashboard.fleet.figures import figures, views
from dashboard.fleet.queries import A_PAGE, Extent, Totals
from dashboard.theme import DARK, palette
from dashboard.words import help_of
from ridealong.lake import Snapshot


def page() -> None:
    """Lay out the page: filters and figures, then the chosen view."""
    st.title("Fleet", anchor=False)
    st.html(tables.style())
    snapshot = session.snapshot(session.home())
    extent = cached.extent(snapshot)
    if extent is None:
        st.info(NO_DRIVES + THEN)
        health.show(snapshot)
        return
    address.warn(extent)
    chosen = address.chosen_in(extent)
    with st.container(key="filters_room"):
        show_filters(extent, chosen, palette() is DARK)
    totals = cached.totals(snapshot, chosen)
    shown = address.view_asked()
    st.html(
        _figures(totals) + views({name: address.link(tab=name) for name in address.VIEWS}, shown)
    )
    if shown == "Ingest health":
        health.show(snapshot)
    elif not totals.drives:
        st.info("No drive fits these filters.")
        everything = address.link(address.FILTERS)
        st.html(button("Clear the filters", everything, "Shows all drives and events."))
    elif shown == "Map":
        _map(snapshot, chosen, extent, totals.events)
    else:
        _conditions(snapshot, chosen)


def _figures(totals: Totals) -> str:
    shown = {
        "Drives": (f"{totals.drives:,}", help_of("drive")),
        "Distance": (f"{totals.km:,.1f} km", "Of all drives whose distance is known."),
        "Recorded": (f"{totals.hours:,.2f} h", "The length of all drives together."),
        "Vehicles": (f"{totals.vehicles:,}", "Vehicles with at least one of these drives."),
        "Events": (f"{totals.events:,}", help_of("event")),
        "Kept": (f"{totals.kept:,}", help_of("kept")),
        "Clips": (f"{totals.clips:,}", help_of("clip")),
    }
    return figures(shown, "Totals")


def _map(snapshot: Snapshot, chosen: Chosen, extent: Extent, events: int) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with right:
        _events(snapshot, chosen, events)
    with left, st.container(key="map_room"), st.spinner("Reading positions"):
        _draw(snapshot, chosen, extent)


def _draw(snapshot: Snapshot, chosen: Chosen, extent: Extent) -> None:
    areas = cached.areas(snapshot)
    if not areas:
        st.info("No drive recorded positions (`Vehicle.CurrentLocation`).")
        return
    address.warn_of_area(areas)
    area = address.area_asked(areas)
    drawing = cached.drawing(snapshot, area, chosen, extent.triggers)
    show_map(drawing, [(one, address.link(area=one.name), one is area) for one in areas])


def _events(snapshot: Snapshot, chosen: Chosen, total: int) -> None:
    """The events as links, a page at a time: also those that the map leaves out."""
    if not total:
        st.info("No event fits these filters.")
        return
    pages = -(-total // A_PAGE)
    at = address.page_asked(pages)
    turn = tables.page_links(at, pages, total, lambda page: address.link(page=page))
    st.html(tables.events_table(cached.events(snapshot, chosen, at)) + turn)


def _conditions(snapshot: Snapshot, chosen: Chosen) -> None:
    colours = palette()
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.header("Events by trigger", anchor=False, help=help_of("event"))
        events = queries.events_by_trigger(snapshot, chosen)
        st.altair_chart(
            charts.trigger_chart(events, colours), alt="Events by trigger and what became of them"
        )
    with right:
        st.header("Drives by condition", anchor=False, help=help_of("attribute"))
        rows = queries.drives_by(snapshot, chosen).to_pylist()
        columns = st.columns(3)
        for place, name in enumerate(queries.ATTRIBUTES):
            mine = [row for row in rows if row["attribute"] == name]
            columns[place % 3].altair_chart(
                charts.share_chart(mine, name, colours), alt=f"Drives by {name}"
            )


page()
