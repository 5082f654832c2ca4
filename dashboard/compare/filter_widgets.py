"""The widgets of the page Compare that decide which checks are shown, and how."""

from collections.abc import Sequence

import streamlit as st

from dashboard.compare.asked import change
from dashboard.compare.filters import KINDS, Filters, Known
from dashboard.compare.queries import Change
from dashboard.compare.state import VIEWS
from dashboard.theme import MARKS
from dashboard.widgets import set_widget
from dashboard.words import help_of
from metrics.gate.cells import Verdict


def filter_widgets(known: Known, filters: Filters, compared: bool) -> None:
    """The filters, in one row; with another run also that of changes."""
    choices: list[tuple[str, str, str, Sequence[str]]] = [
        ("Verdict", "verdicts", "verdict", list(Verdict)),
        ("Task", "tasks", "task", known.tasks),
        ("Camera", "cameras", "camera", known.cameras),
        ("Metric", "metrics", "metric", known.metrics),
        ("Slices by", "fields", "attribute", known.fields),
    ]
    if compared:
        choices.append(("Changed", "changed", "verdict", list(Change)))
    with st.container(horizontal=True):  # one message to the browser; columns are one each
        _kind(filters.show)
        for label, name, about, options in choices:
            _some_of(label, name, help_of(about), options, getattr(filters, name))
        _text(filters.text)


def view_widget(view: str) -> None:
    """The switch between the grid and the list."""
    set_widget("view", view)
    st.segmented_control(
        "View",
        VIEWS,
        key="view",
        label_visibility="collapsed",
        required=True,
        on_change=_changed,
        args=("view",),
    )


def _kind(show: str) -> None:
    set_widget("show", show or None)
    st.selectbox(
        "Checks",
        KINDS,
        key="show",
        placeholder="All",
        help=f"Required: {help_of('required')} Watched: {help_of('watched')}",
        on_change=_changed,
        args=("show",),
    )


def _some_of(
    label: str, name: str, about: str, options: Sequence[str], chosen: Sequence[str]
) -> None:
    set_widget(name, list(chosen))
    st.multiselect(
        label,
        options,
        format_func=_option,
        key=name,
        placeholder="All",
        help=about,
        on_change=_changed,
        args=(name,),
        wrap=False,
        disabled=not options,
    )


def _option(value: str) -> str:
    return f"{MARKS[Verdict(value)]} {value}" if value in set(Verdict) else value


def _text(text: str) -> None:
    set_widget("text", text)
    st.text_input(
        "Text",
        key="text",
        placeholder="car night",
        help="Words of the prediction, metric or slice; a check must have all of them.",
        on_change=_changed,
        args=("text",),
    )


def _changed(name: str) -> None:
    change(name, st.session_state[name])
