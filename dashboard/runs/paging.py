"""Pages of a table: the number in the address, and links to the newer and older ones."""

import streamlit as st

from dashboard.navigation import address
from dashboard.page_numbers import page_in
from dashboard.reports.markup import element
from ridealong.terminal.readable import counted


def page_asked() -> int:
    """The page that the address names, from 0; the first if it names none."""
    return page_in(st.query_params.get_all("page")) - 1


def page_links(one: str, number: int, count: int, size: int, **asked: object) -> None:
    """Links to the pages before and after, and how many rows there are.

    Args:
        one: What a row is, such as ``run``.
        number: This page, from 0.
        count: Rows of all pages.
        size: Rows of one page.
        asked: The other parameters of the address.
    """
    first, last = number * size + 1, min((number + 1) * size, count)
    shown = f"{first}-{last} of {counted(count, one)}" if first <= last else counted(count, one)
    parts = [element("span", shown)]
    if number > 0:
        parts.append(element("a", "← newer", href=address("runs", page=number, **asked)))
    if last < count:
        parts.append(element("a", "older →", href=address("runs", page=number + 2, **asked)))
    st.html(element("nav", *parts, class_="rn", aria_label="Pages"))
