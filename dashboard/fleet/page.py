"""The page Fleet: drives, events and where they were, and the health of ingest."""

import streamlit as st

from dashboard import session
from dashboard.fleet import charts, queries
from dashboard.fleet import map_queries as places
from dashboard.fleet.map_charts import map_chart
from dashboard.text import MISSING
from ridealong.lake import Snapshot

ALL_TRIGGERS = "all triggers"


def page() -> None:
    """Lay out the page: figures, events beside the map, then breakdown and health."""
    st.title("Fleet", anchor=False)
    snapshot = session.snapshot(session.home())
    totals = queries.totals(snapshot)
    if not totals.drives:
        st.info("No drives yet. Add drives with `ridealong ingest`, or run `ridealong demo`.")
        _health(snapshot)
        return
    _figures(totals)
    left, right = st.columns([2, 3], gap="large")
    events = queries.events_by_trigger(snapshot)
    with left:
        st.subheader("Events by trigger", anchor=False)
        st.altair_chart(charts.trigger_chart(events))
    with right:
        _map(snapshot, events["trigger"].unique().to_pylist())
    st.subheader("Drives by condition", anchor=False)
    _breakdown(snapshot)
    _health(snapshot)


def _figures(totals: queries.Totals) -> None:
    figures = {
        "Drives": f"{totals.drives:,}",
        "Kilometres": f"{totals.km:,.1f}",
        "Hours": f"{totals.hours:,.2f}",
        "Vehicles": f"{totals.vehicles:,}",
        "Events": f"{totals.events:,}",
        "Kept": f"{totals.kept:,}",
        "Clips": f"{totals.clips:,}",
    }
    for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(name, value, border=True)


@st.cache_data(max_entries=8, show_spinner="Reading positions")
def _areas(_snapshot: Snapshot, newest: str) -> list[places.Area]:
    """The areas; cached until the next commit, because this reads all positions."""
    return places.areas(_snapshot)


@st.cache_data(max_entries=16, show_spinner="Reading positions")
def _drawn(_snapshot: Snapshot, newest: str, area: places.Area) -> tuple[list[places.Row], ...]:
    """The area's roads, tracks and events."""
    return tuple(ask(_snapshot, area) for ask in (places.roads, places.tracks, places.event_places))


def _map(snapshot: Snapshot, triggers: list[str]) -> None:
    st.subheader("Where", anchor=False)
    newest = snapshot.history.commits[-1].commit_id
    areas = _areas(snapshot, newest)
    if not areas:
        st.info("No drive recorded positions (`Vehicle.CurrentLocation`).")
        return
    area_box, trigger_box = st.columns(2)
    area = area_box.selectbox("Area", areas, format_func=_area_name)
    roads, tracks, events = _drawn(snapshot, newest, area)
    names = sorted({str(event["trigger"]) for event in events})
    trigger = trigger_box.selectbox("Events of", [ALL_TRIGGERS, *names])
    shown = [event for event in events if trigger in (ALL_TRIGGERS, event["trigger"])]
    st.altair_chart(map_chart(roads, tracks, shown, triggers))
    unmapped = "" if roads else " No road map is known here: the drives' tracks alone."
    st.caption(f"Discs are kept events, rings suppressed ones.{unmapped}")


def _area_name(area: places.Area) -> str:
    count = len(area.drive_ids)
    return f"{area.name} ({count} drive{'s' if count > 1 else ''})"


def _breakdown(snapshot: Snapshot) -> None:
    rows = queries.drives_by(snapshot).to_pylist()
    columns = st.columns(len(queries.ATTRIBUTES))
    for column, name in zip(columns, queries.ATTRIBUTES, strict=True):
        mine = [row for row in rows if row["attribute"] == name]
        column.altair_chart(charts.share_chart(mine, name))


def _health(snapshot: Snapshot) -> None:
    st.subheader("Ingest health", anchor=False)
    health = queries.health(snapshot)
    last = f"{health.last:%Y-%m-%d %H:%M} UTC" if health.last else "never"
    figures = {
        "Last ingest": last,
        "Commits": f"{health.commits:,}",
        "Planned": f"{health.planned:,}",
        "Done": f"{health.done:,}",
        "Quarantined": f"{health.quarantined:,}",
        "Failed": f"{health.failed:,}",
    }
    widths = [3, *[1] * (len(figures) - 1)]
    for column, (name, value) in zip(st.columns(widths), figures.items(), strict=True):
        column.metric(name, value)
    bad = queries.quarantine(snapshot)
    if not bad.num_rows:
        st.caption("Nothing in quarantine.")
        return
    count = st.column_config.NumberColumn("count", width="small")
    st.dataframe(
        bad.to_pylist(), hide_index=True, column_config={"count": count}, placeholder=MISSING
    )


page()
