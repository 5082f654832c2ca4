"""How a page changes something: it asks for permission, does it, and records it."""

import sys
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dashboard import session
from dashboard.actions.audit import Entry, as_json, now_ns, record
from dashboard.actions.messages import say
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.terminal.readable import printable

Change = tuple[object, object]  # the states before and after, for the record
HERE = "localhost"  # Streamlit gives no address for a browser on this machine


def refusal() -> str | None:
    """Why this browser may change nothing, in a sentence; None if it may."""
    return session.permission().refusal(st.context.headers, st.context.cookies)


def act(
    action: str, subject: str, change: Callable[[Lake], Change], done: str | None = None
) -> bool:
    """Change something and record it; a mistake or a refusal is shown at the top of the page.

    Call it in the callback of a widget. The next run of the page sees the change, and `app` shows
    the message. In a fragment (a dialog), which is no whole run, call `messages.show` as well.

    Args:
        action: What is done, named like the command that does it, as in ``runs name``.
        subject: What it is done to, such as the id of a run.
        change: Does it, and returns the states before and after.
        done: The sentence to show when it was done; None shows nothing.

    Returns:
        Whether it was done.
    """
    who, address = session.permission().person(st.context.headers), st.context.ip_address
    known = address if isinstance(address, str) else HERE
    entry = Entry(now_ns(), who, known, action, subject)
    try:
        entry, error = _try(entry, change)
    except RidealongError as unrecorded:  # for example a full disk
        say(str(unrecorded), wrong=True)
        return False
    if error or done:
        say(error or str(done), wrong=error is not None)
    return error is None


def _try(entry: Entry, change: Callable[[Lake], Change]) -> tuple[Entry, str | None]:
    """Do it, and record it or why it was not done; also gives the sentence about a mistake.

    Raises:
        RidealongError: It cannot be recorded. Nothing was done if the home cannot be written.
    """
    if why := refusal():
        _record_refusal(replace(entry, refused=why))
        return entry, why
    lake = Lake.open(session.home())
    lake.require_writable()
    try:
        before, after = change(lake)
    except RidealongError as error:
        record(lake, replace(entry, refused=str(error)))
        return entry, str(error)
    entry = replace(entry, before=as_json(before), after=as_json(after))
    try:
        record(lake, entry)
    except RidealongError as error:
        raise RidealongError(f"it was done, but it could not be recorded: {error}") from error
    return entry, None


def _record_refusal(entry: Entry) -> None:
    """Record it in the lake; a read-only server writes nothing, so it says it to its terminal."""
    if session.permission().read_only:
        line = f"refused: {entry.action} {entry.subject} from {entry.address}: {entry.refused}"
        print(printable(line), file=sys.stderr, flush=True)
        return
    record(Lake.open(session.home()), entry)
