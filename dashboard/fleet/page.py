"""The page Fleet: drives and events, where they were, and the health of ingest."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.first_steps import NO_DRIVES, THEN
from dashboard.fleet import charts, queries, tables
from dashboard.fleet import health_queries as ingest
from dashboard.fleet import map_queries as places
from dashboard.fleet.chosen import Chosen, Outcome, end_of, start_of
from dashboard.fleet.map_charts import MAP_PX, map_chart
from dashboard.fleet.queries import A_PAGE, Extent, Row
from dashboard.text import plain
from dashboard.theme import palette
from dashboard.words import help_of
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE, ROADS, TELEMETRY
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted

VIEWS = ("Map", "Conditions", "Ingest health")
# What is bound to a widget, Streamlit takes from the address when the page is left, also where the
# next page has a parameter of that name: so no page shares these names.
KNOWN = ("vehicles", "triggers", "days", "events", "tab", "area", "page")  # in the address
FILTERS = ("vehicles", "triggers", "days", "events")  # keys of widgets, and names in the address
QUARANTINED_HELP = (
    "Recordings and clips that cannot be used at all. The list below also has the parts that were "
    "left out of drives."
)
NO_ROADS = " No road map is known here: only the drives' tracks."
EVENTS_HELP = "Suppressed events have no clip of their own, for the reason in the list."


def page() -> None:
    """Lay out the page: filters and figures, then the chosen view."""
    st.title("Fleet", anchor=False)
    st.html(tables.style(palette()))
    snapshot = session.snapshot(session.home())
    extent = _extent(session.version(snapshot, DRIVES, EVENTS), snapshot)
    if extent is None:
        st.info(NO_DRIVES + THEN)
        _health(snapshot)
        return
    _warn(extent)
    chosen = _choose(extent)
    totals = _totals(session.version(snapshot, DRIVES, EVENTS, CLIPS), chosen, snapshot)
    _figures(totals)
    views = zip(VIEWS, st.tabs(VIEWS, key="tab", bind="query-params"), strict=True)
    ((name, tab),) = [(name, tab) for name, tab in views if tab.open]
    with tab:  # the others are neither computed nor sent
        if name == "Ingest health":
            _health(snapshot)
        elif not totals.drives:
            st.info("No drive fits these filters.")
            st.button("Clear the filters", on_click=_clear)
        elif name == "Map":
            _map(snapshot, chosen, extent, totals.events)
        else:
            _conditions(snapshot, chosen)


def _warn(extent: Extent) -> None:
    """Say what the address names and the fleet does not have; the widgets then ignore it."""
    for name, known in (("vehicles", extent.vehicles), ("triggers", extent.triggers)):
        if gone := [value for value in st.query_params.get_all(name) if value not in known]:
            st.warning(f"There is no {name[:-1]} {plain(gone[0])} in this home; it is left out.")
    for name, valid in (("events", list(Outcome)), ("tab", VIEWS)):
        if (value := st.query_params.get(name)) is not None and value not in valid:
            st.warning(f"{name}={value} is not one of {', '.join(valid)}; it is left out.")
    days = st.query_params.get_all("days")
    if days and not _are_days(days, extent):
        st.warning(
            f"{plain('&'.join(f'days={day}' for day in days))} is left out: this home has drives "
            f"from {extent.first} to {extent.last}, and an address has both days, as in "
            f"{plain(f'days={extent.first}&days={extent.last}')}."
        )
    if unknown := [name for name in st.query_params if name not in KNOWN]:
        st.warning(f"The address has {plain(unknown[0])}, which is no filter of this page.")


def _are_days(days: list[str], extent: Extent) -> bool:
    try:
        first, last = map(date.fromisoformat, days)
    except ValueError:  # also if they are not two
        return False
    return extent.first <= first <= last <= extent.last


def _choose(extent: Extent) -> Chosen:
    """The filters; they are in the address."""
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


def _clear() -> None:
    for name in FILTERS:
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)


@st.cache_data(max_entries=4, show_spinner=False)
def _extent(version: str, _snapshot: Snapshot) -> Extent | None:
    return queries.extent(_snapshot)


@st.cache_data(max_entries=64, show_spinner=False)
def _totals(version: str, chosen: Chosen, _snapshot: Snapshot) -> queries.Totals:
    return queries.totals(_snapshot, chosen)


def _figures(totals: queries.Totals) -> None:
    figures = {
        "Drives": (f"{totals.drives:,}", help_of("drive")),
        "Distance": (f"{totals.km:,.1f} km", "Of all drives whose distance is known."),
        "Recorded": (f"{totals.hours:,.2f} h", "The length of all drives together."),
        "Vehicles": (f"{totals.vehicles:,}", "Vehicles with at least one of these drives."),
        "Events": (f"{totals.events:,}", help_of("event")),
        "Kept": (f"{totals.kept:,}", help_of("kept")),
        "Clips": (f"{totals.clips:,}", help_of("clip")),
    }
    for column, (name, (value, words)) in zip(
        st.columns(len(figures)), figures.items(), strict=True
    ):
        column.metric(name, value, help=words, border=True)


@st.cache_data(max_entries=8, show_spinner=False)
def _areas(version: str, _snapshot: Snapshot) -> list[places.Area]:
    return places.areas(_snapshot)


@dataclass(frozen=True)
class Part:
    """How many there are in an area, and how many of them are drawn."""

    total: int
    shown: int


@dataclass(frozen=True)
class Drawn:
    """The map of an area, and what is on it."""

    chart: dict[str, Any]
    drives: Part
    events: Part
    roads: bool


# Not copied at each run: Streamlit does not change the chart.
@st.cache_resource(max_entries=16, show_spinner=False)
def _drawn(
    version: str,
    area: places.Area,
    chosen: Chosen,
    triggers: tuple[str, ...],
    theme: str,
    _snapshot: Snapshot,
) -> Drawn | None:
    """The map of an area; None if no drive fits."""
    tracks = places.tracks(_snapshot, area, chosen)
    if not tracks.rows:
        return None
    roads, events = places.roads(_snapshot, area), places.event_places(_snapshot, area, chosen)
    shown = [event | {"href": tables.event_address(event)} for event in events.rows]
    return Drawn(
        map_chart(roads, tracks.rows, shown, triggers, palette()),
        Part(tracks.total, len(tracks.rows)),
        Part(events.total, len(events.rows)),
        bool(roads),
    )


def _map(snapshot: Snapshot, chosen: Chosen, extent: Extent, events: int) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with right:
        _events(snapshot, chosen, events)
    with left, st.container(height=MAP_PX + 150, border=False), st.spinner("Reading positions"):
        _draw(snapshot, chosen, extent)


def _draw(snapshot: Snapshot, chosen: Chosen, extent: Extent) -> None:
    where = session.version(snapshot, TELEMETRY, DRIVES)
    areas = _areas(where, snapshot)
    if not areas:
        st.info("No drive recorded positions (`Vehicle.CurrentLocation`).")
        return
    area, names = areas[0], {place.name: place for place in areas}
    if (asked := st.query_params.get("area")) is not None and asked not in names:
        st.warning(f"There is no area {plain(asked)} in this home; another one is shown.")
    if len(areas) > 1:
        area = names[
            st.selectbox(
                "Area",
                list(names),
                format_func=lambda name: f"{name} ({counted(len(names[name].drive_ids), 'drive')})",
                key="area",
                bind="query-params",
                help="Drives that are more than 10 km apart are on maps of their own.",
            )
        ]
    version = where + session.version(snapshot, ROADS, EVENTS, CLIPS)
    drawn = _drawn(version, area, chosen, extent.triggers, repr(palette()), snapshot)
    if drawn is None:
        st.info("No drive in this area fits these filters.")
        return
    drives, events = drawn.drives, drawn.events
    st.vega_lite_chart(
        spec=drawn.chart,
        alt=f"Map of {counted(drives.total, 'drive')} with {counted(events.total, 'event')}; "
        "the list beside it has the same events as links.",
    )
    said = "Discs are kept events, rings suppressed ones. Click one to open the clip that shows it."
    said += tables.left_out(events.total, events.shown, "event")
    said += tables.left_out(drives.total, drives.shown, "drive")
    st.caption(said + ("" if drawn.roads else NO_ROADS))


@st.cache_data(max_entries=64, show_spinner=False)
def _page_of_events(version: str, chosen: Chosen, at: int, _snapshot: Snapshot) -> list[Row]:
    return queries.events(_snapshot, chosen, at)


def _events(snapshot: Snapshot, chosen: Chosen, total: int) -> None:
    """The events as links, a page at a time: the map's way for the keyboard."""
    pages = max(1, -(-total // A_PAGE))
    asked = st.query_params.get("page", "1")
    at = min(max(int(asked) if asked.isdecimal() and len(asked) < 10 else 1, 1), pages)
    if not total:
        st.info("No event fits these filters.")
        return
    version = session.version(snapshot, EVENTS, CLIPS)
    with st.container(height=MAP_PX + 90, border=False):
        st.html(str(tables.events_table(_page_of_events(version, chosen, at, snapshot))))
    before, word, after = st.columns([2, 5, 2], vertical_alignment="center")
    before.button("Previous", disabled=at == 1, on_click=_turn, args=(at - 1,), width="stretch")
    said = f"Page {at:,} of {pages:,}: {counted(total, 'event')} in all areas"
    word.caption(said, text_alignment="center")
    after.button("Next", disabled=at == pages, on_click=_turn, args=(at + 1,), width="stretch")


def _turn(page: int) -> None:
    st.query_params["page"] = str(page)


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


def _health(snapshot: Snapshot) -> None:
    found = ingest.health(snapshot)
    last = f"{found.last:%Y-%m-%d %H:%M} UTC" if found.last else "never"
    figures = {
        "Last ingest": (last, "When `ridealong ingest` last added something."),
        "Planned": (f"{found.planned:,}", "Recordings to read and clips to cut, over all ingests."),
        "Done": (f"{found.done:,}", "Of the planned ones, those that are in the lake."),
        "Quarantined": (f"{found.quarantined:,}", QUARANTINED_HELP),
        "Failed": (f"{found.failed:,}", help_of("failed")),
    }
    widths = [2, *[1] * (len(figures) - 1)]
    for column, (name, (value, words)) in zip(st.columns(widths), figures.items(), strict=True):
        column.metric(name, value, help=words, border=True)
    if found.failed:
        st.warning("Run the same `ridealong ingest` again: it tries what failed, and only that.")
    st.header("Quarantine", anchor=False, help=help_of("quarantined"))
    _quarantine(session.version(snapshot, QUARANTINE), snapshot)
    st.header("Last ingests", anchor=False, help=help_of("commit"))
    if rows := ingest.last_ingests(snapshot):
        st.html(str(tables.ingests_table(rows)))
    else:
        st.caption("Nothing was ingested yet.")


def _quarantine(version: str, snapshot: Snapshot) -> None:
    found = _quarantined(version, snapshot)
    if not found.rows:
        st.caption("Nothing in quarantine: everything that was read could be used.")
        return
    st.html(str(tables.quarantine_table(found)))
    if found.left_out:
        st.caption(f"{found.left_out:,} more reasons: `ridealong quarantine list` shows them.")


@st.cache_data(max_entries=4, show_spinner=False)
def _quarantined(version: str, _snapshot: Snapshot) -> ingest.Quarantine:
    return ingest.quarantine(_snapshot)


page()
