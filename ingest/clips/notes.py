"""Notes on clips: a few lines for colleagues."""

import time
import unicodedata

import pyarrow as pa

from ingest.clips.tags import known_clips
from ingest.schemas import CLIP_NOTES
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot, write_data_file

LONGEST_NOTE = 2000

# SQL: the newest note of each clip that was ever given one; null if it was removed.
NOTE_BY_CLIP = """
    select clip_id, arg_max_null(note, time_ns) as note from clip_notes group by clip_id
"""


def note_of(snapshot: Snapshot, clip_id: str) -> str | None:
    """A clip's note; None for none."""
    rows = snapshot.query(
        f"select note from ({NOTE_BY_CLIP}) where clip_id = ?", CLIP_NOTES, params=[clip_id]
    ).to_pylist()
    return rows[0]["note"] if rows else None


def note_clip(lake: Lake, clip: str, note: str) -> tuple[str, str | None]:
    """Give a clip a note in place of the one that it has; an empty text removes it.

    Args:
        lake: The lake.
        clip: The clip's id, or a unique prefix of it.
        note: The text. White space around it is removed.

    Returns:
        The clip's id and its note now.

    Raises:
        RidealongError: The clip is unknown, or the text is too long or has control characters.
    """
    text = _checked(note) or None
    (clip_id,) = known_clips(lake.snapshot(), [clip])
    row = {"clip_id": clip_id, "note": text, "time_ns": time.time_ns()}
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist([row], schema=CLIP_NOTES.schema)
    file = write_data_file(lake.home, commit_id, CLIP_NOTES, table)
    assert file is not None
    lake.commit(commit_id, "clips note", [file])
    return clip_id, text


def replace_note(lake: Lake, clip_id: str, seen: str | None, note: str) -> None:
    """Give a clip a note in place of the one that the writer has seen.

    Raises:
        RidealongError: The clip has another note by now, or `note_clip` refuses the new one.
    """
    now = note_of(lake.snapshot(), clip_id)
    if now != seen:
        raise RidealongError(
            f"the note was changed meanwhile; it is now {now!r}"
            if now
            else "the note was removed meanwhile",
            hint="copy your text, reload the page, and add it to the new note",
        )
    note_clip(lake, clip_id, note)


def _checked(note: str) -> str:
    text = note.strip()
    if len(text) > LONGEST_NOTE:
        raise RidealongError(
            f"the note has {len(text)} characters", expected=f"at most {LONGEST_NOTE}"
        )
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t\r" for one in text):
        raise RidealongError("the note has control characters", expected="plain text")
    return text
