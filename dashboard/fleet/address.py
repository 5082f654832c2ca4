"""What the address of the page Fleet says, and links that change it."""

from datetime import date
from urllib.parse import urlencode

import streamlit as st

from dashboard.fleet.chosen import Outcome
from dashboard.fleet.map_queries import Area
from dashboard.fleet.queries import Extent
from dashboard.text import plain

VIEWS = ("Map", "Conditions", "Ingest health")
# What is bound to a widget, Streamlit takes from the address when the page is left, also where the
# next page has a parameter of that name: so no page shares these names.
FILTERS = ("vehicles", "triggers", "days", "events")  # also the keys of their widgets
KNOWN = (*FILTERS, "tab", "area", "page")


def view_asked() -> str:
    """The view that is shown."""
    return asked if (asked := st.query_params.get("tab")) in VIEWS else VIEWS[0]


def page_asked(pages: int) -> int:
    """The page of the list of events, from 1."""
    asked = st.query_params.get("page", "1")
    return min(max(int(asked) if asked.isdecimal() and len(asked) < 10 else 1, 1), pages)


def area_asked(areas: list[Area]) -> Area:
    """The area that is shown: the first of these if the address names none of them."""
    asked = st.query_params.get("area")
    return next((area for area in areas if area.name == asked), areas[0])


def link(**changed: object) -> str:
    """The address of this page with parameters changed, from the first page of the list."""
    pairs = [
        (name, value)
        for name in KNOWN
        if name not in (*changed, "page")
        for value in st.query_params.get_all(name)
    ]
    return f"/fleet?{urlencode([*pairs, *changed.items()])}"


def warn(extent: Extent) -> None:
    """Say what the address names and the fleet does not have; it is ignored."""
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


def warn_of_area(areas: list[Area]) -> None:
    """Say that the address names an area which the fleet does not have."""
    asked = st.query_params.get("area")
    if asked is not None and asked not in [area.name for area in areas]:
        st.warning(f"There is no area {plain(asked)} in this home; another one is shown.")


def _are_days(days: list[str], extent: Extent) -> bool:
    try:
        first, last = map(date.fromisoformat, days)
    except ValueError:  # also if they are not two
        return False
    return extent.first <= first <= last <= extent.last
