"""What actions have to say, shown at the top of the page until the next interaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from dashboard.text import plain
from dashboard.theme import palette

_KEY = "ridealong-messages"
# Over the free end of the navigation: seen wherever the page is scrolled to, and nothing moves.
_STYLE = """<style>
.st-key-messages { position: fixed; top: 0.3rem; right: 1rem; width: min(42rem, 50vw);
  z-index: 999999; background: %s; border-radius: 0.5rem; gap: 0.3rem; }
.st-key-messages [data-testid=stAlertContainer] { padding: 0.5rem 0.75rem; }
</style>"""


@dataclass(frozen=True)
class Message:
    """One sentence, and whether it is about a mistake."""

    text: str
    wrong: bool


def say(text: str, *, wrong: bool = False) -> None:
    """Show a sentence at the top of the page at its next run."""
    st.session_state.setdefault(_KEY, []).append(Message(text, wrong))


def show() -> None:
    """Show what was said; for dialogs and other fragments, where it then stands alone."""
    _draw(st.session_state.pop(_KEY, []))


@contextmanager
def shown() -> Iterator[None]:
    """Show what was said above the page that is laid out within; a run cut short keeps it."""
    messages: list[Message] = st.session_state.get(_KEY, [])
    seen = len(messages)
    place = st.container(key="messages")  # also without messages: the page keeps its place
    if messages:
        with place:
            st.html(_STYLE % palette().surface)
            _draw(messages)
    yield
    del messages[:seen]


def _draw(messages: list[Message]) -> None:
    for message in messages:
        (st.error if message.wrong else st.success)(plain(message.text))
