"""Texts that are being edited in this browser: what was opened, and what became of it.

A draft remembers the version that it was opened from. So a change that somebody else saves
meanwhile is noticed, and the text stays until the person decides.
"""

from dataclasses import dataclass

import streamlit as st

from ingest.triggers.home import HomeTrigger

_DRAFTS = "trigger-drafts"


@dataclass
class Draft:
    """One text in the editor.

    Attributes:
        slot: Names it in this session: the trigger, a copy of one, or a new one.
        name: The trigger that was opened; None for a new one.
        base: The hash of the version that was opened; None for a new one.
        opened: That version's text.
        text: What is in the editor.
        loads: How often the editor was filled anew.
    """

    slot: str
    name: str | None
    base: str | None
    opened: str
    text: str
    loads: int = 0

    @property
    def key(self) -> str:
        """The editor's key: another one for each filling."""
        return f"trigger-editor-{self.slot}-{self.loads}"

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self.text != self.opened

    def read(self) -> None:
        """Take over what the editor has sent."""
        sent = st.session_state.get(self.key)
        if sent is not None and sent.get("text") is not None:
            self.text = str(sent["text"])

    def take(self, trigger: HomeTrigger) -> None:
        """Fill the editor with a version of the home."""
        self.base, self.opened, self.text = trigger.sha256, trigger.text, trigger.text
        self.loads += 1

    def saved(self, trigger: HomeTrigger) -> None:
        """The text was saved as this version."""
        self.base, self.opened = trigger.sha256, trigger.text


def draft_of(trigger: HomeTrigger) -> Draft:
    """The draft of a home's trigger; a text that nobody has changed follows the home's version."""
    slot = f"trigger-{trigger.name}"
    draft = _open(Draft(slot, trigger.name, trigger.sha256, trigger.text, trigger.text))
    if draft.base != trigger.sha256 and not draft.changed:
        draft.take(trigger)
    return draft


def new_draft(text: str, copied: str | None = None) -> Draft:
    """The draft of a new trigger, or of a copy of one."""
    return _open(Draft(f"copy-{copied}" if copied else "new", None, None, text, text))


def drop(draft: Draft) -> None:
    """Forget a draft."""
    _drafts().pop(draft.slot, None)


def _open(fresh: Draft) -> Draft:
    draft = _drafts().setdefault(fresh.slot, fresh)
    draft.read()
    return draft


def _drafts() -> dict[str, Draft]:
    found: dict[str, Draft] = st.session_state.setdefault(_DRAFTS, {})
    return found
