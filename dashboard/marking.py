"""Tags and the note of one clip, to be changed on the page that shows it."""

import streamlit as st

from dashboard import session
from dashboard.actions import acting
from dashboard.actions.acting import Change
from dashboard.words import help_of
from ingest.clips.notes import LONGEST_NOTE, note_of, replace_note
from ingest.clips.tags import MOST_TAGS, tag_clips, tags_of
from ridealong.lake import Lake, Snapshot
from ridealong.terminal.readable import listed

NOTE_PX = 96
MOST_NAMED = 20  # clips in the subject of an action; the record has all of them


def show_marks(clip_id: str) -> None:
    """Widgets for the tags and the note of a clip."""
    snapshot = session.snapshot(session.home())
    tags, note = st.columns(2, gap="medium")
    with tags:
        _tags(snapshot, clip_id)
    with note:
        _note(snapshot, clip_id)


def tag(clip_ids: list[str], add: list[str], remove: list[str], done: str | None = None) -> bool:
    """Change tags of clips as the person in the browser, and say ``done``; whether it was done."""

    def change(lake: Lake) -> Change:
        before = tags_of(lake.snapshot(), clip_ids)
        return before, tag_clips(lake, clip_ids, add, remove)

    return acting.act("clips tag", listed(clip_ids, MOST_NAMED), change, done)


def _tags(snapshot: Snapshot, clip_id: str) -> None:
    known = tags_of(snapshot)
    mine = known.get(clip_id, [])
    key = f"tags-{clip_id}"
    # Also after a refusal, and when a colleague changed them: what is stored is what is shown.
    st.session_state[key] = mine

    def changed() -> None:
        wanted = st.session_state[key]
        tag([clip_id], [t for t in wanted if t not in mine], [t for t in mine if t not in wanted])

    st.multiselect(
        "Tags",
        sorted({name for names in known.values() for name in names}),
        key=key,
        accept_new_options=True,
        max_selections=MOST_TAGS,
        placeholder="Choose or type a tag",
        help=acting.refusal() or help_of("tag"),
        disabled=acting.refusal() is not None,
        on_change=changed,
    )


def _note(snapshot: Snapshot, clip_id: str) -> None:
    stored = note_of(snapshot, clip_id)
    # The text that the writer began with: if a colleague changes the note meanwhile, the draft
    # stays, and saving it is refused.
    key, began = f"note-{clip_id}", f"note-seen-{clip_id}"
    if key not in st.session_state or st.session_state[key] == (st.session_state[began] or ""):
        st.session_state[key], st.session_state[began] = stored or "", stored

    def save() -> None:
        text, seen = st.session_state[key].strip(), st.session_state[began]

        def change(lake: Lake) -> Change:
            replace_note(lake, clip_id, seen, text)
            return seen, text or None

        if acting.act("clips note", clip_id, change):
            st.session_state[key], st.session_state[began] = text, text or None

    refusal = acting.refusal()
    st.text_area(
        "Note",
        key=key,
        height=NOTE_PX,
        max_chars=LONGEST_NOTE,
        placeholder="What should colleagues know about this clip?",
        help=refusal or help_of("note"),
        disabled=refusal is not None,
    )
    st.button("Save note", key=f"save-{clip_id}", on_click=save, disabled=refusal is not None)
