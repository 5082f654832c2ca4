"""What a home without clips says: the next step, on a page where a page can do it."""

from ingest.schemas import DRIVES
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted

NO_DRIVES = (
    "No drives yet. Pages cannot add them: in a shell, `ridealong ingest` adds drives, and "
    "`ridealong demo` makes a whole fleet. "
)
THEN = "[Triggers](/triggers) say which moments become clips."


def first_clips(snapshot: Snapshot) -> str:
    """How a home gets its first clips, as Markdown."""
    drives = int(snapshot.query("select count(*) from drives", DRIVES)[0][0].as_py())
    if not drives:
        return NO_DRIVES + THEN
    return (
        f"No clips yet. There {'is' if drives == 1 else 'are'} {counted(drives, 'drive')}: "
        "[choose a trigger and apply it](/triggers) to cut clips from "
        f"{'it' if drives == 1 else 'them'}."
    )
