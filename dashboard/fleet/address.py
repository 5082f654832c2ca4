"""What the address of the page Fleet says, and links that change it."""

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode

import streamlit as st

from dashboard.fleet.chosen import Chosen, Outcome, end_of, start_of
from dashboard.fleet.map_queries import Area
from dashboard.fleet.queries import Extent
from dashboard.page_numbers import page_in
from dashboard.text import plain

VIEWS = ("Map", "Conditions", "Ingest health")
FILTERS = ("vehicles", "triggers", "days", "events")
KNOWN = (*FILTERS, "tab", "area", "page")


def chosen_in(extent: Extent) -> Chosen:
    """The part of the fleet that the address names, without what the fleet does not have."""
    names = st.query_params.get_all
    days, outcome = _days(names("days"), extent), st.query_params.get("events")
    first, last = days or (extent.first, extent.last)
    return Chosen(
        tuple(name for name in extent.vehicles if name in names("vehicles")),
        tuple(name for name in extent.triggers if name in names("triggers")),
        Outcome(outcome) if outcome in list(Outcome) else None,
        start_of(first),
        end_of(last),
    )


def view_asked() -> str:
    """The view that is shown."""
    return asked if (asked := st.query_params.get("tab")) in VIEWS else VIEWS[0]


def page_asked(pages: int) -> int:
    """The page of the list of events, from 1."""
    return min(page_in(st.query_params.get_all("page")), pages)


def area_asked(areas: list[Area]) -> Area:
    """The area that is shown: the first of these if the address names none of them."""
    asked = st.query_params.get("area")
    return next((area for area in areas if area.name == asked), areas[0])


def link(without: Sequence[str] = (), **changed: object) -> str:
    """The address of this page with parameters changed, from the first page of the list."""
    pairs = [
        (name, value)
        for name in KNOWN
        if name not in (*changed, *without, "page")
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
            asked = plain(f"{name}={value}")
            st.warning(f"{asked} is not one of {', '.join(valid)}; it is left out.")
    days = st.query_params.get_all("days")
    if days and _days(days, extent) is None:
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


def _days(asked: list[str], extent: Extent) -> tuple[date, date] | None:
    """The first and the last day; None if they are not two days of the fleet."""
    try:
        first, last = map(date.fromisoformat, asked)
    except ValueError:  # also if they are not two
        return None
    return (first, last) if extent.first <= first <= last <= extent.last else None
