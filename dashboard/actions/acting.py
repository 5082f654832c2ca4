"""How a page changes something: it asks for permission, does it, and records it."""

from collections.abc import Callable

import streamlit as st

from dashboard import session
from dashboard.actions.audit import Entry, as_json, now_ns, record
from dashboard.text import plain
from ridealong.errors import RidealongError
from ridealong.lake import Lake

Change = tuple[object, object]  # the states before and after, for the record


def refusal() -> str | None:
    """Why this browser may change nothing, in a sentence; None if it may."""
    return None


def act(action: str, subject: str, change: Callable[[Lake], Change]) -> bool:
    """Change something and record it; a mistake or a refusal is shown on the page.

    Call it in the callback of a widget. The next run of the page sees the change.

    Args:
        action: What is done, named like the command that does it, as in ``runs name``.
        subject: What it is done to, such as the id of a run.
        change: Does it, and returns the states before and after.

    Returns:
        Whether it was done.
    """
    lake = Lake.open(session.home())
    entry = Entry(now_ns(), None, st.context.ip_address, action, subject)
    try:
        if why := refusal():
            raise RidealongError(why)
        before, after = change(lake)
    except RidealongError as error:
        st.toast(plain(str(error)))
        return False
    record(
        lake,
        Entry(
            entry.time_ns,
            entry.who,
            entry.address,
            action,
            subject,
            as_json(before),
            as_json(after),
        ),
    )
    session.snapshot.clear()
    return True
